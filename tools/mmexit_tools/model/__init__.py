"""The one description of a network, the torch module built from it, and its flat graph."""
