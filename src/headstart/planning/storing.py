"""Which frozen layers are computed once, and kept: pure functions of the request and what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from headstart.config.schema import Augmentation, Config
from headstart.contracts import HEAD, Phase
from headstart.errors import counted
from headstart.planning.facts import CutFacts, Facts
from headstart.planning.plan import Decision

VIEWS = 4
# Bytes a second that a plain disk writes; reading them again comes out of its cache.
DISK_SPEED = 200e6


def cut_of(phase: Phase, boundaries: Sequence[str]) -> str | None:
    """The first boundary that a phase trains: what lies before it is frozen. None where nothing does."""
    first = next((name for name in boundaries if name in phase.rates), HEAD)
    return None if boundaries and first == boundaries[0] else first


def cuts_of(phases: Sequence[Phase], boundaries: Sequence[str], *, has_probe: bool = True) -> tuple[str, ...]:
    """Every cut at which a phase may enter, and the head where a probe does."""
    found = (cut_of(phase, boundaries) for phase in phases)
    return tuple(dict.fromkeys((*([HEAD] if has_probe else []), *filter(None, found))))


def views(config: Config, augment: Augmentation) -> Decision[int]:
    """Augmented views of each example that are kept; epoch e trains on view e modulo so many."""
    if not augment.varies:
        return Decision(1, "nothing varies")
    if config.features.views is not None:
        return Decision(config.features.views, "asked for")
    return Decision(VIEWS, "enough to vary what a frozen layer shows")


def engines(
    config: Config, cuts: Mapping[str, CutFacts], stored: Sequence[str], *, has_probe: bool = True
) -> Decision[Mapping[str, str]]:
    """What runs the layers before each cut that is kept, and before the head where there is a probe."""
    names = dict.fromkeys((*([HEAD] if has_probe else []), *filter(None, stored)))
    if not names:
        return Decision({}, "nothing is computed once")
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
    has_probe: bool = True,
) -> Decision[tuple[str, ...]]:
    """For each phase, the boundary at which kept activations enter; "" where it computes everything.

    What all phases keep must fit in together: the next run on this data is to find it there.

    Args:
        config: may ask for none.
        phases: of the plan.
        cuts: what was measured at the cut of every phase.
        facts: of data, model and machine.
        views: of each training example.
        has_probe: whether there is a probe, for which all features are computed.
    """
    if not config.features.store:
        return Decision(("",) * len(phases), "asked not to be")
    names: list[str] = []
    reasons, taken = [], 0
    for phase in phases:
        name, why = cut_of(phase, facts.model.boundaries), "it trains every layer"
        if name is not None:
            # Epochs are counted on from phase to phase: where two enter at one boundary, they share views.
            before = sum(p.epochs for p, entered in zip(phases, names, strict=False) if entered == name)
            passes = _passes(phase, name, views=views, before=before, has_probe=has_probe)
            size = cuts[name].bytes * (passes.train * facts.data.train + passes.others * facts.data.others)
            problem = _problem(phase, cuts[name], passes, size=size, taken=taken, facts=facts)
            why = problem or _how(phase, cuts[name], views=views, train=facts.data.train)
            taken += 0 if problem else size
            name = "" if problem else name
        names.append(name or "")
        reasons.append(f"{phase.name}: {why}")
    return Decision(tuple(names), "; ".join(reasons) or "nothing is trained")


class _Passes(NamedTuple):
    """How often the layers before a cut are run on the training examples, and on the others."""

    train: int
    others: int


def _passes(phase: Phase, name: str, *, views: int, before: int, has_probe: bool) -> _Passes:
    """Those that a phase adds, where earlier ones entered at the same boundary for so many epochs."""
    train = min(views, before + phase.epochs) - min(views, before)
    # What the head sees of examples that do not vary is there already: the features of the probe.
    if name == HEAD and has_probe:
        return _Passes(0 if views == 1 else train, 0)
    return _Passes(train, 0 if before else 1)


def _problem(phase: Phase, cut: CutFacts, passes: _Passes, *, size: int, taken: int, facts: Facts) -> str:
    """Why a phase goes on without the store; "" where it need not.

    Args:
        phase: of the plan.
        cut: where it would be entered.
        passes: of the layers before it.
        size: bytes of what they give.
        taken: bytes that earlier phases keep.
        facts: of data and machine.
    """
    if cut.problem:
        return f"computed anew each time, as {cut.problem}"
    train, others, room = facts.data.train, facts.data.others, facts.machine.room
    if not room:
        return "computed anew each time, as nothing may be kept"
    if taken + size > room:
        beside = f" beside the {in_bytes(taken)} of earlier phases" if taken else ""
        there = f"the cache of {in_bytes(room)}{beside}"
        return f"computed anew each time, as {in_bytes(size)} would not fit in {there}"
    saved = (phase.epochs - passes.train) * train + (phase.epochs - passes.others) * others
    if saved * cut.seconds <= size / DISK_SPEED:
        return f"computed anew each time, as keeping {in_bytes(size)} would cost more than it saves"
    return ""


def _how(phase: Phase, cut: CutFacts, *, views: int, train: int) -> str:
    views = min(views, phase.epochs)
    of = "" if views == 1 else f" in {views} views"
    computed = counted(train, "example is computed", "examples are computed")
    return f"{computed} once{of}, {in_bytes(cut.bytes)} each"


def in_bytes(count: int) -> str:
    """Such as ``2.5 kB``."""
    size, units = float(count), iter(("B", "kB", "MB", "GB"))
    unit = next(units)
    while size >= 1000 and unit != "GB":
        size, unit = size / 1000, next(units)
    return f"{size:.3g} {unit}"
