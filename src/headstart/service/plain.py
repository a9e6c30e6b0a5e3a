"""The service's own way of asking: POST /predict, with files, texts or JSON."""

from __future__ import annotations

from functools import partial

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response

from headstart.service.asking import Asking, media_type, plain, read_object, refuse_many
from headstart.service.clock import milliseconds_since, received
from headstart.service.errors import Json, refusal
from headstart.service.inputs import Input, Reader
from headstart.service.limits import body_of
from headstart.service.slot import Slot

FILE = "file"
# Of a body, beside that of the input itself.
TYPES = ("multipart/form-data", "application/json", "application/octet-stream")


class Plain:
    """Answers POST /predict.

    Args:
        slot: has the model.
        asking: asks it.
        name: of the model.
    """

    def __init__(self, *, slot: Slot, asking: Asking, name: str) -> None:
        self._slot = slot
        self._asking = asking
        self._name = name

    async def predict(self, request: Request) -> Response:
        """What the model says of the inputs of a request."""
        with self._slot.pinned(request.scope) as loaded:
            said = await self._asking.ask(request, loaded, await self._inputs(request, loaded.reader))
        return Json(
            {
                "predictions": [plain(one) for one in said],
                "model": self._name,
                "version": loaded.version.number,
                "milliseconds": milliseconds_since(received(request.scope)),
            }
        )

    async def _inputs(self, request: Request, reader: Reader) -> list[Input]:
        kind = media_type(request)
        if kind == "multipart/form-data":
            return await self._files(request, reader)
        body = body_of(request)
        if kind == "application/json":
            return await self._asking.read(partial(_from_json, body, reader, self._asking.most), len(body))
        if kind == "text/plain" or kind == "application/octet-stream" or kind.startswith("image/"):
            return [self._whole(kind, body, reader)]
        types = ("image/*" if reader.takes_files else "text/plain", *TYPES)
        raise refusal(415, f"The Content-Type must be one of {', '.join(types)}.")

    def _whole(self, kind: str, body: bytes, reader: Reader) -> Input:
        """A body that is one input."""
        if not body:
            raise refusal(400, "The body is empty. Send an input.")
        if kind.startswith("image/") and not reader.takes_files:
            raise refusal(415, "This model reads texts. Send text/plain or application/json.")
        if kind == "text/plain" and reader.takes_files:
            raise refusal(
                415, "This model reads images. Send the file itself; nothing is fetched from a URL."
            )
        return reader.file(body, "the body")

    async def _files(self, request: Request, reader: Reader) -> list[Input]:
        inputs: list[Input] = []
        form = await self._form(request)
        try:
            for place, part in enumerate(form.getlist(FILE)):
                name = f"input {place + 1}"
                if not isinstance(part, UploadFile):
                    raise refusal(400, f"{name}: the part `{FILE}` has no filename, so it is no file.")
                inputs.append(reader.file(await part.read(), name))
        finally:
            await form.close()
        if not inputs:
            raise refusal(400, f"There is no part `{FILE}` in the form.")
        return inputs

    async def _form(self, request: Request) -> FormData:
        try:
            # The size of the whole is limited already.
            most = {"max_files": self._asking.most, "max_fields": self._asking.most, "max_part_size": 1 << 62}
            return await _InMemory(request.headers, request.stream(), **most).parse()
        except MultiPartException as error:
            raise refusal(400, f"The form cannot be read: {error.message}") from error


class _InMemory(MultiPartParser):
    """Reads a form without files on a disk, which may be full."""

    spool_max_size = 1 << 62


def _from_json(body: bytes, reader: Reader, most: int) -> list[Input]:
    values = read_object(body).get("inputs")
    if not isinstance(values, list):
        raise refusal(400, 'The body must be {"inputs": [...]}.')
    refuse_many(len(values), most)
    return [reader.plain(value, f"input {place + 1}") for place, value in enumerate(values)]
