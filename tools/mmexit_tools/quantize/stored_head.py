"""A gain head as the model file has it and the engine runs it (docs/model-format.md, `gain`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_LOGITS = 16
STEPS_PER_LOGIT = 8
STEPS_OF_ENTROPY = 127
LOWEST = -16.0


def logit_codes(logits: NDArray[np.float32], temperature: float, entropy: NDArray) -> NDArray[np.int16]:
    """[N, classes] to [N, kept]: the entropy in steps of 1/127, then how far each of the following logits lies below
    the largest, after the temperature, in steps of 1/8."""
    sorted_ = -np.sort(-np.asarray(logits, np.float32), axis=1)[:, :MOST_LOGITS]
    below = np.maximum((sorted_ - sorted_[:, :1]) / np.float32(temperature), np.float32(LOWEST))
    codes = np.rint(below * np.float32(STEPS_PER_LOGIT))
    codes[:, 0] = np.rint(np.clip(np.where(np.isfinite(entropy), entropy, 1), 0, 1) * STEPS_OF_ENTROPY)
    return codes.astype(np.int16)


@dataclass(frozen=True)
class Part:
    """Weights [hidden, n] over one kind of codes, a factor a row; `bias`: of looks alone, with which it comes and
    goes."""

    weight: NDArray[np.int8]
    scale: NDArray[np.float32]
    bias: NDArray[np.float32] | None = None

    def products(self, codes: NDArray) -> NDArray[np.float32]:
        """[N, hidden]; the sums are exact, so in any order. Of a look's codes a part may take the first alone."""
        sums = codes[:, : self.weight.shape[1]].astype(np.float64) @ self.weight.T.astype(np.float64)
        return self.scale * sums.astype(np.float32)


@dataclass(frozen=True)
class StoredHead:
    """Two dense layers with ReLU between; `looks` by modality, in the file's order."""

    logits: Part
    feature: Part | None
    looks: Mapping[str, Part]
    bias: NDArray[np.float32]
    output: NDArray[np.float32]
    output_bias: float

    @property
    def inputs(self) -> int:
        parts = [self.logits, *([self.feature] if self.feature else []), *self.looks.values()]
        return sum(p.weight.shape[1] for p in parts)

    @property
    def macs(self) -> int:
        """Without the looks' additions."""
        return len(self.bias) * (self.inputs + 1)

    @property
    def parameters(self) -> int:
        return len(self.bias) * (self.inputs + 2 + len(self.looks)) + 1

    def predict(self, logits: NDArray, feature: NDArray, looks: Mapping[str, NDArray],
                seen: Mapping[str, NDArray[np.bool_]] | None = None) -> NDArray[np.float32]:
        """Gain [N] in -1...1 from codes less their zero points; `seen`: where a modality can be looked at, by default
        everywhere. Added in float32 in the engine's order."""
        sums = self.bias + self.logits.products(logits)
        if self.feature:
            sums = sums + self.feature.products(feature)
        for name, part in self.looks.items():
            assert part.bias is not None
            with_look = (sums + part.products(looks[name])) + part.bias
            sums = with_look if seen is None else np.where(seen[name][:, None], with_look, sums)
        gain = np.full(len(sums), self.output_bias, np.float32)
        for row in range(len(self.bias)):
            gain = gain + self.output[row] * np.maximum(np.float32(0), sums[:, row])
        return np.clip(gain, np.float32(-1), np.float32(1))


def doubt(gain: NDArray[np.float32]) -> NDArray[np.float64]:
    """What stands in entropy's place: half of 1 + the gain, 0...1."""
    return ((np.float32(1) + gain) / np.float32(2)).astype(np.float64)
