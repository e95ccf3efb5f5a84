"""What a sensor gives, and the features the engine makes of it."""
