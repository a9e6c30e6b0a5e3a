"""Every pretrained model that the sources can give: those that are there, and those that are well known."""

from __future__ import annotations

from collections.abc import Sequence

from headstart.contracts.offers import Offer
from headstart.sources.known import KNOWN
from headstart.sources.resolve import describe, source_of


def offers(family: str | None = None) -> tuple[Offer, ...]:
    """Models, those that need no network and no install first.

    Args:
        family: of their inputs; None is every one.
    """
    found = [offer(name) for name in dict.fromkeys([*describe(), *KNOWN])]
    return tuple(
        sorted((one for one in found if family in (None, one.family)), key=lambda one: bool(one.lacking))
    )


def offers_of(names: Sequence[str]) -> tuple[Offer, ...]:
    """The models that a user names.

    Raises:
        RequestError: there is no such source.
    """
    # A bare name is found where it is loaded.
    return tuple(offer(name) if ":" in name else Offer(name, "") for name in names)


def offer(name: str) -> Offer:
    """A model of a source, as far as it is known before it is loaded.

    Raises:
        RequestError: there is no such source.
    """
    prefix, _, own = name.partition(":")
    known, source = KNOWN.get(name), source_of(prefix)
    lacking = source.lacking(own)
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
