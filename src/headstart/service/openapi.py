"""Every address as OpenAPI 3.1 has it: what it takes, and every answer that it may give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from headstart import __version__
from headstart.service.options import ServiceOptions
from headstart.service.schemas import FILE, SCHEMAS, STRING, Schema, a

_JSON = "application/json"
_OCTETS = "application/octet-stream"
_CODES = {
    400: "The request is wrong; the error says how.",
    401: "The token is missing, or not right.",
    403: "Asked by a page of another site, or by a name that this machine does not have.",
    404: "There is no such thing.",
    405: "The address does not take this method.",
    408: "The request did not come whole in time.",
    409: "The model was refused, and the one before goes on; or there is none before, or another came first.",
    413: "The body or a text is too large, maybe after decompression, or the inputs are too many.",
    415: "The Content-Type or Content-Encoding is not taken.",
    429: "Too many inputs wait already.",
    500: "A fault of the service; its log says where.",
    503: "The service is busy, stops, or its records cannot be used.",
    504: "No answer was found in time.",
}
_RETRY = {"Retry-After": {"description": "Seconds to wait.", "schema": STRING}}
# Of every address: also a GET may have a body, and a body may come badly.
_ALWAYS = (400, 408, 413, 415, 500, 503, 504)
_ASKS = (429,)


def document(options: ServiceOptions) -> dict[str, Any]:
    """The document of a service.

    Args:
        options: whether it asks for a token.
    """
    guarded = bool(options.token)
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": f"{options.name}, served by headstart",
            "version": __version__,
            "description": "Predictions of one fine-tuned model. Every error is {“error”: “a sentence.”}.",
        },
        "paths": {path: _item(path, guarded) for path in _PATHS},
        "components": {"schemas": dict(SCHEMAS)},
    }
    if guarded:
        found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return found


def with_examples(
    document: Mapping[str, Any], bodies: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """A document with an example at every body and parameter that one is given for.

    Args:
        document: of a service, as `document` gives it.
        bodies: by the name of the schema; by media type where a body is one string.
        parameters: of addresses, by name.
    """
    found = deepcopy(dict(document))
    for operation in (one for item in found["paths"].values() for one in item.values()):
        content = operation.get("requestBody", {}).get("content", {})
        for media_type, stated in content.items():
            named = stated["schema"].get("$ref", media_type).removeprefix(a("")["$ref"])
            if named in bodies:
                stated["example"] = bodies[named]
        for parameter in operation.get("parameters", ()):
            parameter["example"] = parameters[parameter["name"]]
    return found


class _Operation:
    """One method of one address.

    Args:
        method: of HTTP, in lower case.
        summary: of what it does.
        answers: content by media type, with code 200.
        body: content by media type.
        codes: of answers beside those that every address may give.
        others: content of answers with other codes that are no errors.
        free: whether it needs no token.
    """

    def __init__(
        self,
        method: str,
        summary: str,
        answers: dict[str, Schema],
        *,
        body: dict[str, Schema] | None = None,
        codes: Sequence[int] = (),
        others: dict[int, Schema] | None = None,
        free: bool = False,
    ) -> None:
        self.method = method
        self.summary = summary
        self.answers = answers
        self.body = body
        self.codes = codes
        self.others = others or {}
        self.free = free

    def stated(self, path: str, *, guarded: bool) -> dict[str, Any]:
        """As OpenAPI has it."""
        guarded = guarded and not self.free
        codes = {*_ALWAYS, *self.codes, *((401,) if guarded else (403,))}
        responses: dict[str, Any] = {
            "200": {"description": "As asked.", "content": _content(self.answers)},
            **{
                str(code): {"description": "Not now, or not yet.", "content": _content({_JSON: schema})}
                for code, schema in self.others.items()
            },
            **{str(code): _error(code) for code in sorted(codes - set(self.others))},
        }
        if 503 in self.others:
            schema = {"anyOf": [self.others[503], a("Error")]}
            responses["503"] = {"description": _CODES[503], "content": _content({_JSON: schema})}
        stated: dict[str, Any] = {"summary": self.summary, "responses": responses}
        if self.body is not None:
            stated["requestBody"] = {"required": True, "content": _content(self.body)}
        if parameters := [_parameter(part[1:-1]) for part in path.split("/") if part.startswith("{")]:
            stated["parameters"] = parameters
        if path == "/page.{file}":
            stated["parameters"] = [_parameter("file")]
        if guarded:
            stated["security"] = [{"token": []}]
        return stated


def _get(summary: str, schema: str, **more: Any) -> _Operation:
    return _Operation("get", summary, {_JSON: a(schema)}, **more)


def _post(summary: str, schema: str, body: dict[str, Schema] | None, *codes: int, **more: Any) -> _Operation:
    return _Operation("post", summary, {_JSON: a(schema)}, body=body, codes=codes, **more)


_INFER = _Operation(
    "post",
    "Ask with tensors, as the Open Inference Protocol has them.",
    {_JSON: a("InferResponse"), _OCTETS: FILE},
    body={_JSON: a("InferRequest"), _OCTETS: FILE},
    codes=(404, *_ASKS),
)
_MODEL = _get("What the model takes and gives.", "Metadata", codes=(404,))
_MODEL_READY = _get(
    "Whether the model takes requests.", "ModelReady", codes=(404,), others={503: a("ModelReady")}
)
_PATHS: dict[str, _Operation] = {
    "/predict": _post(
        "Ask with files, texts or JSON.",
        "Predictions",
        {
            "multipart/form-data": a("Files"),
            _JSON: a("Inputs"),
            "text/plain": STRING,
            "image/*": FILE,
            _OCTETS: FILE,
        },
        *_ASKS,
    ),
    "/feedback": _post("Say what was right.", "FeedbackKept", {_JSON: a("Feedback")}, 404),
    "/model": _get("What is served.", "Model"),
    "/models": _get("Which versions there are.", "Versions"),
    "/models/{version}/promote": _post(
        "Let a version take over.", "Changed", None, 404, 409, others={202: a("Changed")}
    ),
    "/models/rollback": _post(
        "Let the version before take over.", "Changed", None, 404, 409, others={202: a("Changed")}
    ),
    "/invocations": _post(
        "Ask as MLflow does.", "Rows", {_JSON: a("Invocation"), "text/csv": STRING}, *_ASKS
    ),
    "/ping": _get("That it is there.", "Alive"),
    "/v2": _get("What the server is.", "Server"),
    "/v2/health/live": _get("Whether it runs.", "Live"),
    "/v2/health/ready": _get("Whether it takes requests.", "Ready", others={503: a("Ready")}),
    "/v2/models/{name}": _MODEL,
    "/v2/models/{name}/ready": _MODEL_READY,
    "/v2/models/{name}/infer": _INFER,
    "/v2/models/{name}/versions/{version}": _MODEL,
    "/v2/models/{name}/versions/{version}/ready": _MODEL_READY,
    "/v2/models/{name}/versions/{version}/infer": _INFER,
    "/healthz": _get("Whether it lives.", "Alive", others={503: a("Alive")}, free=True),
    "/readyz": _get("Whether it takes requests.", "Ready", others={503: a("Ready")}, free=True),
    "/metrics": _Operation("get", "What it counts, for Prometheus.", {"text/plain": STRING}),
    "/openapi.json": _get("This document.", "Anything"),
    "/docs": _Operation("get", "This list.", {"text/html": STRING}),
    "/": _Operation("get", "The page to try it.", {"text/html": STRING}, codes=(404,), free=True),
    "/page.{file}": _Operation(
        "get",
        "A part of the page.",
        {"text/css": STRING, "text/javascript": STRING, "image/svg+xml": STRING},
        codes=(404,),
        free=True,
    ),
}


def _item(path: str, guarded: bool) -> dict[str, Any]:
    operation = _PATHS[path]
    return {operation.method: operation.stated(path, guarded=guarded)}


def _content(schemas: dict[str, Schema]) -> dict[str, Any]:
    return {media_type: {"schema": schema} for media_type, schema in schemas.items()}


def _error(code: int) -> dict[str, Any]:
    stated: dict[str, Any] = {"description": _CODES[code], "content": _content({_JSON: a("Error")})}
    return {**stated, "headers": _RETRY} if code in (429, 503) else stated


def _parameter(name: str) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 1} if name == "version" else {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "schema": schema}
