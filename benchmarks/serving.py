"""How much of what an engine can do arrives at a client: batches over HTTP, beside the engine itself.

Both compute the same batches of pictures of the network's size, with OpenVINO, in the precision that
`headstart serve` chooses. The client is Triton's, on the same machine, whose cores it shares with the server.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter

import numpy as np
import openvino
import torch
import tritonclient.http as triton

import headstart as hs
from benchmarks import data
from benchmarks.harness import Comparison, ContestantFailed
from benchmarks.job import Outcome

NAME, TITLE = "serving", "serving, batches of eight"
ROUNDS = 7
PHOTOS, BATCH, BATCHES = 60, 8, 100
ASKED = f"{BATCHES} batches of {BATCH}"
# Requests under way at once.
ABREAST = 4
HTTP, BARE = "over HTTP", "bare OpenVINO"
# Nine tenths of the engine's throughput.
COMPARISONS = (Comparison(HTTP, BARE, at_most=1 / 0.9),)


@contextmanager
def contestants(folder: Path) -> Iterator[dict[str, Callable[[int], Outcome]]]:
    """A server and the bare engine, both warm, of one model on generated photos.

    Args:
        folder: for the photos, the model and the records of the server.
    """
    photos = data.divide(data.generate(folder / "files", PHOTOS), folder / "photos")
    run = hs.fit(photos, technique="linear-probe", out=folder / "run", stream=None)
    hs.export(run.path, "openvino", out=folder / "export")
    precision = hs.load(folder / "export").facts["engine"]["precision"]
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    bare = openvino.Core().compile_model(folder / "export" / "model.xml", "CPU", settings)
    (port,) = bare.inputs
    side = 224 if port.partial_shape[1].is_dynamic else port.partial_shape[1].get_length()
    batch = np.random.default_rng(0).integers(0, 256, (BATCH, side, side, 3), np.uint8)
    with _served(run.path, folder / "service") as address:
        both = {HTTP: lambda: _over_http(address, batch), BARE: lambda: _bare(bare, batch)}
        for compute in both.values():
            compute()
        yield {name: _timed(name, compute) for name, compute in both.items()}


def _timed(name: str, compute: Callable[[], None]) -> Callable[[int], Outcome]:
    def contestant(_: int) -> Outcome:
        began = perf_counter()
        compute()
        return Outcome({name: perf_counter() - began})

    return contestant


def _bare(compiled: openvino.CompiledModel, batch: np.ndarray) -> None:
    request = compiled.create_infer_request()
    for _ in range(BATCHES):
        request.infer([batch], share_inputs=True)


def _over_http(address: str, batch: np.ndarray) -> None:
    tensor = triton.InferInput("pixels", list(batch.shape), "UINT8")
    tensor.set_data_from_numpy(batch)
    names = [triton.InferRequestedOutput(name) for name in ("label", "probabilities")]
    with triton.InferenceServerClient(address, concurrency=ABREAST) as client:
        under_way = deque(client.async_infer("model", [tensor], outputs=names) for _ in range(ABREAST))
        for place in range(BATCHES):
            under_way.popleft().get_result()
            if place < BATCHES - ABREAST:
                under_way.append(client.async_infer("model", [tensor], outputs=names))


@contextmanager
def _served(run: str | Path, service: Path) -> Iterator[str]:
    """The address of `headstart serve`, in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "headstart", "serve", run, "--service", service, "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(process, f"127.0.0.1:{port}")
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    while process.poll() is None:
        with suppress(OSError), triton.InferenceServerClient(address) as client:
            if client.is_server_ready():
                return
        time.sleep(0.2)
    raise ContestantFailed(f"headstart serve ended with exit code {process.returncode}")
