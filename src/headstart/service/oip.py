"""The Open Inference Protocol, version 2, over REST, with the binary extension.

Files go as `image`, and are made ready as in training. Who has done that already sends `pixels`, of the
size that the network sees.

https://github.com/open-inference/open-inference-protocol and, for binary data, Triton's
extension_binary_data. Clients of Triton and KServe speak it.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from headstart import __version__
from headstart.contracts import Prediction
from headstart.service.asking import Asking
from headstart.service.errors import Json, refusal
from headstart.service.inputs import IMAGE, TEXT, Input
from headstart.service.limits import body_of
from headstart.service.loading import Loaded
from headstart.service.recording import Said
from headstart.service.slot import Slot
from headstart.service.tensors import BYTES, DIGITS, FP32, UINT8, InferRequest, Tensor, read_request, written

PIXELS = "pixels"
# That the model has beside its own name, whatever it is called.
ALIAS = "model"
HEADER_LENGTH = "Inference-Header-Content-Length"


class OpenInference:
    """Answers below /v2.

    Args:
        slot: has the model.
        asking: asks it.
        name: of the model.
        ready: whether requests are taken.
    """

    def __init__(self, *, slot: Slot, asking: Asking, name: str, ready: Callable[[], bool]) -> None:
        self._slot = slot
        self._asking = asking
        self._name = name
        self._ready = ready

    async def server(self, _: Request) -> Response:
        """What the server is."""
        return Json({"name": "headstart", "version": __version__, "extensions": ["binary_tensor_data"]})

    async def live(self, _: Request) -> Response:
        """Whether it runs."""
        return Json({"live": True})

    async def ready(self, _: Request) -> Response:
        """Whether it takes requests."""
        return Json({"ready": self._ready()}, status_code=200 if self._ready() else 503)

    async def model(self, request: Request) -> Response:
        """What the model takes and gives."""
        with self._slot.pinned(request.scope) as loaded:
            self._check_name(request, loaded)
            return Json(
                {
                    "name": self._name,
                    "versions": [str(loaded.version.number)],
                    "platform": f"headstart_{loaded.model.task.name}",
                    "inputs": inputs_of(loaded),
                    "outputs": outputs_of(loaded),
                }
            )

    async def model_ready(self, request: Request) -> Response:
        """Whether the model takes requests."""
        with self._slot.pinned(request.scope) as loaded:
            self._check_name(request, loaded)
        body = {"name": self._name, "ready": self._ready()}
        return Json(body, status_code=200 if self._ready() else 503)

    async def infer(self, request: Request) -> Response:
        """What the model says of some tensors."""
        with self._slot.pinned(request.scope) as loaded:
            self._check_name(request, loaded)
            body = body_of(request)
            length = request.headers.get(HEADER_LENGTH)
            # Binary data is hardly looked at: the JSON before it is what takes time.
            # One that is too long to be right is not read as a number.
            stated = length is not None and length.isdecimal() and len(length) <= DIGITS
            size = min(int(length or 0), len(body)) if stated else len(body)
            asked = await self._asking.read(partial(read_request, body, length, self._asking.most), size)
            there = [one["name"] for one in outputs_of(loaded)]
            wanted = there if asked.outputs is None else list(asked.outputs)
            if unknown := [name for name in wanted if name not in there]:
                raise refusal(400, f"There is no output {unknown[0][:100]!r}. There are: {', '.join(there)}.")
            said = await self._asking.ask(request, loaded, _inputs(asked, loaded))
        tensors = [_output(name, said, loaded) for name in wanted]
        binary = [asked.binary if asked.outputs is None else asked.outputs[name] for name in wanted]
        answer = {"model_name": self._name, "model_version": str(loaded.version.number)}
        if asked.id is not None:
            answer["id"] = asked.id
        return _response(*written(answer, tensors, binary))

    def _check_name(self, request: Request, loaded: Loaded) -> None:
        if request.path_params["name"] not in (self._name, ALIAS):
            raise refusal(404, f"There is no such model here; there is '{self._name}'.")
        number = request.path_params.get("version", str(loaded.version.number))
        if number != str(loaded.version.number):
            raise refusal(404, f"Version {loaded.version.number} is what answers here.")


def inputs_of(loaded: Loaded) -> list[dict[str, Any]]:
    """The tensors that a model takes; of an image one of the two is to be given."""
    if loaded.reader.takes_files:
        return [
            {"name": IMAGE, "datatype": BYTES, "shape": [-1]},
            {"name": PIXELS, "datatype": UINT8, "shape": [-1, *(loaded.reader.size or ()), 3]},
        ]
    return [{"name": column, "datatype": BYTES, "shape": [-1]} for column in loaded.reader.columns]


def outputs_of(loaded: Loaded) -> list[dict[str, Any]]:
    """The tensors that a model gives."""
    outputs: list[dict[str, Any]] = [
        {"name": "id", "datatype": BYTES, "shape": [-1]},
        {"name": "label", "datatype": BYTES, "shape": [-1]},
        {"name": "score", "datatype": FP32, "shape": [-1]},
    ]
    if loaded.model.task.probed:
        count = len(loaded.model.labels)
        return [*outputs, {"name": "probabilities", "datatype": FP32, "shape": [-1, count]}]
    return [*outputs, {"name": "prediction", "datatype": BYTES, "shape": [-1]}]


def _inputs(asked: InferRequest, loaded: Loaded) -> list[Input]:
    """The inputs that some tensors hold.

    Raises:
        HTTPException: 400, they are not those that the model takes.
    """
    reader, tensors = loaded.reader, asked.tensors
    names = tuple(tensors)
    if reader.takes_files:
        if names == (IMAGE,):
            return [Input(_file(one, tensors[IMAGE])) for one in _column(tensors[IMAGE])]
        if names == (PIXELS,):
            return [Input(picture) for picture in _pictures(tensors[PIXELS], reader.size or ())]
        raise refusal(400, f"Give one input, `{IMAGE}` or `{PIXELS}`.")
    columns = reader.columns
    if len(columns) == 1 and names == (TEXT,):
        columns = (TEXT,)
    if set(names) != set(columns):
        raise refusal(400, f"Give the inputs {', '.join(reader.columns)}.")
    texts = [[_text(one) for one in _column(tensors[column])] for column in columns]
    if len({len(column) for column in texts}) > 1:
        raise refusal(400, "The inputs must have as many elements as each other.")
    rows: list[tuple[str, ...]] = list(zip(*texts, strict=True))
    return [Input(row[0] if len(row) == 1 else row) for row in rows]


def _column(tensor: Tensor) -> Sequence[bytes]:
    """The elements of a tensor of one dimension."""
    if tensor.datatype != BYTES or len(tensor.shape) != 1:
        raise refusal(400, f"The input `{tensor.name}` must be {BYTES} of shape [-1].")
    column: Sequence[bytes] = tensor.data
    return column


def _pictures(tensor: Tensor, size: tuple[int, ...]) -> np.ndarray:
    """Images that are cut to the size of the network already."""
    if tensor.datatype != UINT8 or tensor.shape[1:] != (*size, 3):
        shape = ", ".join(map(str, (-1, *size, 3)))
        raise refusal(
            400, f"The input `{PIXELS}` must be {UINT8} of shape [{shape}]. Send files as `{IMAGE}`."
        )
    pictures: np.ndarray = tensor.data
    return pictures


def _file(element: bytes, tensor: Tensor) -> bytes:
    """The bytes of a file, which JSON carries as base64."""
    if not tensor.in_json:
        return element
    try:
        return base64.b64decode(element, validate=True)
    except (binascii.Error, ValueError) as error:
        raise refusal(
            400, f"In JSON, elements of `{IMAGE}` must be files in base64. Nothing is fetched from a URL."
        ) from error


def _text(element: bytes) -> str:
    try:
        return element.decode()
    except UnicodeDecodeError as error:
        raise refusal(400, "Texts must be UTF-8.") from error


def _output(name: str, said: Sequence[Said], loaded: Loaded) -> Tensor:
    predictions = [one.answer.prediction for one in said]
    shape: tuple[int, ...] = (len(said),)
    match name:
        case "id":
            return Tensor(name, BYTES, shape, [one.id.encode() for one in said])
        case "label":
            labels = [_label(prediction).encode("utf-8", "replace") for prediction in predictions]
            return Tensor(name, BYTES, shape, labels)
        case "score":
            scores = [math.nan if one.score is None else one.score for one in predictions]
            return Tensor(name, FP32, shape, np.array(scores, np.float32))
        case "probabilities":
            rows = [[one.scores[label] for label in loaded.model.labels] for one in predictions]
            return Tensor(name, FP32, (*shape, len(loaded.model.labels)), np.array(rows, np.float32))
    told = [json.dumps(asdict(one), allow_nan=False).encode() for one in predictions]
    return Tensor(name, BYTES, shape, told)


def _label(prediction: Prediction) -> str:
    """The label, or those that apply, joined."""
    return "|".join(prediction.labels) if prediction.label is None else prediction.label


def _response(body: bytes, length: int | None) -> Response:
    if length is None:
        return Response(body, media_type="application/json")
    return Response(body, media_type="application/octet-stream", headers={HEADER_LENGTH: str(length)})
