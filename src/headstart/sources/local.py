"""Weights that lie on the disk: a file, or a folder as timm writes it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import timm
from timm.models import get_pretrained_cfg
from torch import nn

from headstart.contracts import Backbone
from headstart.errors import ModelError, a_few
from headstart.sources.architecture import (
    Checkpoint,
    assemble,
    check_architecture,
    constructor_arguments,
    preprocessing_of,
    rebuild,
)
from headstart.sources.huggingface.places import is_checkpoint
from headstart.sources.weights import CONVERT, SUFFIXES, check_file, read_metadata, read_weights, sha256_of

_CONFIG = "config.json"
_PREFERRED = "model.safetensors"
# Weights as training scripts keep them beside much else, all of it pickled; and as many processes write them.
_PICKLED = (".ckpt", ".joblib", ".pkl", ".pickle")
_PARTS = ".metadata"
_JOIN = (
    "Join its parts where you trust it: torch.distributed.checkpoint.format_utils.dcp_to_torch_save(FOLDER, "
    "'model.pt')."
)


class Local:
    """``local:PATH`` or ``local:ARCHITECTURE@PATH``.

    A folder holds ``config.json`` (timm's form, at least ``{"architecture": ...}``) and one weights
    file. A bare file says its architecture in the safetensors metadata, in a JSON file of the same
    name or a ``config.json`` beside it, or gets it before the ``@``.
    """

    name: ClassVar[str] = "local"
    family: ClassVar[str] = "image"

    def names(self) -> Sequence[str]:
        """None: a disk is not searched."""
        return ()

    def lacking(self, name: str) -> str:
        """Nothing: what is named lies on disk."""
        return ""

    def knows(self, name: str) -> bool:
        """Whether there is such a file, or such a folder that is not one of transformers."""
        place = _split(name)[1]
        return place.exists() and not is_checkpoint(place)

    def load(
        self, name: str, *, task: str = "image-classification", image_size: int | None = None
    ) -> Backbone:
        """The backbone with the weights of a file; those of a classifier are left out.

        Raises:
            ModelError: no such file, no architecture, or weights that are damaged or do not fit.
        """
        architecture, place = _split(name)
        if is_checkpoint(place):
            raise ModelError(f"{place}: this is a network of transformers.", f"Name it so: hf:{place}")
        path = _weights_file(place)
        check_file(path)
        config = _config(path)
        named = architecture or config.get("architecture") or read_metadata(path).get("architecture")
        if not named:
            raise ModelError(
                f"{path}: nothing says its architecture.", f"Name it: local:ARCHITECTURE@{place}"
            )
        check_architecture(str(named))
        try:
            settings = _settings(named, config)
            arguments = constructor_arguments(settings) | _model_arguments(config)
            preprocessing = preprocessing_of(settings)
        except (TypeError, ValueError) as error:
            raise ModelError(
                f"{path}: a wrong value in the file beside it: {error}.", "Correct it."
            ) from error
        checkpoint = Checkpoint(
            name=f"local:{name}",
            path=path,
            weights=read_weights(path),
            architecture=settings["architecture"],
            arguments=arguments,
            preprocessing=preprocessing,
            licence=_own_settings(config).get("license") or "unknown",
            revision="",
            sha256=sha256_of(path),
        )
        return assemble(checkpoint, image_size)

    def rebuild(self, blueprint: Mapping[str, Any]) -> nn.Module:
        """The module of a blueprint, with untrained weights."""
        return rebuild(blueprint)

    def native(self, blueprint: Mapping[str, Any], labels: Sequence[str], *, several: bool) -> None:
        """None: timm has no form for a preprocessing that is not its own."""
        return


def _split(name: str) -> tuple[str | None, Path]:
    """Architecture and path; an ``@`` in a path that exists is part of the path."""
    architecture, at, path = name.partition("@")
    if not at or Path(name).exists():
        return None, Path(name).expanduser()
    return architecture, Path(path).expanduser()


def _weights_file(place: Path) -> Path:
    """The file itself, or the one weights file of a folder."""
    if not place.is_dir():
        return place
    files = sorted(file for file in place.iterdir() if file.suffix in SUFFIXES)
    preferred = [file for file in files if file.name == _PREFERRED] or files
    if not preferred:
        raise _no_weights(place)
    if len(preferred) > 1:
        names = ", ".join(file.name for file in preferred)
        raise ModelError(f"{place}: holds several weights files: {names}.", "Name one: local:PATH/FILE")
    return preferred[0]


def _no_weights(place: Path) -> ModelError:
    """Why a folder has no weights that are read, and how those that it has become such."""
    pickled = sorted(file.name for file in place.iterdir() if file.suffix in _PICKLED or file.name == _PARTS)
    if not pickled:
        return ModelError(f"{place}: holds no weights.", f"Put a file {_PREFERRED} there.")
    return ModelError(
        f"{place}: its weights are pickled ({a_few(pickled)}), so reading them could run code.",
        _JOIN if _PARTS in pickled else CONVERT,
    )


def _config(path: Path) -> dict[str, Any]:
    """What stands in the JSON file beside the weights; empty where there is none."""
    candidates = (path.with_suffix(".json"), path.with_name(_CONFIG))
    found = next((file for file in candidates if file.is_file()), None)
    if found is None:
        return {}
    try:
        config = json.loads(found.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{found}: not JSON: {error}.", "Correct it.") from error
    if not isinstance(config, dict):
        raise ModelError(f"{found}: not a JSON object.", 'It should be like {"architecture": "resnet18"}.')
    return config


def _part(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object within the config; empty where there is none."""
    part = config.get(key) or {}
    if not isinstance(part, dict):
        raise ModelError(f"{_CONFIG}: '{key}' must be an object. Got {part!r}.", "Correct it.")
    return part


def _own_settings(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """timm's `pretrained_cfg` in the file; older files have its keys at the top."""
    return _part(config, "pretrained_cfg") or config


def _settings(architecture: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The architecture's `pretrained_cfg`, where the file does not say otherwise."""
    known = dict(vars(get_pretrained_cfg(architecture.partition(".")[0])))
    own = {key: value for key, value in _own_settings(config).items() if key in known and value is not None}
    settings = known | own | {"architecture": known["architecture"]}
    size = _part(config, "model_args").get("img_size")
    if size is not None:
        sides = (size, size) if isinstance(size, int) else tuple(size)
        settings["input_size"] = (settings["input_size"][0], *sides)
    return settings


def _model_arguments(config: Mapping[str, Any]) -> dict[str, Any]:
    """`model_args` of the file, without those that load something or that `_settings` has told."""
    taken = {*inspect.signature(timm.create_model).parameters, "num_classes", "img_size"}
    return {name: value for name, value in _part(config, "model_args").items() if name not in taken}
