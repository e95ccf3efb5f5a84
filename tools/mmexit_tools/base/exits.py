"""How an exit is named everywhere in these tools."""

ExitKey = tuple[str, int]
"""(modality, exit from 1); ("fusion", 0) is fusion."""
FUSION: ExitKey = ("fusion", 0)
