"""Networks as people have them, exported by torch and quantized by ONNX Runtime's `quantize_static`: small and of
random weights, and each exact."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from test_onnx_operators import FLOAT
from torch import nn

from mmexit_tools.onnx_graph.graph import read_onnx
from mmexit_tools.onnx_import.check import compare, drawn
from mmexit_tools.onnx_import.features import features
from mmexit_tools.onnx_import.model import import_onnx

quantization = pytest.importorskip("onnxruntime.quantization")
SIDE = 32


def layer(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1,
          act: type[nn.Module] = nn.ReLU6) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
                         nn.BatchNorm2d(outputs), act())


class Gate(nn.Module):
    """Squeeze and excite: by convolutions over one cell, or by dense layers and a view."""

    def __init__(self, channels: int, act: type[nn.Module] = nn.Hardsigmoid, dense: bool = False) -> None:
        super().__init__()
        inner = max(4, channels // 4)
        self.dense = dense
        self.a = nn.Linear(channels, inner) if dense else nn.Conv2d(channels, inner, 1)
        self.b = nn.Linear(inner, channels) if dense else nn.Conv2d(inner, channels, 1)
        self.act = act()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.dense:
            gate = self.act(self.b(torch.relu(self.a(x.mean([2, 3])))))
            return x * gate.view(x.size(0), -1, 1, 1).expand_as(x)
        return x * self.act(self.b(torch.relu(self.a(nn.functional.adaptive_avg_pool2d(x, 1)))))


class Block(nn.Module):
    """The inverted residual of MobileNetV2 and V3."""

    def __init__(self, inputs: int, inner: int, outputs: int, kernel: int, stride: int, act: type[nn.Module],
                 gated: bool = False) -> None:
        super().__init__()
        self.skip = stride == 1 and inputs == outputs
        gate = [Gate(inner)] if gated else []
        self.body = nn.Sequential(layer(inputs, inner, 1, act=act), layer(inner, inner, kernel, stride, inner, act),
                                  *gate, layer(inner, outputs, 1, act=nn.Identity))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x) if self.skip else self.body(x)


class MobileNetV2(nn.Module):
    """Of width 1/8: expansions, strides and repetitions are the paper's (Sandler et al. 2018, table 2)."""

    def __init__(self) -> None:
        super().__init__()
        stages = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                  (6, 320, 1, 1)]
        layers, inputs = [layer(3, 8, 3, 2)], 8
        for expansion, width, count, stride in stages:
            for i in range(count):
                outputs = max(8, width // 8)
                layers.append(Block(inputs, inputs * expansion, outputs, 3, stride if i == 0 else 1, nn.ReLU6))
                inputs = outputs
        self.features, self.last = nn.Sequential(*layers, layer(inputs, 64, 1)), nn.Linear(64, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.features(x).mean([2, 3]))


class MobileNetV3Small(nn.Module):
    """Of width 1/4: kernels, gates, activations and strides are the paper's (Howard et al. 2019, table 2)."""

    def __init__(self) -> None:
        super().__init__()
        relu, swish = nn.ReLU, nn.Hardswish
        rows = [(3, 16, 16, True, relu, 2), (3, 72, 24, False, relu, 2), (3, 88, 24, False, relu, 1),
                (5, 96, 40, True, swish, 2), (5, 240, 40, True, swish, 1), (5, 240, 40, True, swish, 1),
                (5, 120, 48, True, swish, 1), (5, 144, 48, True, swish, 1), (5, 288, 96, True, swish, 2),
                (5, 576, 96, True, swish, 1), (5, 576, 96, True, swish, 1)]
        layers, inputs = [layer(3, 8, 3, 2, act=swish)], 8
        for kernel, inner, width, gated, act, stride in rows:
            layers.append(Block(inputs, inner // 4, width // 4, kernel, stride, act, gated))
            inputs = width // 4
        self.features = nn.Sequential(*layers, layer(inputs, 144, 1, act=swish), nn.AdaptiveAvgPool2d(1),
                                      nn.Flatten())
        self.last = nn.Sequential(nn.Linear(144, 64), nn.Hardswish(), nn.Dropout(), nn.Linear(64, 5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.features(x))


def gated(act: type[nn.Module], dense: bool) -> nn.Module:
    return nn.Sequential(layer(3, 12, 3, 2), Gate(12, act, dense), layer(12, 16, 3, 2, act=nn.SiLU),
                         Gate(16, act, dense), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5))


NETS = {"mobilenet-v2": MobileNetV2, "mobilenet-v3-small": MobileNetV3Small,
        "squeeze-excite": lambda: gated(nn.Sigmoid, False),
        "squeeze-excite-dense": lambda: gated(nn.Hardsigmoid, True)}
INT8, UINT8 = quantization.QuantType.QInt8, quantization.QuantType.QUInt8
WAYS = {"default": {}, "int8-channels": {"per_channel": True, "activation_type": INT8, "weight_type": INT8},
        "uint8": {"activation_type": UINT8, "weight_type": UINT8}}


class Draws(quantization.CalibrationDataReader):
    def __init__(self) -> None:
        rng = np.random.default_rng(7)
        self.windows = iter([{"x": rng.normal(0, 1, (1, 3, SIDE, SIDE)).astype(np.float32)} for _ in range(4)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.windows, None)


def quantized(net: nn.Module, folder: Path, way: str, opset: int) -> Path:
    """With an open batch; normalizations have the statistics of drawn windows."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with torch.no_grad():
        for _ in range(3):
            net.train()(torch.randn(8, 3, SIDE, SIDE))
    real, ready, found = (folder / f"{n}.onnx" for n in ("float", "ready", way))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        torch.onnx.export(net.eval(), (torch.randn(1, 3, SIDE, SIDE),), str(real), input_names=["x"],
                          output_names=["y"], opset_version=opset, dynamo=False, dynamic_axes={"x": {0: "batch"}})
    proto = onnx.load(real)
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save(proto, real)
    quant_pre_process(str(real), str(ready), skip_symbolic_shape=True)
    quantization.quantize_static(str(ready), str(found), Draws(), quant_format=quantization.QuantFormat.QDQ,
                                 **WAYS[way])
    return found


@pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is None, reason="onnxruntime is not installed")
@pytest.mark.parametrize(("name", "way", "opset"), [
    *((n, "default", 17) for n in NETS), *((n, "int8-channels", 14) for n in NETS),
    ("mobilenet-v2", "uint8", 13), ("squeeze-excite", "uint8", 17)])
def test_networks_of_the_quantizer_are_exact(tmp_path, bench, name, way, opset):
    torch.manual_seed(20261128)
    path = quantized(NETS[name](), tmp_path, way, opset)
    source = read_onnx(path)
    model = import_onnx(source, features(source.inputs, (), source.channels_last)[0])
    file = tmp_path / "net.safetensors"
    file.write_bytes(model.file())
    exact, runtime = compare(model, path, file, drawn(model, 2), bench, True)
    assert exact.largest <= FLOAT, exact
    assert runtime.largest <= 1 + FLOAT, runtime
