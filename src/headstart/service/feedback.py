"""POST /feedback: what was right, said of a prediction by its id."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from headstart.errors import HeadstartError, did_you_mean, first_of
from headstart.records.records import Records
from headstart.service.asking import read_object
from headstart.service.errors import Json, refusal
from headstart.service.limits import body_of
from headstart.service.loading import Loaded
from headstart.service.log import EventLog
from headstart.service.recording import Recorder
from headstart.service.slot import Slot

# Characters of an id and of a label, labels of an input, and seconds until rows must be written.
LONGEST_ID, LONGEST, MOST, PATIENCE = 200, 200, 200, 10.0
# Bytes of a body, which has room for them all, however they are escaped.
BODY = 1_000_000


class Correcting:
    """Answers POST /feedback.

    Args:
        slot: has the model, which knows labels.
        records: keep it.
        recorder: has predictions that are not written yet.
        log: is told what could not be kept.
    """

    def __init__(self, *, slot: Slot, records: Records, recorder: Recorder, log: EventLog) -> None:
        self._slot = slot
        self._records = records
        self._recorder = recorder
        self._log = log

    async def feedback(self, request: Request) -> Response:
        """Keep what was right."""
        body = body_of(request)
        if len(body) > BODY:
            raise refusal(413, f"Feedback may have {BODY} bytes.")
        said = read_object(body)
        id = said.get("id")
        if not isinstance(id, str) or not 0 < len(id) <= LONGEST_ID:
            raise refusal(400, "`id` must be that of a prediction.")
        with self._slot.pinned(request.scope) as loaded:
            labels = _labels(said, loaded)
            if not await self._kept(id, labels):
                raise refusal(404, "No prediction with this id is recorded. It may be too old, or left out.")
        return Json({"id": id, "labels": labels})

    async def _kept(self, id: str, labels: Sequence[str]) -> bool:
        try:
            if await asyncio.to_thread(self._records.add_feedback, id, labels):
                return True
            # It may have been answered a moment ago.
            await asyncio.to_thread(self._recorder.flush, PATIENCE)
            return await asyncio.to_thread(self._records.add_feedback, id, labels)
        except HeadstartError as error:
            self._log.fault("records", error)
            raise refusal(
                503, "Feedback cannot be kept at the moment. Try again.", Retry_After="10"
            ) from error


def _labels(said: dict[str, Any], loaded: Loaded) -> list[str]:
    """The labels that are right, checked.

    Raises:
        HTTPException: 400, they are none, or none that the model knows.
    """
    if ("label" in said) == ("labels" in said):
        raise refusal(400, "Give `label`, or `labels` where several apply.")
    labels = [said["label"]] if "label" in said else said["labels"]
    if not isinstance(labels, list) or len(labels) > MOST or not all(map(_is_label, labels)):
        raise refusal(400, f"Labels must be at most {MOST} texts of 1 to {LONGEST} characters.")
    task = loaded.model.task
    if len(labels) != 1 and not task.several:
        raise refusal(400, "Of this model's labels, exactly one is right.")
    if len(set(labels)) < len(labels):
        raise refusal(400, "A label is given twice.")
    new = said.get("new", False)
    if not isinstance(new, bool):
        raise refusal(400, "`new` must be true or false.")
    known = loaded.model.labels
    for label in labels:
        if known and not new and label not in known:
            raise refusal(
                400,
                f"The model does not know the label '{label}'.{did_you_mean(label, known)} "
                f"It knows: {first_of(known)}. To teach it another, add `new`: true.",
            )
    return labels


def _is_label(label: Any) -> bool:
    return (
        isinstance(label, str)
        and 0 < len(label) <= LONGEST
        and label == label.strip()
        and label.isprintable()
    )
