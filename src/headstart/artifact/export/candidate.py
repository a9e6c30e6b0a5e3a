"""An export before it is written: made, opened, and beside its golden samples. Reads no data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.artifact.bundle import CARD, FACTS, exported
from headstart.artifact.export.calibration import batches
from headstart.artifact.export.format import Format, Precision
from headstart.artifact.export.graph import Traceable, traceable
from headstart.artifact.golden import CLOSE, NEAR, Agreement, agreement, golden_file
from headstart.artifact.golden import FILE as GOLDEN
from headstart.artifact.model import Model
from headstart.catalog import EXPORTS, resolve
from headstart.contracts import Prediction
from headstart.durable import write_folder_durably
from headstart.errors import BundleError, RequestError

# By how much the scores of golden samples may differ; of int8, that is measured on data instead.
TOLERANCES: Mapping[Precision, float] = {"fp32": CLOSE, "bf16": NEAR}


@dataclass(frozen=True)
class Candidate:
    """An export in memory.

    Attributes:
        files: the engine's, by name.
        facts: bundle.json of the export, without digests.
        model: opened from the files.
        agreement: with the samples of the model that it was made of.
        precision: in which it computes.
    """

    files: Mapping[str, bytes]
    facts: Mapping[str, Any]
    model: Model
    agreement: Agreement
    precision: Precision

    @property
    def size(self) -> int:
        """Bytes of the engine's files."""
        return sum(map(len, self.files.values()))

    def write(self, out: Path, *, card: str) -> None:
        """The folder, whole or not at all.

        Args:
            out: where.
            card: of the model, in Markdown.
        """
        golden = golden_file(self.model, self.model.golden.inputs)
        preprocessing = self.model.modality.preprocessing_files(self.model.modality.preprocessing)
        files = {**self.files, GOLDEN: golden, **preprocessing}
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        text = json.dumps({**self.facts, "sha256": digests}, indent=2, ensure_ascii=False) + "\n"
        write_folder_durably(out, {**files, CARD: card.encode(), FACTS: text.encode()})


def make(model: Model, name: str, precision: Precision | None, samples: Sequence[Any] = ()) -> Candidate:
    """An export that gives the answers of a model, or is refused.

    Args:
        model: of torch, on the CPU.
        name: of the format.
        precision: in which it is to compute; None is the fastest of the format's that the processor computes
            and that agrees.
        samples: inputs by which the ranges of int8 are found.

    Raises:
        RequestError: the format, or the precision of it, is not there, or not on this processor; the task
            has no such form.
        MissingExtra: a package is lacking.
        BundleError: its answers are not those of the model; the differences are shown.
    """
    form: Format = resolve("format", name, EXPORTS)
    if precision is not None and precision not in form.precisions:
        raise RequestError(
            f"{name} does not compute in {precision}.", f"There are: {', '.join(form.precisions)}."
        )
    if precision is not None and form.computed(precision) != precision:
        raise RequestError(
            f"This processor does not compute {precision}.", "Leave the precision out, or choose fp32."
        )
    what = traceable(model)
    if precision == "int8":
        shown = batches(what, model, samples)
        files = form.quantised(form.make(what), shown, tokens=model.modality.ragged)
        return _opened(form, files, what, model, "int8")
    files = form.make(what)
    usual = [each for each in form.precisions if each in TOLERANCES and form.computed(each) == each]
    tried = [precision] if precision else usual
    for each in tried:
        found = _opened(form, files, what, model, each)
        if not found.agreement.problems:
            return found
    raise BundleError(
        f"The {name} export does not give the answers of the model: "
        f"{len(found.agreement.problems)} of {found.agreement.count} golden samples differ. "
        f"{'. '.join(found.agreement.problems[:3])}.",
        "Nothing was written. Choose another format.",
    )


def _opened(
    form: Format, files: dict[str, bytes], what: Traceable, model: Model, precision: Precision
) -> Candidate:
    modality = type(model.modality)
    engine = {
        "format": form.name,
        "precision": precision,
        "inputs": [
            {
                "name": name,
                "dtype": str(value.dtype).removeprefix("torch."),
                "shape": [what.varying[name].get(place, side) for place, side in enumerate(value.shape)],
            }
            for name, value in what.inputs.items()
        ],
        "outputs": list(what.graph.outputs),
    }
    facts = {
        **{key: value for key, value in model.facts.items() if key not in {"weights", "prefixes", "sha256"}},
        "preprocessing": modality.preprocessing_state(what.preprocessing),
        "temperature": 1.0,
        "engine": engine,
    }
    opened = model.computed_by(exported(facts, files), modality(what.preprocessing, None, 0), facts)
    both = [
        agreement(way, model.golden, tolerance=TOLERANCES.get(precision, 1.0))
        for way in (opened, _Alone(opened))
    ]
    found = max(both, key=lambda one: (len(one.problems), one.largest))
    return Candidate(files, facts, opened, found, precision)


@dataclass(frozen=True)
class _Alone:
    """A model that is asked one input at a time: an export must do so at any size of a batch."""

    model: Model

    def predict(self, inputs: Sequence[Any]) -> list[Prediction]:
        """One prediction an input, in order."""
        views = (
            self.model.view(value, name=f"golden sample {place + 1}") for place, value in enumerate(inputs)
        )
        return [
            self.model.answer([view], [value])[0].prediction
            for view, value in zip(views, inputs, strict=True)
        ]
