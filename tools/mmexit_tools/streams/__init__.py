"""Recordings with commands in a stream of sound and pictures, and the truth about them."""
