"""What the pages must not leave out: keys, options, models, findings, result keys, public names, files."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from documents import PAGES, ROOT

import headstart
from headstart.artifact.run import RunFolder
from headstart.catalog import SOURCES, TASKS, TECHNIQUES, resolve
from headstart.config.policies import POLICIES
from headstart.config.schema import Augmentation, Config
from headstart.config.shortcuts import SHORTCUTS
from headstart.sources.builtin import SHIPPED
from headstart.tasks.kinds import KINDS

DOCS = ROOT / "docs"
SOURCE = ROOT / "src" / "headstart"
CHECKS = sorted((SOURCE / "data").glob("check*.py"))


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def keys_with_defaults(kind: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every dotted key of a dataclass that is no table itself."""
    hints = typing.get_type_hints(kind)
    default = kind()
    for field in dataclasses.fields(kind):
        if dataclasses.is_dataclass(hints[field.name]):
            yield from keys_with_defaults(hints[field.name], f"{prefix}{field.name}.")
        else:
            yield prefix + field.name, getattr(default, field.name)


def shown(default: Any) -> str:
    """A default as the tables show it; a bar would end the cell."""
    if default is None:
        return "—"
    plain = list(default) if isinstance(default, tuple) else default
    return f"`{json.dumps(plain)}`".replace("|", "\\|")


def test_configuration_has_every_key_with_its_default() -> None:
    expected = {f"| `{key}` | {shown(default)} |" for key, default in keys_with_defaults(Config)}
    rows = re.findall(r"^(\| `[a-z][\w.]*` \| (?:—|`[^`]*`) \|)", text_of("configuration.md"), re.MULTILINE)
    assert set(rows) == expected


def test_configuration_has_every_flag() -> None:
    for name, key in SHORTCUTS.items():
        flag = "DATA" if name == "data" else f"--{name.replace('_', '-')}"
        assert f"| `{flag}` | `{key}` |" in text_of("configuration.md")


@pytest.mark.parametrize("name", TECHNIQUES)
def test_techniques_has_every_technique_with_its_options(name: str) -> None:
    page = text_of("techniques.md")
    assert f"\n## {name}\n" in page
    for option, default in keys_with_defaults(resolve("technique", name, TECHNIQUES).Options):
        assert f"| `technique.options.{option}` | {shown(default)} |" in page


def test_models_has_every_source_and_builtin() -> None:
    page = text_of("models.md")
    for source in SOURCES:
        assert f"\n### {source}\n" in page
    for name, shipped in SHIPPED.items():
        row = f"| `builtin:{name}` | {shipped.preprocessing.size[0]} | {shipped.licence} |"
        assert row.casefold() in page.casefold()


def test_augmentation_has_every_policy_as_it_is() -> None:
    header = " | ".join(f"`{name}`" for name in POLICIES)
    assert f"| piece | {header} |" in text_of("augmentation.md")
    for field in dataclasses.fields(Augmentation)[1:]:
        values = " | ".join(f"{getattr(policy, field.name):g}" for policy in POLICIES.values())
        assert f"| `{field.name}` | {values} |" in text_of("augmentation.md")


def test_data_has_every_finding() -> None:
    codes = {
        call.args[1].value
        for file in CHECKS
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Finding"
        if isinstance(call.args[1], ast.Constant)
    }
    assert codes == set(
        re.findall(r"^\| `([a-z-]+)` \| (?:note|warning|error)", text_of("data.md"), re.MULTILINE)
    )


def test_evaluation_has_every_metric() -> None:
    for kind in KINDS.values():
        for metric in kind.metrics:
            assert f"`{metric}`" in text_of("evaluation.md")


def test_runs_has_every_file_and_every_key_of_a_result(reader: Path) -> None:
    page = text_of("runs.md")
    folder = RunFolder(Path("runs/photos"))
    for file in folder.path.iterdir():
        assert file.name in page
    for key in json.loads(folder.result.read_text()):
        assert f"`{key}`" in page


def test_the_overview_has_every_public_name_and_task() -> None:
    for name in headstart.__all__:
        assert f"hs.{name}" in text_of("index.md")
    for task in TASKS:
        assert f"`{task}`" in text_of("configuration.md")


def test_the_changes_name_the_version() -> None:
    assert f"\n## {headstart.__version__}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        linked = (page.parent / file).resolve() if file else page
        assert linked.exists(), f"{page.name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in anchors, f"{page.name}: {target}"


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: page.name)
def test_lines_of_prose_fit_a_screen(page: Path) -> None:
    long = [
        number
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > 120 and not line.startswith("|")
    ]
    assert not long, f"{page.name}: lines {long}"
