"""Algorithm 1 of the paper: double-stage adaptive re-weighting (eqs. 15-18).

Even epochs (counted from 1) train the last exit of every modality and fusion, odd ones all earlier exits. Exits in
the stage are weighed by a softmax over their running gradients whose temperature falls during training, divided by
the number of exits from there to the encoder's end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..base.exits import FUSION, ExitKey

READINGS = ("norm", "signed", "shared")
"""What the `g` of eq. 15 is, which the paper leaves open:

`norm` (A): mean norm of dLoss/dlogits: large where the exit is weak;
`signed` (B): mean of softmax_y - 1 (eq. 13): near 0 where it is strong, so strong exits weigh more;
`shared`: norm of the gradient of the exit's loss in its modality's first segment, which all its exits share."""
ALPHA = 0.98
"""Share of the old average that a step keeps (eq. 15)."""
TEMPERATURES = (1.0, 0.5)
"""First and last epoch's temperature of eq. 16, geometric in between."""
SHARED_EVERY = 8
"""Steps between two measurements of the `shared` reading: each costs a backward pass per exit."""


@dataclass(frozen=True)
class Algorithm1:
    """`exits`: number of exits of each modality; `epochs`: of the whole run."""

    exits: Mapping[str, int]
    epochs: int
    reading: str = "norm"
    joint: bool = False
    """Beyond the paper: both stages in every step, each with its own softmax, instead of in turns."""

    def temperature(self, epoch: int) -> float:
        first, last = TEMPERATURES
        return first * (last / first) ** (epoch / max(1, self.epochs - 1))

    def stage(self, epoch: int) -> Sequence[ExitKey]:
        """Eq. 17's exits and fusion in even epochs (from 1), eq. 18's in odd ones; without earlier exits always
        the former."""
        earlier = tuple((m, j) for m, count in self.exits.items() for j in range(1, count))
        last = (*self.exits.items(), FUSION)
        if self.joint:
            return (*earlier, *last)
        return earlier if earlier and (epoch + 1) % 2 == 1 else last

    def weights(self, epoch: int, gradients: Mapping[ExitKey, float]) -> dict[ExitKey, float]:
        """Eq. 16 over the stage's exits; fusion is not among them and weighs 1."""
        stage = self.stage(epoch)
        last = set(self.exits.items())
        found: dict[ExitKey, float] = {}
        for group in ([k for k in stage if k not in last], [k for k in stage if k in last]):
            exits = {k: gradients[k] for k in group if k != FUSION}
            found |= balance(exits, self.exits, self.temperature(epoch))
        return found | ({FUSION: 1.0} if FUSION in stage else {})


def balance(gradients: Mapping[ExitKey, float], exits: Mapping[str, int], temperature: float) -> dict[ExitKey, float]:
    """Eq. 16: softmax of gradient / temperature, over (exits from here to the encoder's end)."""
    top = max(gradients.values(), default=0.0)
    raised = {k: math.exp((g - top) / temperature) for k, g in gradients.items()}
    total = sum(raised.values())
    return {(m, j): r / total / (exits[m] - j + 1) for (m, j), r in raised.items()}


def running(old: float | None, new: float, alpha: float = ALPHA) -> float:
    """Eq. 15; the first value stands for itself."""
    return new if old is None else alpha * old + (1 - alpha) * new


def logit_gradients(reading: str, logits: Mapping[ExitKey, Tensor],
                    labels: Mapping[ExitKey, Tensor]) -> dict[ExitKey, float]:
    """Readings `norm` and `signed` of all exits at once; `logits[exit]` [N, C], `labels[exit]` [N]."""
    with torch.no_grad():
        stacked = torch.stack(list(logits.values()))
        wanted = functional.one_hot(torch.stack([labels[k] for k in logits]), stacked.shape[2])
        probabilities = stacked.softmax(2)
        if reading == "signed":
            mean = ((probabilities * wanted).sum(2) - 1).mean(1)
        else:
            mean = (probabilities - wanted).norm(dim=2).mean(1)
        return dict(zip(logits, mean.tolist(), strict=True))


def shared_gradients(losses: Mapping[ExitKey, Tensor],
                     parameters: Mapping[ExitKey, Sequence[nn.Parameter]]) -> dict[ExitKey, float]:
    """Reading `shared`: norm of each loss's gradient in the given parameters, 0 where it has none of them (an exit on
    the input); the graph is kept."""
    found = {}
    for key, loss in losses.items():
        parts = torch.autograd.grad(loss, list(parameters[key]), retain_graph=True, allow_unused=True)
        norms = [p.norm() for p in parts if p is not None]
        found[key] = float(torch.stack(norms).norm()) if norms else 0.0
    return found
