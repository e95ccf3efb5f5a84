"""Errors that end a command with one line and a sysexits code."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Callable

USAGE = 64
DATA = 65
NO_INPUT = 66
UNAVAILABLE = 69
SOFTWARE = 70
CANNOT_CREATE = 73


class ToolError(Exception):
    """What is wrong, where, and what to do, in one line; `code` is the exit status."""

    def __init__(self, message: str, code: int = DATA) -> None:
        super().__init__(message)
        self.code = code


JOINERS = "\u200c\u200d"
"""What scripts and emoji are written with."""
PLAIN = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: object) -> str:
    """Text as one line that commands no terminal and forges no line of a journal, as the daemon prints it: newline,
    return and tab as `\\n`, `\\r` and `\\t`, other control characters, separators of lines and what is not seen as
    `\\u{1b}`. Names out of files of others go through this."""
    return "".join(c if c in JOINERS or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
                   else PLAIN.get(c, f"\\u{{{ord(c):x}}}") for c in str(text))


def note(text: object) -> None:
    """A line on stderr."""
    print(f"note: {printable(text)}", file=sys.stderr)


def say(*lines: object) -> None:
    """Lines on stdout, each of its own argument; seen at once, a long run's too."""
    print("\n".join(printable(line) for line in lines), flush=True)


def text_out(text: str) -> None:
    """A text of several lines on stdout, as a file holds it: tables and documents."""
    say(*text.removesuffix("\n").split("\n"))


def exit_with(main: Callable[[], None], name: str | None = None) -> None:
    """Run a command's main function; a `ToolError` or an OS error becomes one line on stderr. `name`: what its help
    calls it, where that is not the file's name."""
    if name is not None:
        sys.argv[0] = name
    try:
        main()
        sys.stdout.flush()
    except ToolError as error:
        print(f"error: {printable(str(error).strip())}", file=sys.stderr)
        sys.exit(error.code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {printable(f'{where}{error.strerror or error}')}", file=sys.stderr)
        sys.exit(NO_INPUT if isinstance(error, FileNotFoundError) else CANNOT_CREATE)
    except KeyboardInterrupt:
        sys.exit(130)
