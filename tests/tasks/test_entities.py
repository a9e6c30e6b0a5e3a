"""Entities in tags: found and counted as seqeval's default mode does."""

import math
import warnings

import numpy as np
import pytest

from headstart.contracts import ClassScores
from headstart.tasks.entities import Counts, Span, by_type, parted, spans

# Hand-worked: tags, and the entities in them.
WORKED = {
    "none": ("O O", set()),
    "no words": ("", set()),
    "one": ("O B-person I-person O", {Span(1, 3, "person")}),
    "to the end": ("O B-person I-person", {Span(1, 3, "person")}),
    "neighbours of one type": ("B-person B-person", {Span(0, 1, "person"), Span(1, 2, "person")}),
    "an I that continues nothing": ("O I-person I-person", {Span(1, 3, "person")}),
    "an I behind another type": ("B-person I-place", {Span(0, 1, "person"), Span(1, 2, "place")}),
    "an I behind an end": ("B-person E-person I-person", {Span(0, 2, "person"), Span(2, 3, "person")}),
    "an end alone": ("O E-person", {Span(1, 2, "person")}),
    "two ends": ("E-person E-person", {Span(0, 1, "person"), Span(1, 2, "person")}),
    "single words": ("S-person S-person", {Span(0, 1, "person"), Span(1, 2, "person")}),
    "a single word, then an I": ("S-person I-person", {Span(0, 1, "person"), Span(1, 2, "person")}),
    "an inner word, then a single one": ("I-person S-person", {Span(0, 1, "person"), Span(1, 2, "person")}),
    "a type with a dash": ("B-place-city I-place-city", {Span(0, 2, "place-city")}),
    "prefixes alone": ("B I O B", {Span(0, 2, "_"), Span(3, 4, "_")}),
    "a dash and no type": ("B- I-", {Span(0, 2, "_")}),
    "types alone": ("person person ORG O", {Span(0, 2, "person"), Span(2, 3, "ORG")}),
    "types alone, with dashes": (
        "art-other place-other",
        {Span(0, 1, "art-other"), Span(1, 2, "place-other")},
    ),
    "BILOU": (
        "B-person L-person L-person U-person",
        {Span(0, 2, "person"), Span(2, 3, "person"), Span(3, 4, "person")},
    ),
}

# Two entities are true and three are said in the first, of which one rightly; and so on.
TRUE = [{Span(0, 2, "person"), Span(3, 4, "place")}, {Span(0, 1, "person")}, set(), {Span(2, 4, "place")}]
SAID = [{Span(0, 2, "person"), Span(3, 4, "person"), Span(5, 6, "date")}, set(), set(), {Span(2, 3, "place")}]


def tags_of(random: np.random.Generator, length: int, prefixes: str) -> list[str]:
    kinds = ("-person", "-place", "-place-city", "-", "")
    drawn = zip(
        random.integers(len(prefixes), size=length), random.integers(len(kinds), size=length), strict=True
    )
    tags = [prefixes[prefix] + kinds[kind] for prefix, kind in drawn]
    return ["O" if tag[0] == "O" else tag for tag in tags]


def near(random: np.random.Generator, tags: list[str], prefixes: str) -> list[str]:
    """Most of these tags, and others for the rest."""
    others = tags_of(random, len(tags), prefixes)
    kept = random.random(len(tags)) < 0.8
    return [tag if keep else other for tag, other, keep in zip(tags, others, kept, strict=True)]


@pytest.mark.parametrize(("tags", "expected"), WORKED.values(), ids=WORKED)
def test_entities_are_found_as_worked_by_hand(tags: str, expected: set[Span]) -> None:
    assert spans(tags.split()) == expected


@pytest.mark.parametrize("tag", ["B-person", "I-place-city", "S-x"])
def test_a_tag_is_its_prefix_and_its_type(tag: str) -> None:
    assert "-".join(parted(tag)) == tag


@pytest.mark.parametrize("prefixes", ["OBI", "OOOIIB", "OBIES"])
def test_entities_and_their_scores_are_those_of_seqeval(prefixes: str) -> None:
    seqeval = pytest.importorskip("seqeval.metrics")
    from seqeval.metrics.sequence_labeling import get_entities, precision_recall_fscore_support

    random = np.random.default_rng(len(prefixes))
    true = [tags_of(random, int(length), prefixes) for length in random.integers(1, 12, size=300)]
    said = [near(random, tags, prefixes) for tags in true]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of bare dashes
        for tags in (*true, *said):
            expected = {Span(start, last + 1, kind) for kind, start, last in get_entities(tags)}
            assert spans(tags) == expected, tags
        whole = [
            score(true, said) for score in (seqeval.precision_score, seqeval.recall_score, seqeval.f1_score)
        ]
        each = precision_recall_fscore_support(true, said, average=None)
    found, there = [spans(tags) for tags in said], [spans(tags) for tags in true]
    counts, ones = Counts.of(found, there), np.ones((1, len(true)))
    ours = [scorer(ones)[0] for scorer in (counts.precision(), counts.recall(), counts.f1())]
    assert ours == pytest.approx(whole, abs=1e-12)
    rows = [(row.precision, row.recall, row.f1, row.support) for row in by_type(found, there)]
    np.testing.assert_allclose(rows, np.stack(each, axis=1), atol=1e-12)


def test_scores_are_over_all_entities_together() -> None:
    counts = Counts.of(SAID, TRUE)
    ones = np.ones((1, 4))
    assert counts.precision()(ones) == pytest.approx(1 / 4)
    assert counts.recall()(ones) == pytest.approx(1 / 4)
    assert counts.f1()(ones) == pytest.approx(1 / 4)


@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
def test_weights_are_repetitions_of_examples(name: str) -> None:
    weights = np.random.default_rng(1).integers(0, 4, size=(20, 4))
    values = getattr(Counts.of(SAID, TRUE), name)()(weights.astype(float))
    for row, value in zip(weights, values, strict=True):
        again = np.repeat(np.arange(4), row)
        repeated = Counts.of([SAID[each] for each in again], [TRUE[each] for each in again])
        expected = getattr(repeated, name)()(np.ones((1, len(again))))[0]
        assert value == pytest.approx(expected, nan_ok=True)


def test_where_nothing_is_said_precision_is_0_and_where_nothing_is_true_recall_is_not_defined() -> None:
    silent = Counts.of([set(), set()], [{Span(0, 1, "person")}, set()])
    spoken = Counts.of([{Span(0, 1, "person")}, set()], [set(), set()])
    ones = np.ones((1, 2))
    assert [silent.precision()(ones)[0], silent.recall()(ones)[0], silent.f1()(ones)[0]] == [0, 0, 0]
    assert spoken.precision()(ones)[0] == spoken.f1()(ones)[0] == 0
    assert math.isnan(spoken.recall()(ones)[0])


@pytest.mark.parametrize(
    "counts", [Counts.of([], []), Counts.of([set()], [set()])], ids=["examples", "entities"]
)
def test_without_any_nothing_is_defined(counts: Counts) -> None:
    for scorer in (counts.precision(), counts.recall(), counts.f1()):
        assert np.isnan(scorer(np.ones((2, len(counts.true))))).all()


def test_every_type_that_is_there_or_was_said_has_scores() -> None:
    assert by_type(SAID, TRUE) == (
        ClassScores("date", precision=0, recall=0, f1=0, support=0),
        ClassScores("person", precision=1 / 2, recall=1 / 2, f1=1 / 2, support=2),
        ClassScores("place", precision=0, recall=0, f1=0, support=2),
    )
