"""Synthetic speakers: words and sentences by networks that speak, as training material."""
