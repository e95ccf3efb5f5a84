"""Training, calibration, quantization and export of mmexit's multi-exit multi-modal networks."""
