"""A trained network is believed to be better than the probe where it is not by chance."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from headstart.contracts import Example
from headstart.steps.validate import Calibrated, Validator
from headstart.tasks.image_classification import ImageClassification

COUNT = 60
EXAMPLES = tuple(Example(str(number), "", "abc"[number % 3]) for number in range(COUNT))


@pytest.fixture
def judge() -> Validator:
    prepared = SimpleNamespace(
        groups_of=lambda examples: [example.id for example in examples], part=lambda name: EXAMPLES
    )
    job: Any = SimpleNamespace(
        task=ImageClassification.from_examples(EXAMPLES, {}), plan=None, prepared=prepared
    )
    return Validator(job, EXAMPLES)


def said(judge: Validator, right: int, sure: float) -> Calibrated:
    """One that is right on the first so many, and as sure as a logit says; wrong answers are hardly sure."""
    logits = np.zeros((COUNT, 3), dtype=np.float32)
    for number in range(COUNT):
        good = number < right
        logits[number, (number + (not good)) % 3] = sure if good else 0.1
    candidate = judge.candidate(list(logits))
    return Calibrated(candidate.outputs, candidate.metric, candidate.loss, 1.0, candidate.loss, 1.0)


@pytest.mark.parametrize(
    ("trained", "probe", "alone", "averaged"),
    [
        pytest.param((44, 9.0), (45, 1.0), False, False, id="fewer are right, whatever the loss"),
        pytest.param((55, 2.0), (40, 2.0), True, True, id="many more are right"),
        pytest.param((45, 4.0), (45, 1.0), True, True, id="as many are right, at a far lower loss"),
        pytest.param((46, 0.99), (45, 1.0), False, True, id="one more is right"),
        pytest.param((46, 0.5), (45, 1.0), False, False, id="one more is right, at a higher loss"),
    ],
)
def test_its_lead_or_that_of_its_loss_must_be_more_than_chance(
    judge: Validator, trained: tuple[int, float], probe: tuple[int, float], alone: bool, averaged: bool
) -> None:
    candidates = said(judge, *trained), said(judge, *probe)
    assert judge.believes(*candidates) is alone
    assert judge.believes(*candidates, averaged=True) is averaged


def test_why_one_is_returned_is_said_in_the_units_of_the_scores(judge: Validator) -> None:
    trained, probed = said(judge, 45, 4.0), said(judge, 42, 1.0)
    halfway = replace(trained, share=0.5)
    assert judge.why(halfway, probed, halfway).replace("\N{NO-BREAK SPACE}", " ") == (
        "accuracy on validation data: weights halfway to the trained network 75.0 %, the probe 70.0 %"
    )
    assert "the trained network 75.0" in judge.why(trained, probed, trained)
