"""The paper's method against its baselines: trained, measured, tabulated."""
