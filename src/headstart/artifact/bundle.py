"""The bundle: a folder with all that a model needs to predict, checked when it is opened.

It needs no network, no package of weights and no training code: the architecture is rebuilt
from its blueprint, the weights come from ``weights.safetensors``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import nn

from headstart.artifact.model import Model
from headstart.catalog import MODALITIES, TASKS, resolve
from headstart.contracts import Backbone, Head, Task
from headstart.durable import write_folder_durably
from headstart.errors import BundleError, RunFolderError
from headstart.sources.resolve import rebuild

FORMAT = 1
WEIGHTS, FACTS, CARD = "weights.safetensors", "bundle.json", "README.md"


def save_bundle(
    folder: Path,
    *,
    network: nn.Module,
    task: Task,
    backbone: Backbone,
    head: Head,
    temperature: float,
    batch_size: int,
    versions: Mapping[str, str],
) -> None:
    """Write a bundle whole, or not at all.

    Args:
        folder: where; must not exist.
        network: backbone and head, trained.
        task: with its labels.
        backbone: what the network was built on.
        head: how its head was built.
        temperature: by which logits are divided.
        batch_size: of every prediction, padded.
        versions: of the libraries that made it.
    """
    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    weights = save_tensors(tensors)
    modality = resolve("modality", task.modality, MODALITIES)
    facts = {
        "format": FORMAT,
        "task": {"name": task.name, **task.state()},
        "labels": list(task.labels),
        "model": backbone.name,
        "blueprint": dict(backbone.blueprint),
        "feature_size": backbone.feature_size,
        "head": {"hidden": list(head.hidden), "dropout": head.dropout, "batch_norm": head.batch_norm},
        "preprocessing": modality.preprocessing_state(backbone.preprocessing),
        "temperature": temperature,
        "batch_size": batch_size,
        "licence": backbone.licence,
        "revision": backbone.revision,
        "backbone_sha256": backbone.sha256,
        "versions": dict(versions),
        "sha256": {WEIGHTS: hashlib.sha256(weights).hexdigest()},
    }
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    write_folder_durably(folder, {WEIGHTS: weights, FACTS: text.encode()})


def load_bundle(path: Path, *, device: str = "cpu") -> Model:
    """Open a bundle, or the bundle of a run.

    Args:
        path: the folder ``model/``, or the run folder around it.
        device: where to compute.

    Raises:
        RunFolderError: there is no bundle.
        BundleError: it is damaged, or of a newer format.
    """
    folder = path if (path / FACTS).is_file() else path / "model"
    facts = _read_facts(folder, asked=path)
    weights = _read_weights(folder, facts)
    stated = dict(facts["task"])
    task: Task = resolve("task", stated.pop("name"), TASKS).from_state(stated)
    modality = resolve("modality", task.modality, MODALITIES)
    preprocessing = modality.preprocessing_from(facts["preprocessing"])
    backbone = Backbone(
        module=rebuild(facts["blueprint"]),
        boundaries=(),
        feature_size=facts["feature_size"],
        preprocessing=preprocessing,
        name=facts["model"],
        blueprint=facts["blueprint"],
        licence=facts["licence"],
        parameters=0,
        revision=facts["revision"],
        sha256=facts["backbone_sha256"],
    )
    head = Head(**{**facts["head"], "hidden": tuple(facts["head"]["hidden"])})
    network = task.build(backbone, head)
    try:
        network.load_state_dict(load_tensors(weights))
    except RuntimeError as error:
        raise BundleError(f"{folder / WEIGHTS}: does not fit {FACTS} beside it ({error}).") from error
    return Model(
        network=network,
        task=task,
        modality=modality(preprocessing, None, 0),
        temperature=facts["temperature"],
        batch_size=facts["batch_size"],
        device=device,
        facts=facts,
    )


def _read_facts(folder: Path, *, asked: Path) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads((folder / FACTS).read_text())
    except (FileNotFoundError, NotADirectoryError) as error:
        what = f"has no saved model (no {FACTS})" if asked.exists() else "does not exist"
        raise RunFolderError(f"{asked}: {what}.", "Name a run folder whose training has finished.") from error
    except (ValueError, OSError) as error:
        raise BundleError(
            f"{folder / FACTS}: cannot be read ({error}).", "Restore it from a copy."
        ) from error
    stated = facts.get("format") if isinstance(facts, dict) else None
    if stated != FORMAT:
        raise BundleError(
            f"{folder / FACTS}: format {stated}, but this version reads {FORMAT}.",
            "Update headstart.",
        )
    return facts


def _read_weights(folder: Path, facts: Mapping[str, Any]) -> bytes:
    try:
        weights = (folder / WEIGHTS).read_bytes()
    except OSError as error:
        raise BundleError(f"{folder / WEIGHTS}: {error.strerror}.", "Restore it from a copy.") from error
    found, stated = hashlib.sha256(weights).hexdigest(), facts["sha256"][WEIGHTS]
    if found != stated:
        raise BundleError(
            f"{folder / WEIGHTS}: damaged: sha256 is {found[:12]}…, {FACTS} says {stated[:12]}….",
            "Restore it from a copy, or train again.",
        )
    return weights
