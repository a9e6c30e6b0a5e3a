"""Time and memory against the number of images: ``python benchmarks/scale.py --count 100000``.

Generates small images, and prepares and probes a tenth of them and all of them, each in a process
of its own: as many images more must take as much time more, and no more memory.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from headstart.contracts import Event, Progress

SIDE = 64
CLASSES = 10
RESULT = Path(__file__).parent / "results" / "scale.json"


def main() -> None:
    """Measure a tenth and all, print, and write it down."""
    options = _options()
    if options.one:
        print(json.dumps(_measure(options.folder, options)))
        return
    with TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        counts = (options.count // 10, options.count)
        rows = [_in_its_own_process(_generate(folder / str(count), count), options) for count in counts]
    less, more = rows
    result = {
        "model": options.model,
        "image_size": options.image_size,
        "cores": os.cpu_count(),
        "rows": rows,
        "times_as_many": more["count"] / less["count"],
        "times_the_seconds": {
            name: more["seconds"][name] / less["seconds"][name] for name in less["seconds"]
        },
        "times_the_memory": more["peak_memory"] / less["peak_memory"],
    }
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(result, indent=2) + "\n")
    _show(result)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="images")
    parser.add_argument("--folder", type=Path, help="where images are generated, and kept for the next time")
    parser.add_argument("--model", default="builtin:efficientnet-lite0")
    parser.add_argument("--image-size", type=int, default=SIDE, help="pixels that the network sees")
    parser.add_argument("--out", type=Path, default=RESULT, help="file of the result")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _in_its_own_process(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """What `_measure` gives for a folder; peak memory is a process's."""
    asked = ["--folder", str(folder), "--model", options.model, "--image-size", str(options.image_size)]
    command = [sys.executable, __file__, "--one", *asked]
    with TemporaryDirectory() as cache:
        environment = {**os.environ, "HEADSTART_CACHE": cache}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def _measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of each stage from files to probe, and the peak memory in bytes."""
    # Imported here, because only the process that is measured needs it.
    from headstart.config.schema import Config, DataConfig, ModelConfig, TechniqueConfig
    from headstart.sources.resolve import load
    from headstart.steps.job import probe
    from headstart.steps.keeping import cache_of
    from headstart.steps.prepare import inspect, prepare, refuse_unusable, task_of
    from headstart.training.machine import machine_facts, peak_memory

    config = Config(
        data=DataConfig(path=str(folder)),
        model=ModelConfig(name=options.model, image_size=options.image_size),
        technique=TechniqueConfig(name="linear-probe"),
        device="cpu",
    )
    machine = machine_facts(config.device)
    backbone = load(config.model.name, image_size=config.model.image_size)
    cache, why = cache_of(config)
    stages = _Stages()
    inspected = inspect(config, notify=stages.notify, backbone=backbone, cache=cache, why=why)
    refuse_unusable(inspected)
    stages.end("check")
    prepared = prepare(
        inspected, backbone, config, cache=cache, machine=machine, begun=None, notify=stages.notify
    )
    stages.end("duplicates and split")
    task = task_of(config, prepared)
    fitted = probe(prepared, task, prepared.part("train"), seed=config.seed)
    stages.end("probe")
    if fitted is None:
        raise SystemExit(f"{task.name} has no probe")
    val = prepared.part("val")
    answers = fitted.logits(prepared.features_of(val)).argmax(axis=1)
    right = np.mean(
        [task.labels[answer] == example.target for answer, example in zip(answers, val, strict=True)]
    )
    return {
        "count": len(prepared.dataset.examples),
        "seconds": stages.seconds,
        "peak_memory": peak_memory(),
        "accuracy": float(right),
    }


class _Stages:
    """Seconds of what was done one after the other."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begun = time.perf_counter()

    def end(self, name: str) -> None:
        """A stage is over, and the next one begins."""
        now = time.perf_counter()
        self.seconds[name] = now - self._begun
        self._begun = now

    def notify(self, event: Event) -> None:
        """Work with a progress of its own is a stage."""
        if isinstance(event, Progress) and event.done == event.total:
            self.end({"files": "read and decode"}.get(event.what, event.what))


def _generate(folder: Path, count: int) -> Path:
    """Class folders of JPEG files, each another image; those that are there already are kept."""

    def write(number: int) -> None:
        file = folder / f"class {number % CLASSES}" / f"{number:07}.jpg"
        if not file.exists():
            _image(number).save(file, quality=85)

    for number in range(CLASSES):
        (folder / f"class {number}").mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor() as pool:
        for _ in pool.map(write, range(count)):
            pass
    return folder


def _image(number: int) -> Image.Image:
    """Coloured clouds that no other image has, under stripes whose direction tells the class."""
    random = np.random.default_rng(number)
    clouds = Image.fromarray(random.integers(256, size=(6, 6, 3), dtype=np.uint8))
    angle = math.pi * (number % CLASSES + random.normal(scale=0.2)) / CLASSES
    along = np.cos(angle) * np.arange(SIDE)[:, None] + np.sin(angle) * np.arange(SIDE)
    stripes = np.sin(along * random.uniform(1.0, 1.4) + random.uniform(0, 2 * math.pi))
    pixels = np.asarray(clouds.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) * 0.7
    return Image.fromarray((pixels + 38 + 38 * stripes[:, :, None]).astype(np.uint8))


def _show(result: Mapping[str, Any]) -> None:
    """The two rows and their ratios as a table."""
    less, more = result["rows"]
    print(f"{'':<24}{less['count']:>12,}{more['count']:>12,}{'ratio':>10}")
    for name, ratio in result["times_the_seconds"].items():
        print(f"{name + ', s':<24}{less['seconds'][name]:>12.2f}{more['seconds'][name]:>12.2f}{ratio:>10.2f}")
    memories = [row["peak_memory"] / 1e6 for row in (less, more)]
    print(
        f"{'peak memory, MB':<24}{memories[0]:>12.0f}{memories[1]:>12.0f}{result['times_the_memory']:>10.2f}"
    )
    print(f"{'accuracy':<24}{less['accuracy']:>12.3f}{more['accuracy']:>12.3f}")


if __name__ == "__main__":
    main()
