"""Where a checkpoint of transformers lies: a folder, the hub's cache, or the hub. Opens no weights."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from huggingface_hub import constants, scan_cache_dir, snapshot_download, try_to_load_from_cache
from huggingface_hub.errors import CacheNotFound

from headstart.errors import ModelError

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
_REPOSITORY = re.compile(r"(\w[\w.-]*/)?\w[\w.-]*\w|\w")
# One of these a tokenizer has, whatever its kind.
TOKENIZERS = ("tokenizer.json", "vocab.*", "*.model")
# What a checkpoint needs; other formats of the same weights stay where they are.
PATTERNS = ("*.json", "*.safetensors", "*.txt", "*.model", "*.spm", "1_Pooling/*", "README.md")


def find(name: str) -> Path:
    """The folder of a checkpoint; downloaded where neither disk nor cache has it.

    Args:
        name: a path, or ``ORGANISATION/MODEL`` as the hub names it.

    Raises:
        ModelError: there is no such checkpoint, or no network.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / CONFIG).is_file():
            raise ModelError(f"{folder}: has no {CONFIG}.", "Give the folder that save_pretrained() wrote.")
        return folder
    if not _is_repository(name):
        raise ModelError(
            f"'{name}' is neither a folder nor a model of the hub.", "Give hf:ORGANISATION/MODEL or hf:PATH."
        )
    return cached(name) or _download(name)


def cached(name: str) -> Path | None:
    """The folder of a model in the hub's cache; None where a part of it was never downloaded."""
    if not _is_repository(name):
        return None
    found = try_to_load_from_cache(name, CONFIG)
    folder = Path(found).parent if isinstance(found, str) else None
    return folder if folder and weights_files(folder) and has_tokenizer(folder) else None


def cached_names() -> list[str]:
    """Models of transformers that are wholly in the hub's cache."""
    try:
        repositories = scan_cache_dir(constants.HF_HUB_CACHE).repos
    except CacheNotFound:
        return []
    names = sorted(repository.repo_id for repository in repositories if repository.repo_type == "model")
    return [name for name in names if (folder := cached(name)) and is_checkpoint(folder)]


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder holds a network of transformers, rather than one of another library."""
    try:
        return "model_type" in json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def weights_files(folder: Path) -> list[Path]:
    """The .safetensors files of a checkpoint, all of them there; empty where there are none."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    try:
        index: dict[str, Any] = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        files = [folder / name for name in sorted(set(index["weight_map"].values()))]
    except (OSError, ValueError, KeyError, AttributeError):
        return []
    return files if all(file.is_file() for file in files) else []


def has_tokenizer(folder: Path) -> bool:
    """Whether a folder holds the tokens of some tokenizer; without, transformers makes an empty one."""
    return any(any(folder.glob(pattern)) for pattern in TOKENIZERS)


def _is_repository(name: str) -> bool:
    """Whether a name is one that the hub may have: ``MODEL`` or ``ORGANISATION/MODEL``."""
    return bool(_REPOSITORY.fullmatch(name)) and ".." not in name and "--" not in name


def _download(name: str) -> Path:
    try:
        folder = Path(snapshot_download(name, allow_patterns=list(PATTERNS), etag_timeout=5))
    # The hub's client passes on the errors of its HTTP library, which differs from version to version.
    except Exception as error:
        raise ModelError(
            f"'{name}' is not in the cache and cannot be downloaded: {str(error).rstrip('.')}.",
            "Without a network, give a folder, hf:PATH, or leave --model out where a builtin serves.",
        ) from error
    return folder
