"""A model of pairs is asked pairs, one of single texts single texts."""

from __future__ import annotations

import pytest

import headstart as hs
from headstart.errors import DataError

ROWS = [
    (f"he walks {place}", f"he {'moves' if place % 2 else 'sleeps'} at {place}", place % 2)
    for place in range(40)
]


@pytest.fixture(scope="module", params=["pairs", "texts"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, hs.Model]:
    folder = tmp_path_factory.mktemp(request.param)
    table = folder / "table.csv"
    if request.param == "pairs":
        rows = [f"{one},{other},{label}" for one, other, label in ROWS]
        table.write_text("\n".join(["premise,hypothesis,label", *rows]))
    else:
        table.write_text("\n".join(["text,label", *(f"{other},{label}" for _, other, label in ROWS)]))
    run = hs.fit(table, technique="linear-probe", out=folder / "run")
    return request.param, hs.load(run.path)


def test_an_input_has_as_many_texts_as_those_of_training(model: tuple[str, hs.Model]) -> None:
    kind, loaded = model
    right, wrong = ("he runs", "he moves"), "he moves"
    if kind == "texts":
        right, wrong = wrong, right
    answers = list(loaded.predict_each([right, wrong, right]))
    assert answers[0].scores == answers[2].scores
    assert isinstance(answers[1], DataError)
    said = "one text, but the model was trained on a pair of texts (premise, hypothesis)"
    assert (said if kind == "pairs" else "a pair of texts, but the model was trained on one text") in str(
        answers[1]
    )


def test_an_empty_text_is_called_by_its_place(model: tuple[str, hs.Model]) -> None:
    kind, loaded = model
    with pytest.raises(DataError, match=r"^input 2: is empty"):
        loaded.predict([("a", "b"), ("", "")] if kind == "pairs" else ["a", ""])
