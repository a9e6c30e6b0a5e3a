"""How long a model takes for one input alone on this machine: measured once, and remembered."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import Tensor, nn

from headstart.catalog import MODALITIES, resolve
from headstart.contracts import Backbone, Example, View
from headstart.contracts.offers import Offer
from headstart.durable import write_file_durably
from headstart.errors import DiskFull, HeadstartError
from headstart.features.engines.remembered import machine_file
from headstart.sources.resolve import load
from headstart.store.cache import Cache

TIMES = 7
# Tasks for which any network of a family can be loaded.
SIMPLEST = {"image": "image-classification", "text": "text-classification"}
# A photo, and a text of some 64 tokens.
USUAL = {"image": np.full((256, 256, 3), 128, dtype=np.uint8), "text": "and so on " * 20}


def latencies(offers: Sequence[Offer], device: str, cache: Cache | None) -> dict[str, float]:
    """Seconds of one input alone, by model, of those that are there; what is not remembered is measured.

    Args:
        offers: one that cannot be loaded is left out.
        device: that computes.
        cache: that remembers.
    """
    known = {key.partition(" ")[0]: value for key, value in remembered(_memory(device, cache)).items()}
    for offer in offers:
        if offer.lacking or offer.name in known:
            continue
        with suppress(HeadstartError):
            known[offer.name] = latency(load(offer.name, task=SIMPLEST[offer.family]), device, cache)
    return known


def latency(backbone: Backbone, device: str, cache: Cache | None) -> float:
    """Seconds of one input alone, through the whole backbone, in float32; the median of a few."""
    memory = _memory(device, cache)
    known = remembered(memory)
    key = f"{backbone.name} {backbone.sha256[:16]}"
    if key not in known:
        known = {**known, key: _measured(backbone.module, _one_input(backbone, device), device)}
        _keep(memory, known)
    return known[key]


def _memory(device: str, cache: Cache | None) -> Path | None:
    return None if cache is None else machine_file(cache.measurements / "latency", device)


def remembered(memory: Path | None) -> Mapping[str, float]:
    """Seconds by model; empty where nothing was kept, or it is damaged."""
    try:
        kept = {} if memory is None else json.loads(memory.read_bytes())
        return {str(name): float(seconds) for name, seconds in kept.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _keep(memory: Path | None, known: Mapping[str, float]) -> None:
    if memory is None:
        return
    with suppress(OSError, DiskFull):
        memory.parent.mkdir(parents=True, exist_ok=True)
        write_file_durably(memory, json.dumps(known, indent=1).encode())


def _one_input(backbone: Backbone, device: str) -> Mapping[str, Tensor]:
    """An input like any other, as the network takes it."""
    modality = resolve("modality", backbone.modality, MODALITIES)(backbone.preprocessing, None, 0)
    view: View = modality.view(Example("latency", USUAL[backbone.modality]), None)
    return {name: value[None].to(device) for name, value in view.inputs.items()}


def _measured(module: nn.Module, inputs: Mapping[str, Tensor], device: str) -> float:
    module = module.eval().to(device)
    seconds = []
    with torch.inference_mode():
        for _ in range(TIMES + 2):
            began = time.perf_counter()
            module(**inputs)
            if torch.device(device).type == "cuda":
                torch.cuda.synchronize(device)
            seconds.append(time.perf_counter() - began)
    return median(seconds[2:])
