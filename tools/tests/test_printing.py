"""Names out of files of others, as the tools print them: one line each, and nothing that a terminal obeys."""

from __future__ import annotations

import onnx
import pytest
from conftest import run_command
from qdq import Builder

from mmexit_tools.base.errors import printable
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
