"""The model card: what a model is, how good, and how to use it, in Markdown (Mitchell et al., 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headstart.evaluation.report.verdict import untrained
from headstart.evaluation.report.words import interval, number, title
from headstart.evaluation.scores import Scores

PARTS = {"train": "train", "val": "validation", "test": "test"}


def model_card(result: Mapping[str, Any], bundle: Mapping[str, Any], *, asked: str) -> str:
    """README.md of a bundle.

    Args:
        result: as result.json has it.
        bundle: as bundle.json has it.
        asked: what `predict` may be given, as Python writes it.
    """
    test = Scores.from_state(result["test"])
    scores = "\n".join(
        f"| {title(name)} | {number(score.value, name)} | {interval(score, name)} |"
        for name, score in test.metrics.items()
    )
    warning = f"**{text}**\n\n" if (text := untrained(result)) else ""
    made = "An untrained" if warning else "A fine-tuned"
    counts = ", ".join(f"{result['data'][part]} {name}" for part, name in PARTS.items())
    labels = ", ".join(f"`{label}`" for label in result["labels"])
    return f"""# {result["task"]}{f": {_some(labels)}" if labels else ""}

{warning}{made} `{result["model"]}`, made by headstart {result["versions"].get("headstart", "")}.

| | |
|---|---|
| task | {result["task"]} |
| backbone | `{result["model"]}` (revision {bundle["revision"]}) |
| licence of the backbone | {bundle["licence"]} |
| technique | {result["technique"]} |
| examples | {counts} |
| fingerprint of the data | `{result["data"]["fingerprint"][:16]}` |

## Scores on {test.n} test examples

| metric | value | 95 % interval |
|---|---|---|
{scores}

The test set was read once, after all choices were made. The intervals are bootstraps over groups of
examples; they say nothing of data that differs from the test set.

## Use

```python
import headstart as hs

model = hs.load("path/to/this/folder")
print(model.predict({asked}))
```

The preprocessing is part of the model: give it files and texts as they are.
"""


def _some(labels: str) -> str:
    return labels if len(labels) < 200 else labels[:200].rsplit(",", 1)[0] + ", …"
