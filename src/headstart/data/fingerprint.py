"""What the data is, as one number: a run may only be resumed on the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from headstart.contracts import Scan
from headstart.data.dataset import Dataset


def fingerprint(dataset: Dataset, scans: Mapping[str, Scan]) -> str:
    """sha256, in hexadecimal, over every example's id, target, group and decoded content.

    The order of the examples, their place on the disk and their file format do not matter.
    """
    digest = hashlib.sha256()
    for example in sorted(dataset.examples, key=lambda example: example.id):
        known = scans.get(example.id, Scan())
        row = [example.id, example.target, example.group, known.content]
        digest.update(json.dumps(row, default=repr).encode() + b"\n")
    return digest.hexdigest()
