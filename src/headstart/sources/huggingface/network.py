"""Networks of transformers as backbones, and which of its classes a task wants."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
import transformers
from torch import Tensor, nn

from headstart.errors import ModelError, RequestError

ANSWERS = "question-answering"
# Task to the class of transformers whose last layer is new, and learned.
NEW_HEAD: Mapping[str, str] = {
    "text-classification": "AutoModelForSequenceClassification",
    "token-classification": "AutoModelForTokenClassification",
    ANSWERS: "AutoModelForQuestionAnswering",
}
# Task to the class whose last layer the checkpoint has: it gives the words.
WRITERS: Mapping[str, str] = {
    "translation": "AutoModelForSeq2SeqLM",
    "text-generation": "AutoModelForCausalLM",
}
CLASSES: Mapping[str, str] = {**NEW_HEAD, **WRITERS}
# Implementations of attention and of experts that no other package is asked for.
_OWN = (None, "eager", "sdpa", "batched_mm", "grouped_mm")
# So many labels no network has by chance: by their number the last layer is found.
_MARK = 1013


class Features(nn.Module):
    """A network of transformers whose last layer was taken out: gives what that layer would be given.

    Args:
        model: with an `nn.Identity` in the place of its last layer.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, **inputs: Tensor) -> Tensor:
        """(B, D), or (B, T, D) of tokens, from token inputs (B, T) by name."""
        features: Tensor = self.model(**inputs).logits
        return features


class TappedFeatures(nn.Module):
    """The same of a network that does more with what its last layer gives, as parting it in two.

    Args:
        model: with a `Tap` in the place of its last layer.
        tap: its name.
    """

    def __init__(self, model: nn.Module, tap: str) -> None:
        super().__init__()
        self.model = model
        self._tap = tap

    def forward(self, **inputs: Tensor) -> Tensor:
        """(B, T, D), from token inputs (B, T) by name."""
        self.model(**inputs)
        tap: Any = self.model.get_submodule(self._tap)
        features, tap.seen = tap.seen, None
        return features  # type: ignore[no-any-return]


class Tap(nn.Module):
    """Keeps what it is given, and hands on two numbers of each, as the layer in whose place it stands."""

    seen: Tensor | None = None

    def forward(self, features: Tensor) -> Tensor:
        """(..., D) to (..., 2)."""
        self.seen = features
        return features[..., :2]


class Writer(Features):
    """A whole network that writes.

    It gives logits (B, T, V) of the next token at each one that it is shown: of ``input_ids`` itself, or,
    where it reads and writes apart, of ``decoder_input_ids``.
    """

    model: Any

    def write(self, inputs: Mapping[str, Tensor], *, beams: int, longest: int) -> Tensor:
        """What it goes on with, token ids (B, L), filled up behind the end of each.

        Args:
            inputs: ``input_ids`` and ``attention_mask`` (B, T), filled up behind each.
            beams: kept by beam search; 1 takes the likeliest token at each step.
            longest: tokens, at most.
        """
        ids, mask = inputs["input_ids"], inputs["attention_mask"]
        apart = self.model.config.is_encoder_decoder
        if not apart:
            # What is gone on with must stand before what comes next.
            ids, mask = (_moved_behind(values, mask) for values in (ids, mask))
        written: Tensor = self.model.generate(
            input_ids=ids,
            attention_mask=mask,
            num_beams=beams,
            max_new_tokens=longest,
            max_length=None,
            do_sample=False,
            use_cache=True,
        )
        return written if apart else written[:, ids.shape[1] :]


def _moved_behind(values: Tensor, mask: Tensor) -> Tensor:
    """Rows with what fills them up before instead of behind."""
    length = values.shape[1]
    places = torch.arange(length, device=values.device)[None] - (length - mask.sum(dim=1, keepdim=True))
    return values.gather(1, places % length)


def config_of(blueprint: Mapping[str, Any]) -> Any:
    """The configuration in a blueprint.

    Raises:
        ModelError: the installed transformers does not know its kind.
    """
    stated = dict(blueprint["config"])
    try:
        config = transformers.AutoConfig.for_model(stated.pop("model_type"), **stated)
    except ValueError as error:
        raise ModelError(f"The installed transformers does not know it: {error}", "Update it.") from error
    compute_here(config)
    return config


def compute_here(config: Any) -> None:
    """Let a configuration choose only among what transformers itself computes.

    Another name of an implementation is that of a repository, whose code transformers would fetch and run.
    """
    for name in ("_attn_implementation", "_experts_implementation"):
        if getattr(config, name, None) not in _OWN:
            setattr(config, name, None)
    for name in getattr(config, "sub_configs", ()):
        if getattr(config, name, None) is not None:
            compute_here(getattr(config, name))


def auto_class(task: str) -> Any:
    """The class of transformers for a task.

    Raises:
        RequestError: there is none.
    """
    if task not in CLASSES:
        raise RequestError(
            f"Models of transformers are not for {task}.", f"They are for: {', '.join(sorted(CLASSES))}."
        )
    return getattr(transformers, CLASSES[task])


def is_writer(task: str) -> bool:
    """Whether a task's last layer is the checkpoint's own."""
    return task in WRITERS


def last_layer(task: str, config: Any) -> tuple[str, nn.Linear]:
    """Name and form of the layer that gives the labels; it has no memory for weights.

    Raises:
        ModelError: transformers has no such network for this configuration, or not one such layer.
    """
    kind = getattr(config, "model_type", "?")
    answers = task == ANSWERS  # some have two numbers for it, whatever is asked for
    for outputs in (2, _MARK) if answers else (_MARK,):
        marked = copy.deepcopy(config)
        marked.num_labels = outputs
        try:
            with torch.device("meta"):
                model = auto_class(task).from_config(marked, trust_remote_code=False)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise ModelError(
                f"transformers {transformers.__version__} has no {kind} network for {task}: "
                f"{first_line(error)}",
                "Choose another model.",
            ) from error
        found = {
            name: part
            for name, part in model.named_modules()
            if isinstance(part, nn.Linear) and part.out_features == outputs
        }
        if len(found) == 1:
            return next(iter(found.items()))
    raise ModelError(f"The {kind} network for {task} has not one last layer.", "Choose another model.")


def as_backbone(model: nn.Module, task: str, head: str) -> nn.Module:
    """A network with nothing in the place of its last layer; of one that writes, all of it.

    Args:
        model: as its library made it.
        task: that it is to learn.
        head: name of its last layer; "" where it keeps it.
    """
    part: Any
    for part in model.modules():
        if getattr(part, "loss_type", "") is None:
            part.loss_type = "ForSequenceClassification"  # Tracing reads it, and would warn of None.
    if is_writer(task):
        return Writer(model.eval())
    if task == ANSWERS:
        model.set_submodule(head, Tap())
        return TappedFeatures(model.eval(), head)
    model.set_submodule(head, nn.Identity())
    return Features(model.eval())


def first_line(error: Exception) -> str:
    """What an error of a foreign library says first."""
    return next(iter(str(error).splitlines()), type(error).__name__)
