"""What was measured of engines, kept on disk: a folder a frozen part, a file a machine.

It only saves time: what is damaged or cannot be written is measured again.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from headstart.durable import remove_folder, write_file_durably
from headstart.errors import DiskFull
from headstart.features.engines.engine import Inputs, is_tokens
from headstart.features.engines.parity import Parity

KEPT = 16
LIBRARIES = ("torch", "openvino", "timm", "transformers")
DIGITS = 24


@dataclass(frozen=True)
class Measured:
    """What was measured of one engine: seconds to build it, seconds an example, and its parity."""

    build_seconds: float
    seconds_per_example: float
    parity: Parity


def frozen_part(inputs: Inputs, digest: str, boundary: str) -> dict[str, Any]:
    """What tells one frozen part from all others, as plain data.

    Args:
        inputs: of the fixed batch size; the length of token inputs is left out.
        digest: of the weights.
        boundary: at which the part ends.
    """
    axes = 1 if is_tokens(inputs) else None
    return {
        "boundary": boundary,
        "weights": digest,
        "inputs": [[name, str(value.dtype), list(value.shape[:axes])] for name, value in inputs.items()],
        "libraries": [_version(name) for name in LIBRARIES],
    }


def home(root: Path, inputs: Inputs, *, digest: str, boundary: str, keep: int = KEPT) -> Path:
    """The folder of one frozen part; those used longest ago make room for it.

    Args:
        root: of the folders of all.
        inputs, digest, boundary: of the part.
        keep: folders.
    """
    part = root / _short(frozen_part(inputs, digest, boundary))
    try:
        part.mkdir(parents=True, exist_ok=True)
        os.utime(part)
        folders = sorted(root.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in folders[keep:]:
            remove_folder(old)
    except OSError:
        pass  # Another process does the same, or nothing may be written.
    return part


def machine_file(part: Path, device: str) -> Path:
    """Where this machine's measurements of a frozen part are kept."""
    on_gpu = torch.device(device).type == "cuda"
    processor = torch.cuda.get_device_name(device) if on_gpu else _processor()
    machine = [platform.system(), platform.machine(), processor, torch.get_num_threads(), device]
    return part / f"{_short(machine)}.json"


def recall(path: Path | None) -> dict[str, Measured]:
    """By name of the engine; empty where nothing was kept, or it is damaged."""
    try:
        kept = {} if path is None else json.loads(path.read_bytes())
        return {str(name): _measured(entry) for name, entry in kept.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def remember(path: Path | None, measured: Mapping[str, Measured]) -> None:
    """Keep measurements by name of the engine, in place of those kept before."""
    if path is None or measured == recall(path):
        return
    try:
        state = {name: asdict(entry) for name, entry in measured.items()}
        write_file_durably(path, json.dumps(state, indent=1).encode())
    except (OSError, DiskFull):
        return


def chosen_before(path: Path | None, count: int) -> str | None:
    """The engine that was chosen here for so many examples; None where none was.

    Measurements are noisy and engines round differently: the same request is to give the same values.

    Args:
        path: of this machine's measurements.
        count: of examples.
    """
    return None if path is None else _choices(path).get(str(count))


def remember_choice(path: Path | None, count: int, name: str) -> None:
    """Keep the choice for so many examples."""
    if path is None or chosen_before(path, count) == name:
        return
    try:
        write_file_durably(_choices_file(path), json.dumps({**_choices(path), str(count): name}).encode())
    except (OSError, DiskFull):
        return


def _choices(path: Path) -> dict[str, str]:
    try:
        return {str(count): str(name) for count, name in json.loads(_choices_file(path).read_bytes()).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _choices_file(path: Path) -> Path:
    return path.with_suffix(".choices.json")


def _measured(entry: Mapping[str, Any]) -> Measured:
    parity = Parity(float(entry["parity"]["relative_error"]), float(entry["parity"]["cosine"]))
    return Measured(float(entry["build_seconds"]), float(entry["seconds_per_example"]), parity)


def _processor() -> str:
    """The processor's name; Linux tells it in a file only."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return next((line for line in lines if line.startswith("model name")), platform.processor())


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def _short(value: list[Any] | dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:DIGITS]
