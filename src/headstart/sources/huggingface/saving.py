"""A fine-tuned network in the form in which transformers itself opens it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from headstart.contracts import Native
from headstart.sources.huggingface.network import auto_class, config_of
from headstart.sources.huggingface.places import CONFIG, WEIGHTS

GENERATION = "generation_config.json"


def native(blueprint: Mapping[str, Any], labels: Sequence[str], *, several: bool) -> Native:
    """Configuration with the labels, and where the head's weights belong.

    Args:
        blueprint: of the backbone.
        labels: one for each output of the head; none where outputs are no labels.
        several: whether an example may have several of them.
    """
    config = config_of(blueprint)
    if labels:
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: place for place, label in enumerate(labels)}
    if blueprint["task"] == "text-classification":
        config.problem_type = "multi_label_classification" if several else "single_label_classification"
    config.architectures = [auto_class(blueprint["task"])._model_mapping[type(config)].__name__]
    config.dtype = "float32"
    files = {CONFIG: config.to_dict()}
    if "generation" in blueprint:
        files[GENERATION] = blueprint["generation"]
    return Native(
        files={name: _json(content) for name, content in files.items()},
        weights=WEIGHTS,
        prefixes={"backbone.model.": "", "head.": f"{blueprint['head']}."},
    )


def _json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
