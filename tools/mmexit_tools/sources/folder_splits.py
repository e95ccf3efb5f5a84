"""Splits of a user's windows: people who are measured on are not trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ..base.errors import ToolError, note

SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
LEAST = len(SHARES)
"""Windows that a class needs: one for each split."""
Named = tuple[str, str, str]
"""(class, window, group); the group is empty where there is none."""


def group_of(name: str) -> str:
    """What stands before the first `_`; empty where there is none."""
    return name.split("_", 1)[0] if "_" in name else ""


def split_names(windows: Sequence[Named], settings: str) -> dict[str, tuple[int, ...]]:
    """Indices of each split: by group where there are at least three, else by window within each class; the order is
    that of a hash. Raises ToolError, which names the file `settings`, where a class would not be trained on."""
    groups = sorted({group for _, _, group in windows if group}, key=_hash)
    if len(groups) >= LEAST:
        place = dict(zip(groups, _places(len(groups)), strict=True))
        loose = [f"{label}/{name}" for label, name, group in windows if not group]
        place |= dict(zip(sorted(loose, key=_hash), _places(len(loose)), strict=True))
        of = [place[group or f"{label}/{name}"] for label, name, group in windows]
    else:
        if groups:
            notice(f"{len(groups)} groups are too few to keep apart, windows are split one by one: what is measured "
                   "holds for these people only")
        of = [""] * len(windows)
        for label in sorted({label for label, _, _ in windows}):
            mine = sorted((k for k, w in enumerate(windows) if w[0] == label), key=lambda k: _hash(windows[k][1]))
            for k, split in zip(mine, _places(len(mine)), strict=True):
                of[k] = split
    splits = {s: tuple(k for k, where in enumerate(of) if where == s) for s in SHARES}
    unseen = sorted({w[0] for w in windows} - {windows[k][0] for k in splits["train"]})
    if unseen:
        raise ToolError(f"nobody in the training split has {', '.join(unseen)}; record it with more groups, or write "
                        f'`group = "none"` into {settings}')
    return splits | {"all": tuple(range(len(windows)))}


def _places(count: int) -> list[str]:
    """The split of each of `count` in hash order: at least one each for validation and test where there are three."""
    held = [max(1, round(count * SHARES[s])) if count >= LEAST else 0 for s in ("validation", "test")]
    return ["validation"] * held[0] + ["test"] * held[1] + ["train"] * (count - sum(held))


def _hash(name: str) -> bytes:
    return hashlib.sha256(f"mmexit {name}".encode()).digest()


def notice(text: str) -> None:
    note(text)
