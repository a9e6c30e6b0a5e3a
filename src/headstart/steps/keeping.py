"""Where what was computed may be kept, and what its numbers depend on beside data and model."""

from __future__ import annotations

import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from headstart.config.schema import Config
from headstart.errors import CacheError
from headstart.store.cache import Cache

# Counted up when frozen layers give something else under an equal description, or it is kept otherwise.
FORMAT = 1
# Whose versions may change what they give.
LIBRARIES = ("torch", "timm", "transformers", "openvino", "pillow")


def cache_of(config: Config) -> tuple[Cache | None, str]:
    """Where a request lets things be kept, or None and why nothing is."""
    if not config.features.store:
        return None, "asked not to be"
    try:
        cache = Cache.of(config.cache)
        if not cache.room():
            return None, f"the cache {cache.root} has no room"
        _refuse_unwritable(cache.root)
        return cache, ""
    except CacheError as error:
        return None, error.cause.rstrip(".")


def surroundings(device: str) -> dict[str, Any]:
    """Plain data that differs wherever frozen layers may give other numbers of the same inputs.

    Args:
        device: that computes.
    """
    return {
        "device": torch.device(device).type,
        "versions": {name: _version(name) for name in LIBRARIES},
        "format": FORMAT,
    }


def _refuse_unwritable(folder: Path) -> None:
    """Try to write into a folder, which is made where it is missing.

    Raises:
        CacheError: nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CacheError(folder, error.strerror) from error


def _version(library: str) -> str:
    """As installed; "" where it is not."""
    try:
        return version(library)
    except PackageNotFoundError:
        return ""
