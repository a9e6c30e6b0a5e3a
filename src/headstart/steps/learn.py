"""From a job to a network: trained as planned, once or once a fold; the best of that and of the probe."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from headstart.contracts import HEAD, Backbone, Example, Head, Observer
from headstart.steps.feeds import lowest_cut
from headstart.steps.folds import train_folds
from headstart.steps.job import Job, probe
from headstart.steps.network import Round, probe_network, teller
from headstart.steps.together import Together
from headstart.steps.validate import Calibrated, Validator
from headstart.training.loop import TrainResult
from headstart.training.stopping import StopSource, never, stop_on_signals


@dataclass(frozen=True)
class Learned:
    """What learning gave.

    Attributes:
        network: the best of the trained network, the probe, and what is between them.
        head: how its head is built.
        returned: "trained", "between" or "probe".
        why: it is returned, as a clause.
        tried: what was considered beside the probe, best first; none where nothing was trained.
        judged: the examples on which it was chosen: the validation split, or all that folds held out.
        val: outputs on these, of what had not learned from them, before the temperature and any refit.
        probed: what the probe says of them, likewise; None where the task has none.
        temperature: by which its logits are to be divided.
        rounds: of training: one, or one a fold; none where no phase was planned.
        cut: the boundary at which kept activations may enter it; "" where it must be computed whole.
    """

    network: nn.Module
    head: Head
    returned: str
    why: str
    tried: Sequence[Calibrated]
    judged: Sequence[Example]
    val: Sequence[Any]
    probed: Sequence[Any] | None
    temperature: float
    rounds: Sequence[Round]
    cut: str

    @property
    def training(self) -> TrainResult | None:
        """How it went where the validation split judged; None where no phase was planned."""
        return self.rounds[0].training if self.rounds else None


def learn(
    job: Job,
    *,
    checkpoints: Path,
    seconds: float | None,
    observers: Sequence[Observer],
    ask: StopSource = never,
) -> Learned:
    """Train as planned, and return the best of what was trained, the probe, and weights between the two.

    Args:
        job: all that is decided.
        checkpoints: folder; training goes on from what is there.
        seconds: after which training stops; None is no limit.
        observers: told of every event.
        ask: why to stop before the time is over, where somebody else decides that.
    """
    if not job.plan.phases:
        return _probe_alone(job)
    # Training changes the module in place.
    goes_back = job.probe is not None and (job.plan.keep_probe or job.plan.interpolate)
    pristine = copy.deepcopy(job.backbone) if goes_back or job.plan.folds > 1 else job.backbone
    with stop_on_signals(seconds) as stop:
        trained = Together()
        for one in train_folds(
            job, pristine, checkpoints=checkpoints, stop=stop, ask=ask, observers=observers
        ):
            trained.add(one)
    judge = Validator(job, trained.held)
    probed = None if job.probe is None else judge.calibrated(judge.candidate(trained.probed))
    tried = judge.ranked(
        judge.calibrated(judge.candidate(outputs), share=share) for share, outputs in trained.tried.items()
    )
    best = tried[0]
    # Without a step it is the probe, but for rounding.
    several = len(trained.rounds) > 1
    beaten = probed is not None and not (trained.steps and judge.believes(best, probed, averaged=several))
    if probed is not None and beaten and job.plan.keep_probe:
        network, refitted = refitted_probe(job, pristine)
        why = judge.why(best, probed, probed) + refitted
        return _probe(job, network, why, probed, judged=trained.held, tried=tried, rounds=trained.rounds)
    network, together = trained.at(best.share, job, pristine, teller(observers))
    return Learned(
        network,
        job.plan.head,
        "trained" if best.share == 1 else "between",
        _why_trained(job, judge, best, probed) + together,
        tried,
        trained.held,
        best.outputs,
        None if probed is None else probed.outputs,
        best.temperature,
        trained.rounds,
        lowest_cut(job),
    )


def _why_trained(job: Job, judge: Validator, best: Calibrated, probed: Calibrated | None) -> str:
    if probed is None:
        return "the task has no probe"
    return judge.why(best, probed, best) if job.plan.keep_probe else "the probe was not to be kept"


def _probe_alone(job: Job) -> Learned:
    judge = Validator(job, job.prepared.part("val"))
    probed = judge.calibrated(judge.candidate(job.probe_outputs("val")))
    network, refitted = refitted_probe(job, job.backbone)
    return _probe(job, network, "no phase was planned" + refitted, probed, judged=job.prepared.part("val"))


def _probe(
    job: Job,
    network: nn.Module,
    why: str,
    probed: Calibrated,
    *,
    judged: Sequence[Example],
    tried: Sequence[Calibrated] = (),
    rounds: Sequence[Round] = (),
) -> Learned:
    """The probe is what is returned."""
    return Learned(
        network,
        Head(),
        "probe",
        why,
        tried,
        judged,
        probed.outputs,
        probed.outputs,
        probed.temperature,
        rounds,
        head_cut(job),
    )


def head_cut(job: Job) -> str:
    """The head, where features are kept; "" where they are not."""
    return HEAD if job.supply.cache else ""


def refitted_probe(job: Job, backbone: Backbone) -> tuple[nn.Module, str]:
    """The probe as a network: a linear head on the pretrained backbone; how it was refitted, as a clause.

    It is fitted once more on training and validation examples, at the regularisation chosen before,
    where the plan says so. The scores on validation data stay those of the probe that had not
    learned from it.
    """
    fitted, clause = job.probe, ""
    if fitted is None:
        raise ValueError("a plan without phases needs a task that has a probe")
    if job.plan.refit:
        both = (*job.prepared.part("train"), *job.prepared.part("val"))
        fitted = probe(job.prepared, job.task, both, seed=job.plan.seed, strength=fitted.strength) or fitted
        clause = "; then fitted once more on training and validation data"
    return probe_network(job, backbone, fitted, Head()), clause
