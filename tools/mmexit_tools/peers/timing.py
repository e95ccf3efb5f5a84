"""Times the engine and other runtimes on the same nets, in turns in one run: one thread, batch 1, medians and p99.

    python -m mmexit_tools.peers --bench ../.build/release/mmexit-bench --models ../config/models --models MODELS \
        --graphs GRAPHS --out ../docs/results/peers

For every MODELS/NET.safetensors (from onnx_import), the engine against all GRAPHS/NET_*.onnx in ONNX Runtime and
OpenVINO, and against the same net in LiteRT, int8 and float. Of every runtime the form that is fastest in a first
look goes into the run that counts. A runtime that is not installed is left out and named:
tools/requirements-peers.txt.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..base.errors import NO_INPUT, ToolError, text_out
from .models import NetFile, read_net
from .runtimes import Absent, Candidate, Inputs, engine, peers, versions


@dataclass(frozen=True)
class Row:
    """`ratio`: its median over the engine's, so above 1 where the engine is faster. `final`: from the run that
    counts, else from the first look. `same_answer`: the class it finds on the window is the engine's."""

    net: str
    runtime: str
    form: str
    median_us: float
    p99_us: float
    best_us: float
    ratio: float
    rounds: int
    final: bool
    same_answer: bool


def window(net: NetFile, seed: int) -> Inputs:
    """Noise over every input's whole range."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, shape in net.inputs.items():
        a = net.activations[net.sources[name]]
        codes = rng.uniform(-128, 127, shape)
        found[name] = ((codes - a["zero_point"]) * a["scale"]).astype(np.float32)
    return found


def in_turns(candidates: Sequence[Candidate], blocks: int, rounds: int) -> list[list[int]]:
    """All times of each; the first of a turn is another one every time."""
    times: list[list[int]] = [[] for _ in candidates]
    for block in range(blocks):
        for k in range(len(candidates)):
            place = (k + block) % len(candidates)
            times[place] += candidates[place].times(rounds)
    return times


def rows(net: str, candidates: Sequence[Candidate], times: Sequence[list[int]], final: bool) -> list[Row]:
    """`candidates[0]` is the engine."""
    base = float(np.median(times[0]))
    return [Row(net, c.runtime, c.form, float(np.median(t)) / 1000, float(np.percentile(t, 99)) / 1000, min(t) / 1000,
                float(np.median(t)) / base, len(t), final,
                int(np.argmax(c.answer)) == int(np.argmax(candidates[0].answer)))
            for c, t in zip(candidates, times, strict=True)]


def measure(args: argparse.Namespace, file: Path, folder: Path) -> tuple[list[Row], list[Absent]]:
    net = read_net(file)
    inputs = window(net, args.seed)
    graphs = sorted(args.graphs.glob(f"{file.stem}_*.onnx")) if args.graphs else []
    ours = engine(args.bench, file, inputs, folder, args.isa)
    scale = float(np.abs(ours.answer).max()) / 120 or 1.0
    found = list(peers(net, graphs, inputs, scale, versions()))
    absent = [f for f in found if isinstance(f, Absent)]
    all_forms = [ours, *(f for f in found if isinstance(f, Candidate))]
    first = rows(file.stem, all_forms, in_turns(all_forms, 2, args.rounds), False)
    best: dict[str, int] = {}
    for i, row in enumerate(first):
        # By the best round: with few rounds, what others on the machine take away moves a median.
        if row.runtime not in best or row.best_us < first[best[row.runtime]].best_us:
            best[row.runtime] = i
    chosen = [all_forms[i] for i in best.values()]
    return [*rows(file.stem, chosen, in_turns(chosen, args.blocks, args.rounds), True), *first], absent


def machine() -> dict[str, object]:
    """What the figures were taken on."""
    cpu, flags = platform.processor() or platform.machine(), set()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        fields = dict(line.split(":", 1) for line in info.read_text().splitlines() if ":" in line)
        named = {k.strip(): v.strip() for k, v in fields.items()}
        cpu = named.get("model name", cpu)
        flags = set(named.get("flags", named.get("Features", "")).split())
    known = ["sse4_1", "avx2", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8", "asimd", "asimddp", "i8mm"]
    return {"cpu": cpu, "cores": os.cpu_count(), "instructions": [f for f in known if f in flags],
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
            "python": platform.python_version(), "load": [round(x, 2) for x in os.getloadavg()]}


def summary(found: Sequence[Row]) -> list[str]:
    """A line a net: the engine against the fastest of the others."""
    lines = []
    for net in dict.fromkeys(r.net for r in found):
        final = [r for r in found if r.final and r.net == net]
        if len(final) > 1:
            best = min(final[1:], key=lambda r: r.median_us)
            least = min(r.best_us for r in final[1:])
            lines.append(f"| {net} | {final[0].median_us:.1f} | {best.median_us:.1f} | {best.runtime}, {best.form} | "
                         f"{final[0].median_us / best.median_us:.2f} | {final[0].best_us / least:.2f} |")
    return lines


def markdown(about: dict, found: Sequence[Row], absent: Sequence[Absent]) -> str:
    here, peers_here = about["machine"], about["versions"]
    named = ", ".join(f"{n} {v}" for n, v in peers_here.items() if v)
    cpu = f"{here['cpu']}, {here['cores']} cores ({', '.join(here['instructions'])}), {here['system']}"
    lines = ["# The engine beside other runtimes", "",
             f"Written by `{about['command']}` on {cpu}, load {here['load'][0]}; the engine by its path "
             f"`{about['path']}`; {named}; one thread, batch 1, {about['blocks']} turns of {about['rounds']} "
             "windows. `mmexit / best` is the engine's median over that of the fastest other runtime; where others "
             "load the machine, the ratio of the best rounds is the safer one.", "",
             "| net | engine us | fastest other us | which | mmexit / best | by the best rounds |",
             "| --- | ---: | ---: | --- | ---: | ---: |",
             *summary(found),
             "", "| net | runtime | form | median us | p99 us | best us | median / mmexit | same answer |",
             "| --- | --- | --- | ---: | ---: | ---: | ---: | --- |"]
    lines += [f"| {r.net} | {r.runtime} | {r.form} | {r.median_us:.1f} | {r.p99_us:.1f} | {r.best_us:.1f} | "
              f"{r.ratio:.2f} | {'yes' if r.same_answer else 'no'} |" for r in found if r.final]
    lines += ["", "First look, all forms (median us):", "", "| net | runtime | form | median us |",
              "| --- | --- | --- | ---: |"]
    lines += [f"| {r.net} | {r.runtime} | {r.form} | {r.median_us:.1f} |" for r in found if not r.final]
    lines += [f"\nNot measured: {a.what}: {a.reason}" for a in absent]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", type=Path, required=True, metavar="PROGRAM", help="mmexit-bench, a release build")
    parser.add_argument("--models", type=Path, action="append", required=True, metavar="FOLDER",
                        help="NET.safetensors of the engine; may be given again")
    parser.add_argument("--graphs", type=Path, metavar="FOLDER", help="NET_*.onnx for ONNX Runtime and OpenVINO")
    parser.add_argument("--out", type=Path, required=True, metavar="PREFIX", help="writes PREFIX.md, .csv and .json")
    parser.add_argument("--isa", metavar="NAME", help="the engine's path, as in mmexit-bench (the fastest here)")
    parser.add_argument("--net", action="append", default=[], help="only this net")
    parser.add_argument("--rounds", type=int, default=100, help="windows a turn (100)")
    parser.add_argument("--blocks", type=int, default=20, help="turns (20)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    files = [f for folder in args.models for f in sorted(folder.glob("*.safetensors"))
             if not args.net or f.stem in args.net]
    if not files or not args.bench.is_file():
        raise ToolError(f"{args.models[0] if not files else args.bench}: nothing to measure there", NO_INPUT)
    installed = versions()
    absent = [Absent(n, "not installed (tools/requirements-peers.txt)") for n, v in installed.items() if v is None]
    found: list[Row] = []
    about = {"machine": machine(), "versions": installed, "rounds": args.rounds, "blocks": args.blocks,
             "seed": args.seed, "path": args.isa or "the fastest here",
             "command": "python -m mmexit_tools.peers --models ../config/models --models MODELS --graphs GRAPHS"
                        + (f" --isa {args.isa}" if args.isa else "")}
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            here, missing = measure(args, file, Path(folder))
            found += here
            absent += missing
    write(args.out, about, found, absent)
    text_out(markdown(about, found, absent))


def write(prefix: Path, about: dict, found: Sequence[Row], absent: Sequence[Absent]) -> None:
    prefix.parent.mkdir(parents=True, exist_ok=True)
    # Whatever dots the prefix has are its own.
    def named(ending: str) -> Path:
        return prefix.with_name(prefix.name + ending)

    named(".md").write_text(markdown(about, found, absent))
    text = {**about, "rows": [asdict(r) for r in found], "absent": [asdict(a) for a in absent]}
    named(".json").write_text(json.dumps(text, indent=1) + "\n")
    with named(".csv").open("w", newline="") as out:
        table = csv.DictWriter(out, list(Row.__dataclass_fields__))
        table.writeheader()
        table.writerows(asdict(r) for r in found)
