"""Whether a challenger may take the place of a champion: every check with its reason. Pure.

A challenger must be shown to be no worse than the champion, not merely fail to be shown worse (Wellek, 2010,
*Testing Statistical Hypotheses of Equivalence and Noninferiority*).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import binomtest

from headstart.errors import counted
from headstart.evaluation.intervals import paired
from headstart.evaluation.noninferiority import LEVEL, as_usual, chance_of_loss, least_gain, most_lost
from headstart.evaluation.scores import Interval
from headstart.tasks.metrics import expected_calibration_error, mean

# What a challenger may be worse, in shares of answers.
MARGIN = 0.01
# Fewer recent examples say nothing; fewer of a label say nothing of it.
LEAST_RECENT, LEAST_OF_LABEL = 20, 10
# Of right answers, so many times the margin may become wrong where as many wrong ones become right, or more.
LOST = 5
# Where those who correct have sent errors above all.
EVENED = " (the champion's errors counted as often as those on its test set)"
# A margin above which none is proposed.
WIDEST = 0.1
# Milliseconds that are not worth a word.
SLACK = 2.0
# The share of answers that may be right before and wrong after.
NEGATIVE_FLIPS = 0.05
# By how much the calibration error may grow.
CALIBRATION = 0.05
# So many times the champion's time an input may take.
SLOWER = 1.5


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

    @classmethod
    def of_all(cls, pairs: Sequence[Pair]) -> Pair:
        """Those of several as one."""
        champion, challenger = (
            Sheet(
                np.concatenate([sheet.right for sheet in sheets]),
                np.concatenate([sheet.sure for sheet in sheets]),
            )
            for sheets in ([pair.champion for pair in pairs], [pair.challenger for pair in pairs])
        )
        groups = [name for pair in pairs for name in pair.groups]
        return cls(champion, challenger, groups, [names for pair in pairs for names in pair.labels])

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
    """Whether the challenger takes over, and every check.

    Attributes:
        checks: all of them.
        margin: what it might be worse.
        warnings: sentences on what else is worth a look.
    """

    checks: tuple[Check, ...]
    margin: float = MARGIN
    warnings: tuple[str, ...] = ()

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Verdict:
        """What `state` gave, of earlier versions of headstart too."""
        checks = tuple(Check(**check) for check in state["checks"])
        return cls(checks, state.get("margin", MARGIN), tuple(state.get("warnings", ())))

    @property
    def promoted(self) -> bool:
        """Whether it passed them all."""
        return all(check.passed for check in self.checks)

    def but(self, name: str, why: str) -> Verdict:
        """This one with a check that failed besides."""
        return replace(self, checks=(*self.checks, Check(name, False, why)))

    @property
    def why(self) -> str:
        """The reasons in a sentence or two."""
        failed = [check.why for check in self.checks if not check.passed]
        return " ".join(failed) if failed else self.checks[0].why

    def state(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "promoted": self.promoted,
            "margin": self.margin,
            "checks": [asdict(check) for check in self.checks],
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class Evidence:
    """All on which both models are compared.

    Attributes:
        frozen: the champion's test set.
        recent: what was labelled since, and neither had learned from when it answered.
        former: what the champion was trained and validated on, where each answered before it had learned
            from it: what their runs held out.
    """

    frozen: Pair
    recent: Pair
    former: Pair

    @property
    def together(self) -> Pair:
        """All of it."""
        return Pair.of_all([self.frozen, self.recent, self.former])


def verdict(evidence: Evidence, milliseconds: tuple[float, float], *, margin: float = MARGIN) -> Verdict:
    """Every check of a challenger.

    Args:
        evidence: the answers.
        milliseconds: that an input takes, of champion and challenger.
        margin: what it may be worse.
    """
    checks = [
        _no_worse(evidence, margin),
        _test_set(evidence.frozen),
        _recent(evidence.recent),
        _labels(evidence.together),
        _flips(evidence.frozen),
        _calibration(evidence.frozen),
        _latency(*milliseconds),
    ]
    return Verdict(tuple(checks), margin)


def _no_worse(evidence: Evidence, margin: float) -> Check:
    """Shown to be no worse by more than the margin.

    Or that hardly any right answer is lost: no more than won, and with certainty at most `LOST` times the
    margin. That is the weaker claim, which few examples can make.
    """
    name, both = "no worse", evidence.together
    before, after = both.champion.right, both.challenger.right
    chosen = np.repeat(
        [False, True, False], [len(evidence.frozen), len(evidence.recent), len(evidence.former)]
    )
    weights = as_usual(before, chosen)
    changes = after.astype(float) - before
    gain, least = least_gain(changes, weights, both.groups)
    said = (
        f"On {_counted(evidence)}{'' if (weights == 1).all() else EVENED}, accuracy changes by "
        f"{100 * gain:+.1f} points, and by no less than {100 * least:+.1f}"
    )
    if least >= -margin:
        return Check(name, True, f"{said}: no worse by more than {_margin(margin)}.")
    lost = most_lost(before, after, both.groups)
    if gain >= 0 and lost <= LOST * margin:
        share = f"at most {100 * lost:.1f} % of the right answers become wrong"
        return Check(name, True, f"{said}: {share}, and no fewer wrong ones become right.")
    if gain < -margin:
        return Check(name, False, f"{said}: worse by more than the margin of {_margin(margin)}.")
    enough = np.ceil(-100 * least) / 100
    remedy = f" (--margin {enough:g} would do)" if enough <= WIDEST else ""
    return Check(
        name,
        False,
        f"{said}: too few examples to show that it is no worse by more than {_margin(margin)}{remedy}.",
    )


def _counted(evidence: Evidence) -> str:
    """How many of each kind there are."""
    kinds = (
        (evidence.frozen, "test example"),
        (evidence.recent, "recent one"),
        (evidence.former, "former one"),
    )
    said = [counted(len(pair), what) for pair, what in kinds if len(pair)]
    return " and ".join([", ".join(said[:-1]), said[-1]]) + " together" if said[1:] else said[0]


def _test_set(frozen: Pair) -> Check:
    return _alone("test set", frozen, f"the {counted(len(frozen), 'test example')} of the champion")


def _recent(recent: Pair) -> Check:
    these = counted(len(recent), "recent example")
    if len(recent) < LEAST_RECENT:
        return Check("recent data", True, f"{these}: too few to say anything.")
    return _alone("recent data", recent, these)


def _alone(name: str, pair: Pair, these: str) -> Check:
    worse = chance_of_loss(pair.champion.right, pair.challenger.right, pair.groups) <= LEVEL
    return Check(
        name,
        not worse,
        f"On {these} alone, accuracy changes by {_points(pair.gain)}: "
        f"{'' if worse else 'not '}worse beyond chance.",
    )


def _labels(both: Pair) -> Check:
    """Right answers to examples of each label: McNemar's exact test, one-sided, with Holm's correction."""
    before, after = both.champion.right, both.challenger.right
    labels, groups = [set(names) for names in both.labels], np.asarray(both.groups)
    found = []
    for name in sorted(set().union(*labels)):
        at = np.array([name in names for names in labels])
        if at.sum() < LEAST_OF_LABEL:
            continue
        lost, won = int((before & ~after & at).sum()), int((~before & after & at).sum())
        chance = chance_of_loss(before[at], after[at], groups[at])
        found.append((chance, name, lost, won))
    for place, (chance, name, lost, won) in enumerate(sorted(found)):
        if chance * (len(found) - place) > LEVEL:
            break
        return Check("labels", False, f"Of '{name}' it loses {lost} right answers and wins {won}.")
    tested = counted(len(found), "label") + f" with {LEAST_OF_LABEL} examples or more"
    return Check("labels", True, f"None of {tested} is recognised worse, beyond chance.")


def _flips(frozen: Pair) -> Check:
    groups, gone = np.asarray(frozen.groups), frozen.champion.right & ~frozen.challenger.right
    lost, trials = len(set(groups[gone])), len(set(groups))
    beyond = binomtest(lost, trials, NEGATIVE_FLIPS, alternative="greater").pvalue <= LEVEL
    return Check(
        "churn",
        not beyond,
        f"{_on(frozen)}, {counted(frozen.lost, 'right answer')} became wrong: "
        f"{'' if beyond else 'no '}more than the {100 * NEGATIVE_FLIPS:g} % that may, beyond chance.",
    )


def _calibration(frozen: Pair) -> Check:
    errors = [
        expected_calibration_error(sheet.sure, sheet.right) for sheet in (frozen.champion, frozen.challenger)
    ]
    before, after = (float(error(np.ones((1, len(frozen))))[0]) for error in errors)
    grown = paired(errors[1], errors[0], groups=frozen.groups)
    beyond = grown.value > CALIBRATION and grown.low is not None and grown.low > 0
    return Check(
        "calibration",
        not beyond,
        f"{_on(frozen)}, its calibration error is {after:.3f}, the champion's {before:.3f}: "
        f"{'' if beyond else 'no '}more than the {CALIBRATION:g} that it may grow, beyond chance.",
    )


def _on(frozen: Pair) -> str:
    return f"On the {counted(len(frozen), 'test example')}"


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
