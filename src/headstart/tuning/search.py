"""A search: which trial is next, whether one under way is worth its time, and what came of all of them.

Knows Optuna, and not what a trial does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.tuning.space import Choice, Dimension
from headstart.tuning.storage import open_storage, optuna_itself

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

# Trials that are done whatever they look like, and drawn by chance.
FIRST = 5
# Stretches of a trial, at the end of each of which it may be given up.
STRETCHES = 10


@dataclass(frozen=True)
class Outcome:
    """What came of a trial.

    Attributes:
        value: of the main metric, on validation data.
        facts: plain data that is kept beside it.
    """

    value: float
    facts: Mapping[str, Any]


class Unfit(Exception):
    """A trial that could not be done with what was chosen for it."""


class _Halted(BaseException):
    """The process is to stop. Optuna would take an interrupt for the failure of the trial."""


class Trial:
    """One set of choices, under way.

    Args:
        asked: Optuna's trial.
        chosen: by key of the configuration.
    """

    def __init__(self, asked: Any, chosen: Mapping[str, Any]) -> None:
        self._asked = asked
        self.number: int = asked.number
        self.chosen = chosen
        self._told = -1

    def tell(self, share: float, value: float) -> bool:
        """Say what the metric is when a share of the trial is done; whether it should be given up."""
        stretch = int(share * STRETCHES)
        if stretch <= self._told or stretch >= STRETCHES:
            return False
        self._told = stretch
        self._asked.report(value, stretch)
        return bool(self._asked.should_prune())

    def give_up(self) -> Exception:
        """What to raise where it is not worth the rest of its time."""
        pruned: Exception = optuna_itself().TrialPruned()
        return pruned


@dataclass(frozen=True)
class Past:
    """A trial that has ended, or is under way.

    Attributes:
        state: "complete", "pruned", "fail" or "running".
        value: of the main metric; None where it did not come so far.
        chosen: by key of the configuration.
        facts: that were kept beside it.
        seconds: that it took; None while it is under way.
    """

    number: int
    state: str
    value: float | None
    chosen: Mapping[str, Any]
    facts: Mapping[str, Any]
    seconds: float | None


class Search:
    """A study, whose trials may be done by several processes.

    Args:
        folder: of the study.
        name: of the study, where the storage holds several.
        url: of a database; None is a journal in the folder.
        dimensions: searched over.
        lower_is_better: whether the metric is an error.
        seed: of what is drawn by chance.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        url: str | None,
        dimensions: Sequence[Dimension],
        lower_is_better: bool,
        seed: int,
    ) -> None:
        optuna = optuna_itself()
        self._optuna = optuna
        self._dimensions = dimensions
        self._study: Study = optuna.create_study(
            storage=open_storage(folder, url),
            study_name=name,
            direction="minimize" if lower_is_better else "maximize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=FIRST, n_warmup_steps=2),
            load_if_exists=True,
        )
        # Who comes later draws otherwise; what others have under way is taken to be poor, so that it is
        # not tried twice.
        self._study.sampler = optuna.samplers.TPESampler(
            seed=seed + len(self._study.trials), n_startup_trials=FIRST, constant_liar=True
        )
        if not self._study.trials:
            # First what is done without a search, so that the best is never worse than that.
            self._study.enqueue_trial({one.key: one.usual for one in dimensions})

    def next(self, do: Callable[[Trial], Outcome]) -> None:
        """Do one more trial.

        Args:
            do: the trial; may raise `Unfit`, or what `Trial.give_up` gives.
        """

        def objective(asked: Any) -> float:
            try:
                return self._done(asked, do)
            except KeyboardInterrupt as interrupt:
                raise _Halted from interrupt

        try:
            self._study.optimize(objective, n_trials=1, catch=(Unfit,))
        except _Halted as halted:
            raise KeyboardInterrupt from halted

    def go_on(self, number: int, do: Callable[[Trial], Outcome]) -> None:
        """Go on with a trial whose process has died."""
        asked = self._optuna.trial.Trial(self._study, self._frozen(number)._trial_id)
        states = self._optuna.trial.TrialState
        try:
            self._study.tell(number, self._done(asked, do))
        except self._optuna.TrialPruned:
            self._study.tell(number, state=states.PRUNED)
        except Unfit:
            self._study.tell(number, state=states.FAIL)

    def past(self) -> list[Past]:
        """Every trial so far, in their order."""
        return list(self._past())

    def importances(self) -> dict[str, float]:
        """How much of what differs between trials each key explains; empty where they are too few."""
        complete = [one for one in self._past() if one.state == "complete"]
        if len(complete) < FIRST or len({one.value for one in complete}) < 2:
            return {}
        try:
            found = self._optuna.importance.get_param_importances(self._study)
        except (RuntimeError, ValueError):
            # Where a key had one value only, there is nothing to explain.
            return {}
        return {str(key): float(value) for key, value in found.items()}

    def _done(self, asked: Any, do: Callable[[Trial], Outcome]) -> float:
        chosen = {one.key: self._suggested(asked, one) for one in self._dimensions}
        outcome = do(Trial(asked, chosen))
        for key, value in outcome.facts.items():
            asked.set_user_attr(key, value)
        return outcome.value

    def _suggested(self, asked: Any, one: Dimension) -> Any:
        if isinstance(one, Choice):
            return asked.suggest_categorical(one.key, list(one.values))
        return asked.suggest_float(one.key, one.low, one.high, log=True)

    def _past(self) -> Iterator[Past]:
        for trial in self._study.get_trials(deepcopy=False):
            if trial.state.name == "WAITING":
                continue
            yield Past(
                number=trial.number,
                state=trial.state.name.casefold(),
                value=trial.value if trial.state.name == "COMPLETE" else None,
                chosen=dict(trial.params),
                facts=dict(trial.user_attrs),
                seconds=trial.duration.total_seconds() if trial.duration else None,
            )

    def _frozen(self, number: int) -> FrozenTrial:
        return next(trial for trial in self._study.get_trials(deepcopy=False) if trial.number == number)
