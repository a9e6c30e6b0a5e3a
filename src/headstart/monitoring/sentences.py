"""What a window shows and what to do about it, in words. Knows no HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headstart.errors import a_few, counted
from headstart.evaluation.report.words import SPACE
from headstart.monitoring.alarm import ACCURACY, FEATURES, FEW, OUTPUTS
from headstart.monitoring.history import KINDS, Watched, moment

CHANGED = {OUTPUTS: "answers", FEATURES: "inputs"}
# The file beside the page that lists what was drawn by lot and has no label.
TO_LABEL = "to_label.csv"
# So far below the reference an estimate is worth a word, of so many predictions.
MARKED, ENOUGH = 0.05, 30


def headline(window: Watched) -> str:
    """What the window amounts to."""
    if not window.alarm:
        return f"No change found in {counted(window.judged['n'], 'prediction')}"
    changed = [CHANGED[kind] for kind in CHANGED if window.rang(kind)]
    said = [f"{' and '.join(changed)} have changed"] if changed else []
    if window.rang(ACCURACY):
        said.append("accuracy has fallen")
    text = ", and ".join(said)
    return f"{text[0].upper()}{text[1:]}"


def lead(window: Watched) -> str:
    """What was compared with what, and how often such an alarm is false."""
    judged = window.judged
    return (
        f"{counted(judged['n'], 'prediction')} from {moment(window.first)} to {moment(window.last)}, beside "
        f"{counted(judged['n_reference'], 'held-out example')} from training time. Where nothing has "
        f"changed, at most {odds(judged['alpha'])} windows rings."
    )


def rang(window: Watched, kinds: Sequence[str] = KINDS) -> list[str]:
    """A sentence for each kind of finding that rings."""
    said = []
    for kind in kinds:
        findings = window.rang(kind)
        if not findings:
            continue
        first = findings[0]
        by_chance = f"{odds(first['adjusted'])} windows shows as much by chance alone"
        apart = points(abs(first["statistic"]))
        if kind == OUTPUTS:
            names = a_few([f"'{finding['name']}'" for finding in findings])
            said.append(
                f"Answers: the scores of {names} lie otherwise than on the reference, those of "
                f"'{first['name']}' by {apart} points; {by_chance}."
            )
        elif kind == FEATURES:
            said.append(f"Inputs: the model's features of them are not those of the reference; {by_chance}.")
        else:
            labelled = window.judged["labelled_accuracy"]
            said.append(
                f"Accuracy: by the labels of {labelled_of(labelled)}, it is {apart} points below that of the "
                f"reference; {by_chance}."
            )
    return said


def labelled_of(labelled: Mapping[str, Any]) -> str:
    """Whose labels they are, ``"95 of 100 answers drawn by lot"``."""
    whose = "answers drawn by lot" if labelled["by_lot"] else "answers"
    return f"{labelled['n']} of {labelled['of']} {whose}"


def so_far(windows: Sequence[Watched]) -> str:
    """How many windows rang, and how many would without a cause."""
    rung, expected = (
        sum(window.alarm for window in windows),
        sum(window.judged["alpha"] for window in windows),
    )
    return (
        f"{rung} of {counted(len(windows), 'window')} rang. If nothing had ever changed, at most "
        f"{expected:.2g} would on average."
    )


def next_steps(window: Watched, windows: Sequence[Watched]) -> list[str]:
    """What to do, the first thing first; code in backticks.

    Args:
        window: that asks for it.
        windows: all that are known, oldest first.
    """
    steps = _after_alarm(window, windows) if window.alarm else []
    steps += _labels(window)
    if window.alarm:
        steps += [
            "Train a challenger with the labels that have come: `headstart retrain SERVICE`. It is promoted "
            "only where it is no worse.",
            "Did this begin with a new version of the model? Go back: `POST /models/rollback`.",
        ]
    return steps


def chance(p_value: float) -> str:
    """A p-value, as exact as it matters."""
    if p_value < 1e-4:
        return f"<{SPACE}0.0001"
    return f"{p_value:.4f}" if p_value < 1e-3 else f"{p_value:.3f}" if p_value < 0.1 else f"{p_value:.2f}"


def points(share: float) -> str:
    """A difference of shares in hundredths, ``"12"``."""
    return f"{100 * share:.0f}"


def odds(p_value: float) -> str:
    """A probability as ``"1 in 250"``."""
    if p_value < 1e-6:
        return "less than 1 in a million"
    return f"1 in {float(f'{1 / p_value:.2g}'):,.{0 if p_value < 0.1 else 1}f}".removesuffix(".0")


def _after_alarm(window: Watched, windows: Sequence[Watched]) -> list[str]:
    outputs, features = bool(window.rang(OUTPUTS)), bool(window.rang(FEATURES))
    tested = bool(window.findings(FEATURES))
    steps = []
    if features:
        steps.append(
            "Look at recent inputs. What has changed where they come from: the device or program that makes "
            "them, the people who send them, a kind of thing that the model was never taught?"
        )
    elif outputs:
        alike = "Inputs look alike, so most" if tested else "Most"
        steps.append(
            f"Look at the proportions of the classes below. {alike} likely they come in other numbers than "
            "when the model was made. If that is as it should be, the model may be as good as ever."
        )
    if len(windows) > 2 and all(one.alarm for one in windows) and window.judged["n_reference"] < FEW:
        steps.append(
            "Every window so far has rung and the reference is small: it may be the reference that is "
            "unusual. Hold out more examples when you next train."
        )
    return steps


def _labels(window: Watched) -> list[str]:
    judged = window.judged
    labelled, estimated = judged["labelled_accuracy"], judged["estimated_accuracy"]
    said = []
    reference = judged["reference_accuracy"]
    if estimated is not None and reference is not None:
        estimate = estimated["by_thresholded_confidence"]
        fall = reference - estimate["value"]
        shown = judged["n"] >= ENOUGH and estimate["high"] is not None and estimate["high"] < reference
        if shown and fall > MARKED:
            said.append(
                f"Estimated accuracy is {points(fall)} points below that of the reference: believe the "
                "answers less until labels have come."
            )
    if labelled is None or not labelled["fair"]:
        said.append(
            f"Label the predictions that `{TO_LABEL}` lists, drawn by lot, in a copy of it, and give it "
            "back: `headstart records SERVICE --labels COPY`. Only labels show how good the model is now."
        )
    return said
