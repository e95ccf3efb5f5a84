"""Accuracy at a budget of MACs, with random and fixed gates beside it."""
