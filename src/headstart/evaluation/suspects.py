"""Labels that look wrong: confident learning. Pure: labels and probabilities in, places out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headstart.tasks.metrics import Floats

Ints = npt.NDArray[np.intp]

# As a share of the probability of the other label. Of 5 % of labels that were changed in clouds of
# points, this found 40 to 83 %, where a classifier was right on 83 to 100 %. Where it was right on 36 to
# 59 %, it named up to 5 % of the right labels, and a share of 1 a third to a half of them.
UNLIKELY = 0.2
# The other label is likelier than not.
LIKELY = 0.5
# Suspects stand out from here on: in all, as a share of the examples, and of the mistakes. In the clouds
# above they were 18 to 76 % of the mistakes where labels were changed, and up to 21 % where none was.
FEWEST, SHARE, OF_MISTAKES = 3, 0.02, 0.25


@dataclass(frozen=True)
class Suspects:
    """Examples whose label looks wrong, the likeliest first.

    Attributes:
        places: (K,) of the N examples.
        likely: (K,) the label that each seems to have.
        probability: (K,) of that one, and `own`: (K,) of the label it has.
        mistakes: examples of which another label is likelier than the one that they have.
    """

    places: Ints
    likely: Ints
    probability: Floats
    own: Floats
    mistakes: int

    def stand_out(self, count: int) -> bool:
        """Whether wrong labels among `count` are the likely reason: few, but many of all mistakes.

        Where labels are hard to tell, the surest mistakes are a small part of many.
        """
        found = len(self.places)
        return found >= max(FEWEST, SHARE * count, OF_MISTAKES * self.mistakes)


def find_suspects(labels: Ints, probabilities: Floats) -> Suspects:
    """Which labels look wrong, by the probabilities of a model that did not learn from them.

    An example is counted to the label, other than its own, whose probability is at least what examples
    with that label have on average (the confident joint of Northcutt, Jiang and Chuang, 2021, *Confident
    Learning*). That mean is high for labels that are easily told and low for others. Where labels are
    hard to tell, many examples are counted whose label is right, so its own must be `UNLIKELY` beside the
    other, and that one `LIKELY`.

    Args:
        labels: (N,) in 0 to C - 1; each label should have examples.
        probabilities: (N, C), each example's from a model that had not seen it.
    """
    count, classes = probabilities.shape
    every = np.arange(count)
    own = probabilities[every, labels]
    has = [labels == label for label in range(classes)]
    means = np.array([own[those].mean() if those.any() else np.inf for those in has])
    # Its own label cannot be likely and unlikely at once.
    sure = np.where(probabilities >= np.maximum(means, LIKELY), probabilities, -1.0)
    likely = sure.argmax(axis=1)
    best = sure[every, likely]
    unlikely = probabilities < UNLIKELY * best[:, None]
    places = np.flatnonzero(unlikely[every, labels])
    order = places[np.argsort(own[places] - best[places], kind="stable")]
    mistakes = int((probabilities.argmax(axis=1) != labels).sum())
    return Suspects(order, likely[order], best[order], own[order], mistakes)
