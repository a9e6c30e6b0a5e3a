"""What people and programs look at: the page, whether the service lives, what it counts, its addresses."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from headstart.service.errors import Json, refusal
from headstart.service.examples import bodies, parameters
from headstart.service.metrics import Metrics
from headstart.service.openapi import with_examples
from headstart.service.slot import Slot

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
SHEET = "page.css"
_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "overflow-wrap:anywhere}code,pre{font-family:ui-monospace,monospace}li{margin:.4rem 0}"
    "pre{margin:.2rem 0 .8rem;white-space:pre-wrap}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
# Nothing from elsewhere; pictures and sounds of the visitor's own; no markup from scripts.
POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    f"style-src 'self' 'sha256-{_STYLE_HASH}'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)


class Pages:
    """Answers that no model is asked for.

    Args:
        slot: has the model, of which examples are made.
        metrics: shown at /metrics.
        ready: whether requests are taken.
        alive: whether the engine and the decoders go on.
        document: of the addresses, as OpenAPI has it.
    """

    def __init__(
        self,
        *,
        slot: Slot,
        metrics: Metrics,
        ready: Callable[[], bool],
        alive: Callable[[], bool],
        document: Mapping[str, Any],
    ) -> None:
        self._slot = slot
        self._metrics = metrics
        self._ready = ready
        self._alive = alive
        self._document = document
        self._files = page_files()

    async def page(self, request: Request) -> Response:
        """A file of the page."""
        name = request.path_params.get("file", "")
        name = f"page.{name}" if name else "index.html"
        if name not in self._files:
            raise refusal(404, "The page has no such file.")
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
        return Response(self._files[name], media_type=_TYPES[name.rpartition(".")[2]], headers=headers)

    async def health(self, _: Request) -> Response:
        """Whether it lives."""
        alive = self._alive()
        return Json({"alive": alive}, status_code=200 if alive else 503)

    async def readiness(self, _: Request) -> Response:
        """Whether it takes requests."""
        ready = self._ready()
        return Json({"ready": ready}, status_code=200 if ready else 503)

    async def metrics(self, _: Request) -> Response:
        """What it counts."""
        return Response(self._metrics.page(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def openapi(self, request: Request) -> Response:
        """Its addresses, for programs."""
        return Json(self._exemplified(request))

    async def docs(self, request: Request) -> Response:
        """Its addresses, for people."""
        page = listed(self._exemplified(request))
        return Response(page, media_type="text/html", headers={"Content-Security-Policy": POLICY})

    def _exemplified(self, request: Request) -> dict[str, Any]:
        """The document with examples for the model that answers at the moment."""
        with self._slot.pinned(request.scope) as loaded:
            return with_examples(self._document, bodies(loaded), parameters(loaded))


def page_files() -> dict[str, bytes]:
    """The files of the page by name: page.* and index.html."""
    folder = files("headstart.service") / "page"
    found = {
        file.name: file.read_bytes()
        for file in folder.iterdir()
        if file.name.rpartition(".")[2] in _TYPES and file.is_file()
    }
    palette = files("headstart.evaluation.report") / "templates" / "palette.css"
    return {**found, SHEET: palette.read_bytes() + found[SHEET]}


def listed(document: Mapping[str, Any]) -> str:
    """The addresses of an OpenAPI document as a page that needs nothing else."""
    rows = []
    for path, methods in document["paths"].items():
        for method, stated in methods.items():
            codes = ", ".join(stated["responses"])
            rows.append(
                f"<li><code>{html.escape(method.upper())} {_breakable(path)}</code> "
                f"{html.escape(stated['summary'])} <small>({html.escape(codes)})</small>"
                f"{_bodies(stated)}</li>"
            )
    info = document["info"]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(info["title"])}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>{html.escape(info['title'])}</h1><p>{html.escape(info['description'])}</p>"
        '<p>In full, for programs: <a href="openapi.json">openapi.json</a>.</p>'
        f"<ul>{''.join(rows)}</ul></html>"
    )


def _bodies(stated: Mapping[str, Any]) -> str:
    """The examples of what an operation takes, folded."""
    content = stated.get("requestBody", {}).get("content", {})
    return "".join(
        f"<details><summary>An example, {html.escape(media_type)}</summary>"
        f"<pre>{html.escape(_text(one['example']))}</pre></details>"
        for media_type, one in content.items()
        if "example" in one
    )


def _text(example: Any) -> str:
    """As it is sent."""
    return example if isinstance(example, str) else json.dumps(example, ensure_ascii=False)


def _breakable(path: str) -> str:
    """A path that a narrow window breaks between its parts."""
    return html.escape(path).replace("/", "<wbr>/")
