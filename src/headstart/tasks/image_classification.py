"""Which label, or which labels, an image has."""

from __future__ import annotations

from typing import ClassVar

from headstart.tasks.classification import Classification


class ImageClassification(Classification):
    """Classification of images."""

    name: ClassVar[str] = "image-classification"
    modality: ClassVar[str] = "image"
    form: ClassVar[str] = "labelled-files"
    asked: ClassVar[str] = '["some.jpg"]'
