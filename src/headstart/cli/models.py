"""headstart models."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, TextIO

from typer import Argument, Option

from headstart.cli.fit import BEGAN
from headstart.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headstart.contracts.offers import Offer
    from headstart.evaluation.ranking import Candidate
    from headstart.steps.rank import Wanted


def models(
    data: Annotated[
        str | None,
        Argument(metavar="[DATA]", help="Rank models for it: a folder of class folders, or a table."),
    ] = None,
    *,
    model: Annotated[
        list[str] | None,
        Option(help="A model to try, SOURCE:NAME; may be repeated. Without: all that are there."),
    ] = None,
    licence: Annotated[
        list[str] | None, Option(help="Only models with this licence, such as apache-2.0; may be repeated.")
    ] = None,
    max_latency: Annotated[
        float | None, Option(metavar="MS", min=0, help="Milliseconds for one input alone here, at most.")
    ] = None,
    sample: Annotated[int | None, Option(min=20, help="Training examples to try models on; 500.")] = None,
    time_limit: Annotated[
        str | None,
        Option(metavar="TIME", help="Then fit the first two within it, such as 10m, and keep the better."),
    ] = None,
    task: Annotated[str | None, Option(help="What is predicted; inferred where not given.")] = None,
    label: Annotated[str | None, Option(metavar="COL", help="Column with the labels.")] = None,
    group: Annotated[str | None, Option(metavar="COL", help="Column that groups examples.")] = None,
    seed: Annotated[int | None, Option(help="Of the split and the sample.")] = None,
    device: Annotated[str | None, Option(help="cpu, cuda, cuda:1 or mps.")] = None,
    out: Annotated[str | None, Option(metavar="DIR", help="Where the run folders of a race go.")] = None,
    settings: Annotated[
        list[str] | None, Option("--set", metavar="KEY=VALUE", help="Any key of the config; may be repeated.")
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """List the pretrained models that can be had; with DATA, rank them for it.

    Every model is tried on a sample of the training data, by a linear probe on its frozen features.
    With --time-limit the first two are fitted, and the folder of the better run is printed.
    """
    from headstart.cli.request import read_request

    flags = {
        "data": data,
        "task": task,
        "time_limit": time_limit,
        "label": label,
        "group": group,
        "seed": seed,
        "device": device,
        "out": out,
    }
    request = read_request(flags, settings=settings or (), data_needed=data is not None)
    if data is None:
        only = {
            "--model": model,
            "--max-latency": max_latency,
            "--sample": sample,
            "--time-limit": time_limit,
        }
        stray = [flag for flag, value in only.items() if value]
        if stray:
            raise ConfigError(f"{stray[0]}: needs DATA to try models on.", "Name a folder or a table.")

    from headstart import workflow
    from headstart.steps.rank import SAMPLE, Wanted

    wanted = Wanted(licence or (), None if max_latency is None else max_latency / 1000)
    if data is None:
        _print_offers(*workflow.models(request), wanted=wanted, as_json=as_json)
        return
    found = workflow.rank(request, model or (), wanted=wanted, count=sample or SAMPLE, stream=sys.stderr)
    if not as_json:
        _print_ranking(found, stream=sys.stderr if time_limit else sys.stdout)
    if time_limit:
        run = workflow.race(request, found, began=BEGAN, stream=sys.stderr)
    ranking = [one.state() for one in found]
    if as_json:
        print(json.dumps({"ranking": ranking, "run": str(run.path)} if time_limit else ranking, indent=2))
    elif time_limit:
        print(run.path)
    else:
        print(f"\nheadstart fit {shlex.quote(data)} --model {found[0].name}")


def _print_offers(
    offers: Sequence[Offer], latencies: Mapping[str, float], *, wanted: Wanted, as_json: bool
) -> None:
    shown = [offer for offer in offers if wanted.allows(offer.licence)]
    if as_json:
        rows = [{**asdict(offer), "latency": latencies.get(offer.name)} for offer in shown]
        print(json.dumps(rows, indent=2))
        return
    width = max([len(offer.name) for offer in shown], default=0) + 2
    print(f"{'model':<{width}}{'reads':<8}{'parameters':>10}{'prior':>8}{'here':>10}  {'licence':<14}needs")
    for offer in shown:
        size = f"{offer.parameters / 1e6:.1f} M" if offer.parameters else ""
        prior = "" if offer.prior is None else f"{offer.prior:.3f}"
        numbers = f"{size:>10}{prior:>8}{_milliseconds(latencies.get(offer.name)):>10}"
        needs = f"  {offer.licence:<14}{offer.lacking}".rstrip()
        print(f"{offer.name:<{width}}{offer.family + 's':<8}{numbers}{needs}")


def _print_ranking(found: Sequence[Candidate], *, stream: TextIO) -> None:
    width = max(len(one.name) for one in found) + 2
    columns = (
        f"{'expected':>9}{'probe':>9}{'95 % interval':>17}{'prior':>8}{'kNN':>8}{'LogME':>9}{'here':>10}"
    )
    print(f"{'model':<{width}}{columns}{'parameters':>12}  licence", file=stream)
    for one in found:
        probe = one.probe
        interval = "" if probe.low is None else f"{probe.low:.3f} to {probe.high:.3f}"
        numbers = f"{one.expected:>9.3f}{probe.value:>9.3f}{interval:>17}"
        others = f"{_share(one.prior)}{_share(one.neighbours)}{one.log_me:>9.3f}"
        size = f"{one.parameters / 1e6:.1f} M"
        rest = f"{_milliseconds(one.latency):>10}{size:>12}  {one.licence}"
        print(f"{one.name:<{width}}{numbers}{others}{rest}", file=stream)


def _share(value: float | None) -> str:
    return f"{'' if value is None else f'{value:.3f}':>8}"


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{1000 * seconds:.3g} ms"
