"""Networks of transformers: in a folder, in the hub's cache, or on the hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from torch import nn

from headstart.contracts import Backbone, Native
from headstart.sources.huggingface import places

# What a model of a hub lacks that is not in the cache.
DOWNLOAD = "downloaded when it is named"


class HuggingFace:
    """``hf:ORGANISATION/MODEL`` or ``hf:PATH``, any checkpoint that transformers' auto classes know."""

    name: ClassVar[str] = "hf"
    family: ClassVar[str] = "text"

    def names(self) -> Sequence[str]:
        """Models that are wholly in the hub's cache."""
        return places.cached_names()

    def lacking(self, name: str) -> str:
        """A download, where neither a folder nor the cache has it."""
        return "" if self.knows(name) else DOWNLOAD

    def knows(self, name: str) -> bool:
        """Whether a folder or the cache has it."""
        return places.is_checkpoint(Path(name).expanduser()) or places.cached(name) is not None

    def load(self, name: str, *, task: str, image_size: int | None = None) -> Backbone:
        """The pretrained backbone; downloaded where neither a folder nor the cache has it.

        Raises:
            ModelError: no such checkpoint, no network, damaged files, or none for this task.
        """
        from headstart.sources.huggingface.loading import load_checkpoint

        return load_checkpoint(places.find(name), name=f"hf:{name}", task=task)

    def rebuild(self, blueprint: Mapping[str, Any]) -> nn.Module:
        """The module of a blueprint, with untrained weights."""
        from headstart.sources.huggingface.loading import rebuild

        return rebuild(blueprint)

    def native(self, blueprint: Mapping[str, Any], labels: Sequence[str], *, several: bool) -> Native:
        """As `save_pretrained` writes it: configuration, and weights under the names of transformers."""
        from headstart.sources.huggingface.saving import native

        return native(blueprint, labels, several=several)
