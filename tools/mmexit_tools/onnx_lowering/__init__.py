"""Operators of a quantized ONNX graph in the engine's nodes, one by one."""
