"""What people and programs look at: the page, whether the service lives, what it counts, its addresses."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from headstart.service.errors import Json, refusal
from headstart.service.metrics import Metrics

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "overflow-wrap:anywhere}code{font-family:ui-monospace,monospace}li{margin:.4rem 0}"
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
        metrics: shown at /metrics.
        ready: whether requests are taken.
        alive: whether the engine and the decoders go on.
        document: of the addresses, as OpenAPI has it.
    """

    def __init__(
        self,
        *,
        metrics: Metrics,
        ready: Callable[[], bool],
        alive: Callable[[], bool],
        document: Mapping[str, Any],
    ) -> None:
        self._metrics = metrics
        self._ready = ready
        self._alive = alive
        self._document = document
        self._files = _page_files()
        self._listed = listed(document)

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

    async def openapi(self, _: Request) -> Response:
        """Its addresses, for programs."""
        return Json(self._document)

    async def docs(self, _: Request) -> Response:
        """Its addresses, for people."""
        return Response(self._listed, media_type="text/html", headers={"Content-Security-Policy": POLICY})


def _page_files() -> dict[str, bytes]:
    """The files of the page by name: page.* and index.html."""
    folder = files("headstart.service") / "page"
    if not folder.is_dir():
        return {}
    return {
        file.name: file.read_bytes()
        for file in folder.iterdir()
        if file.name.rpartition(".")[2] in _TYPES and file.is_file()
    }


def listed(document: Mapping[str, Any]) -> str:
    """The addresses of an OpenAPI document as a page that needs nothing else."""
    rows = []
    for path, methods in document["paths"].items():
        for method, stated in methods.items():
            codes = ", ".join(stated["responses"])
            rows.append(
                f"<li><code>{html.escape(method.upper())} {_breakable(path)}</code> "
                f"{html.escape(stated['summary'])} <small>({html.escape(codes)})</small></li>"
            )
    info = document["info"]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(info["title"])}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>{html.escape(info['title'])}</h1><p>{html.escape(info['description'])}</p>"
        '<p>In full, for programs: <a href="openapi.json">openapi.json</a>.</p>'
        f"<ul>{''.join(rows)}</ul></html>"
    )


def _breakable(path: str) -> str:
    """A path that a narrow window breaks between its parts."""
    return html.escape(path).replace("/", "<wbr>/")
