"""What a checkpoint expects of its texts: a tokenizer and the longest sequence. Knows no labels."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tokenizers import Encoding


@dataclass(frozen=True)
class TextPreprocessing:
    """How texts become token ids.

    Attributes:
        tokenizer: of transformers; the Rust-backed kind, which may be called from several threads.
        max_length: tokens, special ones included; what is longer is cut.
        start: token with which a decoder begins to write; None where there is none.
    """

    tokenizer: Any = field(repr=False)
    max_length: int
    start: int | None = None

    def __post_init__(self) -> None:
        # The first call sets aside how it was saved to cut and to fill up; no later one changes it,
        # so that threads do not meddle with each other, and its files stay the same.
        self.tokenizer("", verbose=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TextPreprocessing) and self.state() == other.state()

    def __hash__(self) -> int:
        return hash(self.digest)

    def tokens(self, parts: Sequence[str]) -> tuple[dict[str, NDArray[np.int32]], int]:
        """The network's token inputs by name, each (T,), without the attention mask; tokens before cutting.

        Args:
            parts: one text, or two that are read as a pair, of which the longer one is cut.
        """
        encoding, count = self.encoding(parts)
        return self.inputs_of(encoding), count

    def encoding(self, parts: Sequence[str]) -> tuple[Encoding, int]:
        """Tokens with their places in the texts, cut where they are too many; tokens before cutting.

        Args:
            parts: as of `tokens`.
        """
        encoding: Encoding = self.tokenizer(*parts, verbose=False).encodings[0]
        count = len(encoding)
        return (self._cut(parts) if count > self.max_length else encoding), count

    def inputs_of(self, encoding: Encoding) -> dict[str, NDArray[np.int32]]:
        """The network's token inputs by name, each (T,), without the attention mask."""
        values = {"input_ids": encoding.ids, "token_type_ids": encoding.type_ids}
        names = [name for name in self.tokenizer.model_input_names if name in values]
        return {name: np.asarray(values[name], dtype=np.int32) for name in names}

    def _cut(self, parts: Sequence[str]) -> Encoding:
        """Tokens of texts that are too long together.

        As the tokenizer cuts when it is asked to, but without telling it to: that would change it.
        """
        words = self.tokenizer.backend_tokenizer
        room = max(0, self.max_length - words.num_special_tokens_to_add(len(parts) == 2))
        encodings = [words.encode(part, add_special_tokens=False) for part in parts]
        for encoding, length in zip(encodings, _shares([len(part) for part in encodings], room), strict=True):
            encoding.truncate(length, direction=self.tokenizer.truncation_side)
        cut: Encoding = words.post_process(*encodings)
        return cut

    @property
    def padding(self) -> dict[str, int]:
        """What fills up each input behind a shorter text."""
        return {"input_ids": int(self.tokenizer.pad_token_id)}

    def state(self) -> dict[str, Any]:
        """Plain data for bundle.json; the tokenizer itself is in files beside it."""
        own = {} if self.start is None else {"start": self.start}
        return {"max_length": self.max_length, "tokenizer": self.digest, **own}

    def files(self) -> Mapping[str, bytes]:
        """The tokenizer's files by name, as transformers reads them."""
        return self._files

    @property
    def digest(self) -> str:
        """sha256 of the tokenizer's files."""
        return self._digest

    @classmethod
    def from_state(cls, state: Mapping[str, Any], folder: Path) -> TextPreprocessing:
        """From what `state` gave, with the tokenizer's files in a folder."""
        return cls(read_tokenizer(folder), state["max_length"], state.get("start"))

    @cached_property
    def _files(self) -> Mapping[str, bytes]:
        with TemporaryDirectory() as temporary:
            self.tokenizer.save_pretrained(temporary)
            return {path.name: path.read_bytes() for path in sorted(Path(temporary).iterdir())}

    @cached_property
    def _digest(self) -> str:
        digest = hashlib.sha256()
        for name, content in self._files.items():
            digest.update(f"{name} {len(content)} ".encode() + content)
        return digest.hexdigest()


def _shares(lengths: Sequence[int], room: int) -> list[int]:
    """How much of one text, or of two, stays: the shorter of two loses nothing that the longer can."""
    if len(lengths) == 1:
        return [room]
    short = min(*lengths, room // 2)
    return [short, room - short] if lengths[0] <= lengths[1] else [room - short, short]


def read_tokenizer(folder: Path) -> Any:
    """The tokenizer whose files lie in a folder; runs no code from there, asks no network.

    Raises:
        OSError, ValueError: there is none, or it is damaged.
    """
    from transformers import AutoTokenizer

    with warnings.catch_warnings():
        # Marian's would like punctuation made alike by a package that it can do without.
        warnings.filterwarnings("ignore", message="Recommended: pip install sacremoses")
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
