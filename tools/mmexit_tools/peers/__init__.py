"""The engine timed against other runtimes on the same nets."""
