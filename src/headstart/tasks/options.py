"""A task's own settings, as the user stated them: refused where they are not there. Knows no tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headstart.errors import ConfigError, did_you_mean

METRIC_ALONE = ("metric",)


def refuse_unknown(options: Mapping[str, Any], known: Sequence[str], *, task: str) -> None:
    """Check the names of options.

    Raises:
        ConfigError: one is not there.
    """
    for option in options:
        if option not in known:
            verb = "is" if len(known) == 1 else "are"
            raise ConfigError(
                f"{option}: unknown option of {task}.{did_you_mean(option, known)}",
                f"There {verb}: {', '.join(known)}.",
            )


def main_metric(options: Mapping[str, Any], metrics: Sequence[str], usual: str) -> str:
    """The metric that was asked for; the usual one where none was.

    Raises:
        ConfigError: it is not there.
    """
    metric: str = options.get("metric") or usual
    if metric not in metrics:
        raise ConfigError(
            f"train.metric: unknown metric '{metric}'.{did_you_mean(metric, metrics)}",
            f"There are: {', '.join(metrics)}.",
        )
    return metric
