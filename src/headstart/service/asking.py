"""From the inputs of a request to what is said of them: the way that every protocol goes."""

from __future__ import annotations

import asyncio
import json
import math
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.requests import Request

from headstart.contracts import Prediction
from headstart.service.batching import QueueFull
from headstart.service.clock import DEADLINE, milliseconds_since, received
from headstart.service.errors import refusal
from headstart.service.inputs import Input
from headstart.service.loading import Loaded
from headstart.service.metrics import Metrics
from headstart.service.options import ServiceOptions
from headstart.service.recording import Recorder, Said

if TYPE_CHECKING:
    from headstart.artifact.model import Answered

# Bytes beyond which reading a body takes so long that other requests should not wait for it.
LONG = 100_000
# Bytes of an id that are drawn.
_DRAWN = 10
_COMMON = {field.name for field in fields(Prediction)}

Read = TypeVar("Read")


class Asking:
    """Asks a model, and records what it says.

    Args:
        recorder: of the answers.
        metrics: count them.
        options: how many inputs a request may have, and of which size.
        decoders: threads that read long bodies, too.
    """

    def __init__(
        self, *, recorder: Recorder, metrics: Metrics, options: ServiceOptions, decoders: Executor
    ) -> None:
        self._decoders = decoders
        self._recorder = recorder
        self._metrics = metrics
        self._options = options

    @property
    def most(self) -> int:
        """Inputs of one request."""
        return self._options.queue

    async def read(self, read: Callable[[], Read], size: int) -> Read:
        """What a body says; a long one is read in a thread, so that other requests have their turn.

        Args:
            read: reads it.
            size: of what takes time to be read, JSON or a table, in bytes.

        Raises:
            HTTPException: 413, that takes too much memory to be read; or as `read` has it.
        """
        if size > self._options.json:
            raise refusal(
                413,
                f"A request may have {self._options.json} bytes of JSON or CSV. Send less at once, or files "
                "in a form, or tensors in binary form.",
            )
        if size < LONG:
            return read()
        return await asyncio.get_running_loop().run_in_executor(self._decoders, read)

    async def ask(self, request: Request, loaded: Loaded, inputs: Sequence[Input]) -> list[Said]:
        """What a model says of some inputs, in order.

        Raises:
            HTTPException: 400, there is none; 413, they are too many, or a text is too long; 429, too many
                wait already; 500, the model has failed.
            DataError: one of them cannot be read.
        """
        if not inputs:
            raise refusal(400, "There is no input. Send at least one.")
        refuse_many(len(inputs), self.most)
        _refuse_long(inputs, self._options.characters)
        try:
            answers = await loaded.batcher.answer([one.value for one in inputs], request.scope[DEADLINE])
        except QueueFull as error:
            wait = str(max(1, math.ceil(error.seconds)))
            raise refusal(429, "Too many inputs wait already. Try again later.", Retry_After=wait) from error
        if not all(_is_finite(answer.prediction) for answer in answers):
            raise refusal(500, "The model gave no finite score. Send another input, or serve another model.")
        took, at = milliseconds_since(received(request.scope)), time.time()
        said = [
            Said(id, loaded.version.number, at, one, answer, took)
            for id, one, answer in zip(new_ids(at, len(inputs)), inputs, answers, strict=True)
        ]
        self._metrics.predicted(loaded.version.number, Counter(_labels(answers)))
        self._recorder.put(said)
        return said


def refuse_many(count: int, most: int) -> None:
    """Refuse more inputs than may ever wait at once.

    Raises:
        HTTPException: 413, they are.
    """
    if count > most:
        raise refusal(413, f"There are more inputs than the queue holds. Send at most {most} at once.")


def _refuse_long(inputs: Sequence[Input], most: int) -> None:
    for place, one in enumerate(inputs):
        if one.characters > most:
            raise refusal(
                413,
                f"input {place + 1}: has {one.characters} characters; a text may have {most}. Shorten it.",
            )


def _is_finite(prediction: Prediction) -> bool:
    """Whether JSON and the records can say it."""
    if type(prediction) is Prediction:
        return all(map(math.isfinite, (*prediction.scores.values(), prediction.score or 0.0)))
    try:
        json.dumps(asdict(prediction), allow_nan=False)
    except ValueError:
        return False
    return True


def new_ids(at: float, count: int) -> list[str]:
    """Of predictions made at one time: sortable by it, and not to be guessed."""
    drawn = secrets.token_hex(_DRAWN * count)
    return [f"{int(at * 1000):012x}{drawn[2 * _DRAWN * place :][: 2 * _DRAWN]}" for place in range(count)]


def _labels(answers: Sequence[Answered]) -> Iterator[str]:
    """What was said, for counting: of each input its labels, or "none"."""
    for answer in answers:
        prediction = answer.prediction
        if prediction.label is not None:
            yield prediction.label
        else:
            yield from prediction.labels or ("none",)


def plain(said: Said) -> dict[str, Any]:
    """An answer as JSON."""
    prediction = said.answer.prediction
    more: dict[str, Any] = {}
    if type(prediction) is not Prediction:
        more = {name: value for name, value in asdict(prediction).items() if name not in _COMMON}
    return {
        "id": said.id,
        "label": prediction.label,
        "score": prediction.score,
        "scores": dict(prediction.scores),
        "labels": list(prediction.labels),
        **more,
    }


def read_json(body: bytes) -> Any:
    """What a body of JSON says.

    Raises:
        HTTPException: 400, it is none.
    """
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise refusal(400, "The body is no JSON in UTF-8.") from error


def read_object(body: bytes) -> dict[str, Any]:
    """What a body says that is one object.

    Raises:
        HTTPException: 400, it is none.
    """
    value = read_json(body)
    if not isinstance(value, dict):
        raise refusal(400, "The body must be a JSON object.")
    return value


def media_type(request: Request) -> str:
    """Content-Type without parameters, in lower case; "" where there is none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
