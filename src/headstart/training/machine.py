"""What this machine is, as the plan asks, and how this process uses its memory."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import sys
from contextlib import suppress

import torch

from headstart.errors import RequestError
from headstart.planning.facts import MachineFacts

# Of glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
MOST = 2**31 - 1


def machine_facts(device: str | None) -> MachineFacts:
    """Facts of the asked device, or of the best at hand.

    Raises:
        RequestError: no such device here.
    """
    name = device or _best()
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise RequestError(
            f"device: cannot use '{name}' here.", f"There are: {', '.join(_present())}."
        ) from error
    on_gpu = name.startswith("cuda")
    return MachineFacts(
        device=name,
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        bf16=torch.cuda.is_bf16_supported() if on_gpu else name == "cpu" and _processor_has_bf16(),
    )


def peak_memory() -> int:
    """Largest resident size of this process so far, bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def keep_freed_memory() -> None:
    """Let glibc's allocator keep what is freed, as every step asks for the same large blocks again.

    Without it each block is handed back and its pages are zeroed anew: a quarter of the time of
    a step on a CPU, as measured. Elsewhere than on glibc nothing changes.
    """
    with suppress(OSError, AttributeError):
        library = _glibc()
        library.mallopt(M_TRIM_THRESHOLD, MOST)
        library.mallopt(M_MMAP_THRESHOLD, MOST)


def give_back_freed_memory() -> None:
    """Hand back to the system what is freed, also what is held by cycles of objects only.

    Of what is no block of its own, only glibc's allocator can be asked.
    """
    gc.collect()
    with suppress(OSError, AttributeError):
        _glibc().malloc_trim(0)


def _glibc() -> ctypes.CDLL:
    """The library of the allocator; on other systems it, or what is asked of it, is not there.

    Raises:
        OSError: it is not there.
    """
    return ctypes.CDLL("libc.so.6")


def _processor_has_bf16() -> bool:
    """Whether it has instructions for bfloat16; torch tells under names that are not public yet."""
    asked = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, bool)() for name in asked)


def _best() -> str:
    return _present()[0]


def _present() -> list[str]:
    present = ["cuda"] if torch.cuda.is_available() else []
    present += ["mps"] if torch.backends.mps.is_available() else []
    return [*present, "cpu"]
