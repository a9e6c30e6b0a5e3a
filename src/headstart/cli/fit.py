"""headstart fit."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from headstart.errors import ConfigError

# A time limit counts from the call: the libraries that are imported later take some of it.
BEGAN = time.monotonic()


def fit(
    data: Annotated[str | None, Argument(metavar="DATA", help="Folder of class folders, or a table.")] = None,
    *,
    task: Annotated[str | None, Option(help="What is predicted; inferred where not given.")] = None,
    model: Annotated[str | None, Option(help="SOURCE:NAME, or a NAME that only one source knows.")] = None,
    technique: Annotated[str | None, Option(help="How the model is changed while it learns.")] = None,
    time_limit: Annotated[str | None, Option(help="For the whole run, such as 90s, 10m or 1h30m.")] = None,
    epochs: Annotated[int | None, Option(help="In all phases together.")] = None,
    lr: Annotated[float | None, Option(help="The technique's reference rate.")] = None,
    batch_size: Annotated[int | None, Option(help="Examples computed at once.")] = None,
    image_size: Annotated[int | None, Option(help="Input pixels.")] = None,
    label: Annotated[str | None, Option(metavar="COL", help="Column with the labels.")] = None,
    group: Annotated[
        str | None, Option(metavar="COL", help="Column whose equal values stay on one side of a split.")
    ] = None,
    seed: Annotated[int | None, Option(help="Of the split, the order and the new weights.")] = None,
    device: Annotated[str | None, Option(help="cpu, cuda, cuda:1 or mps.")] = None,
    out: Annotated[str | None, Option(metavar="DIR", help="The run folder.")] = None,
    resume: Annotated[Path | None, Option(metavar="DIR", help="Go on with a run that was stopped.")] = None,
    config: Annotated[Path | None, Option(metavar="FILE", help="A request as TOML.")] = None,
    settings: Annotated[
        list[str] | None, Option("--set", metavar="KEY=VALUE", help="Any key of the config; may be repeated.")
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Show the plan, and train nothing.")] = False,
    allow_data_change: Annotated[
        bool, Option("--allow-data-change", help="Resume although the data changed.")
    ] = False,
    as_json: Annotated[
        bool, Option("--json", help="Print the result (of a dry run, the plan) as JSON.")
    ] = False,
) -> None:
    """Fine-tune a pretrained model on DATA; prints the run folder."""
    flags = {
        "data": data,
        "task": task,
        "model": model,
        "technique": technique,
        "time_limit": time_limit,
        "epochs": epochs,
        "lr": lr,
        "batch_size": batch_size,
        "image_size": image_size,
        "label": label,
        "group": group,
        "seed": seed,
        "device": device,
        "out": out,
    }
    from headstart.cli.request import read_request

    # Before the heavy imports, so that a mistake is answered at once.
    request = read_request(flags, file=_file(config, resume, out), settings=settings or ())

    from headstart import workflow
    from headstart.planning.lines import plan_state

    if dry_run:
        decided = workflow.plan(request, stream=sys.stderr)
        if as_json:
            print(json.dumps(plan_state(decided), indent=2))
        return
    run = workflow.fit(
        request, resume=resume, allow_data_change=allow_data_change, began=BEGAN, stream=sys.stderr
    )
    print(json.dumps(run.result, indent=2) if as_json else run.path)


def _file(config: Path | None, resume: Path | None, out: str | None) -> Path | None:
    """The request to begin with: a file's, or that of the run that is resumed."""
    from headstart.artifact.run import existing_run

    for flag, value, own in (("--config", config, "config"), ("--out", out, "folder")):
        if value and resume:
            raise ConfigError(f"{flag} and --resume: a resumed run has its own {own}.", "Leave one out.")
    return existing_run(resume).config if resume else config
