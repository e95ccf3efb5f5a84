"""Names out of files of others, as the tools print them: one line each, and nothing that a terminal obeys."""

from __future__ import annotations

import argparse
import importlib
import re
from pathlib import Path

import onnx
import pytest
from conftest import run_command
from qdq import Builder

from mmexit_tools.base.errors import printable
from mmexit_tools.commands import COMMANDS
from mmexit_tools.onnx_import import importing as onnx_import

HOSTILE = "a\x1b[2Jb\nerror: forged\r\u202ec\x9bd\u2028e"
SHOWN = "a\\u{1b}[2Jb\\nerror: forged\\r\\u{202e}c\\u{9b}d\\u{2028}e"


@pytest.mark.parametrize(("text", "shown"), [
    (HOSTILE, SHOWN), ("tab\there\x7f", "tab\\there\\u{7f}"), ("\udc80", "\\u{dc80}"),
    ("größe 日本 \\n 👩\u200d🚀", "größe 日本 \\n 👩\u200d🚀")])
def test_what_a_terminal_obeys_is_escaped(text, shown):
    """The second half of each is what the daemon prints of it, too (Tests/VocabularyTests/PrintableTextTests)."""
    assert printable(text) == shown


def net(name: str, refused: bool) -> onnx.ModelProto:
    b = Builder()
    x = b.rounded(b.input(name, 8), 0.05)
    if refused:
        return b.model(b.node("Resize", [x], HOSTILE))
    return b.model(b.gemm(HOSTILE, x, 8, 3))


@pytest.mark.parametrize("refused", [False, True])
def test_a_nets_names_are_escaped_in_notes_errors_and_the_summary(tmp_path, refused):
    path = tmp_path / "net.onnx"
    path.write_bytes(net(HOSTILE, refused).SerializeToString())
    ended = run_command(onnx_import, path, "--out", tmp_path / "o", "--check", "--windows", "1")
    assert ended.returncode == (65 if refused else 0), ended.stderr
    said = ended.stdout + ended.stderr
    assert SHOWN in said
    assert not set("\x1b\r\x9b\u202e\u2028") & set(said)
    assert not any(line.startswith("error: forged") for line in said.splitlines())


def test_a_files_name_is_escaped_in_errors(tmp_path):
    ended = run_command(onnx_import, tmp_path / "no\x1b[31m\nnet", "--out", tmp_path / "o")
    assert (ended.returncode, ended.stderr.count("\n")) == (66, 1)
    assert "no\\u{1b}[31m\\nnet: no such file" in ended.stderr


TOOLS = Path(__file__).parents[1] / "mmexit_tools"


def test_what_is_printed_goes_through_printable():
    """`say`, `text_out`, `note` and errors escape; a bare print is for our own texts, and JSON, which escapes."""
    allowed = {"base/errors.py", "commands.py"}
    for file in TOOLS.rglob("*.py"):
        if str(file.relative_to(TOOLS)) in allowed:
            continue
        for line in re.findall(r".*(?:\bprint\b(?!able)|std(?:out|err)\.write).*", file.read_text()):
            assert "json.dumps" in line or "printable(" in line, f"{file}: {line.strip()}"


def hostile_arguments(parser: argparse.ArgumentParser, folder: Path) -> list[str]:
    """Every file that a command may be given, under a name that a terminal would obey; and the rest it asks for."""
    given: list[str] = []
    for action in parser._actions:
        if action.dest == "answers":
            continue  # instead of --engine
        if action.type is Path:
            value = str(folder / (HOSTILE + action.dest))
        elif not action.required:
            continue
        elif action.choices:
            value = next(iter(action.choices))
        else:
            value = {"task": "avmnist"}.get(action.dest, "1")
        given += [*action.option_strings[:1], value]
    return given


@pytest.mark.parametrize("command", COMMANDS)
def test_a_hostile_name_reaches_no_terminal_from_any_command(tmp_path, monkeypatch, command):
    parse = argparse.ArgumentParser.parse_args
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args",
                        lambda parser, *_: parse(parser, hostile_arguments(parser, tmp_path)))
    module = importlib.import_module(f"mmexit_tools.{COMMANDS[command][0]}")
    if not hasattr(module, "main"):
        monkeypatch.setattr(module, "main", module._main, raising=False)
    ended = run_command(module)
    said = ended.stdout + ended.stderr
    assert SHOWN in said, said
    assert not set("\x1b\r\x9b\u202e\u2028") & set(said)
    assert not any(line.startswith("error: forged") for line in said.splitlines())


@pytest.mark.parametrize("command", ["onnx-calibrate", "compare"])
def test_what_a_manifest_names_is_escaped(tmp_path, command):
    (tmp_path / "m.csv").write_text(f'label,image\n7,"{HOSTILE}"\n')
    (tmp_path / "net.onnx").write_bytes(net("x", False).SerializeToString())
    model = TOOLS.parents[1] / "config/models/digits.safetensors"
    arguments = {"onnx-calibrate": (model, "--out", tmp_path / "o"),
                 "compare": ("--model", model, "--onnx", tmp_path / "net.onnx", "--engine",
                             tmp_path / "none")}[command]
    module = importlib.import_module(f"mmexit_tools.{COMMANDS[command][0]}")
    ended = run_command(module, *arguments, "--manifest", tmp_path / "m.csv")
    assert ended.returncode and SHOWN in ended.stderr, ended.stderr
    assert not set("\x1b\r\x9b\u202e\u2028") & set(ended.stdout + ended.stderr)
