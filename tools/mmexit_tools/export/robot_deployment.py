"""Sections of robot-command's card: a world where mostly nothing happens, kinds of window, a sensor missing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..base.exits import FUSION
from ..calibrate.calibration import Recording, Replay
from ..calibrate.exit_pool import Pool
from ..model.datasets import Batch
from ..model.networks import MultiExitNetwork
from ..sources.robot_data import CLASSES, NONE
from ..tasks.robot_command import MIXES
from ..training.trainer import predict
from .report import share_text, table

EMPTY = CLASSES.index(NONE)
WINDOWS_PER_SECOND = 4
Windows = Batch | Pool
"""What has labels and, by modality, what it saw."""
Answers = tuple[np.ndarray, np.ndarray]
"""Of full fusion and of the adaptive gate, int64 [N] each."""


def kinds(batch: Windows) -> dict[str, np.ndarray]:
    """Which windows are of which kind, by what each sensor saw."""
    voice, hand = batch.seen["audio"], batch.seen["image"]
    spoken, signed = voice != EMPTY, hand != EMPTY
    return {
        "both": spoken & (voice == hand),
        "voice": spoken & ~signed,
        "hand": signed & ~spoken,
        "nothing": ~spoken & ~signed,
        "conflict": spoken & signed & (voice != hand),
    }


def kinds_section(batch: Windows, answers: Answers) -> str:
    rows = []
    for name, here in kinds(batch).items():
        shares = [share_text(float((a == batch.labels)[here].mean()) if here.any() else None) for a in answers]
        rows.append([name, str(int(here.sum())), *shares])
    return "## Test by kind of window (int8)\n\n" + table(["kind", "windows", "full fusion", "adaptive"], rows)


def missing_section(alone: Mapping[str, np.ndarray], seen: Mapping[str, np.ndarray]) -> str:
    """Fusion's answer when one sensor is gone, against what the other one can know. `alone`: the classes, by who is
    left."""
    rows = [[f"{left} only", share_text(float((answer == seen[left]).mean()))] for left, answer in alone.items()]
    return "## Fusion with a sensor missing (test, float)\n\n" + table(["present", "right on what it can know"], rows)


def alone(model: MultiExitNetwork, batch: Batch) -> dict[str, np.ndarray]:
    """By modality, what fusion answers when it is the only one."""
    found = {}
    for left in batch.present:
        present = {m: p if m == left else np.zeros(len(batch), bool) for m, p in batch.present.items()}
        found[left] = predict(model, Batch(batch.inputs, present, batch.labels, batch.seen))[FUSION].argmax(1)
    return found


def asleep_section(windows: Windows, awake: Replay, asleep: Replay, recording: Recording) -> str:
    """The same thresholds where only the first sensor of the order is awake; others sleep until they are woken."""
    first, *others = awake.order
    woken = np.logical_or.reduce([asleep.woken[m] for m in others])
    rows = []
    for name, here in {**kinds(windows), "all": np.ones(len(windows.labels), bool)}.items():
        if not here.any():
            continue
        rows.append([name, *(share_text(float(v[here].mean())) for v in (awake.right, asleep.right, woken)),
                     share_text(1 - float(asleep.macs[here].mean()) / recording.total_macs)])
    head = ["kind", "all awake", f"{first} awake alone", "wakes another", "MACs saved"]
    return "\n".join([
        "## The others asleep (test, int8)\n",
        f"What the same rule does between two looks, when only {first} is awake: others are woken where it is",
        "not sure, and are in time. A hand without a word waits for the next look.\n", table(head, rows)])


def override_section(windows: Windows, without: Replay, outcome: Replay, recording: Recording) -> list[str]:
    """What asking a second sensor whether it says the overriding class changes; nothing where none is asked.
    `without`: the same windows where none is."""
    if recording.overriding is None or not recording.overrides:
        return []
    name = CLASSES[recording.overriding]
    told = windows.seen[outcome.order[1]] == recording.overriding
    sure = (without.left_at < recording.exits[outcome.order[0]]) & ~np.isin(
        without.answer, (EMPTY, recording.overriding))
    rows = []
    for kind, here in ((f"{outcome.order[1]} says {name}", told), ("all others", ~told)):
        asked = here & sure
        if asked.any():
            rows.append([kind, str(int(asked.sum())),
                         *(share_text(float(v[asked].mean())) for v in (outcome.answer != without.answer,
                                                                        without.right, outcome.right))])
    least = ", ".join(f"{m} {j} at {t:g}" for (m, j), t in recording.overrides.items())
    head = [f"of {len(recording):,} windows", f"{outcome.order[0]} sure of another command", "answer changed",
            "right without asking", "right"]
    return ["\n".join([
        f"## What overrides: {name} (test, int8)\n",
        f"A sure command of {outcome.order[0]} stands only where the next sensor's first exit does not say {name}:",
        f"its probability there is below a threshold ({least}). Else everything is fused.\n", table(head, rows)])]


def deployment_figures(batch: Windows, answers: np.ndarray, idle: Windows,
                       idle_answers: np.ndarray) -> dict[str, float]:
    """Rates from stratified windows: commands of the standard mix, nothing of both."""
    command = batch.labels != EMPTY
    nothing = np.concatenate([answers[kinds(batch)["nothing"]], idle_answers[kinds(idle)["nothing"]]])
    false = float((nothing != EMPTY).mean())
    per_hour = 3600 * WINDOWS_PER_SECOND
    share = MIXES["deployment"]["nothing"]
    return {
        "missed": float((answers[command] == EMPTY).mean()),
        "mistaken": float(((answers != EMPTY) & (answers != batch.labels))[command].mean()),
        "commands_per_hour": per_hour * (1 - share),
        "false_per_window": false,
        "nothing_windows": len(nothing),
        "false_per_hour": false * share * per_hour,
        # Rule of three: what no event in this many windows leaves possible with 95 %.
        "resolution_per_hour": 3 / max(1, len(nothing)) * share * per_hour,
    }


def deployment_section(batch: Windows, answers: Answers, idle: Windows, idle_answers: Answers) -> str:
    """98 % nothing, commands in the standard proportions."""
    found = [deployment_figures(batch, a, idle, i) for a, i in zip(answers, idle_answers, strict=True)]
    rows = [
        ["commands missed (answered none)", *(share_text(f["missed"]) for f in found)],
        ["commands taken for another", *(share_text(f["mistaken"]) for f in found)],
        [
            "misses per hour",
            *(f"{f['missed'] * f['commands_per_hour']:.0f} of {f['commands_per_hour']:.0f}" for f in found),
        ],
        ["false commands per hour", *(f"{f['false_per_hour']:.0f}" for f in found)],
    ]
    one = found[0]
    share = 100 * MIXES["deployment"]["nothing"]
    note = (
        f"Measured on {one['nothing_windows']:,.0f} windows without a command, a third of which hold another "
        "spoken word (far more than a quiet room does) and each of which counts alone: no activity check, no "
        "agreement of successive windows. What so many windows cannot tell from zero: "
        f"{one['resolution_per_hour']:.0f} an hour.\n"
    )
    title = f"## Deployment mix: {share:.0f} % nothing, {WINDOWS_PER_SECOND} windows a second (test, int8)\n"
    return "\n".join([title, table(["", "full fusion", "adaptive"], rows), note])
