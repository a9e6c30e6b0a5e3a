"""Every tensor that training changes: weights, optimiser state, average, the best weights.

What the numbers are to it is `TrainState`. Decides nothing: the loop says when.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from headstart.contracts import Boundary, Phase
from headstart.errors import RunError
from headstart.planning.plan import Plan
from headstart.training.average import Average
from headstart.training.checkpoint import Checkpoint
from headstart.training.device import place_network
from headstart.training.freezing import BACKBONE, changing, digest, flat, freeze, set_training_mode, tensors
from headstart.training.optimiser import build_optimiser, load_optimiser_tensors, optimiser_tensors
from headstart.training.state import TrainState
from headstart.training.tally import Tally


class Learner:
    """A network in training.

    Attributes:
        network: on the plan's device.
        pretrained: weights of the backbone before any step, where a phase pulls toward them.
        parameters: what the phase under way trains, by full name.
        optimiser: of these alone.
        average: of these alone.
        identity: what tells this run from others; see `Checkpoint`.
    """

    parameters: dict[str, nn.Parameter]
    optimiser: Optimizer
    average: Average

    def __init__(
        self, network: nn.Module, boundaries: Sequence[Boundary], phases: Sequence[Phase], plan: Plan
    ) -> None:
        self.network = network
        self._boundaries = boundaries
        self._plan = plan
        place_network(network, plan)
        self._changing = changing(network, boundaries, {part for phase in phases for part in phase.rates})
        self.pretrained = {
            name: value.detach().clone()
            for name, value in network.named_parameters()
            if name.startswith(BACKBONE) and name in self._changing and any(phase.l2_sp for phase in phases)
        }
        self._best: dict[str, Tensor] = {}
        self.identity = {
            "phases": str(tuple(phases)),
            "optimiser": str(plan.optimiser),
            "objective": str(plan.objective),
            "batch_size": str(plan.batch_size),
            "accumulate": str(plan.accumulate),
            "precision": plan.precision,
            "batch_norm": plan.batch_norm,
            "seed": str(plan.seed),
            "pretrained weights": digest(
                network, [name for name in tensors(network) if name.startswith(BACKBONE)]
            ),
        }

    def begin(self, phase: Phase, saved: Checkpoint | None) -> None:
        """Begin a phase, or go on with it from a checkpoint.

        Raises:
            CheckpointError: the checkpoint belongs to another run.
        """
        if saved:
            saved.refuse_other_run(self.identity, self._copied(self._changing))
            self._put(saved.weights)
            self._best = dict(saved.best or (saved.weights if saved.state.best else {}))
        groups = freeze(self.network, self._boundaries, phase.rates, self._plan.batch_norm)
        self.parameters = flat(groups)
        self.optimiser = build_optimiser(self._plan.optimiser, groups, phase.rates)
        self.average = Average(self._plan.optimiser.ema, self.parameters)
        if saved:
            load_optimiser_tensors(self.optimiser, self.parameters, saved.optimiser)
            self.average.load(saved.average)
        self._frozen = tensors(self.network).keys() - changing(self.network, self._boundaries, phase.rates)
        self._frozen_digest = digest(self.network, self._frozen)

    @property
    def size(self) -> int:
        """How many numbers the phase trains."""
        return sum(parameter.numel() for parameter in self.parameters.values())

    @property
    def bytes(self) -> int:
        """About what a checkpoint under way has: the weights, the best ones, and two moments of each."""
        return 4 * sum(parameter.nbytes for parameter in self.parameters.values())

    def set_training_mode(self, phase: Phase) -> None:
        """Put what the phase trains in training mode, and all else in evaluation mode."""
        set_training_mode(self.network, self._boundaries, phase.rates, self._plan.batch_norm)

    def keep_best(self) -> None:
        """Remember the weights as they are now."""
        self._best = self._copied(self._changing)

    def end(self, phase: Phase) -> None:
        """Put the best weights back, and prove that what the phase froze has not changed.

        Raises:
            RunError: a frozen weight or buffer has changed.
        """
        if digest(self.network, self._frozen) != self._frozen_digest:
            raise RunError(
                f"Phase '{phase.name}': a frozen layer has changed.",
                "A part of the network changes its weights or buffers outside of training mode: train it "
                "too, or choose another model.",
            )
        self._put(self._best)

    def checkpoint(self, state: TrainState, tally: Tally, *, over: bool = False) -> Checkpoint:
        """All of it, on the CPU, as of a state and what the epoch under way has given.

        Where a phase is over, only the best weights are still needed, a quarter of all.
        """
        if over:
            return Checkpoint(state, self.identity, self._best, {}, {}, {}, tally.tensors())
        return Checkpoint(
            state=state,
            identity=self.identity,
            weights=self._copied(self._changing),
            optimiser=_on_cpu(optimiser_tensors(self.optimiser, self.parameters)),
            average=_on_cpu(self.average.weights),
            best=self._best,
            epoch=tally.tensors(),
        )

    def _copied(self, names: Iterable[str]) -> dict[str, Tensor]:
        everything = tensors(self.network)
        return _on_cpu({name: everything[name] for name in names})

    @torch.no_grad()
    def _put(self, saved: Mapping[str, Tensor]) -> None:
        everything = tensors(self.network)
        for name, value in saved.items():
            everything[name].copy_(value)


def _on_cpu(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies that share no memory with anything, in the plain memory layout."""
    return {
        name: value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, value in values.items()
    }
