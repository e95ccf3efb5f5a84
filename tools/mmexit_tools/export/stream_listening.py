"""What a model hears in streams by sound alone, through a simple filter: hits and false events, before and after a
change to the sounds it was trained on.

    python -m mmexit_tools.export.stream_listening --model MODEL --streams FOLDER [--streams FOLDER ...]
    python -m mmexit_tools.export.stream_listening --model MODEL --echoes DATA [--split SPLIT]

Every window of a stream, one a quarter second, goes through the last exit of the sound, with the file's weights in
float (int8 gives the same class in 99 windows of 100, many times slower here). A hidden Markov filter follows the
classes: it leaves `none` with LEAVE, stays in a command with STAY, and an event begins where a command's probability
passes a limit and ends where it falls below half of it. The limits tried are printed as a curve. The daemon's own
filter is measured by `mmexitctl evaluate --stream`; this one needs no daemon.

With `--echoes` it is single words in a quiet room, as they were recorded and in every echo of the split: of how many
the window that is surest of any command names this one, with more than half of the probability.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..base.errors import NO_INPUT, ToolError, exit_with, say
from ..base.readers import read_pcm
from ..quantize.modelfile import read_model
from ..sources.robot_data import CLASSES, COMMANDS, SPLITS, material
from ..sources.robot_sounds import RATE, to_pcm
from ..sources.robot_voices import audible, decibel, loudness, reverberant
from ..sources.surroundings import Clip, surroundings
from ..streams.hearing import USUAL, hush, words
from ..streams.plans import HAND
from ..streams.scoring import Event, Score, score
from ..streams.writing import read_truth
from ..training.robot_encoders import StoredExit, last_logits, stored_exit
from ..training.robot_mining import EMPTY, PERIOD, stream_features

LEAVE, STAY = 1e-2, 0.6
"""Chosen on streams of validation people: 1e-3 hears less at the same false events, 5e-2 no more."""
LIMITS = (0.1, 0.2, 0.3, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)
LEVEL = -5.0
"""dB from a usual level, of single words."""
MOST = 40
"""Single words of a command."""
SECOND = 1.0
"""A window's answer is there when its last sample is."""


@dataclass(frozen=True)
class Listener:
    """A robot-command model's encoder of sound."""

    heard: StoredExit
    temperature: float

    @staticmethod
    def read(path: Path) -> Listener:
        """Of any layers. Raises ToolError where the file hears nothing."""
        stored = read_model(path)
        heard = stored_exit(stored.quantized.graph)
        last = max(key for key in stored.exits if key[0] == "audio")
        return Listener(heard, stored.exits[last].temperature)

    def logits(self, values: NDArray) -> NDArray[np.float64]:
        """[windows, classes] of the last exit, divided by its temperature."""
        return last_logits(self.heard, values).numpy().astype(np.float64) / self.temperature


def filtered(logits: NDArray[np.float64], empty: int) -> NDArray[np.float64]:
    """Probabilities [windows, classes] of the classes given all windows so far."""
    classes = logits.shape[1]
    move = np.full((classes, classes), 0.0)
    for k in range(classes):
        if k == empty:
            move[k] = LEAVE / (classes - 1)
            move[k, k] = 1 - LEAVE
        else:
            move[k, k], move[k, empty] = STAY, 1 - STAY
    shifted = np.exp(logits - logits.max(1, keepdims=True))
    likely = shifted / shifted.sum(1, keepdims=True)
    state = np.zeros(classes)
    state[empty] = 1
    out = np.empty_like(likely)
    for i, row in enumerate(likely):
        state = (state @ move) * (row + 1e-6)
        state /= state.sum()
        out[i] = state
    return out


def events(probability: NDArray[np.float64], classes: Sequence[str], empty: int, limit: float) -> list[Event]:
    found: list[Event] = []
    held, begun = -1, 0.0
    for i, row in enumerate(probability):
        now = i * PERIOD / 16_000 + SECOND
        best = int(np.argmax(np.where(np.arange(len(row)) == empty, -1, row)))
        if held >= 0 and (row[held] < limit / 2 or (best != held and row[best] >= limit)):
            found.append(Event(begun, now, classes[held]))
            held = -1
        if held < 0 and row[best] >= limit:
            held, begun = best, now
    if held >= 0:
        found.append(Event(begun, len(probability) * PERIOD / 16_000 + SECOND, classes[held]))
    return found


def listen(listener: Listener, folder: Path) -> list[Score]:
    """One score for each limit; hands are left out of the truth, there is nothing to hear of them."""
    pcm, rate = read_pcm(folder / "audio.wav")
    probability = filtered(listener.logits(stream_features(pcm)), EMPTY)
    truth = [line for line in read_truth(folder / "truth.csv") if line.sensors != HAND]
    return [score(truth, events(probability, CLASSES, EMPTY, limit), len(pcm) / rate) for limit in LIMITS]


def words_known(listener: Listener, words: Sequence[Clip], echo: Clip | None, seed: int = 1) -> float:
    """The share of these words that is known in the echo; `kind` of a clip is its command."""
    rng, right = np.random.default_rng(seed), 0
    for word in words:
        said = word.values.astype(np.float32)
        first, last = audible(said)
        said = said[first:last] * np.float32(USUAL * decibel(LEVEL) / loudness(said))
        said, sound = reverberant(said, echo), hush(rng, 4 * RATE)
        begin = RATE + int(rng.integers(PERIOD))
        sound[begin : begin + len(said)] += said[: len(sound) - begin]
        logits = listener.logits(stream_features(to_pcm(sound)))
        likely = np.exp(logits - logits.max(1, keepdims=True))
        likely = np.delete(likely / likely.sum(1, keepdims=True), EMPTY, 1)
        right += CLASSES[int(likely.max(0).argmax())] == word.kind and likely.max() > 0.5
    return right / max(1, len(words))


def say_echoes(listener: Listener, data: Path, split: str) -> None:
    source, around = material(data, split), surroundings(data, split)
    clips = [Clip(w.who, c, w.values) for c in COMMANDS for w in words(c, source, around)[:MOST]]
    if not clips:
        raise ToolError(f"{data}: no word of the {split} split", NO_INPUT)
    say(f"{len(clips)} words; known without an echo {words_known(listener, clips, None):.3f}")
    for echo in around.echoes:
        say(f"{echo.who}, {echo.kind}: {words_known(listener, clips, echo):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--streams", type=Path, action="append", default=[], help="a stream, or a folder of them")
    parser.add_argument("--echoes", type=Path, help="the data folder: single words, echo by echo")
    parser.add_argument("--split", choices=SPLITS, default="test", help="whose words and rooms, with --echoes")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    listener = Listener.read(args.model)
    if args.echoes:
        say_echoes(listener, args.echoes, args.split)
        return
    if not args.streams:
        parser.error("give --streams or --echoes")
    folders = [f.parent for root in args.streams for f in sorted(root.glob("**/recording.json"))]
    if not folders:
        raise ToolError(f"--streams {args.streams[0]}: no stream there; tools/streams makes them", NO_INPUT)
    found = [listen(listener, folder) for folder in folders]
    totals = [sum(rows[1:], rows[0]) for rows in zip(*found, strict=True)]
    if args.json:
        print(json.dumps([{"limit": limit, "commands": s.commands, "heard": s.heard, "wrong_first": s.wrong_first,
                           "false_per_hour": s.false_per_hour, "hours": s.seconds / 3600}
                          for limit, s in zip(LIMITS, totals, strict=True)]))
        return
    say(f"{len(folders)} streams, {totals[0].seconds / 3600:.2f} h, {totals[0].commands} commands with a voice")
    for limit, total in zip(LIMITS, totals, strict=True):
        delay = f"{np.percentile(total.delays, 90):.2f} s" if total.delays else "-"
        say(f"limit {limit:<6} heard {total.heard:>4}  wrong first {total.wrong_first:>3}  false an hour "
            f"{total.false_per_hour:7.1f}  delay p90 {delay}")


if __name__ == "__main__":
    exit_with(main)
