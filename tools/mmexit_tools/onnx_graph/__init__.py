"""An ONNX file as it is read, and evaluated exactly."""
