"""Columns that say what kind of row it is come along; names, numbers and columns in use do not."""

from pathlib import Path

from headstart.data.table import Table
from headstart.data.traits import traits_of


def test_columns_in_which_few_cells_recur_are_traits() -> None:
    rows = tuple((f"text {n}", "ab"[n % 2], "xyz"[n % 3] if n else None, n, "same") for n in range(12))
    table = Table("t.csv", ("text", "label", "site", "number", "version"), rows, tuple(range(2, 14)))
    found = traits_of(table, {"text", "label"})
    assert found[0] == ()
    assert found[1] == (("site", "y"),)
    assert all(len(traits) <= 1 for traits in found)


def test_examples_of_a_table_have_them(tmp_path: Path) -> None:
    import headstart as hs

    lines = [f"sentence number {n},{'ab'[n % 2]},{'north' if n < 6 else 'south'}" for n in range(12)]
    (tmp_path / "t.csv").write_text("\n".join(["text,label,site", *lines]))
    examples = hs.read(tmp_path / "t.csv").examples
    assert {example.traits for example in examples} == {(("site", "north"),), (("site", "south"),)}
