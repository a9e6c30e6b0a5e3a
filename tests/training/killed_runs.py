"""Runs that are killed at random again and again, each compared with one that never was.

python killed_runs.py FOLDER SEED ... prints a line for each seed: how often it was killed, or what differs.
"""

import os
import random
import signal
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # An optimiser's first step imports it, for seconds: once, before the children.
from safetensors.torch import save_file
from toy import Network, make_plan, run

from headstart.contracts import Event, Objective, Phase
from headstart.training.checkpoint import CheckpointFolder
from headstart.training.observers import MetricsFile


class KillAt:
    """Kills this process with the n-th event."""

    def __init__(self, count: int) -> None:
        self.left = count

    def notify(self, event: Event) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def close(self) -> None:
        pass


def settings(seed: int) -> dict[str, Any]:
    """Everything that has a state, at once: dropout, mixup, an average, momentum, two phases, stops."""
    draw = random.Random(seed)
    plan = make_plan(
        optimiser={
            "name": draw.choice(("adamw", "adam", "sgd")),
            "schedule": draw.choice(("plateau", "cosine")),
            "ema": draw.choice((0.0, 0.9)),
        },
        objective=Objective(mixup=0.4, label_smoothing=0.1),
        accumulate=draw.choice((1, 2, 4)),
        batch_norm=draw.choice(("train", "frozen")),
        channels_last=draw.choice((True, False)),
        seed=seed,
    )
    phases = (
        Phase("head", 3, {"head": 0.05}, patience=1),
        Phase("all", 3, {"head": 0.02, "block": 0.02, "stem": 0.01}, l2_sp=0.1, patience=2),
    )
    return {"plan": replace(plan, phases=phases), "phases": phases}


def train_in_child(folder: Path, seed: int, *, kill_at: int = 0, kill_after: float | None = None) -> int:
    """Fork, train and save the weights there; the child's exit status."""
    pid = os.fork()
    if pid == 0:
        try:
            train_here(folder, seed, kill_at)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def train_here(folder: Path, seed: int, kill_at: int) -> None:
    network = Network(seed=seed)
    torch.manual_seed(os.getpid())  # The process's own random numbers must not matter.
    folder.mkdir(exist_ok=True)
    often = 0.0 if seed % 2 else 300.0
    run(
        folder,
        network,
        checkpoints=CheckpointFolder(folder / "checkpoints", every_seconds=often),
        observers=[MetricsFile(folder / "metrics.jsonl"), KillAt(kill_at)],
        **settings(seed),
    )
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    save_file(weights, folder / "weights.safetensors")


def lines(folder: Path) -> list[str]:
    text = (folder / "metrics.jsonl").read_text()
    return [line for line in text.splitlines() if '"resumed"' not in line]


def compare(parent: Path, seed: int) -> str:
    draw = random.Random(seed)
    whole, killed = parent / f"whole-{seed}", parent / f"killed-{seed}"
    if train_in_child(whole, seed) != 0:
        return "the run that nobody kills has failed"
    kills = 0
    while kills < 4:
        # By turns at an event, which is between two steps, and at any moment at all.
        at_event = kills % 2 == 0
        status = train_in_child(
            killed,
            seed,
            kill_at=draw.randint(2, 16) if at_event else 0,
            kill_after=None if at_event else draw.uniform(0.01, 0.2),
        )
        if not os.WIFSIGNALED(status):
            break
        kills += 1
    if train_in_child(killed, seed) != 0:
        return f"the run does not go on after {kills} kills"
    if (whole / "weights.safetensors").read_bytes() != (killed / "weights.safetensors").read_bytes():
        return f"weights differ after {kills} kills"
    if lines(whole) != lines(killed):
        return f"metrics.jsonl differs after {kills} kills"
    return f"equal after {kills} kills"


if __name__ == "__main__":
    torch.set_num_threads(1)
    for seed in map(int, sys.argv[2:]):
        print(compare(Path(sys.argv[1]), seed), flush=True)
