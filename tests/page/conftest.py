"""A browser, a photo, and services that know it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from chromium import Chromium, Tab, installed
from PIL import Image
from standin import Service, Standing

FLOWERS = [
    *("aster", "chrysanthemum", "dahlia", "daisy", "gerbera", "lily", "marigold", "orchid", "peony", "rose"),
    *("tulip", "zinnia"),
]
SCORES = dict.fromkeys(FLOWERS, 0.01) | {"dahlia": 0.85, "rose": 0.04}


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    if installed() is None:
        pytest.skip("There is no chromium here.")
    with Chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("photos") / "flower.png"
    Image.linear_gradient("L").resize((96, 64)).save(file)
    return file


@pytest.fixture
def flowers() -> Service:
    """A service that says which flower a photo shows."""
    model = {
        "name": "flowers",
        "version": 3,
        "task": "image-classification",
        "family": "image",
        "labels": FLOWERS,
        "several": False,
        "columns": [],
        "engine": "onnx",
        "licence": "Apache-2.0",
        "card": "",
        "consent": False,
        "aliases": {},
        "limits": {"body": 1_000_000},
        "test": {"accuracy": {"value": 0.9, "low": 0.85, "high": 0.94}},
    }
    return Service(model=model, answers=[said("dahlia", SCORES)])


@pytest.fixture
def reviews(flowers: Service) -> Service:
    """A service that says whether a review is good."""
    flowers.model = {
        **flowers.model,
        "name": "reviews",
        "task": "text-classification",
        "family": "text",
        "columns": ["review"],
        "labels": ["negative", "neutral", "positive"],
    }
    flowers.answers = [said("positive", {"negative": 0.02, "neutral": 0.07, "positive": 0.91})]
    return flowers


def said(label: str, scores: dict[str, float]) -> dict[str, Any]:
    """A prediction as /predict gives it."""
    return {"id": "20-ab", "label": label, "score": scores[label], "scores": scores, "labels": []}


@pytest.fixture(scope="session")
def tab(chromium: Chromium) -> Iterator[Tab]:
    """The tab of all tests: each has a service, so an origin and a storage, of its own."""
    with Tab(chromium) as opened:
        yield opened


Show = Callable[..., Tab]


@pytest.fixture
def show(tab: Tab) -> Iterator[Show]:
    """Opens the page of a service, of which the options of `Tab.open` are asked."""
    with ExitStack() as stack:

        def shown(service: Service, *, ready: bool = True, **options: Any) -> Tab:
            standing = stack.enter_context(Standing(service))
            tab.open(standing.url, **options)
            if ready:
                tab.until("!document.getElementById('main').hidden")
            return tab

        yield shown
