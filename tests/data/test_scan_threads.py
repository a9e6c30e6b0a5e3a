import pytest

from headstart.contracts import Example, Progress, Scan
from headstart.data.dataset import Dataset
from headstart.data.fingerprint import fingerprint
from headstart.data.scanning import scan


def examples(count):
    return [Example(f"{row:03}", row, "x") for row in range(count)]


def scanned(example):
    return Scan(content=f"content {example.input}")


@pytest.mark.parametrize("count", [0, 1, 250])
def test_every_example_is_scanned_and_progress_ends_at_the_total(count):
    events = []
    scans = scan(examples(count), scanned, notify=events.append)
    assert {id: value.content for id, value in scans.items()} == {
        example.id: f"content {example.input}" for example in examples(count)
    }
    assert all(isinstance(event, Progress) for event in events)
    assert [event.done for event in events] == sorted({event.done for event in events})
    assert not count or events[-1].done == events[-1].total == count


def print_of(rows, scans=None):
    dataset = Dataset(tuple(rows), root=None, layout="table")
    return fingerprint(dataset, scans or {row.id: scanned(row) for row in rows})


def test_the_fingerprint_knows_content_label_and_group_but_no_order():
    rows = examples(5)
    changed = [Example("000", 0, "y"), *rows[1:]]
    regrouped = [Example("000", 0, "x", "g"), *rows[1:]]
    edited = {row.id: Scan(content="other") for row in rows}
    prints = [
        print_of(rows),
        print_of(changed),
        print_of(regrouped),
        print_of(rows[1:]),
        print_of(rows, edited),
    ]
    assert len(set(prints)) == 5
    assert print_of(rows[::-1]) == prints[0]
