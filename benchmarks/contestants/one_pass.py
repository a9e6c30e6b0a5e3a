"""Nobody who uses the network can be faster: one pass over every photo on the fastest engine at hand.

On a CPU that is OpenVINO, on a GPU it is torch: in bfloat16 where the processor has it, and in float32. Every
thread decodes and resizes photos and infers them; nothing is stored, nothing is learned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import numpy as np
import openvino
import torch
from numpy.typing import NDArray
from openvino.preprocess import PrePostProcessor
from PIL import Image
from torch import nn

from benchmarks.contestants.network import SCALED, SIZE, pretrained
from benchmarks.data import SUFFIXES
from benchmarks.job import Job, Outcome

Infer = Callable[[NDArray[np.uint8]], NDArray[np.float32]]  # (B, H, W, 3) uint8 -> (B, D) float32
BATCH_SIZE = {"cpu": 4, "cuda": 64}  # the fastest of those tried


def run(job: Job) -> Outcome:
    """Features of every photo; and the same with the time that making the engine took; in each precision."""
    return Outcome(_pass(job, "one pass", fast=True) | _pass(job, "one pass in float32", fast=False))


def _pass(job: Job, name: str, *, fast: bool) -> dict[str, float]:
    began = perf_counter()
    batch_size = BATCH_SIZE[job.device]
    network = pretrained(job, classes=0).eval()
    make = _openvino if job.device == "cpu" else _torch
    infer = make(network, batch_size, job.threads, fast)
    ready = perf_counter()
    files = sorted(path for path in Path(job.data).rglob("*") if path.suffix in SUFFIXES)
    batches = [files[start : start + batch_size] for start in range(0, len(files), batch_size)]
    with ThreadPoolExecutor(job.threads) as pool:
        list(pool.map(lambda batch: infer(_decoded(batch, batch_size)), batches))
    ended = perf_counter()
    return {name: ended - ready, f"{name} and conversion": ended - began}


def _decoded(files: Sequence[Path], batch_size: int) -> NDArray[np.uint8]:
    """Photos resized and cropped, padded to a whole batch."""
    batch = np.zeros((batch_size, SIZE, SIZE, 3), np.uint8)
    for place, file in enumerate(files):
        image = Image.open(file).convert("RGB")
        kept = min(image.size) * SIZE / SCALED
        left, top = ((side - kept) / 2 for side in image.size)
        box = (left, top, left + kept, top + kept)
        batch[place] = np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BICUBIC, box))
    return batch


def _openvino(network: nn.Module, batch_size: int, threads: int, fast: bool) -> Infer:
    converted = openvino.convert_model(network, example_input=torch.zeros(batch_size, 3, SIZE, SIZE))
    steps = PrePostProcessor(converted)
    steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    steps.input().preprocess().convert_element_type(openvino.Type.f32).mean(127.5).scale(127.5)
    steps.input().model().set_layout(openvino.Layout("NCHW"))
    fixed = steps.build()
    fixed.reshape([batch_size, SIZE, SIZE, 3])
    core = openvino.Core()
    fast = fast and "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    settings = {
        "PERFORMANCE_HINT": "THROUGHPUT",
        "NUM_STREAMS": threads,
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "bf16" if fast else "f32",
    }
    compiled = core.compile_model(fixed, "CPU", settings)
    return lambda batch: compiled.create_infer_request().infer([batch])[0]


def _torch(network: nn.Module, _batch_size: int, _threads: int, fast: bool) -> Infer:
    network.to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def infer(batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        images = torch.from_numpy(batch).to("cuda").permute(0, 3, 1, 2).float().sub_(127.5).div_(127.5)
        with torch.autocast("cuda", torch.bfloat16, enabled=fast):
            return network(images).float().cpu().numpy()

    return infer
