"""From a checkpoint to the daemon's model and its card; the same graph as ONNX; drawings of single windows."""
