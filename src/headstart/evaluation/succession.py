"""Whether a challenger may take the place of a champion: every check with its reason. Pure.

A challenger must be shown to be no worse than the champion, not merely fail to be shown worse (Wellek, 2010,
*Testing Statistical Hypotheses of Equivalence and Noninferiority*).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest

from headstart.errors import counted
from headstart.evaluation.intervals import paired
from headstart.evaluation.scores import Interval
from headstart.tasks.metrics import expected_calibration_error, mean

# What a challenger may be worse, in shares of answers.
MARGIN = 0.01
# Fewer recent examples say nothing; fewer of a label say nothing of it.
LEAST_RECENT, LEAST_OF_LABEL = 20, 10
# The share of right answers that may become wrong while test examples show none, and its chance.
UNSEEN, UNSURE = 0.05, 0.05
# Chance at which a label is called worse, of all labels together.
LEVEL = 0.05
# Milliseconds that are not worth a word.
SLACK = 2.0
# Right answers that may become wrong; how much worse calibrated, and slower, it may be.
NEGATIVE_FLIPS, CALIBRATION, SLOWER = 0.05, 0.05, 1.5


@dataclass(frozen=True)
class Sheet:
    """Answers of one model to N examples.

    Attributes:
        right: (N,) bool.
        sure: (N,) the probability that it gave to what it said.
    """

    right: np.ndarray
    sure: np.ndarray


@dataclass(frozen=True)
class Check:
    """One question that a challenger must pass.

    Attributes:
        name: of it.
        passed: whether it did.
        why: a sentence with the numbers.
    """

    name: str
    passed: bool
    why: str


@dataclass(frozen=True)
class Pair:
    """Both models on the same examples.

    Attributes:
        champion, challenger: their answers.
        groups: of each example.
        labels: that each example truly has.
    """

    champion: Sheet
    challenger: Sheet
    groups: Sequence[str]
    labels: Sequence[Sequence[str]]

    def __len__(self) -> int:
        return len(self.groups)

    @property
    def gain(self) -> Interval:
        """By how much the challenger is right more often, with its 95 % interval."""
        return paired(mean(self.challenger.right), mean(self.champion.right), groups=self.groups)

    @property
    def lost(self) -> int:
        """Right answers that became wrong."""
        return int((self.champion.right & ~self.challenger.right).sum())


@dataclass(frozen=True)
class Verdict:
    """Whether the challenger takes over, and every check."""

    checks: tuple[Check, ...]

    @property
    def promoted(self) -> bool:
        """Whether it passed them all."""
        return all(check.passed for check in self.checks)

    def but(self, name: str, why: str) -> Verdict:
        """This one with a check that failed besides."""
        return Verdict((*self.checks, Check(name, False, why)))

    @property
    def why(self) -> str:
        """The reasons in a sentence or two."""
        failed = [check.why for check in self.checks if not check.passed]
        return " ".join(failed) if failed else self.checks[0].why

    def state(self) -> dict[str, Any]:
        """Plain data."""
        return {"promoted": self.promoted, "checks": [asdict(check) for check in self.checks]}


def verdict(
    frozen: Pair, recent: Pair | None, milliseconds: tuple[float, float], *, margin: float = MARGIN
) -> Verdict:
    """Every check of a challenger.

    Args:
        frozen: on the test set that the champion was judged by.
        recent: on what was labelled since and neither has seen; None where there is none.
        milliseconds: that an input takes, of champion and challenger.
        margin: what it may be worse.
    """
    enough = recent if recent is not None and len(recent) >= LEAST_RECENT else None
    checks = [
        _no_worse(frozen, enough, margin),
        _recent(recent, margin),
        _labels([frozen, *([enough] if enough else [])]),
        _flips(frozen),
        _calibration(frozen),
        _latency(*milliseconds),
    ]
    return Verdict(tuple(checks))


def _no_worse(frozen: Pair, recent: Pair | None, margin: float) -> Check:
    """Shown to be no worse on the test set; or no worse there, and shown to be better on recent examples.

    Where of N examples none is lost, hardly more than 3/N of all are (Hanley and Lippman-Hand, 1983, *If
    Nothing Goes Wrong, Is Everything All Right?*); that may be as much as `UNSEEN`.
    """
    gain = frozen.gain
    said = (
        f"On the {counted(len(frozen), 'test example')} of the champion, accuracy changes by {_points(gain)}"
    )
    hidden = 1 - UNSURE ** (1 / len(set(frozen.groups)))
    if frozen.lost == 0 and hidden <= max(margin, UNSEEN):
        return Check(
            "test set",
            True,
            f"{said}: no right answer became wrong, so hardly more than {100 * hidden:.1f} % of all do.",
        )
    # An interval of few examples knows nothing of a loss that none of them shows.
    if frozen.lost and gain.low is not None and gain.low >= -margin:
        return Check("test set", True, f"{said}: no worse by more than {_margin(margin)}.")
    newer = recent.gain if recent else None
    if gain.value >= 0 and newer is not None and newer.low is not None and newer.low > 0:
        return Check("test set", True, f"{said}, and it is better on recent examples, by {_points(newer)}.")
    if gain.value < -margin:
        return Check("test set", False, f"{said}: worse by more than the margin of {_margin(margin)}.")
    return Check(
        "test set",
        False,
        f"{said}: too few examples to show that it is no worse by more than {_margin(margin)}.",
    )


def _recent(recent: Pair | None, margin: float) -> Check:
    if recent is None or len(recent) < LEAST_RECENT:
        count = 0 if recent is None else len(recent)
        return Check("recent data", True, f"{counted(count, 'recent example')}: too few to say anything.")
    gain = recent.gain
    return Check(
        "recent data",
        gain.value >= -margin,
        f"On {counted(len(recent), 'recent example')}, accuracy changes by {_points(gain)}.",
    )


def _labels(pairs: Sequence[Pair]) -> Check:
    """Right answers to examples of each label: McNemar's exact test, one-sided, with Holm's correction."""
    before = np.concatenate([pair.champion.right for pair in pairs])
    after = np.concatenate([pair.challenger.right for pair in pairs])
    labels = [set(names) for pair in pairs for names in pair.labels]
    found = []
    for name in sorted(set().union(*labels)):
        at = np.array([name in names for names in labels])
        if at.sum() < LEAST_OF_LABEL:
            continue
        lost, won = int((before & ~after & at).sum()), int((~before & after & at).sum())
        chance = binomtest(lost, lost + won, alternative="greater").pvalue if lost + won else 1.0
        found.append((chance, name, lost, won))
    for place, (chance, name, lost, won) in enumerate(sorted(found)):
        if chance * (len(found) - place) > LEVEL:
            break
        return Check("labels", False, f"Of '{name}' it loses {lost} right answers and wins {won}.")
    tested = counted(len(found), "label") + f" with {LEAST_OF_LABEL} examples or more"
    return Check("labels", True, f"None of {tested} is recognised worse, beyond chance.")


def _flips(frozen: Pair) -> Check:
    beyond = binomtest(frozen.lost, len(frozen), NEGATIVE_FLIPS, alternative="greater").pvalue <= LEVEL
    return Check(
        "churn",
        not beyond,
        f"{counted(frozen.lost, 'right answer')} of {len(frozen)} became wrong: "
        f"{'' if beyond else 'no '}more than the {100 * NEGATIVE_FLIPS:g} % that may, beyond chance.",
    )


def _calibration(frozen: Pair) -> Check:
    once = np.ones((1, len(frozen)))
    before, after = (
        float(expected_calibration_error(sheet.sure, sheet.right)(once)[0])
        for sheet in (frozen.champion, frozen.challenger)
    )
    return Check(
        "calibration",
        after <= before + CALIBRATION,
        f"Its calibration error is {after:.3f}, the champion's {before:.3f}; at most {CALIBRATION:g} more "
        "is allowed.",
    )


def _latency(before: float, after: float) -> Check:
    return Check(
        "latency",
        after <= SLOWER * before + SLACK,
        f"An input takes {after:.1f} ms, and took {before:.1f}; at most {SLOWER:g} times that and "
        f"{SLACK:g} ms more are allowed.",
    )


def _margin(margin: float) -> str:
    return f"{100 * margin:g} {'point' if margin == MARGIN else 'points'}"


def _points(gain: Interval) -> str:
    span = (
        "" if gain.low is None or gain.high is None else f" ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"
    )
    return f"{100 * gain.value:+.1f} points{span}"
