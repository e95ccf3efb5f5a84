"""What synthetic speakers say: commands, words that are none, and sentences of plain text files.

Other words are those of Speech Commands' `_unknown_`, words that sound like a command or are said to a machine, and
the most frequent words of the text. What sounds just like a command (`know`, `write`) is neither.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ..base.errors import DATA, NO_INPUT, ToolError
from ..sources.robot_data import COMMANDS

_UNKNOWN = """
bed bird cat dog eight five four happy house marvin nine one seven sheila six three tree two wow zero backward
forward follow learn visual
"""
_ALIKE = """
low though toe doe glow ghost yo yeah yep yet guess jess app pup cup top stock staff stuff shop chop town
drown brown noun love laugh lift loft let ride ripe rice light bright night white an in and often awful cough
oh so slow show throw row grow goal gold coat goat note nope not nod snow us ups upper update uh bus but
puff rough enough stopped step stomp start stand store story wrong ran rang rail red read wrist leaf leave
lend lest laughed life less led lead sit set said sad yell yam yard year gas guest gosh god got gone dark dad
done darn dot duck tower bound around about out how now cow vow own lawn long honest awesome offer office
officer hello hi hey please thanks sorry okay robot computer music play pause turn open close lights door
kitchen dinner table window water coffee phone call wait come here there move back front side fast faster
quick next again more less maybe later never always someone people mother father sister brother baby
"""
UNKNOWN, ALIKE = tuple(_UNKNOWN.split()), tuple(_ALIKE.split())
SAME = ("know", "write", "wright", "rite", "knows", "nose", "dawn", "don")
"""Sound like a command, or like one to many."""
FREQUENT = 700
SHORTEST, LONGEST = 4, 24
"""Words of a sentence."""
QUOTES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u201c": None, "\u201d": None, '"': None})


def passages(files: Iterable[Path]) -> list[str]:
    """The sentences of plain text, in its order: letters and punctuation only, without quotes. In fortune's files
    lines of `%` part passages; a line that begins with `--`, and what follows it there, tells whose words they are.

    Raises ToolError for a file that cannot be read, and where no sentence is found."""
    found: list[str] = []
    names = list(files)
    for name in names:
        try:
            text = name.read_text(encoding="utf-8-sig").translate(QUOTES)
        except FileNotFoundError:
            raise ToolError(f"{name}: no such file; --text wants files of plain English text", NO_INPUT) from None
        except (OSError, UnicodeDecodeError) as error:
            raise ToolError(f"{name}: not plain text in UTF-8 ({error})", DATA) from None
        parts = text.split("\n%\n")
        for passage in parts:
            said = re.sub(r"\n\s*--.*", "", passage, flags=re.DOTALL) if len(parts) > 1 else passage
            found += [s for s in re.split(r"(?<=[.!?])\s+", re.sub(r"\s+", " ", said)) if _plain(s)]
    if not found:
        raise ToolError(f"{', '.join(map(str, names))}: no plain English sentence of {SHORTEST} to {LONGEST} words, "
                        "letters and .,!?;:'- only", DATA)
    return found


def shuffled(sentences: Sequence[str], seed: int) -> list[str]:
    mixed = list(sentences)
    np.random.default_rng(seed).shuffle(mixed)
    return mixed


def frequent(sentences: Iterable[str], count: int = FREQUENT) -> list[str]:
    """The most frequent words of three letters or more that are no command, most frequent first."""
    counted = Counter(w for s in sentences for w in re.findall(r"(?<![a-z'])[a-z]{3,}(?![a-z'])", s.lower()))
    return [w for w, _ in counted.most_common(count) if w not in COMMANDS and w not in SAME]


def _plain(sentence: str) -> bool:
    """No list, no table, no shouting."""
    words = [w for w in sentence.split() if any(c.isalpha() for c in w)]
    return (SHORTEST <= len(words) <= LONGEST and sum(c.isupper() for c in sentence) < 8
            and re.fullmatch(r"[A-Za-z ,.!?;:'\-]+", sentence) is not None)
