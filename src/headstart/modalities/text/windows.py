"""A question and a context of any length to overlapping windows of tokens. Knows no answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headstart.contracts import Example, View
from headstart.errors import DataError
from headstart.modalities.text.modality import TextModality
from headstart.modalities.text.preprocessing import TextPreprocessing
from headstart.modalities.text.reading import read_parts

if TYPE_CHECKING:
    from tokenizers import Encoding

# In the compact form, beside the tokens.
PLACES = LENGTHS, STARTS, STOPS = "lengths", "starts", "stops"
# Of a window's room for the context, one part in so many is in the next window, too.
OVERLAP = 4


@dataclass(frozen=True)
class Windows:
    """Where the windows of an example are among its tokens, and its tokens in the context.

    Attributes:
        lengths: (K,) tokens of each window; they stand one behind the other.
        starts: (tokens,) first character of each in the context; -1 where it is of the question, special,
            or stands for no character but blanks.
        stops: (tokens,) the character behind its last; -1 there, too.
        draw: a number that is a function of seed, epoch and example; None in evaluation.
    """

    lengths: NDArray[np.int64]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    draw: int | None = None

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def slices(self) -> list[slice]:
        """The tokens of each window."""
        ends = np.cumsum(self.lengths).tolist()
        return [slice(end - length, end) for end, length in zip(ends, self.lengths.tolist(), strict=True)]

    def only(self, window: int) -> Windows:
        """One of them alone."""
        part = self.slices[window]
        return Windows(self.lengths[window : window + 1], self.starts[part], self.stops[part], self.draw)


class WindowsModality(TextModality):
    """Pairs of question and context to windows, each a pair of the question and a part of the context.

    Inputs of a view are the tokens of all windows, one behind the other; its geometry is `Windows`.

    Args:
        preprocessing: the checkpoint's.
        augmentation: None: texts are not varied.
        seed: of the draws.
    """

    name: ClassVar[str] = "windows"
    paired: ClassVar[bool] = False

    def __init__(self, preprocessing: TextPreprocessing, augmentation: Any, seed: int) -> None:
        super().__init__(preprocessing, augmentation, seed)
        self.seed = seed

    @staticmethod
    def read(value: Any, *, name: str) -> tuple[str, ...]:
        """Question and context of an input.

        Raises:
            DataError: it is no such pair, or one of them cannot be read.
        """
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            raise DataError(
                f"{name}: must be a question and a context, a pair of texts.",
                "Give both, or a table with a column for each.",
            )
        return read_parts(value, name=name)

    def compact(self, said: Any) -> tuple[dict[str, NDArray[np.int32]], str]:
        """Tokens of all windows and their places; of the question what is cut off, of the context nothing."""
        windows, asked = self._windows(*said)
        named = [self.preprocessing.inputs_of(window) for window in windows]
        places = np.concatenate([_places(window, said[1]) for window in windows])
        longest = _question_room(self.preprocessing)
        return {
            **{name: np.concatenate([inputs[name] for inputs in named]) for name in named[0]},
            LENGTHS: np.array([len(window) for window in windows], dtype=np.int32),
            STARTS: places[:, 0],
            STOPS: places[:, 1],
        }, f"{longest} of {asked} tokens of the question" if asked > longest else ""

    def compact_state(self) -> dict[str, Any]:
        """Plain data that differs wherever windows of one pair may differ."""
        return {**super().compact_state(), "overlap": OVERLAP}

    def view(
        self, example: Example, epoch: int | None, compact: Mapping[str, np.ndarray] | None = None
    ) -> View:
        """An example as the tokens of all its windows, and where these are.

        Raises:
            DataError: a text cannot be read.
        """
        view = super().view(example, epoch, compact)
        draw = None if epoch is None else _drawn(self.seed, epoch, example.id)
        return replace(view, geometry=replace(view.geometry, draw=draw))

    def shown(self, compact: Mapping[str, np.ndarray]) -> View:
        """The view of a compact form, of no epoch."""
        lengths, starts, stops = (np.asarray(compact[name], np.int64) for name in PLACES)
        tokens = {name: values for name, values in compact.items() if name not in PLACES}
        return replace(super().shown(tokens), geometry=Windows(lengths, starts, stops))

    def _windows(self, question: str, context: str) -> tuple[list[Encoding], int]:
        """Tokens of each window, and of the question before it is cut.

        As the tokenizer would divide the context if it was asked to, but without telling it to: that
        would change it.
        """
        words = self.preprocessing.tokenizer.backend_tokenizer
        asked, shown = (words.encode(part, add_special_tokens=False) for part in (question, context))
        count = len(asked)
        asked.truncate(_question_room(self.preprocessing))
        special = words.num_special_tokens_to_add(True)
        room = max(1, self.preprocessing.max_length - special - len(asked))
        shown.truncate(room, stride=room // OVERLAP)
        return [words.post_process(asked, window) for window in (shown, *shown.overflowing)], count


def _question_room(preprocessing: TextPreprocessing) -> int:
    """Tokens of a question, at most: the context has at least as many."""
    special: int = preprocessing.tokenizer.backend_tokenizer.num_special_tokens_to_add(True)
    return max(1, (preprocessing.max_length - special) // 2)


def _places(window: Encoding, context: str) -> NDArray[np.int32]:
    """First character of each token in the context and the one behind its last, without blanks: (T, 2)."""
    places = np.full((len(window), 2), -1, dtype=np.int32)
    pairs = zip(window.sequence_ids, window.offsets, strict=True)
    for token, (part, (start, stop)) in enumerate(pairs):
        if part == 1 and (text := context[start:stop].strip()):
            start += context[start:stop].index(text)
            places[token] = start, start + len(text)
    return places


def _drawn(seed: int, epoch: int, id: str) -> int:
    """A number below 2**64 that these three say."""
    # Names of files may hold lone surrogates, which plain UTF-8 refuses.
    text = f"{seed}/{epoch}/{id}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")
