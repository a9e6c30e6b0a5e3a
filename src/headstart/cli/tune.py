"""headstart tune."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from headstart.cli.fit import BEGAN
from headstart.errors import ConfigError, RunFolderError


def tune(
    data: Annotated[str | None, Argument(metavar="DATA", help="Folder of class folders, or a table.")] = None,
    *,
    trials: Annotated[int | None, Option(min=1, help="In all; as many as the data can tell apart.")] = None,
    time_limit: Annotated[str | None, Option(help="For the whole search, such as 30m or 2h.")] = None,
    storage: Annotated[
        str | None, Option(metavar="URL", help="A database for several machines: postgresql://...")
    ] = None,
    study: Annotated[
        str | None,
        Option(metavar="NAME", help="Of the search in the database; machines of one name share it."),
    ] = None,
    task: Annotated[str | None, Option(help="What is predicted; inferred where not given.")] = None,
    model: Annotated[str | None, Option(help="SOURCE:NAME, or auto.")] = None,
    technique: Annotated[str | None, Option(help="Leave it out to search over it, too.")] = None,
    epochs: Annotated[int | None, Option(help="Leave it out to search over it, too.")] = None,
    lr: Annotated[float | None, Option(help="Leave it out to search over it, too.")] = None,
    batch_size: Annotated[int | None, Option(help="Examples computed at once.")] = None,
    image_size: Annotated[int | None, Option(help="Input pixels.")] = None,
    label: Annotated[str | None, Option(metavar="COL", help="Column with the labels.")] = None,
    group: Annotated[
        str | None, Option(metavar="COL", help="Column whose equal values stay on one side of a split.")
    ] = None,
    seed: Annotated[
        int | None, Option(help="Of the split, the order, the new weights and the search.")
    ] = None,
    device: Annotated[str | None, Option(help="cpu, cuda, cuda:1 or mps.")] = None,
    out: Annotated[str | None, Option(metavar="DIR", help="The folder of the search.")] = None,
    resume: Annotated[Path | None, Option(metavar="DIR", help="Go on with a search.")] = None,
    config: Annotated[Path | None, Option(metavar="FILE", help="A request as TOML.")] = None,
    settings: Annotated[
        list[str] | None, Option("--set", metavar="KEY=VALUE", help="Any key of the config; may be repeated.")
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Search for better settings for DATA; prints the run folder of the best trial.

    What is stated is not searched over. Trials are compared on validation data; the best one alone is
    evaluated on test data.
    """
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

    if resume is not None:
        given = [name for name, value in flags.items() if value is not None and name != "time_limit"]
        if given or config or settings:
            raise ConfigError(
                "--resume: a search has its own request.", "Give --trials, --time-limit and --storage alone."
            )
        config = resume / "config.toml"
        if not config.is_file():
            raise RunFolderError(f"{resume}: holds no search.", "Name what `headstart tune` wrote.")
    request = read_request(flags, file=config, settings=settings or ())

    from headstart import workflow
    from headstart.steps.study import StudyFolder

    if resume is not None and trials is None:
        trials = StudyFolder(resume).count()
    tuned = workflow.tune(
        request,
        trials=trials,
        storage=storage,
        name=study,
        resume=resume,
        began=BEGAN,
        stream=sys.stderr,
    )
    print(json.dumps(tuned.result, indent=2) if as_json else tuned.run.path)
