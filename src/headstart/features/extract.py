"""Features: what a frozen backbone says of every example. Knows no labels and no heads."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch

from headstart.contracts import Backbone, Batch, Event, Progress
from headstart.data.placing import placed

Float32 = np.dtype[np.float32]


def extract(
    backbone: Backbone,
    batches: Iterable[Batch],
    *,
    total: int,
    device: str = "cpu",
    notify: Callable[[Event], None] | None = None,
) -> np.ndarray[tuple[int, int], Float32]:
    """Run the backbone once over every example, in evaluation mode, without gradients.

    Args:
        backbone: its module moves to the device and stays there, in the mode it had.
        batches: of one fixed size, the last one padded.
        total: how many examples there are, for the progress.
        device: where to compute; 4-d inputs are laid out channels-last.
        notify: told of the progress.

    Returns:
        (N, feature_size), float32, in the order of the batches.
    """
    module = backbone.module.to(device=device)
    training = module.training
    module.eval()
    rows = np.empty((total, backbone.feature_size), dtype=np.float32)
    done = 0
    with torch.inference_mode():
        for batch in batches:
            features = module(**placed(batch.inputs, device))
            rows[done : done + len(batch)] = features[: len(batch)].float().cpu().numpy()
            done += len(batch)
            if notify is not None:
                notify(Progress(step=0, what="features", done=done, total=total))
    module.train(training)
    return rows
