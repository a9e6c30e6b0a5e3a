"""The house stands: imports run downward, never between siblings, and light modules stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import headstart

ROOT = Path(headstart.__file__).parent
ROWS = (
    ("errors",),
    ("contracts", "catalog", "durable"),
    ("config",),
    ("planning", "modalities", "store"),
    ("data", "sources", "tasks", "techniques"),
    ("features", "training", "evaluation"),
    ("artifact", "tuning", "records", "monitoring"),
    ("service",),
    ("steps",),
    ("workflow", "production"),
    ("api",),
    ("cli", "__init__", "__main__"),
)
ROW_OF = {room: row for row, rooms in enumerate(ROWS) for room in rooms}
FILES = sorted(ROOT.rglob("*.py"))


def room_of(file: Path) -> str:
    first = file.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def imported(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            found.add(node.module or "")
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return {name for name in found if name.startswith("headstart.")}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_run_downward_and_never_between_siblings(file):
    room = room_of(file)
    assert room in ROW_OF, f"{room} stands in no row"
    if room in ("__init__", "__main__"):
        return
    for name in imported(file):
        other = name.split(".")[1]
        if other not in ROW_OF or other == room:
            continue
        assert ROW_OF[other] < ROW_OF[room], f"{file.relative_to(ROOT)} imports {name}"


def test_no_module_is_part_of_an_import_cycle():
    modules = {".".join(("headstart", *file.relative_to(ROOT).with_suffix("").parts)): file for file in FILES}
    graph = {
        name.removesuffix(".__init__"): {
            other for other in imported(file) if other in modules or f"{other}.__init__" in modules
        }
        for name, file in modules.items()
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"cycle: {' -> '.join((*trail, name))}"
        if name in done:
            return
        for other in graph.get(name, ()):
            if other != name and not name.startswith(other + "."):
                visit(other, (*trail, name))
        done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_file_has_four_hundred_lines(file):
    assert len(file.read_text().splitlines()) < 400


def test_the_loop_is_one_file_under_250_lines():
    assert len((ROOT / "training" / "loop.py").read_text().splitlines()) < 250


HEAVY = {
    "torch",
    "torchvision",
    "timm",
    "numpy",
    "PIL",
    "sklearn",
    "scipy",
    "matplotlib",
    "pydantic",
    "pandas",
}


@pytest.mark.parametrize(
    "module", ["headstart", "headstart.cli", "headstart.contracts", "headstart.planning.plan"]
)
def test_light_modules_load_nothing_heavy(module):
    code = f"import sys, {module}; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not HEAVY & set(loaded.split())


def test_what_opens_a_model_loads_no_library_of_pretrained_ones():
    code = "import sys, headstart.artifact.bundle, headstart.service.app; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"timm", "torchvision", "transformers"} & set(loaded.split())
