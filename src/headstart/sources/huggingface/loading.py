"""A checkpoint of transformers, read safely: no code of it runs, and nothing but safetensors is opened."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import nn
from transformers import AutoConfig, GenerationConfig
from transformers.utils import logging

from headstart.contracts import Backbone, Boundary
from headstart.errors import ModelError, a_few
from headstart.modalities.text.preprocessing import TextPreprocessing, read_tokenizer
from headstart.sources.huggingface import pooling
from headstart.sources.huggingface.blocks import find_blocks
from headstart.sources.huggingface.network import (
    ANSWERS,
    as_backbone,
    auto_class,
    compute_here,
    config_of,
    first_line,
    is_writer,
    last_layer,
)
from headstart.sources.huggingface.places import CONFIG, has_tokenizer, weights_files
from headstart.sources.weights import sha256_of

# Longer texts are cut, also where a network would take them: time grows with their length.
LONGEST = 512
# What a configuration also has, and no network is made of: where it lay, and what it was trained with.
_OF_THIS_RUN = ("_name_or_path", "loss_type")
# Where transformers finds it, peft is asked to load it, and imports what it names.
_ADAPTER = "adapter_config.json"
_CONVERT = (
    "Convert it where you trust it: AutoModel.from_pretrained(FOLDER).save_pretrained(OTHER) writes "
    "safetensors."
)


def load_checkpoint(folder: Path, *, name: str, task: str, licence: str | None = None) -> Backbone:
    """The backbone of a checkpoint.

    Args:
        folder: as `save_pretrained` writes it.
        name: ``SOURCE:NAME``.
        task: that it is to learn.
        licence: of the weights; None reads it in the model card.

    Raises:
        ModelError: a file is missing or damaged, or would have to run code; or the network has no
            form for this task.
    """
    config = read_config(folder)
    files = _weights(folder)
    if task == ANSWERS:
        config.num_labels = 2  # begin and end, whatever labels the checkpoint was trained with
    head, layer = ("", None) if is_writer(task) else last_layer(task, config)
    tokenizer = _tokenizer(folder, task)
    _let_pad(tokenizer, config)
    model, missing = _read(folder, files, config, task)
    _leave_unknown_inputs(tokenizer, model)
    if task == "text-classification" and pooling.asks_for_mean(folder) and pooling.can_average(model):
        pooling.add_mean_pooling(model)
    known = _known_layer(model, head, missing) if task == ANSWERS else None
    module = as_backbone(model, task, head)
    start = config.decoder_start_token_id if config.is_encoder_decoder and is_writer(task) else None
    boundaries = find_blocks(module, _sample(tokenizer, start))
    _refuse_holes(folder, missing, () if is_writer(task) else boundaries)
    return Backbone(
        module=module,
        boundaries=boundaries,
        feature_size=layer.in_features if layer else config.get_text_config().vocab_size,
        preprocessing=TextPreprocessing(tokenizer, _longest(folder, tokenizer, model), start),
        name=name,
        blueprint={
            "source": name.partition(":")[0],
            "task": task,
            "config": {
                name: value for name, value in model.config.to_dict().items() if name not in _OF_THIS_RUN
            },
            "head": head,
            **({"generation": model.generation_config.to_diff_dict()} if is_writer(task) else {}),
        },
        licence=licence or _licence(folder),
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        revision=folder.name,
        sha256=_sha256(files),
        modality="text",
        head_bias=layer is not None and layer.bias is not None,
        new_head=layer is not None,
        last_layer=known,
    )


def rebuild(blueprint: Mapping[str, Any]) -> nn.Module:
    """The module of a blueprint that `load_checkpoint` wrote, with untrained weights.

    Raises:
        ModelError: the installed transformers does not have it.
    """
    config, task = config_of(blueprint), blueprint["task"]
    with _quiet(), torch.random.fork_rng(devices=[]):
        model: Any = auto_class(task).from_config(config, trust_remote_code=False)
    if "generation" in blueprint:
        model.generation_config = GenerationConfig.from_dict(dict(blueprint["generation"]))
    return as_backbone(model, task, blueprint["head"])


def read_config(folder: Path) -> Any:
    """A checkpoint's configuration.

    Raises:
        ModelError: it is missing, damaged, or asks for code of its own.
    """
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        said = first_line(error)
        if "trust_remote_code" in str(error):
            said = "the model needs code of its own, which is never run"
        raise ModelError(
            f"{folder / CONFIG}: {said}.",
            "Choose a model that transformers itself knows.",
        ) from error
    if getattr(config, "quantization_config", None):
        raise ModelError(f"{folder}: the weights are quantised.", "Choose the checkpoint with plain weights.")
    compute_here(config)
    config.use_cache = False
    return config


def _weights(folder: Path) -> list[Path]:
    if (folder / _ADAPTER).exists():
        raise ModelError(
            f"{folder}: has an adapter ({_ADAPTER}), which names its own classes.",
            "Merge it where you trust it: merge_and_unload().save_pretrained(OTHER) of peft.",
        )
    files = weights_files(folder)
    if files:
        return files
    pickled = sorted(path.name for path in folder.glob("*.bin")) + sorted(
        p.name for p in folder.glob("*.pt*")
    )
    if pickled:
        raise ModelError(
            f"{folder}: its weights are pickled ({a_few(pickled)}), so reading them could run code.", _CONVERT
        )
    raise ModelError(f"{folder}: has no weights (model.safetensors).", "Get the whole checkpoint again.")


def _read(folder: Path, files: list[Path], config: Any, task: str) -> tuple[Any, list[str]]:
    """The model, and the names of its parameters that the checkpoint does not have."""
    for file in files:
        _refuse_damaged(file)
    with _quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # What the checkpoint lacks is drawn, the same each time.
        try:
            model, told = auto_class(task).from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            said = first_line(error)
            raise ModelError(
                f"{folder}: its weights do not fit its {CONFIG}: {said}", "Get it again."
            ) from error
    return model, sorted(told["missing_keys"])


def _known_layer(model: Any, head: str, missing: list[str]) -> Any:
    """The last layer that a checkpoint has been trained with for this very task; None where it is drawn."""
    return None if any(name.startswith(f"{head}.") for name in missing) else model.get_submodule(head)


def _refuse_damaged(file: Path) -> None:
    try:
        with safe_open(file, framework="pt") as opened:
            opened.keys()
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{file}: damaged or not a weights file.", "Get it again.") from error


def _refuse_holes(folder: Path, missing: list[str], boundaries: Sequence[Boundary]) -> None:
    """A checkpoint may lack what lies between its last block and the labels, and no more.

    Without boundaries, it may lack nothing: what writes needs its last layer.
    """
    blocks = [
        place for place, boundary in enumerate(boundaries) if boundary.name.rpartition(".")[2].isdigit()
    ]
    needed = {name for boundary in boundaries[: max(blocks, default=0) + 1] for name in boundary.parameters}
    holes = [key for key in missing if f"model.{key}" in needed or not boundaries]
    if holes:
        raise ModelError(
            f"{folder}: lacks {len(holes)} weights: {a_few(holes)}.",
            "It is no checkpoint of this architecture.",
        )


def _tokenizer(folder: Path, task: str) -> Any:
    if not has_tokenizer(folder):
        raise ModelError(f"{folder}: has no tokenizer (tokenizer.json).", "Get the whole checkpoint.")
    try:
        tokenizer = read_tokenizer(folder)
    except Exception as error:  # each kind of tokenizer fails in its own way
        said = first_line(error)
        raise ModelError(
            f"{folder}: its tokenizer cannot be read: {said}", "Get the whole checkpoint."
        ) from error
    if not tokenizer.is_fast and not is_writer(task):  # which need not know where its tokens stand
        raise ModelError(f"{folder}: its tokenizer has no tokenizer.json.", "Save it with a fast tokenizer.")
    return tokenizer


def _let_pad(tokenizer: Any, config: Any) -> None:
    """A token that fills up a batch: networks that only ever continued texts have none."""
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    config.pad_token_id = tokenizer.pad_token_id
    vocabulary = getattr(config, "vocab_size", None)
    if vocabulary is not None and len(tokenizer) > vocabulary:
        raise ModelError(
            f"The tokenizer has {len(tokenizer)} tokens, but the network knows {vocabulary}.",
            "They are not of one checkpoint; get it again.",
        )


def _sample(tokenizer: Any, start: int | None) -> dict[str, torch.Tensor]:
    """A few tokens; where a decoder starts with a token of its own, that too."""
    sample = dict(tokenizer("a word or two", return_tensors="pt", verbose=False))
    return sample if start is None else {**sample, "decoder_input_ids": torch.tensor([[start]])}


def _leave_unknown_inputs(tokenizer: Any, model: nn.Module) -> None:
    """Some tokenizers give more than their network takes."""
    taken = inspect.signature(model.forward).parameters
    tokenizer.model_input_names = [name for name in tokenizer.model_input_names if name in taken]


def _longest(folder: Path, tokenizer: Any, model: Any) -> int:
    """Tokens: what the checkpoint states, at most `LONGEST`."""
    stated = [tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", None) or LONGEST]
    for name, part in model.named_modules():
        if (
            name.endswith("position_embeddings")
            and isinstance(part, nn.Embedding)
            and part.padding_idx is not None
        ):
            stated.append(part.num_embeddings - part.padding_idx - 1)  # RoBERTa counts from behind it
    try:
        sentence = (folder / "sentence_bert_config.json").read_text(encoding="utf-8")
        stated.append(int(re.search(r'"max_seq_length"\s*:\s*(\d+)', sentence)[1]))  # type: ignore[index]
    except (OSError, TypeError, ValueError):
        pass
    return min(LONGEST, *map(int, stated))


def _licence(folder: Path) -> str:
    """As the model card's first lines have it."""
    try:
        card = (folder / "README.md").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "unknown"
    found = re.match(r"---\n(?:.*\n)*?license:\s*([\w.\-]+)", card)
    return found[1] if found else "unknown"


def _sha256(files: list[Path]) -> str:
    digests = [sha256_of(file) for file in files]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


class _quiet:  # noqa: N801
    """Without what transformers tells of weights that it draws anew, and without its progress bars."""

    def __enter__(self) -> None:
        self._level = logging.get_verbosity()
        self._bars = logging.is_progress_bar_enabled()
        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]

    def __exit__(self, *_: Any) -> None:
        logging.set_verbosity(self._level)
        if self._bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
