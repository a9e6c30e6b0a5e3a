"""What the curves of loss and metric say, in words. Pure: validations in, a sentence out."""

from __future__ import annotations

from collections.abc import Sequence

from headstart.contracts import Notice, Validated

OVERFITTING_VALIDATIONS = 3
PLATEAU_VALIDATIONS = 5
SLIGHT = 0.01


def diagnose(history: Sequence[Validated]) -> Notice | None:
    """What the newest validation shows that the earlier ones of its phase did not.

    Args:
        history: every validation of the run, the newest last.

    Returns:
        A notice of kind "overfitting" or "plateau", each at most once a phase; else None.
    """
    if not history:
        return None
    phase = [validated for validated in history if validated.phase == history[-1].phase]
    best = next((validated for validated in reversed(history) if validated.best), None)
    for kind, look in (("overfitting", _overfitting), ("plateau", _plateau)):
        seen = look(phase)
        if seen and not any(look(phase[:count]) for count in range(len(phase))):
            kept = f" The best weights, of epoch {best.epoch}, are kept." if best else ""
            return Notice(step=history[-1].step, kind=kind, text=seen + kept)
    return None


def _overfitting(phase: Sequence[Validated]) -> str | None:
    """The loss on training data goes on falling while that on validation data has turned."""
    if len(phase) <= OVERFITTING_VALIDATIONS:
        return None
    lowest = min(phase, key=lambda validated: validated.loss)
    since = phase[phase.index(lowest) + 1 :]
    if len(since) < OVERFITTING_VALIDATIONS:
        return None
    recent = since[-OVERFITTING_VALIDATIONS:]
    rising = all(validated.loss > lowest.loss * (1 + SLIGHT) for validated in recent)
    falling = recent[-1].train_loss < lowest.train_loss * (1 - SLIGHT)
    if not (rising and falling):
        return None
    return (
        f"Overfitting since epoch {since[0].epoch}: training loss falls, validation loss rises "
        f"({lowest.loss:.3g} -> {recent[-1].loss:.3g})."
    )


def _plateau(phase: Sequence[Validated]) -> str | None:
    """Neither loss has moved for a while."""
    recent = phase[-PLATEAU_VALIDATIONS - 1 :]
    if len(recent) <= PLATEAU_VALIDATIONS:
        return None
    first = recent[0]
    still = all(
        abs(getattr(validated, name) - getattr(first, name)) <= SLIGHT * abs(getattr(first, name))
        for validated in recent
        for name in ("loss", "train_loss")
    )
    if not still:
        return None
    return f"Plateau since epoch {first.epoch}: validation loss stays at {first.loss:.3g}."
