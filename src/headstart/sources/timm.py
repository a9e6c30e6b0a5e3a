"""Pretrained models of timm, from the Hugging Face hub or the cache that earlier downloads left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import timm
from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError
from timm.models import get_pretrained_cfg
from torch import nn

from headstart.contracts import Backbone
from headstart.errors import ModelError, did_you_mean
from headstart.sources.architecture import (
    Checkpoint,
    assemble,
    constructor_arguments,
    preprocessing_of,
    rebuild,
)
from headstart.sources.builtin import Builtin
from headstart.sources.hf import DOWNLOAD
from headstart.sources.weights import read_weights, sha256_of

_FILES = ("model.safetensors", "pytorch_model.bin")
_SECONDS_TO_ANSWER = 5.0
_SHA256_DIGITS = 64


class Timm:
    """``timm:NAME``, with or without the checkpoint's tag: ``timm:resnet50``, ``timm:resnet50.a1_in1k``."""

    name: ClassVar[str] = "timm"
    family: ClassVar[str] = "image"

    def names(self) -> Sequence[str]:
        """Models whose weights are wholly in the hub's cache."""
        return [name for name in timm.list_pretrained() if _cached(_settings(name))]

    def lacking(self, name: str) -> str:
        """A download, where the cache does not have it."""
        return "" if self.knows(name) and _cached(_settings(name)) else DOWNLOAD

    def knows(self, name: str) -> bool:
        """Whether timm has pretrained weights under that name."""
        return bool(timm.is_model_pretrained(name))

    def load(
        self, name: str, *, task: str = "image-classification", image_size: int | None = None
    ) -> Backbone:
        """The pretrained backbone; downloads its weights where the cache does not have them.

        Raises:
            ModelError: no such model, no network, a damaged file, or a size it does not take.
        """
        if not self.knows(name):
            names = [*timm.list_pretrained(), *timm.list_models(pretrained=True, include_tags=False)]
            raise ModelError(
                f"timm has no pretrained model '{name}'.{did_you_mean(name, names)}",
                "timm.list_pretrained() lists all.",
            )
        settings = _settings(name)
        architecture = settings["architecture"]
        path = _cached(settings) or _download(settings)
        sha256 = sha256_of(path)
        _verify(path, sha256)
        checkpoint = Checkpoint(
            name=".".join(filter(None, (f"timm:{architecture}", settings["tag"]))),
            path=path,
            weights=read_weights(path),
            architecture=architecture,
            arguments=constructor_arguments(settings),
            preprocessing=preprocessing_of(settings),
            licence=settings["license"] or "unknown",
            revision=path.parent.name,
            sha256=sha256,
        )
        return assemble(checkpoint, image_size, published=True)

    def rebuild(self, blueprint: Mapping[str, Any]) -> nn.Module:
        """The module of a blueprint, with untrained weights."""
        return rebuild(blueprint)

    def native(self, blueprint: Mapping[str, Any], labels: Sequence[str], *, several: bool) -> None:
        """None: timm has no form for a preprocessing that is not its own."""
        return


def _settings(name: str) -> dict[str, Any]:
    """timm's `pretrained_cfg` of a model that has one."""
    return dict(vars(get_pretrained_cfg(name)))


def _files(settings: Mapping[str, Any]) -> tuple[str, ...]:
    named = settings["hf_hub_filename"]
    return (named,) if named else _FILES


def _cached(settings: Mapping[str, Any]) -> Path | None:
    """The weights in the hub's cache: a snapshot, which exists only once its download is complete."""
    repository = settings["hf_hub_id"]
    if not repository:
        return None
    found = (try_to_load_from_cache(repository, file) for file in _files(settings))
    return next((Path(path) for path in found if isinstance(path, str)), None)


def _download(settings: Mapping[str, Any]) -> Path:
    repository = settings["hf_hub_id"]
    if not repository:
        raise ModelError(
            f"The hub has no weights of '{settings['architecture']}'.",
            f"Download {settings['url']} and give --model local:{settings['architecture']}@FILE.",
        )
    try:
        for file in _files(settings):
            # One request, not repeated, tells at once whether there is a network;
            # hf_hub_download alone goes on trying for half a minute.
            try:
                get_hf_file_metadata(hf_hub_url(repository, file), timeout=_SECONDS_TO_ANSWER)
            except EntryNotFoundError:
                continue
            return Path(hf_hub_download(repository, file))
    # The hub's client passes on the errors of its HTTP library, which differs from version to version.
    except Exception as error:
        builtins = ", ".join(f"builtin:{name}" for name in Builtin().names())
        raise ModelError(
            f"'{repository}' is not in the cache and cannot be downloaded: {str(error).rstrip('.')}.",
            f"Models that need no network: {builtins}.",
        ) from error
    raise ModelError(f"'{repository}' has none of {', '.join(_files(settings))}.", "Choose another model.")


def _verify(path: Path, sha256: str) -> None:
    """Compare with the name of the blob behind the cache's link: for large files it is their sha256."""
    expected = path.readlink().name if path.is_symlink() else ""
    if len(expected) == _SHA256_DIGITS and expected != sha256:
        raise ModelError(
            f"{path}: damaged: its sha256 is {sha256}, not {expected}.",
            "Delete the file and the one that it links to, and load it again.",
        )
