"""The bundle: a folder with all that a model needs to predict, checked when it is opened.

It needs no network, no package of weights and no training code: the architecture is rebuilt
from its blueprint, the weights come from a safetensors file. Where the library that the backbone came
from has a form for the whole network, the bundle is in that form, so that the library opens it too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from headstart.artifact.bounds import Bounded, check_numbers
from headstart.artifact.damage import told_of
from headstart.artifact.export.format import Format, Ports
from headstart.artifact.exported import Exported
from headstart.artifact.golden import FILE as GOLDEN
from headstart.artifact.golden import golden_file, read_golden
from headstart.artifact.model import Model
from headstart.catalog import EXPORTS, MODALITIES, TASKS, resolve
from headstart.contracts import HEAD, Backbone, Head, Native, Task
from headstart.durable import write_folder_durably
from headstart.errors import BundleError, RunFolderError
from headstart.sources.resolve import native, rebuild

FORMAT = 1
WEIGHTS, FACTS, CARD = "weights.safetensors", "bundle.json", "README.md"
RESTORE = "Restore it from a copy, or train again."


def save_bundle(
    folder: Path,
    *,
    network: nn.Module,
    task: Task,
    backbone: Backbone,
    head: Head,
    temperature: float,
    batch_size: int,
    columns: str = "",
    versions: Mapping[str, str],
    samples: Sequence[Any] = (),
    device: str = "cpu",
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
        columns: of the inputs in tables like those of training, joined by commas.
        versions: of the libraries that made it.
        samples: inputs that it carries as golden samples.
        device: that computes what the network says of these.
    """
    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    modality = resolve("modality", task.modality, MODALITIES)
    model = Model(
        network=network,
        task=task,
        modality=modality(backbone.preprocessing, None, 0),
        temperature=temperature,
        batch_size=batch_size,
        device=device,
        facts={"columns": _listed(columns)},
    )
    golden = golden_file(model, samples)
    form = native_form(task, backbone, head)
    if form is None:
        form = Native(files={}, weights=WEIGHTS, prefixes={})
    else:
        # What opens it knows no temperature.
        tensors = {name: _cooled(name, value, temperature) for name, value in tensors.items()}
        temperature = 1.0
    files = {
        form.weights: save_tensors({_theirs(name, form): value.clone() for name, value in tensors.items()}),
        **form.files,
        GOLDEN: golden,
        **modality.preprocessing_files(backbone.preprocessing),
    }
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
        "columns": _listed(columns),
        "licence": backbone.licence,
        "revision": backbone.revision,
        "backbone_sha256": backbone.sha256,
        "head_bias": backbone.head_bias,
        "versions": dict(versions),
        "weights": form.weights,
        "prefixes": dict(form.prefixes),
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    write_folder_durably(folder, {**files, FACTS: text.encode()})


def _listed(columns: str) -> list[str]:
    return [name for name in columns.split(",") if name]


def native_form(task: Task, backbone: Backbone, head: Head) -> Native | None:
    """The form in which the library of a backbone opens it with its head; None where it has none."""
    if head.hidden:
        return None
    form = native(backbone.blueprint, task.output_names, several=not task.exclusive)
    if form is None or not head.dropout:
        return form
    prefixes = {
        f"{HEAD}.1." if ours == f"{HEAD}." else ours: theirs for ours, theirs in form.prefixes.items()
    }
    return replace(form, prefixes=prefixes)


def _cooled(name: str, value: Tensor, temperature: float) -> Tensor:
    """Weights of a linear head so that it gives logits divided by the temperature."""
    return value / temperature if name.startswith(f"{HEAD}.") else value


def _theirs(name: str, form: Native) -> str:
    """The name of a tensor in the library's form."""
    ours = next((ours for ours in form.prefixes if name.startswith(ours)), None)
    return name if ours is None else form.prefixes[ours] + name.removeprefix(ours)


def _ours(name: str, prefixes: Mapping[str, str]) -> str:
    """The name of a tensor here, from that in the library's form."""
    for ours, theirs in sorted(prefixes.items(), key=lambda pair: -len(pair[1])):
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def bundle_folder(path: Path) -> Path:
    """Where the bundle is: the folder itself, or ``model/`` of a run folder."""
    return path if (path / FACTS).is_file() else path / "model"


def load_bundle(path: Path, *, device: str = "cpu") -> Model:
    """Open a bundle, or the bundle of a run.

    Args:
        path: the folder ``model/``, or the run folder around it; or an export.
        device: where to compute; exports compute on the processor.

    Raises:
        RunFolderError: there is no bundle.
        BundleError: it is damaged, or of a newer format.
    """
    folder = bundle_folder(path)
    facts = _read_facts(folder, asked=path)
    with told_of(folder / FACTS, "understood", RESTORE):
        return _opened(folder, facts, device)


def _opened(folder: Path, facts: Mapping[str, Any], device: str) -> Model:
    """The model that facts and the files beside them tell of."""
    check_numbers(facts)
    files = {name: _read_file(folder, name, digest) for name, digest in facts["sha256"].items()}
    stated = dict(facts["task"])
    task: Task = resolve("task", stated.pop("name"), TASKS).from_state(stated)
    modality = resolve("modality", task.modality, MODALITIES)
    preprocessing = modality.preprocessing_from(facts["preprocessing"], folder)
    if "engine" in facts:
        network: nn.Module = exported(facts, files)
    else:
        network = _network(facts, files, task, preprocessing, modality.family, folder)
    return Model(
        network=network,
        task=task,
        modality=modality(preprocessing, None, 0),
        temperature=facts["temperature"],
        batch_size=facts["batch_size"],
        device="cpu" if "engine" in facts else device,
        facts=facts,
        golden=read_golden(files[GOLDEN]) if GOLDEN in files else None,
    )


def _network(
    facts: Mapping[str, Any],
    files: Mapping[str, bytes],
    task: Task,
    preprocessing: Any,
    family: str,
    folder: Path,
) -> nn.Module:
    """The network of torch with its weights."""
    name = facts.get("weights", WEIGHTS)
    tensors = load_tensors(files[name])
    with Bounded(tensors):
        network = _built(facts, task, preprocessing, family)
    try:
        network.load_state_dict(
            {_ours(key, facts.get("prefixes", {})): value for key, value in tensors.items()}
        )
    except RuntimeError as error:
        raise BundleError(f"{folder / name}: does not fit {FACTS} beside it ({error}).") from error
    return network


def _built(facts: Mapping[str, Any], task: Task, preprocessing: Any, family: str) -> nn.Module:
    """The network of torch, with untrained weights."""
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
        modality=family,
        head_bias=facts.get("head_bias", True),
    )
    head = Head(**{**facts["head"], "hidden": tuple(facts["head"]["hidden"])})
    return task.build(backbone, head)


def bundle_digest(path: Path) -> str:
    """sha256 of bundle.json, which has those of all other files, of a bundle or of that in a run folder."""
    return hashlib.sha256((bundle_folder(path) / FACTS).read_bytes()).hexdigest()


def exported(facts: Mapping[str, Any], files: Mapping[str, bytes]) -> Exported:
    """What computes an export.

    Args:
        facts: as bundle.json of it has them.
        files: of its engine, by name.
    """
    engine = facts["engine"]
    ports = Ports(tuple(each["name"] for each in engine["inputs"]), tuple(engine["outputs"]))
    form: Format = resolve("format", engine["format"], EXPORTS)
    compute = form.open(files, ports, engine["precision"])
    name = f"{engine['format']} ({form.computed(engine['precision'])})"
    return Exported(compute, name, abreast=form.abreast())


def _read_facts(folder: Path, *, asked: Path) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads((folder / FACTS).read_text())
    except (FileNotFoundError, NotADirectoryError) as error:
        what = f"has no saved model (no {FACTS})" if asked.exists() else "does not exist"
        raise RunFolderError(f"{asked}: {what}.", "Name a run folder whose training has finished.") from error
    except (ValueError, OSError, RecursionError) as error:
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


def _read_file(folder: Path, name: str, stated: str) -> bytes:
    """A file of the bundle, which must be the one that was written."""
    if Path(name).name != name:
        raise BundleError(f"{folder / FACTS}: names '{name}', which is no file beside it.")
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise BundleError(f"{folder / name}: {error.strerror}.", "Restore it from a copy.") from error
    found = hashlib.sha256(content).hexdigest()
    if found != stated:
        raise BundleError(
            f"{folder / name}: damaged: sha256 is {found[:12]}…, {FACTS} says {stated[:12]}….",
            RESTORE,
        )
    return content
