"""A fine-tuned network in the form in which transformers itself opens it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from headstart.contracts import Native
from headstart.sources.huggingface.network import auto_class, config_of
from headstart.sources.huggingface.places import CONFIG, WEIGHTS


def native(blueprint: Mapping[str, Any], labels: Sequence[str], *, several: bool) -> Native:
    """Configuration with the labels, and where the head's weights belong.

    Args:
        blueprint: of the backbone.
        labels: one for each output of the head.
        several: whether an example may have several of them.
    """
    config = config_of(blueprint)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: place for place, label in enumerate(labels)}
    config.problem_type = "multi_label_classification" if several else "single_label_classification"
    config.architectures = [auto_class(blueprint["task"])._model_mapping[type(config)].__name__]
    config.dtype = "float32"
    text = json.dumps(config.to_dict(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    return Native(
        files={CONFIG: text.encode()},
        weights=WEIGHTS,
        prefixes={"backbone.model.": "", "head.": f"{blueprint['head']}."},
    )
