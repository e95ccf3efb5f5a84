"""Training: the losses of every exit, the paper's weights of them, checkpoints."""
