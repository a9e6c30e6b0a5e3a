"""The curves for TensorBoard, where it is installed."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from headstart.contracts import Event, Notice, StepDone, Validated
from headstart.errors import MissingExtra
from headstart.training.observers import begins


class TensorBoard:
    """Writes TensorBoard's event files.

    Args:
        folder: where to.

    Raises:
        MissingExtra: TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingExtra("TensorBoard", "pip install 'headstart[tensorboard]'") from error
        self._writer = SummaryWriter(str(folder))

    def notify(self, event: Event) -> None:
        """Write the numbers of an event; what a resumed run repeats is purged first."""
        with suppress(OSError):
            self._write(event)

    def close(self) -> None:
        """Write what is still in memory."""
        with suppress(OSError):
            self._writer.close()

    def _write(self, event: Event) -> None:
        if begins(event) and event.step:
            self._writer.close()
            self._writer = type(self._writer)(self._writer.log_dir, purge_step=event.step + 1)
        match event:
            case StepDone():
                values = {"step/loss": event.loss, "step/lr": event.lr}
            case Validated():
                values = {
                    "loss/train": event.train_loss,
                    "loss/validation": event.loss,
                    "metric/train": event.train_metric,
                    "metric/validation": event.metric,
                }
            case Notice():
                self._writer.add_text("notices", event.text, event.step)
                return
            case _:
                return
        for name, value in values.items():
            self._writer.add_scalar(name, value, event.step)
