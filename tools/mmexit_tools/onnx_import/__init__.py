"""A quantized ONNX net as a model file of ours."""
