"""A pretrained model that can be had, before anything of it is opened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Offer:
    """A pretrained model, as its source describes it.

    Attributes:
        name: ``SOURCE:NAME``.
        family: of its inputs, "image" or "text".
        licence: of the weights; "unknown" where nothing says so.
        parameters: how many; None is not known before it is loaded.
        prior: how good its features are known to be, a share in (0, 1) that compares with others of
            its family; None is not known.
        lacking: what is to be done before it can be used; "" where it is there.
    """

    name: str
    family: str
    licence: str = "unknown"
    parameters: int | None = None
    prior: float | None = None
    lacking: str = ""
