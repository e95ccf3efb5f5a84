"""MLPerf Tiny's four nets, with random weights of a fixed seed, as graphs for other runtimes.

    python -m mmexit_tools.peers.nets --out GRAPHS      (with the environment of tools/requirements.txt: PyTorch)

writes GRAPHS/NET_fp32.onnx and GRAPHS/NET_int8_FORM.onnx, quantized by ONNX Runtime to QDQ with a scale a channel.
FORM: `u8s8` and `s8s8`, of activations and weights; all take and give float32. What a weight is worth changes no
time; normalizations are set from draws, so that values keep their size through the layers.
(Banbury et al., "MLPerf Tiny Benchmark", 2021.)
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_linear_bn_eval

from ..base.errors import exit_with, say

SEED, OPSET, DRAWS = 20261127, 13, 6


def convolution(channels: int, out: int, kernel: int | tuple[int, int] = 3, stride: int | tuple[int, int] = 1,
                groups: int = 1, padding: int | tuple[int, int] | None = None) -> nn.Sequential:
    """With normalization and ReLU."""
    if padding is None:
        padding = kernel // 2 if isinstance(kernel, int) else (kernel[0] // 2, kernel[1] // 2)
    return nn.Sequential(nn.Conv2d(channels, out, kernel, stride, padding, groups=groups, bias=False),
                         nn.BatchNorm2d(out), nn.ReLU())


def separable(channels: int, out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(convolution(channels, channels, 3, stride, channels), convolution(channels, out, 1))


class Residual(nn.Module):
    """ResNet's block of two convolutions. [N, channels, H, W] to [N, out, H / stride, W / stride]."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(convolution(channels, out, 3, stride), nn.Conv2d(out, out, 3, 1, 1),
                                  nn.BatchNorm2d(out))
        same = stride == 1 and channels == out
        self.short = nn.Identity() if same else nn.Conv2d(channels, out, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.short(x))


def ending(channels: int, classes: int) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)]


def autoencoder() -> nn.Sequential:
    """A sound's 640 mel values to themselves, through 8."""
    sizes = [640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640]
    layers: list[nn.Module] = []
    for given, out in pairwise(sizes):
        layers += [nn.Linear(given, out), nn.BatchNorm1d(out), nn.ReLU()]
    return nn.Sequential(*layers[:-2])


def resnet8() -> nn.Sequential:
    blocks = [Residual(16, 16, 1), Residual(16, 32, 2), Residual(32, 64, 2)]
    return nn.Sequential(convolution(3, 16), *blocks, *ending(64, 10))


def kws() -> nn.Sequential:
    """Keywords, DS-CNN."""
    stem = convolution(1, 64, (10, 4), 2, padding=(5, 1))
    return nn.Sequential(stem, *[separable(64, 64) for _ in range(4)], *ending(64, 12))


def vww() -> nn.Sequential:
    """Whether a person is there: MobileNetV1 of a quarter width."""
    widths = [(8, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 128, 2), *[(128, 128, 1)] * 5,
              (128, 256, 2), (256, 256, 1)]
    return nn.Sequential(convolution(3, 8, 3, 2), *[separable(*w) for w in widths], *ending(256, 2))


NETS: dict[str, tuple[Callable[[], nn.Sequential], tuple[int, ...]]] = {
    "autoencoder": (autoencoder, (640,)), "resnet8": (resnet8, (3, 32, 32)), "kws": (kws, (1, 49, 10)),
    "vww": (vww, (3, 96, 96)),
}
"""The net and the extents of its input, without the batch."""


class Draws:
    """Calibration windows for `quantize_static`: normal values. `name`: of the graph's input."""

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        rng = np.random.default_rng(7)
        self.windows: Iterator[dict[str, NDArray]] = iter(
            [{name: rng.normal(0, 1, (1, *shape)).astype(np.float32)} for _ in range(DRAWS)])

    def get_next(self) -> dict[str, NDArray] | None:
        return next(self.windows, None)


def settled(net: nn.Sequential, shape: tuple[int, ...]) -> nn.Module:
    """With the statistics of its normalizations from draws."""
    net.train()
    with torch.no_grad():
        for _ in range(5):
            net(torch.randn(8, *shape))
    net.eval()
    if not isinstance(net[1], nn.BatchNorm1d):
        return net
    # The exporter folds the normalizations of convolutions only.
    layers = list(net)
    folded = [fuse_linear_bn_eval(a, b) if isinstance(b, nn.BatchNorm1d) else a for a, b in pairwise([*layers, None])]
    return nn.Sequential(*[n for n in folded if not isinstance(n, nn.BatchNorm1d)])


def write(name: str, folder: Path) -> None:
    import onnxruntime.quantization as quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    make, shape = NETS[name]
    torch.manual_seed(SEED)
    net = settled(make(), shape)
    folder.mkdir(parents=True, exist_ok=True)
    given = folder / f"{name}_fp32.onnx"
    torch.onnx.export(net, (torch.randn(1, *shape),), str(given), input_names=["x"], output_names=["y"],
                      opset_version=OPSET, dynamo=False)
    with tempfile.TemporaryDirectory() as here:
        ready = f"{here}/ready.onnx"
        quant_pre_process(str(given), ready, skip_symbolic_shape=True)
        for form, kind in (("u8s8", quantization.QuantType.QUInt8), ("s8s8", quantization.QuantType.QInt8)):
            quantization.quantize_static(ready, str(folder / f"{name}_int8_{form}.onnx"), Draws("x", shape),
                                         quant_format=quantization.QuantFormat.QDQ, per_channel=True,
                                         activation_type=kind, weight_type=quantization.QuantType.QInt8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, metavar="GRAPHS")
    parser.add_argument("--net", action="append", choices=sorted(NETS), help="only this net; may be given again")
    args = parser.parse_args()
    # The exporter and the quantizer give advice that is not wanted here.
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    for name in args.net or NETS:
        write(name, args.out)
        say(f"{args.out / name}_*.onnx")


if __name__ == "__main__":
    exit_with(main, "peers.nets")
