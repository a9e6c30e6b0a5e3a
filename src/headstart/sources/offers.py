"""Every pretrained model that the sources can give: those that are there, and those that are well known."""

from __future__ import annotations

from collections.abc import Sequence

from headstart.catalog import SOURCES, resolve
from headstart.contracts import Source
from headstart.contracts.offers import Offer
from headstart.sources.known import KNOWN


def offers(family: str | None = None) -> tuple[Offer, ...]:
    """Models, those that need no network and no install first.

    Args:
        family: of their inputs; None is every one.
    """
    sources: dict[str, Source] = {name: resolve("source", name, SOURCES)() for name in SOURCES}
    there = [f"{prefix}:{name}" for prefix, source in sources.items() for name in source.names()]
    names = dict.fromkeys([*there, *KNOWN])
    found = [offer(name, sources[name.partition(":")[0]]) for name in names]
    return tuple(
        sorted((one for one in found if family in (None, one.family)), key=lambda one: bool(one.lacking))
    )


def offers_of(names: Sequence[str]) -> tuple[Offer, ...]:
    """The models that a user names.

    Raises:
        RequestError: there is no such source.
    """
    return tuple(
        # A bare name is found where it is loaded.
        offer(name, resolve("source", name.partition(":")[0], SOURCES)()) if ":" in name else Offer(name, "")
        for name in names
    )


def offer(name: str, source: Source) -> Offer:
    """One model, as far as it is known before it is loaded."""
    known = KNOWN.get(name)
    lacking = source.lacking(name.partition(":")[2])
    if known is None:
        return Offer(name, family=source.family, lacking=lacking)
    return Offer(
        name,
        family=known.family,
        licence=known.licence,
        parameters=round(known.millions * 1e6),
        prior=known.prior,
        lacking=lacking,
    )
