"""A window that was judged before, once nearly all of its labels have come.

The part of alpha that `headstart.monitoring.alarm` keeps for accuracy is spent then, and only once: a window
rings no more often than stated, however late labels come and however often they are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from headstart.monitoring.alarm import ACCURACY, accuracy_found, corrected
from headstart.monitoring.labelled import fairest_accuracy
from headstart.monitoring.lot import Lot
from headstart.monitoring.reference import Reference


def judge_late(
    judged: Mapping[str, Any], right: Mapping[str, bool], reference: Reference
) -> dict[str, Any] | None:
    """The window with what its labels show of the accuracy; None while too few have come.

    Args:
        judged: as `Judgement.state` gave it, accuracy not tested yet.
        right: whether the answer was, of each input of the window that has a label.
        reference: that it was compared with.
    """
    lot = Lot.from_state(judged["lot"])
    drawn = [answer for name, answer in right.items() if name in lot]
    every = list(right.values())
    labelled = fairest_accuracy((every, judged["n"]), (drawn, lot.n), reference.distinct().correct)
    kinds = {finding["kind"] for finding in judged["findings"]} | {ACCURACY}
    found = [corrected(one, len(kinds), judged["alpha"]) for one in accuracy_found(labelled)]
    if labelled is None or not found:
        return None
    return {
        **judged,
        "alarm": judged["alarm"] or any(finding.alarm for finding in found),
        "findings": [*judged["findings"], *map(asdict, found)],
        "labelled_accuracy": labelled.state(),
    }
