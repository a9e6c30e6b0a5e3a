"""Fine-tune a pretrained model on your own small labelled data."""

from __future__ import annotations

__version__ = "0.1.0"
