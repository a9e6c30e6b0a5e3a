"""Which engine runs a frozen part: the one by which all examples are done soonest, building included.

Nothing is built that cannot earn its building back, and what differs from the plain engine is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from headstart.errors import RequestError, RunError, did_you_mean
from headstart.features.engines import compiled, eager, openvino
from headstart.features.engines.contest import Contest, Entrant
from headstart.features.engines.engine import Engine, Inputs, Precision, Runner, is_tokens
from headstart.features.engines.kept_files import KeptFiles
from headstart.features.engines.parity import Parity, Stored, storage
from headstart.features.engines.remembered import (
    chosen_before,
    frozen_part,
    home,
    machine_file,
    recall,
    remember,
    remember_choice,
)
from headstart.store.cache import Cache


@dataclass(frozen=True)
class Choice:
    """The engine that was chosen, and why.

    Attributes:
        runner: of the frozen part.
        name, precision: of the engine.
        seconds_per_example: measured, in batches one after the other.
        reason: one clause for the plan.
        tried: every other engine with its seconds per example, or why it was left out.
        parity: with the plain engine, on the probe batch.
        stored: in which the activations keep that parity.
    """

    runner: Runner
    name: str
    precision: Precision
    seconds_per_example: float
    reason: str
    tried: tuple[tuple[str, float | str], ...]
    parity: Parity
    stored: Stored


def engines_on(device: str, conversion: KeptFiles | None) -> tuple[Engine, ...]:
    """The engines that a device may have, the plain one first.

    Their seconds and speedups were measured on convolutional and transformer networks on two cores.

    Args:
        device: "cpu", "cuda", "cuda:1", "mps".
        conversion: to be kept; None keeps none.
    """
    eagerly, compiling = partial(eager.build, device=device), partial(compiled.build, device=device)
    converting = partial(openvino.build, kept=conversion)
    plain = Engine("eager", "fp32", partial(eagerly, precision="fp32"), 0.0, 1.0)
    others = (
        Engine("eager-bf16", "bf16", partial(eagerly, precision="bf16"), 0.0, 2.0),
        Engine("compiled", "fp32", partial(compiling, precision="fp32"), 40.0, 2.0),
        Engine("compiled-bf16", "bf16", partial(compiling, precision="bf16"), 40.0, 4.0),
    )
    on_processor = (
        Engine("openvino", "fp32", partial(converting, precision="fp32"), 2.0, 3.0),
        Engine("openvino-bf16", "bf16", partial(converting, precision="bf16"), 2.0, 5.0),
    )
    match torch.device(device).type:
        case "cpu":
            return (plain, *on_processor, *others)
        case "cuda":
            return (plain, *others)
        case _:
            return (plain,)


def choose(
    module: nn.Module,
    probe_inputs: Inputs,
    *,
    count: int,
    cache: Cache | None,
    digest: str,
    boundary: str,
    device: str,
    only: str | None = None,
    engines: Sequence[Engine] | None = None,
) -> Choice:
    """The fastest engine for so many examples that gives what the plain one gives.

    Args:
        module: the frozen part, in evaluation mode; moved to the device.
        probe_inputs: one batch of real inputs, of the fixed size.
        count: of examples to run.
        cache: where measurements and conversions are kept; None keeps nothing.
        digest: of the weights.
        boundary: at which the part ends.
        device: that computes.
        only: the engine that is asked for.
        engines: to choose from, the plain one first; None takes those of the device.

    Raises:
        RequestError: `only` names no engine of this device.
        RunError: the engine asked for cannot be built, or gives other values.
    """
    path = conversion = None
    if cache is not None:
        part = home(cache.measurements / "engines", probe_inputs, digest=digest, boundary=boundary)
        path = machine_file(part, device)
        what = {"kind": "conversion", "engine": "openvino", **frozen_part(probe_inputs, digest, boundary)}
        conversion = KeptFiles(cache, what)
    plain, *others = engines_on(device, conversion) if engines is None else engines
    contest = Contest(module, plain, _probes(probe_inputs), count=count, known=recall(path))
    by_name = {engine.name: engine for engine in (plain, *others)}
    before = by_name.get(chosen_before(path, count) or "")
    if only is not None:
        winner = _asked_for(only, contest, by_name)
    elif before is not None and (again := contest.enters(before)) is not None:
        winner = again
    else:
        for engine in sorted(others, key=contest.cost):
            contest.consider(engine)
        winner = min(contest.entrants.values(), key=contest.rest)
        remember_choice(path, count, winner.engine.name)
    remember(path, contest.known)
    return Choice(
        runner=winner.runner,
        name=winner.engine.name,
        precision=winner.engine.precision,
        seconds_per_example=winner.measured.seconds_per_example,
        reason="asked for" if only else contest.reason(winner),
        tried=contest.tried(winner),
        parity=winner.measured.parity,
        stored=storage(contest.references, winner.outputs, winner.engine.precision),
    )


def _asked_for(name: str, contest: Contest, engines: Mapping[str, Engine]) -> Entrant:
    if name not in engines:
        raise RequestError(
            f"No engine '{name}' here.{did_you_mean(name, engines)}", f"There are: {', '.join(engines)}."
        )
    entrant = contest.enters(engines[name])
    if entrant is None:
        raise RunError(
            f"Engine '{name}' {contest.problems[name]}.", "Ask for another, or leave the choice to the plan."
        )
    return entrant


def _probes(inputs: Inputs) -> list[Inputs]:
    """The batch; of token inputs also its first half, as their length varies from batch to batch."""
    if not is_tokens(inputs):
        return [inputs]
    return [inputs, {name: value[:, : -(-value.shape[1] // 2)] for name, value in inputs.items()}]
