"""One window judged: what has changed, and whether to ring.

Of windows in which nothing has changed, a share of at most alpha rings: alpha is parted evenly between
outputs, features and accuracy; among outputs Holm's procedure takes care of the number of classes. The part
of accuracy is kept until nearly all labels have come, and spent then, once: see `headstart.monitoring.late`.

That share is over references and windows drawn together. All windows of a service are compared with one
reference, and against an unlucky one more of them ring, the more so the smaller it is beside the window.
Simulated with 0.05 for outputs and features together, in windows of 200 (five classes, 24 features): of
references of 50 examples one in ten makes 14 % of windows ring or more, and one in twenty 64 %; of 200
examples 9 and 11 %; of 1,000 examples 7 and 8 %. On average over references it was 7, 4 and 4 %, with
standard errors of 2, 0.5 and 0.4.

A test says that something has changed, not that it matters: a large window rings at a small change. That
is what the changes of proportions and the estimated accuracy are for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from headstart.errors import RequestError, counted
from headstart.monitoring.estimate import EstimatedAccuracy, estimated_accuracy
from headstart.monitoring.features import feature_drift
from headstart.monitoring.labelled import LabelledAccuracy, fairest_accuracy
from headstart.monitoring.lot import Lot
from headstart.monitoring.outputs import Proportion, proportions, score_drift
from headstart.monitoring.reference import Reference
from headstart.monitoring.sample import Sample
from headstart.monitoring.usual import ALPHA, LEAST_ALPHA

# Below so many examples of reference, chance in them is felt in every window.
FEW = 200
# Classes that are written down, those that ring first.
KEPT = 50

OUTPUTS, FEATURES, ACCURACY = "outputs", "features", "accuracy"


@dataclass(frozen=True)
class Finding:
    """One thing that was tested.

    Attributes:
        kind: "outputs", "features" or "accuracy".
        name: the class, of outputs; else as the kind.
        statistic: of outputs the distance of Kolmogorov and Smirnov, of features the squared maximum mean
            discrepancy, of accuracy the difference from the reference's.
        p_value: how often chance alone gives as much.
        adjusted: the p-value, corrected for all that was tested in this window.
        alarm: whether `adjusted` is at most alpha.
    """

    kind: str
    name: str
    statistic: float
    p_value: float
    adjusted: float
    alarm: bool


@dataclass(frozen=True)
class Judgement:
    """What one window shows.

    Attributes:
        n: predictions that were compared, each distinct input once.
        repeated: predictions left out because their input was there already.
        left_out: predictions left out because their values cannot be compared.
        n_reference: examples that they were compared with.
        reference_accuracy: on these; None where it is not known.
        alpha: the share of windows without any change that rings, at most.
        findings: everything that was tested, what is most surprising first.
        proportions: how often each class is the answer, in the order of labels.
        estimated: accuracy without labels; None where the reference has none.
        labelled: accuracy from labels; None where none have come.
        lot: inputs that were drawn to be labelled; None where none were.
        notes: sentences on what limits all this.
    """

    n: int
    repeated: int
    left_out: int
    n_reference: int
    reference_accuracy: float | None
    alpha: float
    findings: tuple[Finding, ...]
    proportions: tuple[Proportion, ...]
    estimated: EstimatedAccuracy | None
    labelled: LabelledAccuracy | None
    lot: Lot | None
    notes: tuple[str, ...]

    @property
    def rang(self) -> tuple[Finding, ...]:
        """The findings that ring."""
        return tuple(finding for finding in self.findings if finding.alarm)

    @property
    def alarm(self) -> bool:
        """Whether any does."""
        return bool(self.rang)

    def state(self) -> dict[str, Any]:
        """Plain data, for JSON; of very many classes, those that matter most."""
        # The most surprising stand first, so what rings is among them.
        classes = [finding.name for finding in self.findings if finding.kind == OUTPUTS]
        named = set(classes[: max(KEPT, sum(finding.kind == OUTPUTS for finding in self.rang))])
        findings = [one for one in self.findings if one.kind != OUTPUTS or one.name in named]
        return {
            "n": self.n,
            "repeated": self.repeated,
            "left_out": self.left_out,
            "n_reference": self.n_reference,
            "reference_accuracy": self.reference_accuracy,
            "alpha": self.alpha,
            "alarm": self.alarm,
            "findings": [asdict(finding) for finding in findings],
            "classes": len(self.proportions),
            "proportions": [
                asdict(row) | {"change": row.change.state()} for row in self.proportions if row.label in named
            ],
            "estimated_accuracy": None if self.estimated is None else self.estimated.state(),
            "labelled_accuracy": None if self.labelled is None else self.labelled.state(),
            "lot": None if self.lot is None else self.lot.state(),
            "notes": list(self.notes),
        }


def judge(reference: Reference, sample: Sample, *, alpha: float = ALPHA, seed: int = 0) -> Judgement:
    """Compare a window with the reference.

    The same arguments give the same judgement.

    Args:
        reference: of the model that answered.
        sample: the window.
        alpha: the share of windows without any change that may ring, from `LEAST_ALPHA`, below 1.
        seed: of permutations and draws.

    Raises:
        RequestError: another number of classes or features than the reference has, or an impossible alpha.
    """
    check_alpha(alpha)
    _refuse_other_model(reference, sample)
    then, now = reference.distinct(), sample.distinct()
    drawn = 0 if now.lot is None else now.lot.n
    labelled = fairest_accuracy((now.known, len(now)), (now.known_of_lot, drawn), then.correct)
    kinds = [OUTPUTS]
    if then.features is not None and now.features is not None:
        kinds.append(FEATURES)
    if then.correct is not None:
        kinds.append(ACCURACY)
    found = [
        finding
        for kind in kinds
        for finding in _tested(kind, then, now, labelled, level=alpha / len(kinds), seed=seed)
    ]
    each = [corrected(finding, len(kinds), alpha) for finding in found]
    return Judgement(
        n=len(now),
        repeated=len(sample) - len(now),
        left_out=now.left_out,
        n_reference=len(then),
        reference_accuracy=then.accuracy,
        alpha=alpha,
        findings=tuple(sorted(each, key=lambda finding: (finding.adjusted, -abs(finding.statistic)))),
        proportions=proportions(then.labels, then.scores, now.scores),
        estimated=estimated_accuracy(then, now.scores, seed=seed),
        labelled=labelled,
        lot=now.lot,
        notes=tuple(_notes(then, now, len(sample), kinds, alpha)),
    )


def check_alpha(alpha: float) -> None:
    """Refuse what is no share of windows that may ring.

    Raises:
        RequestError: it is none, or so small that permutations would take too long.
    """
    if not LEAST_ALPHA <= alpha < 1:
        raise RequestError(
            f"alpha is {alpha:g}.",
            f"Choose a share of at least {LEAST_ALPHA:g} and below 1, such as {ALPHA}.",
        )


def accuracy_found(labelled: LabelledAccuracy | None) -> list[Finding]:
    """What labels show of the accuracy, uncorrected; nothing where they are no fair sample."""
    if labelled is None or not labelled.fair or labelled.p_value is None or labelled.difference is None:
        return []
    p_value = labelled.p_value
    return [Finding(ACCURACY, ACCURACY, labelled.difference.value, p_value, p_value, False)]


def corrected(finding: Finding, kinds: int, alpha: float) -> Finding:
    """Adjusted for the other kinds too (Bonferroni)."""
    adjusted = min(1.0, finding.adjusted * kinds)
    return replace(finding, adjusted=adjusted, alarm=adjusted <= alpha)


def _tested(
    kind: str, then: Reference, now: Sample, labelled: LabelledAccuracy | None, *, level: float, seed: int
) -> list[Finding]:
    """The findings of one kind, adjusted for each other only."""
    if kind == OUTPUTS:
        rows = score_drift(then.labels, then.scores, now.scores)
        return [Finding(kind, row.label, row.statistic, row.p_value, row.adjusted, False) for row in rows]
    if kind == FEATURES and then.features is not None and now.features is not None:
        drift = feature_drift(then.features, now.features, level=level, seed=seed)
        return [Finding(kind, kind, drift.statistic, drift.p_value, drift.p_value, False)]
    return accuracy_found(labelled)


def _notes(then: Reference, now: Sample, came: int, kinds: Sequence[str], alpha: float) -> list[str]:
    notes = [] if not now.left_out else [left_out(now.left_out)]
    if len(now) < came:
        notes.append(
            f"{came - len(now)} of {came} predictions are of an input that was there already; each input "
            "counts once. Many of them may mean a client that tries again, or sends what does not change."
        )
    # Two samples can be parted in so many ways, and none is more surprising than the only one.
    least = len(kinds) / math.comb(len(then) + len(now), len(now))
    if least > alpha:
        notes.append(f"{counted(len(now), 'prediction')} cannot ring, whatever they show: wait for more.")
    if small := small_reference(len(then)):
        notes.append(small)
    if FEATURES not in kinds:
        which = "reference" if then.features is None else "window"
        notes.append(f"The {which} has no features, so only answers are watched, not inputs.")
    return notes


def left_out(count: int) -> str:
    """That predictions were, and why."""
    return (
        f"{counted(count, 'prediction')} left out: not all scores and features are finite. Find out which "
        "inputs do this to the model."
    )


def small_reference(count: int) -> str:
    """That so few examples of reference are felt in every window; empty where they are enough."""
    if count >= FEW:
        return ""
    return (
        f"The reference has only {counted(count, 'example')}, and chance in them is in every window: if "
        "windows ring from the first day on, it may be the reference that is unusual."
    )


def _refuse_other_model(reference: Reference, sample: Sample) -> None:
    pairs = [("classes", reference.scores, sample.scores)]
    if reference.features is not None and sample.features is not None:
        pairs.append(("features", reference.features, sample.features))
    for what, before, after in pairs:
        if before.shape[1] != after.shape[1]:
            raise RequestError(
                f"The window has {after.shape[1]} {what}, the reference {before.shape[1]}.",
                "Compare the predictions of a model with its own reference.",
            )
