"""A folder as a reader of the docs has it, and small fits, so that every block runs in seconds."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

# The tiny transformers are shared with the tests of the sources.
sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))

from tiny_transformers import save_checkpoint

from headstart import workflow
from headstart.api import fit
from headstart.config.schema import Config
from headstart.records.records import Records
from headstart.records.versions import CHAMPION
from headstart.steps.reference import keep_reference
from headstart.steps.service import ServiceFolder, add_model, opened

LABELS = ("ant", "bee")
SIDE = 48
EPOCHS, IMAGE_SIZE = 2, 64


def photo(label: str, generator: np.random.Generator) -> Image.Image:
    """A disc (ant) or a square (bee) of any colour on a noisy ground."""
    image = Image.fromarray(generator.integers(60, 200, (SIDE, SIDE, 3), dtype=np.uint8))
    left, top = generator.integers(2, 14, 2).tolist()
    side = int(generator.integers(18, 30))
    colour = tuple(generator.integers(0, 256, 3).tolist())
    pen = ImageDraw.Draw(image)
    draw = pen.ellipse if label == "ant" else pen.rectangle
    draw((left, top, left + side, top + side), fill=colour)
    return image


def write_photos(folder: Path, count: int, generator: np.random.Generator) -> None:
    """Class folders of photos."""
    for label in LABELS:
        (folder / label).mkdir(parents=True)
        for number in range(count):
            photo(label, generator).save(folder / label / f"{number:02d}.jpg")


def write_tables(folder: Path) -> None:
    """photos.csv and fresh.csv, two photos of a hive in a row; tags.csv, with several labels each."""
    for name in ("photos", "fresh"):
        paths = sorted((folder / name).glob("*/*.jpg"))
        rows = [
            f"{path.relative_to(folder)},{path.parent.name},{path.parent.name}-hive-{number // 2}"
            for number, path in enumerate(paths)
        ]
        (folder / f"{name}.csv").write_text("\n".join(["path,label,hive", *rows]) + "\n")
    photos = sorted((folder / "photos").glob("*/*.jpg"))
    tags = [
        f"{path.relative_to(folder)},{path.parent.name}|{'early' if number % 3 else 'late'}"
        for number, path in enumerate(photos)
    ]
    (folder / "tags.csv").write_text("\n".join(["path,tags", *tags]) + "\n")


def write_reviews(folder: Path, count: int, generator: np.random.Generator) -> None:
    """reviews.csv: sentences with a word that tells their label."""
    words = {
        "positive": ("warm", "clever", "moving", "funny"),
        "negative": ("dull", "cold", "clumsy", "boring"),
    }
    things = ("film", "story", "cast", "ending", "score", "plot")
    rows = ["text,label"]
    for number in range(count):
        label = ("positive", "negative")[number % 2]
        one, other = generator.choice(words[label], 2, replace=False)
        thing, part = generator.choice(things, 2, replace=False)
        rows.append(f"scene {number}: a {one} {thing} with a {other} {part},{label}")
    (folder / "reviews.csv").write_text("\n".join(rows) + "\n")


def write_questions(folder: Path, count: int, generator: np.random.Generator) -> None:
    """questions.csv: contexts of boxes, and what is asked of them."""
    rows = ["question,context,answer,answer_start"]
    for number in range(count):
        colour, who = generator.choice(["red", "green", "blue"]), generator.choice(["Ann", "Bob", "Carl"])
        answer = f"{7 * number + 3} coins"
        context = f"The {colour} box of room {number} was packed by {who} and holds {answer}."
        rows.append(f"How many coins are in the {colour} box?,{context},{answer},{context.index(answer)}")
    (folder / "questions.csv").write_text("\n".join(rows) + "\n")


def write_pairs(folder: Path, count: int, generator: np.random.Generator) -> None:
    """pairs.csv: phrases in two languages; chats.jsonl: questions and answers; a checkpoint for each."""
    things = {"house": "haus", "garden": "garten", "car": "auto", "book": "buch"}
    kinds = {"red": "rote", "small": "kleine", "old": "alte", "new": "neue", "big": "grosse"}
    pairs, chats = ["en,de"], []
    for number in range(count):
        kind, thing = str(generator.choice(list(kinds))), str(generator.choice(list(things)))
        pairs.append(f"the {kind} {thing} {number},das {kinds[kind]} {things[thing]} {number}")
        said = {
            "user": f"where is the {kind} {thing} {number} ?",
            "assistant": f"at the end of road {number}",
        }
        chats.append({"messages": [{"role": role, "content": text} for role, text in said.items()]})
    (folder / "pairs.csv").write_text("\n".join(pairs) + "\n")
    (folder / "chats.jsonl").write_text("".join(json.dumps(chat) + "\n" for chat in chats))
    save_checkpoint("bart", folder / "checkpoints" / "translator", writes=True)
    save_checkpoint("gpt2", folder / "checkpoints" / "writer")


def write_names(folder: Path, count: int, generator: np.random.Generator) -> None:
    """names.jsonl: sentences whose words are tagged as names of people and places, or as none."""
    people, places = ("Ann Berg", "Bob Stone", "Cleo", "Dan Hill"), ("Oslo", "New York", "Rome", "Lima")
    middles = ("flew to", "lives in", "came from", "wrote of", "never saw")
    rows = []
    for number in range(count):
        person, place = str(generator.choice(people)), str(generator.choice(places))
        pieces = [
            ("Day", ""),
            (str(number), ""),
            (person, "person"),
            (middles[number % 5], ""),
            (place, "place"),
        ]
        words, tags = [], []
        for text, kind in pieces:
            some = text.split()
            words += some
            tags += [f"B-{kind}", *[f"I-{kind}"] * (len(some) - 1)] if kind else ["O"] * len(some)
        rows.append(json.dumps({"tokens": words, "tags": tags}))
    (folder / "names.jsonl").write_text("\n".join(rows) + "\n")


@contextmanager
def one_thread() -> Iterator[None]:
    """Pictures this small are not worth two, which wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """photos/ and fresh/ with tables, texts of each task, unlabelled photos, runs/photos, services/photos."""
    folder = tmp_path_factory.mktemp("docs") / "desk"
    generator = np.random.default_rng(0)
    write_photos(folder / "photos", 20, generator)
    write_photos(folder / "fresh", 6, generator)
    write_tables(folder)
    write_reviews(folder, 60, generator)
    write_names(folder, 80, np.random.default_rng(2))
    write_questions(folder, 40, np.random.default_rng(1))
    write_pairs(folder, 40, np.random.default_rng(3))
    (folder / "more").mkdir()
    for name in ("new.jpg", "more/1.jpg", "more/2.jpg"):
        photo("ant", generator).save(folder / name)
    with chdir(folder), one_thread():
        fit("photos", out="runs/photos", epochs=EPOCHS, image_size=IMAGE_SIZE, stream=None)
        serve_photos(Path("runs/photos"))
    return folder


def serve_photos(run: Path) -> None:
    """services/photos: what a server of a run leaves that was asked nothing yet."""
    folder = ServiceFolder(Path("services/photos"))
    with Records(folder.records) as records:
        version, _ = add_model(records, run)
        records.set_alias(CHAMPION, version.number, why="served")
        keep_reference(folder, version, opened(version, "torch"))


def smaller(step: Callable[..., Any]) -> Callable[..., Any]:
    """A step of the workflow, with few epochs of small images whatever its request says."""

    def small_step(config: Config, **settings: Any) -> Any:
        epochs = min(config.train.epochs or EPOCHS, EPOCHS)
        image_size = min(config.model.image_size or IMAGE_SIZE, IMAGE_SIZE)
        train = replace(config.train, epochs=epochs)
        model = replace(config.model, image_size=image_size)
        return step(replace(config, train=train, model=model), **settings)

    return small_step


@pytest.fixture
def reader(desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory of a reader: a copy of the desk, in which fits are small."""
    monkeypatch.setattr(workflow, "fit", smaller(workflow.fit))
    monkeypatch.setattr(workflow, "plan", smaller(workflow.plan))
    monkeypatch.setattr(workflow, "tune", smaller(workflow.tune))
    folder = tmp_path / "desk"
    shutil.copytree(desk, folder)
    monkeypatch.chdir(folder)
    before = signal.getsignal(signal.SIGTERM)
    with one_thread():
        yield folder
    signal.signal(signal.SIGTERM, before)
