"""Errors, progress, and readers of files: what every other package may use."""
