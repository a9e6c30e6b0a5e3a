"""Weights from a file, safely. Knows nothing of architectures; runs no code of a file."""

from __future__ import annotations

import hashlib
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from headstart.errors import ModelError

SUFFIXES = (".safetensors", ".pt", ".pth", ".bin")

# What training scripts wrap a state dict in, and what wrappers of modules put before every key.
_WRAPPERS = ("state_dict", "model_state_dict", "model")
_PREFIXES = ("module.", "_orig_mod.", "model.")

CONVERT = (
    "Convert it where you trust it: safetensors.torch.save_file(model.state_dict(), 'model.safetensors')."
)


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a weights file by name, on the CPU, out of common wrappers.

    Args:
        path: a .safetensors file, or a .pt, .pth or .bin that holds nothing but plain tensors.

    Raises:
        ModelError: the file is missing, damaged, holds no tensors, or would have to run code.
    """
    check_file(path)
    try:
        content = _read(path)
    except pickle.UnpicklingError as error:
        raise ModelError(f"{path}: more than tensors, so reading it could run code.", CONVERT) from error
    except (SafetensorError, EOFError, RuntimeError, LookupError, ValueError, OSError) as error:
        raise ModelError(f"{path}: damaged or not a weights file.", "Get it again.") from error
    weights = _unwrapped(content)
    if not weights:
        raise ModelError(f"{path}: holds no weights.", "Save model.state_dict() into it.")
    return weights


def read_metadata(path: Path) -> dict[str, str]:
    """What a .safetensors file says of itself; empty for any other file.

    Raises:
        ModelError: the file is missing or damaged.
    """
    if path.suffix != ".safetensors":
        return {}
    check_file(path)
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except SafetensorError as error:
        raise ModelError(f"{path}: damaged or not a weights file.", "Get it again.") from error


def sha256_of(path: Path) -> str:
    """Of the file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_file(path: Path) -> None:
    """Refuse what is no weights file at first sight.

    Raises:
        ModelError: the file is missing, empty, or a web page.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such weights file.", "Check the path.")
    with path.open("rb") as file:
        start = file.read(64).lstrip()
    if not start:
        raise ModelError(f"{path}: empty.", "Get it again.")
    if start.startswith(b"<"):
        raise ModelError(
            f"{path}: a web page, not weights.", "Download the file itself, not the page about it."
        )


def _read(path: Path) -> Any:
    if path.suffix == ".safetensors":
        return load_file(path)
    with warnings.catch_warnings():
        # That a pickle of another protocol may be refused, as it then is.
        warnings.filterwarnings("ignore", message="Detected pickle protocol")
        return torch.load(path, map_location="cpu", weights_only=True)


def _unwrapped(content: Any) -> dict[str, Tensor]:
    """The tensors of a state dict that may be wrapped, without a prefix that all its keys share."""
    if not isinstance(content, Mapping):
        return {}
    for wrapper in _WRAPPERS:
        if isinstance(content.get(wrapper), Mapping):
            return _unwrapped(content[wrapper])
    weights = {name: value for name, value in content.items() if isinstance(value, Tensor)}
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in weights):
            weights = {name.removeprefix(prefix): value for name, value in weights.items()}
    return weights
