"""``python -m benchmarks.crossover DATA...``: how accurate each technique is, from few examples to all.

Of each data set a test split is set aside once, unless it has one. From the rest, so many examples of each
class are drawn for each seed, and every technique learns from the same ones. What was run before is not run
again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, median

from benchmarks.draws import draws, parser
from benchmarks.grid import Record, records_of, run
from benchmarks.harness import ROOT

RESULTS = ROOT / "benchmarks" / "results"
TECHNIQUES = ("linear-probe", "two-phase", "gradual-unfreezing", "full", "auto")
SIZES = (5, 20, 0)
SEEDS = (0, 1, 2)
TICKS = (5, 10, 20, 50, 100, 200, 500)  # seconds, in the picture


def main() -> None:
    """Fit whatever is missing, and write the table."""
    given = parser(__doc__, sizes=SIZES, seeds=SEEDS)
    given.add_argument("--techniques", nargs="+", default=TECHNIQUES, choices=TECHNIQUES)
    options = given.parse_args()
    file = RESULTS / "crossover.jsonl"
    for cell in draws(options):
        run([replace(cell, technique=name) for name in options.techniques], file)
    records = records_of(file)
    text = table(records)
    (RESULTS / "crossover.md").write_text(text + "\n")
    picture(records, RESULTS / "crossover.png")
    print(text)


def table(records: Sequence[Record]) -> str:
    """Mean test scores in percent over the seeds that all techniques have, a row a set and size.

    The best of four is a lucky one in part: four equal techniques with an error of 2 points each have a best
    that is 2 points above their mean.
    """
    scores: defaultdict[tuple[str, int], defaultdict[str, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for one in _complete(records):
        scores[one["set"], one["size"]][one["technique"]].append(100 * one["test"])
        seconds[one["technique"]].append(one["seconds"])
    rows, means = [], defaultdict(list)
    for (name, size), by_technique in sorted(scores.items()):
        found = {way: mean(by_technique[way]) for way in TECHNIQUES}
        for way, value in found.items():
            means[way].append(value)
        best = max(value for way, value in found.items() if way != "auto")
        cells = " | ".join(f"{value:.1f}" for value in found.values())
        seeds = len(by_technique["auto"])
        rows.append(f"| {name} | {size or 'all'} | {seeds} | {cells} | {found['auto'] - best:+.1f} |")
    if not rows:
        return "Nothing is complete yet."
    head = f"| set | a class | seeds | {' | '.join(TECHNIQUES)} | auto less the best other |"
    rule = f"|---|--:|--:|{'--:|' * (len(TECHNIQUES) + 1)}"
    foot = [
        f"| mean | | | {' | '.join(f'{mean(means[way]):.1f}' for way in TECHNIQUES)} | |",
        f"| seconds, median | | | {' | '.join(f'{median(seconds[way]):.0f}' for way in TECHNIQUES)} | |",
    ]
    return "\n".join([head, rule, *rows, *foot])


def picture(records: Sequence[Record], file: Path) -> None:
    """Accuracy against seconds, a panel a set: of each technique a line from few examples to many."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import NullLocator

    records = _complete(records)
    names = sorted({one["set"] for one in records})
    columns = min(3, len(names)) or 1
    rows = -(-len(names) // columns) or 1
    size = (3.6 * columns, 2.7 * rows)
    figure, panels = pyplot.subplots(rows, columns, figsize=size, squeeze=False, sharex=True)
    for panel in panels.flat[len(names) :]:
        panel.set_axis_off()
    for panel, name in zip(panels.flat, names, strict=False):
        for way in TECHNIQUES:
            points = _points([one for one in records if (one["set"], one["technique"]) == (name, way)])
            if points:
                seconds, scores = zip(*points, strict=True)
                strong = {"linewidth": 2.4, "zorder": 3} if way == "auto" else {"linewidth": 1.2}
                panel.plot(seconds, scores, marker="o", markersize=4, label=way, **strong)
        panel.set_xscale("log")
        panel.set_xticks(TICKS, map(str, TICKS))
        panel.xaxis.set_minor_locator(NullLocator())
        panel.set_title(name, fontsize=10)
        panel.grid(color="#e5e8ee")
        panel.set_axisbelow(True)
    figure.supxlabel("seconds of a fit", fontsize=10)
    figure.supylabel("test accuracy, %", fontsize=10)
    handles, labels = panels.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, ncols=len(TECHNIQUES), loc="upper center", frameon=False, fontsize=9)
    figure.tight_layout(rect=(0.01, 0.01, 1, 0.95))
    figure.savefig(file, dpi=110)
    pyplot.close(figure)


def _complete(records: Sequence[Record]) -> list[Record]:
    """Those of sets, sizes and seeds that every technique has."""
    ways: defaultdict[tuple[str, int, int], set[str]] = defaultdict(set)
    for one in records:
        ways[one["set"], one["size"], one["seed"]].add(one["technique"])
    return [one for one in records if ways[one["set"], one["size"], one["seed"]] >= set(TECHNIQUES)]


def _points(records: Sequence[Record]) -> list[tuple[float, float]]:
    """Median seconds and mean accuracy in percent, for each size that there is, from few examples to all."""
    sizes = sorted({one["size"] for one in records}, key=lambda size: size or float("inf"))
    groups = [[one for one in records if one["size"] == size] for size in sizes]
    return [
        (median(one["seconds"] for one in some), mean(100 * one["test"] for one in some)) for some in groups
    ]


if __name__ == "__main__":
    main()
