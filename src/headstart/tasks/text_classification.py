"""Which label, or which labels, a text has, or a pair of texts."""

from __future__ import annotations

from typing import ClassVar

from headstart.tasks.classification import Classification


class TextClassification(Classification):
    """Classification of texts: sentiment, topic, intent; of pairs: entailment, paraphrase."""

    name: ClassVar[str] = "text-classification"
    modality: ClassVar[str] = "text"
    form: ClassVar[str] = "labelled-texts"
    asked: ClassVar[str] = '["some text"]'
