"""Post-training int8, and the model file."""
