"""A version made ready to answer: opened, checked on its golden samples, with a queue of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.records.values import Version
from headstart.service.batching import Batcher
from headstart.service.inputs import Reader
from headstart.service.options import ServiceOptions
from headstart.service.viewing import Viewing, cut_size

if TYPE_CHECKING:
    from headstart.artifact.model import Model

OpenVersion = Callable[[Version], "Model"]
CARD, RESULT = "README.md", "result.json"


@dataclass
class Users:
    """Requests that a model is pinned to. Changed by one thread only."""

    count: int = 0
    retired: bool = False


@dataclass(frozen=True)
class Loaded:
    """A model that answers.

    Attributes:
        version: as the records know it.
        model: itself.
        reader: of its inputs.
        batcher: its queue.
        card: the model card, Markdown; "" where there is none.
        test: its scores on test data by metric; None where they are not known.
        users: requests that are pinned to it.
    """

    version: Version
    model: Model
    reader: Reader
    batcher: Batcher
    card: str
    test: Mapping[str, Any] | None
    users: Users = field(default_factory=Users)

    def retire(self) -> None:
        """Take no more requests; end when those that are pinned to it are answered."""
        self.users.retired = True
        self._end_if_unused()

    def enter(self) -> None:
        """A request is pinned to it."""
        self.users.count += 1

    def leave(self) -> None:
        """A request is answered."""
        self.users.count -= 1
        self._end_if_unused()

    def _end_if_unused(self) -> None:
        if self.users.retired and not self.users.count:
            self.batcher.close()


class Loader:
    """Opens versions.

    Args:
        open_version: to a model.
        options: of batches, and of what is decoded.
        decoders: threads that decode inputs.
        counted: told the size of each batch.
    """

    def __init__(
        self,
        open_version: OpenVersion,
        *,
        options: ServiceOptions,
        decoders: Executor,
        counted: Callable[[int], None],
    ) -> None:
        self._open = open_version
        self._options = options
        self._decoders = decoders
        self._counted = counted

    def load(self, version: Version) -> Loaded:
        """Open a version and check it.

        Raises:
            BundleError: it does not give the answers that its bundle says it gave.
            HeadstartError: it cannot be opened.
        """
        from headstart.artifact.golden import check

        model = self._open(version)
        check(model)
        path = Path(version.path)
        batcher = Batcher(
            Viewing(model, self._options.pixels),
            decoders=self._decoders,
            views=self._options.decoders,
            abreast=model.abreast,
            max_batch=self._options.max_batch,
            max_wait=self._options.max_wait_ms / 1000,
            queue=self._options.queue,
            counted=self._counted,
        )
        reader = Reader.of(model.family, model.facts, cut_size(model))
        return Loaded(version, model, reader, batcher, _card(path), _test_scores(path))


def _card(path: Path) -> str:
    for file in (path / CARD, path / "model" / CARD):
        if file.is_file():
            return file.read_text(errors="replace")
    return ""


def _test_scores(path: Path) -> Mapping[str, Any] | None:
    """From the result of the run that a model came from."""
    for file in (path / RESULT, path.parent / RESULT):
        try:
            metrics: Mapping[str, Any] = json.loads(file.read_text())["test"]["metrics"]
            return {
                name: {key: found.get(key) for key in ("value", "low", "high")}
                for name, found in metrics.items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return None
