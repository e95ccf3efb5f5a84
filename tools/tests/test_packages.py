"""The packages of the tools: imports lead downward only, and every command starts."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from mmexit_tools.commands import COMMANDS

ROOT = Path(__file__).parents[1] / "mmexit_tools"
LAYERS = (
    ("base",), ("signals",), ("model",), ("sources", "onnx_graph"), ("synthetic",), ("tasks",), ("manifests",),
    ("streams", "quantize", "mixing"), ("training", "onnx_lowering"), ("calibrate",), ("export",),
    ("comparison", "guarantee", "onnx_import", "peers"), ("budgets",),
)
"""From the bottom up; a package imports from lower layers and from itself."""
LARGEST = 15
"""Files of a package, beside its `__init__` and `__main__`."""
MODULES = sorted(p for p in ROOT.rglob("*.py") if p.parent != ROOT)


def imported(path: Path) -> set[str]:
    """The packages of ours that a file imports from, wherever in the file."""
    here = path.relative_to(ROOT).parent.parts
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not any(a.name.startswith("mmexit_tools") for a in node.names), f"{path}: import relatively"
        if isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith("mmexit_tools"), f"{path}: import relatively"
            if node.level:
                base = here[: len(here) - (node.level - 1)]
                names = [node.module] if node.module else [a.name for a in node.names]
                found |= {(*base, *n.split("."))[0] for n in names}
    return found


def test_every_package_has_a_layer() -> None:
    packages = {p.name for p in ROOT.iterdir() if (p / "__init__.py").exists()}
    assert packages == {name for layer in LAYERS for name in layer}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_lead_downward(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0]
    level = next(i for i, layer in enumerate(LAYERS) if own in layer)
    allowed = {own, *(name for layer in LAYERS[:level] for name in layer)}
    assert imported(path) <= allowed


def test_packages_are_small() -> None:
    for package in ROOT.iterdir():
        files = [f for f in package.glob("*.py") if f.stem not in ("__init__", "__main__")]
        assert len(files) <= LARGEST, f"{package.name} holds {len(files)} files"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_names_a_module_with_a_main(name: str) -> None:
    module = importlib.import_module(f"mmexit_tools.{COMMANDS[name][0]}")
    assert callable(getattr(module, "main", None) or getattr(module, "_main", None))


@pytest.mark.parametrize("module", ["training", "export", "manifests", "comparison", "guarantee", "onnx_import",
                                    "peers", "streams", "budgets"])
def test_entry_points_stay(module: str) -> None:
    assert (ROOT / module / "__main__.py").read_text().count("exit_with(main") == 1
    importlib.import_module(f"mmexit_tools.{module}")


def test_the_console_command_lists_and_refuses() -> None:
    listed = subprocess.run([sys.executable, "-m", "mmexit_tools"], cwd=ROOT.parent, capture_output=True, text=True)
    assert listed.returncode == 0 and "onnx-import" in listed.stdout
    refused = subprocess.run([sys.executable, "-m", "mmexit_tools", "no-such"], cwd=ROOT.parent, capture_output=True,
                             text=True)
    assert refused.returncode == 64 and "choose one of" in refused.stderr
    helped = subprocess.run([sys.executable, "-m", "mmexit_tools.manifests", "--help"], cwd=ROOT.parent,
                            capture_output=True, text=True)
    assert helped.returncode == 0 and helped.stdout.startswith("usage: manifests")
