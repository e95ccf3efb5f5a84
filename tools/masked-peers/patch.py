"""Turns `cpuid` into `ud2` in shared libraries, in place: `patch.py LIB.so ...`.

The two bytes also occur within other instructions and among constants, so each place is disassembled from many bytes
before it; most ways in must arrive there."""

import struct
import sys
from pathlib import Path

from capstone import CS_ARCH_X86, CS_MODE_64, Cs

CPUID, UD2 = b"\x0f\xa2", b"\x0f\x0b"
EXECUTABLE, PROGRAM = 4, 1


def code(content: bytes) -> list[tuple[int, int]]:
    """Offset and size of the executable sections of an ELF file of 64 bits; none of another file."""
    if content[:5] != b"\x7fELF\x02":
        return []
    start, = struct.unpack_from("<Q", content, 0x28)
    size, count = struct.unpack_from("<HH", content, 0x3A)
    found = []
    for i in range(count):
        _, kind, flags, _, offset, length = struct.unpack_from("<IIQQQQ", content, start + i * size)
        if flags & EXECUTABLE and kind == PROGRAM:
            found.append((offset, length))
    return found


def is_instruction(content: bytes, at: int, first: int, disassembler: Cs) -> bool:
    """Whether an instruction begins at `at`; its section begins at `first`."""
    yes = no = 0
    for begin in range(max(at - 60, first), at - 19):
        for found in disassembler.disasm(content[begin : at + 16], begin):
            if found.address == at:
                yes += 1
                break
            if found.address + found.size > at:
                no += 1
                break
    return yes > no and yes >= 5


def main() -> None:
    disassembler = Cs(CS_ARCH_X86, CS_MODE_64)
    for path in map(Path, sys.argv[1:]):
        content = path.read_bytes()
        changed, places = bytearray(content), 0
        for first, length in code(content):
            at = content.find(CPUID, first, first + length)
            while at >= 0:
                if is_instruction(content, at, first, disassembler):
                    changed[at : at + 2] = UD2
                    places += 1
                at = content.find(CPUID, at + 1, first + length)
        if places:
            path.write_bytes(changed)
            print(f"{path.name}: {places} cpuid")


if __name__ == "__main__":
    main()
