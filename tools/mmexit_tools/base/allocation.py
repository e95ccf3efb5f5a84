"""How the C library keeps memory."""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, MMAP_MAX = -1, -4
"""mallopt(3): M_TRIM_THRESHOLD, M_MMAP_MAX."""


def keep_freed_memory() -> bool:
    """Has glibc keep what is freed for what is allocated next. Each step of a training allocates and frees the same
    large arrays; mapped anew each time, clearing their pages takes about as long as the step itself.

    False, and nothing is changed, where the C library knows no such setting."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(mallopt and mallopt(MMAP_MAX, 0) and mallopt(TRIM_THRESHOLD, 2**31 - 1))
