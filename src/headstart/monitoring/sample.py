"""The predictions of one window, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace

from headstart.monitoring.arrays import (
    Float32s,
    check_length,
    checked_features,
    checked_scores,
    first_of_each,
)
from headstart.monitoring.lot import Lot


@dataclass(frozen=True, eq=False)
class Sample:
    """What the model gave for the inputs of one window. Inputs are taken as independent of each other.

    An input that came many times (a client that tries again, a camera that stands still) is one
    observation, not many: where `inputs` tells, each counts once. Pictures that are merely alike, as of
    one film, cannot be told from independent ones here; of those, a window should take few.

    Attributes:
        scores: (M, C) probabilities, float32.
        features: (M, D) float32; None where they are not known of all.
        inputs: of each, something that is equal for equal inputs, such as a hash; None where not known.
        correct: of each, whether the answer was right; None where no label has come.
        lot: which `inputs` were drawn to be labelled; None where none were.
        left_out: predictions of the window that are not here, as their values cannot be compared.

    Raises:
        DataError: shapes that do not fit, values that are not finite, scores outside [0, 1].
    """

    scores: Float32s
    features: Float32s | None = None
    inputs: tuple[str, ...] | None = None
    correct: tuple[bool | None, ...] | None = None
    lot: Lot | None = None
    left_out: int = 0

    def __post_init__(self) -> None:
        scores = checked_scores("the window", self.scores)
        object.__setattr__(self, "scores", scores)
        if self.features is not None:
            features = checked_features("the window", self.features, len(scores))
            object.__setattr__(self, "features", features)
        for name in ("inputs", "correct"):
            if getattr(self, name) is not None:
                check_length("the window", f"'{name}'", len(getattr(self, name)), len(scores))

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def known(self) -> tuple[bool, ...]:
        """Whether the answer was right, of those with a label."""
        return tuple(bool(right) for right in self.correct or () if right is not None)

    @property
    def known_of_lot(self) -> tuple[bool, ...]:
        """Whether the answer was right, of those with a label that were drawn."""
        if self.lot is None or self.inputs is None:
            return ()
        pairs = zip(self.inputs, self.correct or (), strict=False)
        return tuple(right for name, right in pairs if right is not None and name in self.lot)

    def distinct(self) -> Sample:
        """Each input once; with the label that came last for it."""
        if self.inputs is None:
            return self
        places = first_of_each(self.inputs)
        labelled: dict[str, bool | None] = {}
        for name, right in zip(self.inputs, self.correct or (), strict=False):
            if right is not None:
                labelled[name] = right
        inputs = tuple(self.inputs[place] for place in places)
        return replace(
            self,
            scores=self.scores[places],
            features=None if self.features is None else self.features[places],
            inputs=inputs,
            correct=None if self.correct is None else tuple(labelled.get(name) for name in inputs),
        )
