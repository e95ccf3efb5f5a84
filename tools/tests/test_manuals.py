"""tools/manuals: every option and key that a program tells is in its page; what has another form is refused."""

import importlib.machinery
import importlib.util
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
loader = importlib.machinery.SourceFileLoader("manuals", str(ROOT / "tools" / "manuals"))
manuals = importlib.util.module_from_spec(importlib.util.spec_from_loader("manuals", loader))
loader.exec_module(manuals)

USAGE = """usage: mmexitd --config FILE [--loud]
       mmexitd --version | --help

  --config FILE       configuration
  --loud              say more
"""
KEYS = """[daemon]
model
  takes: path
  default: not set
  Model file.

[event CLASS]
hold
  takes: duration, 0.0 s to 60.0 s
  default: 2s
  .How long - it goes on.
"""


def test_the_daemons_page_has_every_call_and_option():
    forms, options = manuals.read_usage(USAGE)
    assert forms == ["mmexitd --config FILE [--loud]", "mmexitd --version | --help"]
    page = manuals.daemon_page(forms, options, "1.2")
    for name, _, what in options:
        assert f"\\fB{manuals.escaped(name)}\\fR" in page and manuals.escaped(what) in page
    assert [name for name, _, _ in options] == ["--config", "--loud", "--version", "--help"]


def test_an_option_that_is_not_explained_is_refused():
    with pytest.raises(manuals.Unread, match="--quiet"):
        manuals.read_usage(USAGE.replace("[--loud]", "[--loud] [--quiet]"))


def test_the_configurations_page_has_every_section_and_key():
    sections = manuals.read_keys(KEYS)
    assert [title for title, _ in sections] == ["daemon", "event CLASS"]
    page = manuals.configuration_page(sections, "1.2")
    assert '.SH "[event CLASS]"' in page
    assert "\\fBhold\\fR (duration, 0.0 s to 60.0 s; default \\fB2s\\fR)\n\\&.How long \\- it goes on." in page
    assert "\\fBmodel\\fR (path; not set by default)" in page


@pytest.mark.parametrize("old, new", [("  takes: path", "path"), ("[daemon]", "daemon"), ("  Model file.\n", "")])
def test_keys_in_another_form_are_refused(old, new):
    with pytest.raises(manuals.Unread):
        manuals.read_keys(KEYS.replace(old, new))


def test_the_benchs_help_stands_behind_any_command(bench: pathlib.Path):
    for command in ([], ["run"], ["check", "--cases", "3"], ["days"]):
        run = subprocess.run([bench, *command, "--help"], capture_output=True, text=True, check=False)
        assert run.returncode == 0 and run.stdout.startswith("usage: mmexit-bench run") and not run.stderr
