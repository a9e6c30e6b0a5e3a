"""Engines side by side: each is built, compared with the plain one and timed, where it may win."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from time import perf_counter

from torch import Tensor, nn

from headstart.errors import HeadstartError
from headstart.features.engines.engine import Engine, Inputs, Runner
from headstart.features.engines.parity import Parity, compare
from headstart.features.engines.remembered import Measured

# A bf16 engine must save so much of the time of an fp32 one to be preferred.
BF16_SAVES = 0.1
# Measuring an engine may take such a share of what it would take for all.
MEASURING = 0.01
ROUNDS = 3


@dataclass(frozen=True)
class Entrant:
    """An engine that was built and passed, and what it gave of the probes."""

    engine: Engine
    runner: Runner
    outputs: list[Tensor]
    measured: Measured


class Contest:
    """Engines by name: those that entered, and why the others did not. The plain one enters first.

    Attributes:
        references: what the plain engine gives of the probes.
        known: what was ever measured on this machine, those that were refused included.
        problems: of engines that cannot be built or give other values.
        passed_over: engines that were not built, with their known seconds per example or a reason.
    """

    def __init__(
        self,
        module: nn.Module,
        plain: Engine,
        probes: Sequence[Inputs],
        *,
        count: int,
        known: dict[str, Measured],
    ) -> None:
        self._module, self._probes, self._count = module, probes, count
        self.known = known
        self.entrants: dict[str, Entrant] = {}
        self.problems: dict[str, str] = {}
        self.passed_over: dict[str, float | str] = {}
        runner = plain.build(module, probes[0])
        self.references = [runner(probe) for probe in probes]
        parity = compare(self.references, self.references)
        self._plain = self._admit(plain, runner, self.references, parity=parity, build_seconds=0.0)

    def cost(self, engine: Engine) -> float:
        """Seconds for all examples, building included, as known or expected; more for bf16."""
        known = self.known.get(engine.name)
        if known:
            return _weighted(engine, known.build_seconds + self._count * known.seconds_per_example)
        pace = self._plain.measured.seconds_per_example / engine.speedup
        return _weighted(engine, engine.build_seconds + self._count * pace)

    def rest(self, entrant: Entrant) -> float:
        """The same, now that it is built."""
        return _weighted(entrant.engine, self._count * entrant.measured.seconds_per_example)

    def consider(self, engine: Engine) -> None:
        """Let an engine enter if it may win."""
        known = self.known.get(engine.name)
        problem = known.parity.problem(engine.precision) if known else ""
        best = min(self.rest(entrant) for entrant in self.entrants.values())
        if problem:
            self.problems[engine.name] = problem
        elif self.cost(engine) < best:
            self.enter(engine)
        else:
            expected = "not tried: expected to take longer, building included"
            self.passed_over[engine.name] = known.seconds_per_example if known else expected

    def enters(self, engine: Engine) -> Entrant | None:
        """An engine as it entered, now or before; None where it has a problem."""
        if engine.name not in self.entrants:
            self.enter(engine)
        return self.entrants.get(engine.name)

    def enter(self, engine: Engine) -> None:
        """Build an engine, compare it with the plain one, and measure it; or note its problem."""
        begin = perf_counter()
        try:
            runner = engine.build(self._module, self._probes[0])
            outputs = [runner(probe) for probe in self._probes]
        except Exception as error:  # a foreign engine may fail in any way, and the run goes on without it
            self.problems[engine.name] = f"cannot be built: {_first_line(error)}"
            return
        build_seconds = perf_counter() - begin
        parity = compare(self.references, outputs)
        problem = parity.problem(engine.precision)
        if problem:
            self.problems[engine.name] = problem
            self.known[engine.name] = Measured(build_seconds, math.inf, parity)
        else:
            self._admit(engine, runner, outputs, parity=parity, build_seconds=build_seconds)

    def reason(self, winner: Entrant) -> str:
        """One clause: how fast the winner is, and what is wrong with others."""
        plain = self._plain
        if winner is plain:
            clause = f"no other does {self._count} examples sooner"
        else:
            clause = (
                f"{_milliseconds(winner)} an example, {plain.engine.name} takes {_milliseconds(plain)}; "
                f"values differ by {winner.measured.parity.relative_error:.0e}"
            )
        return "; ".join((clause, *(f"{name} {problem}" for name, problem in self.problems.items())))

    def tried(self, winner: Entrant) -> tuple[tuple[str, float | str], ...]:
        """Every engine but the winner: its seconds per example, or why it has none."""
        measured = {name: entrant.measured.seconds_per_example for name, entrant in self.entrants.items()}
        everything = {**measured, **self.passed_over, **self.problems}
        return tuple((name, found) for name, found in everything.items() if name != winner.engine.name)

    def _admit(
        self, engine: Engine, runner: Runner, outputs: list[Tensor], *, parity: Parity, build_seconds: float
    ) -> Entrant:
        """An entrant, measured now where it never was before."""
        measured = self.known.get(engine.name)
        if measured is None or math.isinf(measured.seconds_per_example):
            measured = Measured(build_seconds, _pace(runner, self._probes[0], self._count), parity)
        self.known[engine.name] = measured
        self.entrants[engine.name] = Entrant(engine, runner, outputs, measured)
        return self.entrants[engine.name]


def _pace(runner: Runner, inputs: Inputs, count: int) -> float:
    """Seconds per example at the best of a few rounds; the first batch has gone before."""
    examples = runner.ahead * len(next(iter(inputs.values())))
    best, spent = math.inf, 0.0
    for _ in range(ROUNDS):
        begin = perf_counter()
        for output in runner.map(repeat(inputs, runner.ahead)):
            output.cpu()  # A GPU is done only then.
        seconds = perf_counter() - begin
        best, spent = min(best, seconds), spent + seconds
        if spent + seconds > MEASURING * count * best / examples:
            break
    return best / examples


def _weighted(engine: Engine, seconds: float) -> float:
    """Seconds as engines of both precisions are compared by."""
    return seconds if engine.precision == "fp32" else seconds / (1 - BF16_SAVES)


def _milliseconds(entrant: Entrant) -> str:
    return f"{1000 * entrant.measured.seconds_per_example:.3g} ms"


def _first_line(error: Exception) -> str:
    if isinstance(error, HeadstartError):
        return error.cause.rstrip(".")
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
