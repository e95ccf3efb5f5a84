"""Temperatures, thresholds, the order of the exits, and thresholds with a guarantee."""
