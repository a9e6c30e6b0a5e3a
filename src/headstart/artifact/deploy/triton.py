"""A model repository of NVIDIA's Triton Inference Server.

https://docs.nvidia.com/deeplearning/triton-inference-server: "Model Repository", "Model Configuration".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import ClassVar

from headstart.artifact.deploy.contents import below, bundle_files, program
from headstart.artifact.deploy.ports import ENGINE_FILES, Port, ports_of
from headstart.artifact.deploy.target import Settings, Source
from headstart.durable import Content

LABELS, CONFIG, CLIENT = "labels.txt", "config.pbtxt", "client.py"
BACKENDS: Mapping[str, str] = {"onnx": "onnxruntime", "openvino": "openvino"}
_TYPES: Mapping[str, str] = {"float32": "TYPE_FP32", "uint8": "TYPE_UINT8", "int64": "TYPE_INT64"}


class Triton:
    """NAME/config.pbtxt and NAME/1 with the network; beside them what a client needs."""

    name: ClassVar[str] = "triton"

    @staticmethod
    def engines(settings: Settings) -> tuple[str, ...]:
        """Those that it has a backend for."""
        return tuple(BACKENDS)

    @staticmethod
    def files(source: Source, settings: Settings) -> Mapping[str, Content]:
        """The repository, a client, and how to start both."""
        return {
            "README.md": _readme(source, settings).encode(),
            CLIENT: program("triton_client.py"),
            **repository(source, settings),
        }


def repository(source: Source, settings: Settings) -> dict[str, Content]:
    """The repository alone."""
    own = ENGINE_FILES[source.engine]
    inputs, outputs = ports_of(source.engine, {name: (source.folder / name).read_bytes() for name in own})
    labelled = source.model.task.probed
    config = configuration(
        inputs, outputs, engine=source.engine, labels=LABELS if labelled else "", settings=settings
    )
    contents = bundle_files(source)
    network = {name: contents.pop(name) for name in own}
    lines = "".join(f"{' '.join(label.split())}\n" for label in source.model.labels)
    return below(
        settings.name,
        {
            CONFIG: config.encode(),
            **({LABELS: lines.encode()} if labelled else {}),
            **below("1", network),
            **contents,
        },
    )


def configuration(
    inputs: Sequence[Port], outputs: Sequence[Port], *, engine: str, labels: str, settings: Settings
) -> str:
    """config.pbtxt: protobuf's text form of Triton's `ModelConfig`.

    Args:
        inputs: of the graph, with the axis of the batch.
        outputs: likewise.
        engine: form of export.
        labels: file with names of the probabilities; empty is none.
        settings: name and batches.
    """
    # The backend for OpenVINO takes no batch but one of just max_batch_size. Where that is 0, the batch is an
    # axis like others: a request may have any number of rows, and is computed by itself.
    batches = engine != "openvino"
    named = {"probabilities": labels} if labels else {}
    parts = [
        f"name: {_quoted(settings.name)}",
        f"backend: {_quoted(BACKENDS[engine])}",
        f"max_batch_size: {settings.max_batch if batches else 0}",
        _ports("input", inputs, batches, {}),
        _ports("output", outputs, batches, named),
        f"dynamic_batching {{\n  max_queue_delay_microseconds: {round(1000 * settings.max_wait_ms)}\n}}"
        if batches
        # It has no other; without this, a machine with a GPU would be asked for it.
        else "instance_group [\n  {\n    kind: KIND_CPU\n  }\n]",
    ]
    return "\n".join(parts) + "\n"


def _ports(kind: str, ports: Sequence[Port], batches: bool, labels: Mapping[str, str]) -> str:
    """The list of inputs or outputs; where Triton makes batches, it knows of their axis itself."""
    items = []
    for port in ports:
        dims = ", ".join(str(side) for side in (port.dims[1:] if batches else port.dims))
        lines = [
            f"name: {_quoted(port.name)}",
            f"data_type: {_TYPES[port.dtype]}",
            f"dims: [ {dims} ]",
            *([f"label_filename: {_quoted(labels[port.name])}"] if port.name in labels else []),
        ]
        items.append("  {\n" + "".join(f"    {line}\n" for line in lines) + "  }")
    return f"{kind} [\n" + ",\n".join(items) + "\n]"


def computation(source: Source) -> str:
    """What computes the network on Triton, and in which precision, for people."""
    precision = source.model.facts["engine"]["precision"]
    # Triton leaves the choice to OpenVINO, whatever the export states.
    if source.engine == "openvino" and precision != "int8":
        precision = "bf16 where the processor computes it, else fp32"
    return f"{BACKENDS[source.engine]} ({precision})"


def _quoted(text: str) -> str:
    return json.dumps(text)


def _readme(source: Source, settings: Settings) -> str:
    example = "photo.jpg" if source.model.family == "image" else "'a text'"
    return f"""# {settings.name} on Triton

Serve this folder, with VERSION one of NVIDIA's releases such as 25.08:

    docker run --rm -p 127.0.0.1:8000:8000 -v "$PWD:/models:ro" \\
        nvcr.io/nvidia/tritonserver:VERSION-py3 tritonserver --model-repository=/models

Ask it (needs headstart, and `pip install 'tritonclient[http]'`); `--check` instead of an input compares it
with the golden samples:

    python {CLIENT} localhost:8000 {example}
    python {CLIENT} localhost:8000 --check

- `{settings.name}/{CONFIG}` and `{settings.name}/1/`: what Triton reads. The network is computed by
  {computation(source)}.
- the other files in `{settings.name}/`: preprocessing and golden samples, for clients. Triton ignores them.

Decoding and preprocessing are the client's part; `engine` and `preprocessing` in `bundle.json` say what
goes in.
Triton asks for no token: let no others reach its port.
"""
