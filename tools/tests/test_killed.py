"""A short run of tools/killed on the programs that the Swift tests have built."""

import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def test_a_killed_daemon_loses_nothing_and_tells_of_every_cut():
    folders = [ROOT / ".build" / kind for kind in ("debug", "release")]
    programs = next((folder for folder in folders if (folder / "mmexitd").exists()), None)
    if programs is None:
        pytest.skip("mmexitd is not built; run tools/demo --fast")
    command = [ROOT / "tools" / "killed", "--rounds", "12", "--programs", programs]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "nothing lost, every cut told" in done.stdout
