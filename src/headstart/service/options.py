"""How a service runs: where it listens, what it takes, and for how long it waits."""

from __future__ import annotations

import ipaddress
import math
import os
from dataclasses import dataclass, field

from headstart.errors import RequestError

MEGABYTE = 1_000_000
# The largest body is so many times the largest JSON.
JSON_SHARE = 4


@dataclass(frozen=True, kw_only=True)
class ServiceOptions:
    """How a service runs.

    Attributes:
        host: address to listen on.
        port: 0 takes a free one.
        token: that requests must bear; empty asks for none.
        open: whether other machines may ask without a token.
        name: of the model, in answers and addresses; empty is that of the run, or of the service's folder.
        engine: what computes, for people; empty asks the model.
        sample: share of predictions that are recorded.
        keep_inputs: whether inputs are recorded too: those who send them must have consented.
        max_batch: inputs that are computed together, at most.
        max_wait_ms: milliseconds that an input waits for others that are being decoded, at most.
        queue: inputs that may wait at once, and that one request may have.
        deadline: seconds from the first byte of a request to its answer.
        body: bytes of one request, after decompression.
        bodies: bytes of all requests at once, but for the last half megabyte of those that are coming.
        pixels: of one image, at most.
        characters: of the texts of one input, at most.
        header_timeout: seconds in which the head of a request must have come.
        keep_alive: seconds that a connection may be idle.
        connections: at once.
        poll: seconds between two looks at which version is the champion.
        drain: seconds that accepted requests have after a signal to stop.
        decoders: threads that decode inputs.

    Raises:
        RequestError: a value is out of its bounds, or other machines could ask without a token.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str = field(default="", repr=False)
    open: bool = False
    name: str = ""
    engine: str = ""
    sample: float = 1.0
    keep_inputs: bool = False
    max_batch: int = 16
    max_wait_ms: float = 5.0
    queue: int = 256
    deadline: float = 30.0
    body: int = 32 * MEGABYTE
    bodies: int = 256 * MEGABYTE
    pixels: int = 80_000_000
    characters: int = 100_000
    header_timeout: float = 10.0
    keep_alive: float = 60.0
    connections: int = 500
    poll: float = 5.0
    drain: float = 30.0
    decoders: int = max(2, min(8, os.cpu_count() or 1))

    def __post_init__(self) -> None:
        problems = self._problems()
        if problems:
            raise RequestError(f"The service cannot run so: {'; '.join(problems)}.", "Correct the options.")
        if not (self.token or self.open or self.is_local):
            raise RequestError(
                f"Listening on {self.host} without a token would let every machine that reaches it ask, "
                "and change which model answers.",
                "Give a token, listen on 127.0.0.1, or say that it is to be open.",
            )

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)

    @property
    def json(self) -> int:
        """Bytes of JSON or CSV of one request: read, they may take twenty times as much memory."""
        return self.body // JSON_SHARE

    def _problems(self) -> list[str]:
        whole = ("max_batch", "queue", "body", "pixels", "characters", "connections", "decoders")
        seconds = ("deadline", "header_timeout", "keep_alive", "poll", "drain")
        problems = [f"{name} must be at least 1" for name in whole if getattr(self, name) < 1]
        problems += [
            f"{name} must be more than 0 seconds"
            for name in seconds
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0)
        ]
        if not self.host:
            problems.append("host must not be empty")
        if not 0 <= self.port <= 65_535:
            problems.append("port must be 0 to 65535")
        if not 0 <= self.sample <= 1:
            problems.append("sample must be 0 to 1")
        if not 0 <= self.max_wait_ms < 60_000:
            problems.append("max_wait_ms must be 0 to 60000")
        if self.bodies < self.body:
            problems.append("bodies must be at least body")
        if usable_name(self.name) != self.name or self.name in (".", ".."):
            problems.append("name must not have spaces, /, ?, # or %, nor be . or ..")
        if any(not "!" <= sign <= "~" for sign in self.token):
            problems.append("token must be of visible ASCII characters")
        return problems


def usable_name(name: str) -> str:
    """A name as addresses can have it: - in the place of other signs."""
    return "".join("-" if sign in "/?#% " or not sign.isprintable() else sign for sign in name)


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is that of the machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
