"""What to try next, from the evidence of one run. Pure: knows numbers and the names of flags."""

from __future__ import annotations

from dataclasses import dataclass

from headstart.errors import counted
from headstart.evaluation.learning_curve import Doubling
from headstart.evaluation.report.words import metric_name, number, percent
from headstart.evaluation.scores import Interval
from headstart.evaluation.slices import Slice

# From here on a difference of a metric in [0, 1] is worth a sentence.
GAP = 0.1
# Below this, training and validation are alike.
ALIKE = 0.03
# A class this far below the rest is worth a look, if there are examples enough to say so.
CLASS_GAP, CLASS_SUPPORT = 0.2, 5
# So many examples of a class are few, even for a pretrained model.
FEW = 20
# Of a metric in [0, 1], what twice the data must bring to be worth the labelling.
WORTH = 0.01
MISCALIBRATED, CALIBRATION_EXAMPLES = 0.1, 100


@dataclass(frozen=True)
class Evidence:
    """What a run has shown.

    Attributes:
        metric: that chose the weights; `train`, `val` and `test` are its values.
        lower_is_better: whether it is an error.
        technique: as planned.
        epochs: done.
        lr: the rate that `--lr` sets; None where nothing was trained step by step.
        train: over the last epoch; None where nothing was trained step by step.
        val: of the weights that were kept.
        probe: of the linear probe, on validation data.
        test: with its interval; None without a test set.
        n_test: examples in it.
        smallest: training examples of the rarest class.
        rarest: the rarest class; "" where there are none.
        uneven: whether classes differ much in size, and are not weighed.
        own_splits: splits that the data itself has, which no share in the request changes.
        amounts: what was found of labels that are measurements; "" where they are none.
        worst: the class with the lowest recall on the test set, its recall and its support.
        ece: calibration error on the test set, after temperature scaling.
        varies: whether training examples can be varied.
        still_improving: whether the last epoch was the best.
        out_of_time: whether the time limit ended training.
        folds: networks that were trained, and `planned_folds`: how many were to be.
        n_val: examples of the validation split.
        suspects: examples of `learned_from`, in training and validation data, whose label looks wrong; 0
            where they do not stand out.
        suspect: the likeliest of them: its id, its label, and the likelier one.
        indistinct: a label that nothing tells from the others: its name, the area under its ROC curve and its
            examples; None where there is none.
        slice: on which the model is right less often than elsewhere; None where there is none.
        doubling: what twice the training data would bring of the metric; None is not known.
        start: of the weights that training began with, and `reached`: the best that any epoch gave, both
            on validation data; None where nothing was trained step by step.
    """

    metric: str
    technique: str
    val: float
    epochs: int
    smallest: int = 0
    rarest: str = ""
    uneven: bool = False
    own_splits: frozenset[str] = frozenset()
    amounts: str = ""
    lr: float | None = None
    train: float | None = None
    probe: float | None = None
    test: Interval | None = None
    n_test: int = 0
    worst: tuple[str, float, int] | None = None
    ece: float | None = None
    lower_is_better: bool = False
    varies: bool = True
    still_improving: bool = False
    out_of_time: bool = False
    folds: int = 0
    planned_folds: int = 0
    n_val: int = 0
    suspects: int = 0
    learned_from: int = 0
    suspect: tuple[str, str, str] = ("", "", "")
    indistinct: tuple[str, float, int] | None = None
    slice: Slice | None = None
    doubling: Doubling | None = None
    start: float | None = None
    reached: float | None = None


def advise(evidence: Evidence) -> list[str]:
    """Sentences, each with what was seen and the flag that acts on it; the weightiest first."""
    rules = (
        _amounts,
        _untrained,
        _rate,
        _data,
        _labels,
        _indistinct,
        _length,
        _folds,
        _overfitting,
        _technique,
        _capacity,
        _worst_class,
        _slice,
        _more_data,
        _calibration,
        _width,
    )
    return [sentence for rule in rules if (sentence := rule(evidence))]


def _amounts(evidence: Evidence) -> str:
    return evidence.amounts


def _untrained(evidence: Evidence) -> str:
    """Whatever else there is to say of training, there was none."""
    if not evidence.out_of_time or evidence.lr is not None:
        return ""
    probe = "" if evidence.probe is None else ", or choose --technique linear-probe, which needs none"
    return f"No training step fitted into the time limit: give it more with --time-limit{probe}."


def _data(evidence: Evidence) -> str:
    if not evidence.rarest or evidence.smallest >= FEW:
        return ""
    return (
        f"'{evidence.rarest}' has only {counted(evidence.smallest, 'training example')}. More of it would "
        "help more than any setting; `headstart check` shows the count of every label."
    )


def _rate(evidence: Evidence) -> str:
    """Steps that are too large undo what the weights knew, and it does not come back."""
    if evidence.start is None or evidence.reached is None or evidence.lr is None:
        return ""
    if _ahead(evidence, evidence.start, evidence.reached) < GAP:
        return ""
    start, reached = (number(value, evidence.metric) for value in (evidence.start, evidence.reached))
    return (
        f"The learning rate is too high: training began with {start} {metric_name(evidence.metric)} on "
        f"validation data, and reached {reached} at best. Leave --lr out, or try --lr {evidence.lr / 10:.1g}."
    )


def _labels(evidence: Evidence) -> str:
    if not evidence.suspects:
        return ""
    name, label, likely = evidence.suspect
    look = "looks" if evidence.suspects == 1 else "look"
    return (
        f"{evidence.suspects} of {evidence.learned_from} labels {look} wrong, first of all that of {name}: "
        f"'{label}', which is more likely '{likely}'. Look at suspects.csv and the report, correct what is "
        "wrong and fit again."
    )


def _indistinct(evidence: Evidence) -> str:
    if evidence.indistinct is None:
        return ""
    label, area, count = evidence.indistinct
    return (
        f"Nothing tells '{label}' from the other labels: a linear probe that had not seen them ranks its "
        f"{count} examples hardly above others (AUROC {area:.2f}; a coin has 0.50). Look whether it means "
        "one thing; else merge it with another label, or leave it out."
    )


def _slice(evidence: Evidence) -> str:
    if evidence.slice is None:
        return ""
    found = evidence.slice
    return (
        f"It is weaker on some examples: of the {found.count} with '{found.name}', {percent(found.right, 0)} "
        f"are right, of the others {percent(found.elsewhere, 0)}. Label more like these; the report lists "
        "all such slices."
    )


def _length(evidence: Evidence) -> str:
    if not evidence.still_improving or _perfect(evidence, evidence.val) or _rate(evidence):
        return ""
    if evidence.out_of_time:
        return "The time limit ended training while it was still learning: double --time-limit."
    return f"The last epoch was the best, so it was still learning: try --epochs {2 * evidence.epochs}."


def _folds(evidence: Evidence) -> str:
    if evidence.folds >= evidence.planned_folds or _untrained(evidence):
        return ""
    alone = f", so that only {counted(evidence.n_val, 'validation example')} decided" * (evidence.folds == 1)
    return (
        f"{evidence.folds} of {evidence.planned_folds} folds {'was' if evidence.folds == 1 else 'were'} "
        f"trained: the time limit left no room for more{alone}. Give it more with --time-limit."
    )


def _overfitting(evidence: Evidence) -> str:
    if evidence.train is not None and _ahead(evidence, evidence.train, evidence.val) >= GAP:
        train, val = (number(value, evidence.metric) for value in (evidence.train, evidence.val))
        vary = "Vary them more with --set augment.policy=strong, or soften" if evidence.varies else "Soften"
        return (
            f"Its {metric_name(evidence.metric)} is {train} on training data and {val} on validation data: "
            f"it learns examples by heart. {vary} the targets with --set train.label_smoothing=0.1 or --set "
            "train.mixup=0.2."
        )
    return ""


def _technique(evidence: Evidence) -> str:
    if evidence.technique == "linear-probe":
        return (
            "Only a linear layer was trained. --technique two-phase adapts the deeper layers too; what it "
            "returns is never worse on validation data."
        )
    if evidence.probe is None or evidence.lr is None or _rate(evidence):
        return ""
    if _perfect(evidence, evidence.probe):
        return (
            "The linear probe is right on all validation data: --technique linear-probe would have been "
            "enough."
        )
    if _ahead(evidence, evidence.probe, evidence.val) >= 0:
        return (
            f"Fine-tuning did not beat the linear probe ({number(evidence.probe, evidence.metric)} on "
            f"validation data). Try gentler steps with --lr {evidence.lr / 3:.1g}, or save the time with "
            "--technique linear-probe."
        )
    return ""


def _capacity(evidence: Evidence) -> str:
    if evidence.train is None or evidence.lower_is_better or evidence.still_improving:
        return ""
    alike = abs(evidence.train - evidence.val) < ALIKE
    if not alike or evidence.train > 1 - GAP:
        return ""
    return (
        f"Training data scores {number(evidence.train, evidence.metric)}, no better than validation data: "
        "the model cannot tell the classes apart. Try a larger one with --model, or finer images with "
        "--image-size."
    )


def _worst_class(evidence: Evidence) -> str:
    if evidence.worst is None or evidence.test is None or evidence.lower_is_better:
        return ""
    label, recall, support = evidence.worst
    if evidence.indistinct is not None and label == evidence.indistinct[0]:
        return ""
    if support < CLASS_SUPPORT or evidence.test.value - recall < CLASS_GAP:
        return ""
    found = f"'{label}' is found in only {percent(recall, 0)} of its {support} test examples."
    if evidence.uneven:
        return f"{found} Classes differ much in size: try --set train.class_weights=balanced."
    return f"{found} Look at its mistakes in the report: wrong labels, or too few examples like them?"


def _more_data(evidence: Evidence) -> str:
    found = evidence.doubling
    if found is None or not found.gain - found.error > WORTH:
        return ""
    return (
        f"Twice as many training examples would raise its {metric_name(evidence.metric)} by about "
        f"{100 * found.gain:.1f} points (± {100 * found.error:.1f}), going by how the linear probe learned "
        "from parts of them: label more."
    )


def _calibration(evidence: Evidence) -> str:
    if evidence.ece is None or evidence.ece < MISCALIBRATED or evidence.n_test < CALIBRATION_EXAMPLES:
        return ""
    more = "put more into the data's own" if "val" in evidence.own_splits else "--set data.val=0.25"
    return (
        f"Its probabilities are off by {percent(evidence.ece, 0)} on average: set no threshold on them yet. "
        f"More validation data would scale them better: {more}."
    )


def _width(evidence: Evidence) -> str:
    if evidence.test is None or evidence.test.low is None or evidence.test.high is None:
        return ""
    width = evidence.test.high - evidence.test.low
    if evidence.lower_is_better or width <= GAP:
        return ""
    leave = counted(evidence.n_test, "test example leaves", "test examples leave")
    more = "Hold more back with --set data.test=0.3, or label more."
    if "test" in evidence.own_splits:
        more = "Label more for the data's own test split."
    return f"{leave} an interval of {100 * width:.0f} points; four times as many would halve it. {more}"


def _perfect(evidence: Evidence, value: float) -> bool:
    """Whether nothing is better than a value."""
    return value <= 0 if evidence.lower_is_better else value >= 1


def _ahead(evidence: Evidence, one: float, other: float) -> float:
    """By how much one value is better than another; NaN where one is not defined."""
    return other - one if evidence.lower_is_better else one - other
