"""What the guarantee of calibration is worth: on splits of real windows and on draws with a known truth."""
