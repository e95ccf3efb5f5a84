"""Freed memory is kept where the C library can."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import resource
import numpy as np
from mmexit_tools.base.allocation import keep_freed_memory
if {kept}:
    assert keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    np.ones(8_000_000)
before = faults()
for _ in range(20):
    np.ones(8_000_000)
print(faults() - before)
"""


def faults(kept: bool) -> int:
    ran = subprocess.run([sys.executable, "-c", PROGRAM.format(kept=kept)], cwd=Path(__file__).parents[1],
                         capture_output=True, text=True, check=True)
    return int(ran.stdout)


def test_the_same_large_array_is_not_mapped_anew_each_time() -> None:
    assert faults(kept=True) < faults(kept=False) / 4
