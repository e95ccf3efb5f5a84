"""How order and sensors follow scenes that change: writes docs/results/adaptation.md.

    tools/adaptation --data DATA --work FOLDER --out docs/results/adaptation.md

Makes each scene in FOLDER (`tools/scenes`), plays it with several configurations (`mmexitctl evaluate --stream
--minutes`), keeps what came of it as JSON in FOLDER, and removes the recording. What is there already is not made
again. Ends with what `mmexit-bench` says of resampled days. Both programs have to be built in release.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..base.errors import NO_INPUT, ToolError, exit_with, say
from .courses import FIXED, FOLLOWS, RARE, TRIED, Course, Phase
from .scenes import SCENES, make
from .tables import report
from .turns import EVERYTHING

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = ROOT / ".build/release"
LAMBDAS = (0.5, 4.0)
"""Joules that a right answer is worth: the shipped figure, and one at which a camera pays."""
PLAYED = (("steady", 1, 1), ("steady", 10, 1), ("steady", 50, 1), ("covered", 10, 1), ("night", 10, 1),
          ("deaf", 10, 1), ("wind", 10, 1), ("long", 10, 1), ("faint", 10, 1), ("storm", 10, 1),
          ("covered", 1, 1), ("deaf", 1, 1))
"""Scene, prevalence in percent, seed."""
SHORT = (("wind", 10), ("deaf", 1))
"""Where following falls short of a fixed order."""
PAYING = (("covered", 10),)
"""Played with the higher worth too."""
PERIOD = "250ms"
RATE = 10
"""Pictures a second. A camera settles for three of them after each wake, so that fewer make a wake dear."""
BUDGETS = (0.25, 0.5, 0.75)
"""Shares of what always everything takes."""


def variants(worth: float) -> Mapping[str, dict[str, dict[str, str]]]:
    """Changes of `config/live.conf`, by section."""
    value = {"value-of-right-answer": f"{worth:g}J"}
    still = {"reorder": "no"}
    return {
        FOLLOWS: {"gate": value},
        "audio first": {"gate": {**value, "first": "audio"}, "adaptation": still},
        "image first": {"gate": {**value, "first": "image"}, "adaptation": still},
        "paper's order": {"gate": {**value, "order": "paper"}, "adaptation": still},
        TRIED[0]: {"gate": {**value, "max-blind-after-event": ""}},
        TRIED[1]: {"gate": value, "events": {"keep-awake": "no"}},
        RARE: {"gate": {**value, "max-blind": "60s", "max-blind-after-event": ""}},
        EVERYTHING: {
            "gate": {**value, "threshold": "0", "max-blind": PERIOD, "max-blind-after-event": "",
                     "activity-check": "no"},
            "adaptation": {**still, "audits": "no"}},
    }


def changed(text: str, changes: Mapping[str, Mapping[str, str]]) -> str:
    """The configuration with other values; an empty one takes the key out."""
    lines: list[str] = []
    section, left = "", {s: dict(keys) for s, keys in changes.items()}

    def close() -> None:
        lines.extend(f"{k} = {v}" for k, v in left.pop(section, {}).items() if v)

    for line in text.splitlines():
        if line.startswith("["):
            close()
            section = line.strip("[] ")
        key = line.split("=")[0].strip()
        if "=" in line and not line.startswith("#") and key in left.get(section, {}):
            if value := left[section].pop(key):
                lines.append(f"{key} = {value}")
            continue
        lines.append(line)
    close()
    for section in list(left):
        lines.append(f"[{section}]")
        close()
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Player:
    """`tables`: takes what is there, and plays nothing. `keep`: recordings stay."""

    data: Path
    work: Path
    tables: bool = False
    keep: bool = False

    def course(self, scene: str, prevalence: int, seed: int, worth: float, variant: str) -> Course:
        return self._course(scene, prevalence, seed, worth, variant, variants(worth)[variant])

    def budget(self, scene: str, prevalence: int, seed: int, watts: float, share: float) -> Course:
        """The scene with so many watts."""
        changes = variants(LAMBDAS[0])[FOLLOWS] | {"adaptation": {"budget": f"{watts:.4f}W"}}
        return self._course(scene, prevalence, seed, LAMBDAS[0], f"budget {share:g}", changes)

    def _course(self, scene: str, prevalence: int, seed: int, worth: float, variant: str,
                changes: Mapping[str, Mapping[str, str]]) -> Course:
        configuration = changed((ROOT / "config/live.conf").read_text(), changes)
        # What was played with another model, other settings or another program is none of it.
        stamp = hashlib.sha256(configuration.encode() + player_digest()).hexdigest()[:8]
        found = self.work / f"{scene}-{prevalence}-{seed}.{worth:g}.{variant.replace(' ', '-')}.{stamp}.json"
        if self.tables and not found.exists():
            raise FileNotFoundError(found)
        if not found.exists():
            file = found.with_suffix(".conf")
            file.write_text(configuration.replace("models/", f"{ROOT}/config/models/"))
            found.write_text(output([
                "mmexitctl", "evaluate", "--stream", str(self.made(scene, prevalence, seed)), "--config", str(file),
                "--json", "--minutes", *(["--turns"] if variant == EVERYTHING else [])]))
            file.unlink()
        phases = [Phase(p.name, p.start, p.end) for p in SCENES[scene]]
        return Course(scene, prevalence, seed, worth, variant, phases, json.loads(found.read_text()))

    def made(self, scene: str, prevalence: int, seed: int) -> Path:
        folder = self.work / f"{scene}-{prevalence}-{seed}"
        if not (folder / "recording.json").exists():
            make(scene, self.data, "test", prevalence, seed, RATE, folder)
        return folder

    def forget(self, scene: str, prevalence: int, seed: int) -> None:
        folder = self.work / f"{scene}-{prevalence}-{seed}"
        if self.keep or self.tables:
            return
        for file in folder.glob("*"):
            file.unlink()
        if folder.exists():
            folder.rmdir()


@cache
def player_digest() -> bytes:
    """Of the model and the program that plays."""
    files = (ROOT / "config/models/robot-command.safetensors", PROGRAMS / "mmexitctl")
    return b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)


def output(command: list[str]) -> str:
    run = subprocess.run([PROGRAMS / command[0], *command[1:]], check=False, capture_output=True, text=True)
    if run.returncode:
        raise ToolError(f"{' '.join(command)}: {run.stderr.strip()}", NO_INPUT)
    return run.stdout


def courses(player: Player, only: list[str] | None) -> Iterable[Course]:
    for scene, prevalence, seed in PLAYED:
        if only and f"{scene}-{prevalence}" not in only:
            continue
        try:
            yield from list(_scene(player, scene, prevalence, seed))
        except FileNotFoundError:
            say(f"{scene}, {prevalence} %: has not been played")
            continue
        player.forget(scene, prevalence, seed)
        say(f"{scene}, {prevalence} %")


def _scene(player: Player, scene: str, prevalence: int, seed: int) -> Iterable[Course]:
    if not player.tables:
        player.made(scene, prevalence, seed)
    wanted = [(worth, variant) for worth in LAMBDAS for variant in variants(worth)
              if (variant != RARE or scene == "steady") and (variant not in TRIED or (scene, prevalence) in SHORT) and
              (worth == LAMBDAS[0] or ((scene, prevalence) in PAYING and variant in (FOLLOWS, *FIXED)))]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda w: player.course(scene, prevalence, seed, *w), wanted))
        if scene == "long":
            full = next(c for c in found if c.variant == EVERYTHING)
            watts = full.joules / full.seconds
            found += pool.map(lambda share: player.budget(scene, prevalence, seed, share * watts, share), BUDGETS)
    return found


def benches(audits: Path | None) -> list[tuple[str, str]]:
    """What `mmexit-bench` is asked, and says."""
    asked = [["mmexit-bench", "order", "--modalities", "12", "--windows", "512"]]
    model = ["--model", "config/models/robot-command.safetensors", "--audits", str(audits)] if audits else []
    asked += [["mmexit-bench", "days", *model, "--events", e] for e in ("1", "10", "50")]
    return [(" ".join("AUDITS" if a == str(audits) else a for a in command), output(command)) for command in asked]


def main() -> None:
    parser = argparse.ArgumentParser(prog="adaptation", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--audits", type=Path, help="what 'mmexitctl evaluate --audit --json' says of held-out "
                        "windows, from which days are drawn; else they are made up")
    parser.add_argument("--tables", action="store_true", help="only of the scenes that were played already")
    parser.add_argument("--keep", action="store_true", help="recordings stay in FOLDER, one to three GB each")
    parser.add_argument("--only", action="append", metavar="SCENE-PERCENT", help="such as night-10")
    parser.add_argument("--no-benches", action="store_true", help="without resampled days and the time a plan takes")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if not args.data.is_dir():
        raise ToolError(f"--data {args.data}: no such folder", NO_INPUT)
    args.work.mkdir(parents=True, exist_ok=True)
    found = list(courses(Player(args.data, args.work, args.tables, args.keep), args.only))
    args.out.write_text(report(found, [] if args.no_benches else benches(args.audits)))


if __name__ == "__main__":
    exit_with(main, "adaptation")
