"""A network that others have trained on very much speech, for a teacher to begin with.

The convolutions of "speech_embedding" (Lin et al., 2020, arXiv 2002.01322; Google, Apache-2.0), as the package
openwakeword brings them in ONNX: requirements-teacher.txt. Its last layer, which makes an embedding, is left out, and
maps keep their length in time. Nothing of it goes into a shipped model but what a student has learned from it.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from ..base.errors import DATA, ToolError

FRAMES, BANDS = 97, 32
"""Of the spectrogram of one second: 25 ms every 10 ms, up to 3.8 kHz."""
WIDTH = 96
HIDDEN = 192
DROPOUT = 0.3


@cache
def package() -> Path:
    """The folder of the package's ONNX files. Raises ToolError where it is not installed."""
    found = importlib.util.find_spec("openwakeword")
    folder = Path(found.origin).parent / "resources/models" if found and found.origin else None
    if folder is None or not (folder / "embedding_model.onnx").exists():
        raise ToolError("the pretrained teacher needs: pip install --no-deps -r requirements-teacher.txt", DATA)
    return folder


@cache
def _mel_session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(package() / "melspectrogram.onnx", options)


def spectrograms(pcm: np.ndarray) -> np.ndarray:
    """float16 [n, FRAMES, BANDS] of int16 [n, 16000]: what the trunk was trained on."""
    parts = [_mel_session().run(None, {"input": pcm[i : i + 256].astype(np.float32)})[0][:, 0]
             for i in range(0, len(pcm), 256)]
    return (np.concatenate(parts) / 10 + 2).astype(np.float16)


class _Floor(nn.Module):
    def __init__(self, least: float) -> None:
        super().__init__()
        self.least = least

    def forward(self, x: Tensor) -> Tensor:
        return x.clamp(min=self.least)


def _trunk() -> nn.Sequential:
    graph = onnx.load(package() / "embedding_model.onnx").graph
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    layers: list[nn.Module] = []
    for node in graph.node:
        values = [torch.tensor(constants[i]) for i in node.input if i in constants]
        options = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        match node.op_type:
            case "Conv":
                layers.append(_convolution(values[0], values[1] if len(values) > 1 else None))
            case "BatchNormalization":
                norm = nn.BatchNorm2d(len(values[0]), eps=options["epsilon"])
                for own, value in zip((norm.weight, norm.bias, norm.running_mean, norm.running_var), values,
                                      strict=True):
                    assert own is not None
                    own.data.copy_(value)
                layers.append(norm)
            case "Relu":
                layers.append(nn.ReLU())
            case "LeakyRelu":
                layers.append(nn.LeakyReLU(options["alpha"]))
            case "Max":
                layers.append(_Floor(float(values[0])))
            case "MaxPool":
                layers.append(nn.MaxPool2d(options["kernel_shape"], options["strides"]))
            case "Pad" | "Reshape":  # one picture's padding, and its layout
                pass
            case other:
                raise ToolError(f"embedding_model.onnx: {other} is not known; openwakeword 0.4.0 is wanted", DATA)
    return nn.Sequential(*layers[:-1])


def _convolution(weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    out, inner, height, width = weight.shape
    layer = nn.Conv2d(inner, out, (height, width), padding=(height // 2, width // 2))
    with torch.no_grad():
        layer.weight.copy_(weight)
        if layer.bias is not None:
            layer.bias.zero_() if bias is None else layer.bias.copy_(bias)
    return layer


class SpeechTeacher(nn.Module):
    """[n, 1, FRAMES, BANDS] to logits [n, classes]: the trunk, and what of it is strongest anywhere in the second."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.trunk = _trunk()
        self.hidden, self.logits = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, classes)
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.trunk(x)[..., 0].transpose(1, 2)  # [n, 12, WIDTH]
        return self.logits(self.drop(torch.relu(self.hidden(self.drop(maps))).amax(1)))
