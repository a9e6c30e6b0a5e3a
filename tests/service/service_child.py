"""A service in a process of its own: `python service_child.py RECORDS OPTIONS`, options as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from headstart.artifact.bundle import load_bundle
from headstart.records.records import Records
from headstart.service.app import build_app
from headstart.service.options import ServiceOptions
from headstart.service.server import bound, run_server

if __name__ == "__main__":
    torch.set_num_threads(1)
    options = ServiceOptions(**{"name": "colours", **json.loads(sys.argv[2])})
    with bound(options) as listener, Records(Path(sys.argv[1])) as records:
        app = build_app(records, lambda version: load_bundle(Path(version.path)), options)
        run_server(app, options, listener)
