"""`tools/masked-peers/patch.py`: `cpuid` where it is an instruction, and nowhere else."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("capstone")
PATCH = Path(__file__).resolve().parents[1] / "masked-peers" / "patch.py"

# The same two bytes as an instruction, within a constant of an instruction, and as data.
SOURCE = """
#if !defined(__x86_64__)
#error for another CPU
#endif
#include <stdint.h>
const unsigned char data[4] = {0x0f, 0xa2, 0x0f, 0xa2};
uint32_t constant(uint32_t x) { return x * 3 + 7 + (x ^ 0x11a20f22u) + (x >> 3) * 5 + (x << 2); }
uint32_t asked(uint32_t leaf) {
  uint32_t a = leaf, b = 0, c = 0, d = 0;
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  return a ^ (b + 3) ^ (c * 5) ^ (d >> 1);
}
uint32_t behind(uint32_t x) { return (x * 11 + 5) ^ (x >> 7) ^ (x * 13) ^ (x << 9); }
"""


def load():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("patch", PATCH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A shared library of SOURCE."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    source, made = tmp_path / "asks.c", tmp_path / "asks.so"
    source.write_text(SOURCE)
    built = subprocess.run(
        [compiler, "-O1", "-shared", "-fPIC", str(source), "-o", str(made)], capture_output=True, check=False
    )
    if built.returncode != 0:
        pytest.skip("not x86-64")
    return made


def test_only_the_instruction_is_replaced(library: Path):
    before = library.read_bytes()
    done = subprocess.run([sys.executable, PATCH, library], capture_output=True, text=True, check=True)
    after = library.read_bytes()
    patch = load()
    assert done.stdout == "asks.so: 1 cpuid\n"
    changed = [i for i in range(len(before)) if before[i] != after[i]]
    assert len(before) == len(after) and len(changed) == 1
    at = changed[0] - 1
    assert before[at : at + 2] == patch.CPUID and after[at : at + 2] == patch.UD2
    assert before.count(patch.CPUID) == after.count(patch.CPUID) + 1 >= 4
    assert any(first <= at < first + length for first, length in patch.code(before))


def test_what_is_no_library_stays(tmp_path: Path):
    text = tmp_path / "text.so"
    text.write_bytes(b"\x0f\xa2" * 100)
    done = subprocess.run([sys.executable, PATCH, text], capture_output=True, text=True, check=True)
    assert done.stdout == "" and text.read_bytes() == b"\x0f\xa2" * 100
