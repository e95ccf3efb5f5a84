"""The gate by the predicted gain of going on, taught on a network's validation windows (`calibrate.gain`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..base.exits import FUSION, ExitKey
from ..calibrate import gain
from ..calibrate.calibration import Recording, Thresholds, fit_temperature
from ..calibrate.gain import Fitted
from ..calibrate.settings_path import descend
from .gates import PRICES, STEPS, Bench, Curve, Point, filled, walk
from .said import Said


def inputs_of(said: Said, split: str, key: ExitKey, temperature: float, names: Sequence[str]) -> NDArray:
    """[N, inputs]: `logs`, `feature`, and `look MODALITY`, in this order."""
    parts = []
    for name in names:
        match name.split(" "):
            case ["logs"]:
                parts.append(gain.sorted_logs(getattr(said, split)[key], temperature))
            case ["feature"]:
                parts.append(said.features[split][key].astype(np.float32))
            case ["look", modality]:
                parts.append(said.looks[split][modality].astype(np.float32))
    return np.concatenate(parts, axis=1)


def teach(said: Said, order: Sequence[str]) -> tuple[dict[ExitKey, Fitted], dict[ExitKey, float]]:
    """A head for every exit, for modalities that run in this order; and the temperatures."""
    labels = said.labels["validation"]
    right = {k: (x.argmax(axis=1) == labels).astype(float) for k, x in said.validation.items()}
    temperatures = {k: fit_temperature(x, labels) for k, x in said.validation.items()}
    fold = gain.folds(said.groups, len(labels))
    heads = {}
    for key in said.validation:
        if key == FUSION:
            continue
        later = [f"look {m}" for m in order[order.index(key[0]) + 1 :] if m in said.looks["validation"]]
        choices = [("logs", "feature"), *([("logs", *later), ("logs", "feature", *later)] if later else [("logs",)])]
        candidates = {c: inputs_of(said, "validation", key, temperatures[key], c) for c in choices}
        heads[key] = gain.choose(candidates, right[FUSION] - right[key], fold)
    return heads, temperatures


def with_gain(recording: Recording, gains: Mapping[ExitKey, NDArray]) -> Recording:
    """The recording with the predicted gain in the place of entropy."""
    return dataclasses.replace(recording, entropy={**recording.entropy, **gains})


def billed(said: Said, bench: Bench, heads: Mapping[ExitKey, Fitted], order: Sequence[str],
           thresholds: Thresholds) -> Bench:
    """Costs with the heads of the exits that are on, and each look at the first of them that takes it."""
    costs = dict(bench.costs)
    seen: set[str] = set()
    for key in bench.plain["validation"].keys(order):
        if thresholds.get(key) is None:
            continue
        head = heads[key]
        looks = {n.removeprefix("look ") for n in head.inputs if n.startswith("look ")} - seen
        seen |= looks
        macs = costs[key].macs + head.head.macs + sum(said.look_macs[m] for m in looks)
        costs[key] = dataclasses.replace(costs[key], macs=macs, parameters=costs[key].parameters + head.head.macs)
    return dataclasses.replace(bench, costs=costs)


def curve(said: Said, bench: Bench, order: Sequence[str]) -> Curve:
    """Thresholds on the gain by descent, a setting for each price of a wrong answer, and steps between."""
    heads, temperatures = teach(said, order)
    gains = {"validation": {k: h.held_out for k, h in heads.items()},
             "test": {k: h.head.predict(inputs_of(said, "test", k, temperatures[k], h.inputs))
                      for k, h in heads.items()}}
    recordings = {s: with_gain(r, gains[s]) for s, r in bench.warmed.items()}
    found: dict[str, list[Point]] = {"validation": [], "test": []}
    known = recordings["validation"]
    settings = [(tuple(order), descend(known, order, price * known.total_macs)) for price in PRICES]
    for _, thresholds in filled(known, settings, STEPS):
        costs = billed(said, bench, heads, order, thresholds).costs
        macs = {k: c.macs for k, c in costs.items()}
        for split, recording in recordings.items():
            found[split].append(walk(dataclasses.replace(recording, macs=macs), costs, order, thresholds))
    return Curve(**found)
