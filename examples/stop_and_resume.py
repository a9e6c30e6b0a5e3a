"""A run that is stopped and resumed ends with the same weights as one that never was.

Small batches are summed into larger steps, for machines with little memory: 8 examples a step
here, 2 of them at once. A signal, as Ctrl-C sends it, stops the run as soon as it trains.
"""

import os
import signal
import threading
import time
from pathlib import Path

import headstart as hs
from headstart.errors import Interrupted

REQUEST = {"train.batch_size": 2, "train.accumulate": 4, "train.epochs": 6}


def interrupt_when_training(run: Path) -> None:
    """Send this process the signal of Ctrl-C once the run has told of its first step."""
    events = run / "metrics.jsonl"
    while not (events.exists() and "StepDone" in events.read_text()):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)


whole = hs.fit("photos", out="runs/whole", settings=REQUEST, stream=None)

threading.Thread(target=interrupt_when_training, args=[Path("runs/stopped")], daemon=True).start()
try:
    hs.fit("photos", out="runs/stopped", settings=REQUEST, stream=None)
except Interrupted as stopped:
    print(stopped)

resumed = hs.resume("runs/stopped", stream=None)

weights = [run.path / "model" / "weights.safetensors" for run in (whole, resumed)]
print("the same weights:", weights[0].read_bytes() == weights[1].read_bytes())
