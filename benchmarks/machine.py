"""What the numbers were measured on and with. No host names, no paths."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

OURS = ("headstart", "torch", "torchvision", "timm", "openvino", "numpy", "pillow")
_ASK = """
import importlib.metadata as found, json, sys
names = {each.name.lower() for each in found.distributions()}
print(json.dumps({name: found.version(name) for name in sys.argv[1:] if name in names}))
"""


def cores() -> int:
    """Of the processor, that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine(device: str) -> dict[str, Any]:
    """Processor, cores, GPU where it computes, and versions."""
    facts: dict[str, Any] = {"processor": _processor(), "cores": cores(), "system": platform.system()}
    if device == "cuda":
        import torch

        facts["gpu"] = torch.cuda.get_device_name()
    return {**facts, "python": platform.python_version(), "versions": versions(OURS)}


def versions(packages: tuple[str, ...], python: str | Path = sys.executable) -> dict[str, str]:
    """Of the packages that an interpreter has."""
    said = subprocess.run([python, "-c", _ASK, *packages], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(said.stdout)
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
