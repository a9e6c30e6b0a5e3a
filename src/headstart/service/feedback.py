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
    if not isinstance(labels, list):
        raise refusal(400, "`labels` must be a list.")
    if len(labels) > MOST:
        raise refusal(400, f"There are {len(labels)} labels; an input may have {MOST}.")
    for label in labels:
        _check_label(label)
    task = loaded.model.task
    if len(labels) != 1 and not task.multi_label:
        raise refusal(400, "Of this model's labels, exactly one is right.")
    if len(set(labels)) < len(labels):
        raise refusal(400, "A label is given twice.")
    new = said.get("new", False)
    if not isinstance(new, bool):
        raise refusal(400, "`new` must be true or false.")
    known = loaded.model.labels
    for label in labels:
        if label in known:
            continue
        if near := next((name for name in known if _bare(name) == _bare(label)), None):
            raise refusal(400, f"The model does not know the label '{label}'. Did you mean '{near}'?")
        if "|" in label:
            raise refusal(400, f"The label {label!r} has a |, which stands between labels in tables.")
        if known and not new:
            raise refusal(
                400,
                f"The model does not know the label '{label}'.{did_you_mean(label, known)} "
                f"It knows: {first_of(known)}. To teach it another, add `new`: true.",
            )
    return labels


def _check_label(label: Any) -> None:
    """Refuse what no label can be, whatever the model knows.

    Raises:
        HTTPException: 400, it is none.
    """
    if not isinstance(label, str):
        raise refusal(400, "A label must be a string.")
    if not 0 < len(label) <= LONGEST:
        raise refusal(400, f"A label has 1 to {LONGEST} characters; one has {len(label)}.")
    if label != label.strip():
        raise refusal(400, f"The label {label!r} begins or ends with a blank. Send it without.")
    if not label.isprintable():
        raise refusal(400, f"The label {label!r} has a character that cannot be shown. Send it without.")


def _bare(label: str) -> str:
    """What labels that nobody tells apart have in common: case and blanks are left aside."""
    return "".join(label.casefold().split())
