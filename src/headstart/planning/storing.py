"""Which frozen layers are computed once, and kept: pure functions of the request and what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headstart.config.schema import Augmentation, Config
from headstart.contracts import HEAD, Phase
from headstart.planning.facts import CutFacts, Facts
from headstart.planning.plan import Decision

VIEWS = 4
# Bytes a second that a plain disk writes; reading them again comes out of its cache.
DISK_SPEED = 200e6


def cut_of(phase: Phase, boundaries: Sequence[str]) -> str | None:
    """The first boundary that a phase trains: what lies before it is frozen. None where nothing does."""
    first = next((name for name in boundaries if name in phase.rates), HEAD)
    return None if boundaries and first == boundaries[0] else first


def cuts_of(phases: Sequence[Phase], boundaries: Sequence[str]) -> tuple[str, ...]:
    """The head, and every other cut at which a phase may enter."""
    found = (cut_of(phase, boundaries) for phase in phases)
    return tuple(dict.fromkeys((HEAD, *filter(None, found))))


def views(config: Config, augment: Augmentation) -> Decision[int]:
    """Augmented views of each example that are kept; epoch e trains on view e modulo so many."""
    if not augment.varies:
        return Decision(1, "nothing varies")
    if config.features.views is not None:
        return Decision(config.features.views, "asked for")
    return Decision(VIEWS, "enough to vary what a frozen layer shows")


def engines(
    config: Config, cuts: Mapping[str, CutFacts], stored: Sequence[str]
) -> Decision[Mapping[str, str]]:
    """What runs the layers before each cut that is kept, and before the head."""
    names = dict.fromkeys((HEAD, *filter(None, stored)))
    found = {name: cuts[name].engine for name in names}
    if config.features.engine:
        return Decision(found, "asked for")
    alike = len({cuts[name].engine_reason for name in names}) == 1
    reasons = [cuts[name].engine_reason if alike else f"{name}: {cuts[name].engine_reason}" for name in names]
    return Decision(found, "; ".join(dict.fromkeys(reasons)))


def stored(
    config: Config,
    phases: Sequence[Phase],
    cuts: Mapping[str, CutFacts],
    *,
    facts: Facts,
    views: int,
) -> Decision[tuple[str, ...]]:
    """For each phase, the boundary at which kept activations enter; "" where it computes everything.

    Args:
        config: may ask for none.
        phases: of the plan.
        cuts: what was measured at the cut of every phase.
        facts: of data, model and machine.
        views: of each training example.
    """
    if not config.features.store:
        return Decision(("",) * len(phases), "asked not to be")
    names, reasons = [], []
    for phase in phases:
        name, why = cut_of(phase, facts.model.boundaries), "it trains every layer"
        if name is not None:
            problem = _problem(phase, name, cuts[name], views=views, facts=facts)
            why = problem or _how(phase, cuts[name], views=views, train=facts.data.train)
            name = None if problem else name
        names.append(name or "")
        reasons.append(f"{phase.name}: {why}")
    return Decision(tuple(names), "; ".join(reasons) or "nothing is trained")


def _problem(phase: Phase, name: str, cut: CutFacts, *, views: int, facts: Facts) -> str:
    """Why a phase goes on without the store; "" where it need not."""
    if cut.problem:
        return f"computed anew each time, as {cut.problem}"
    train, others, room = facts.data.train, facts.data.others, facts.machine.room
    if not room:
        return "computed anew each time, as nothing may be kept"
    # What the head sees of examples that do not vary is there already: the features of the probe.
    train_passes = 0 if name == HEAD and views == 1 else min(views, phase.epochs)
    other_passes = 0 if name == HEAD else 1
    size = cut.bytes * (train_passes * train + other_passes * others)
    if size > room:
        return f"computed anew each time, as {in_bytes(size)} would not fit in the cache of {in_bytes(room)}"
    saved = (phase.epochs - train_passes) * train + (phase.epochs - other_passes) * others
    if saved * cut.seconds <= size / DISK_SPEED:
        return f"computed anew each time, as keeping {in_bytes(size)} would cost more than it saves"
    return ""


def _how(phase: Phase, cut: CutFacts, *, views: int, train: int) -> str:
    views = min(views, phase.epochs)
    of = "" if views == 1 else f" in {views} views"
    return f"{train} examples are computed once{of}, {in_bytes(cut.bytes)} each"


def in_bytes(count: int) -> str:
    """Such as ``2.5 kB``."""
    size, units = float(count), iter(("B", "kB", "MB", "GB"))
    unit = next(units)
    while size >= 1000 and unit != "GB":
        size, unit = size / 1000, next(units)
    return f"{size:.3g} {unit}"
