"""ONNX's operators that are a function of one number: each as ONNX defines it, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from .graph import Operator

Curve = Callable[[Operator, NDArray[np.float64]], NDArray[np.float64]]
_erf = np.vectorize(math.erf, otypes=[np.float64])


def _number(o: Operator, key: str, default: float) -> float:
    return float(o.attributes.get(key, default))  # type: ignore[arg-type]


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without overflow on either side."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1.0) / (1 + e)


def _softplus(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _hard_sigmoid(x: NDArray[np.float64], alpha: float, beta: float) -> NDArray[np.float64]:
    return np.clip(alpha * x + beta, 0, 1)


def _elu(x: NDArray[np.float64], alpha: float, gamma: float = 1.0) -> NDArray[np.float64]:
    return gamma * np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x)


def _celu(x: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    return np.maximum(x, 0) + np.minimum(alpha * np.expm1(np.minimum(x, 0) / alpha), 0)


def _gelu(o: Operator, x: NDArray[np.float64]) -> NDArray[np.float64]:
    if o.attributes.get("approximate", b"none") in (b"tanh", "tanh"):
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + _erf(x / math.sqrt(2)))


def _shrink(x: NDArray[np.float64], bound: float, bias: float) -> NDArray[np.float64]:
    return np.where(x < -bound, x + bias, np.where(x > bound, x - bias, 0.0))


CURVES: Mapping[str, Curve] = {
    "Sigmoid": lambda o, x: _sigmoid(x),
    "HardSigmoid": lambda o, x: _hard_sigmoid(x, _number(o, "alpha", 0.2), _number(o, "beta", 0.5)),
    "HardSwish": lambda o, x: x * _hard_sigmoid(x, 1 / 6, 0.5),
    "Swish": lambda o, x: x * _sigmoid(_number(o, "alpha", 1.0) * x),
    "Tanh": lambda o, x: np.tanh(x),
    "Elu": lambda o, x: _elu(x, _number(o, "alpha", 1.0)),
    "Celu": lambda o, x: _celu(x, _number(o, "alpha", 1.0)),
    "Selu": lambda o, x: _elu(x, _number(o, "alpha", 1.67326319217681884765625),
                              _number(o, "gamma", 1.05070102214813232421875)),
    "Gelu": _gelu,
    "Erf": lambda o, x: _erf(x),
    "Softplus": lambda o, x: _softplus(x),
    "Softsign": lambda o, x: x / (1 + np.abs(x)),
    "Mish": lambda o, x: x * np.tanh(_softplus(x)),
    "Exp": lambda o, x: np.exp(np.minimum(x, 88.0)),
    "Abs": lambda o, x: np.abs(x),
    "Sqrt": lambda o, x: np.sqrt(np.maximum(x, 0)),
    "Log": lambda o, x: np.log(np.maximum(x, 1e-30)),
    "Sin": lambda o, x: np.sin(x),
    "Cos": lambda o, x: np.cos(x),
    "Sign": lambda o, x: np.sign(x),
    "Floor": lambda o, x: np.floor(x),
    "Ceil": lambda o, x: np.ceil(x),
    "Round": lambda o, x: np.rint(x),
    "ThresholdedRelu": lambda o, x: np.where(x > _number(o, "alpha", 1.0), x, 0.0),
    "Shrink": lambda o, x: _shrink(x, _number(o, "lambd", 0.5), _number(o, "bias", 0.0)),
    "LeakyRelu": lambda o, x: np.where(x < 0, _number(o, "alpha", 0.01) * x, x),
}
