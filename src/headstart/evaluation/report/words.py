"""Numbers as a reader wants them, and units. Knows no HTML."""

from __future__ import annotations

import math
from collections.abc import Mapping

from headstart.errors import counted
from headstart.evaluation.scores import Interval

SPACE = "\N{NO-BREAK SPACE}"
DASH = "\N{EN DASH}"
WAYS = {0.25: "a quarter of the way", 0.5: "halfway", 0.75: "three quarters of the way"}
NAMES = {"chrf": "chrF"} | {name: name.upper() for name in ("auc", "auroc", "bleu", "ece", "f1", "mcc")}


def metric_name(metric: str) -> str:
    """``"macro_f1"`` as ``"macro F1"``."""
    return " ".join(NAMES.get(word, word) for word in metric.split("_"))


def title(metric: str) -> str:
    """``"macro_f1"`` as ``"Macro F1"``."""
    name = metric_name(metric)
    return name if metric in NAMES else name[0].upper() + name[1:]


def percent(share: float, digits: int = 1) -> str:
    """A share as ``"87.9 %"``."""
    return f"{100 * share:.{digits}f}{SPACE}%"


def number(value: float, metric: str) -> str:
    """A score: accuracies in percent, others with three decimals; a dash where it is not defined."""
    if not math.isfinite(value):
        return DASH
    return percent(value) if metric.endswith("accuracy") else f"{value:.3f}"


def way(share: float) -> str:
    """A share of a way as ``"halfway"``."""
    return WAYS.get(share) or f"{percent(share, 0)} of the way"


def tick(value: float, metric: str) -> str:
    """A score as short as an axis wants it: ``"90 %"``, ``"0.25"``."""
    return f"{100 * value:.3g}{SPACE}%" if metric.endswith("accuracy") else f"{value:.3g}"


def interval(score: Interval, metric: str) -> str:
    """Both ends of a score's interval, ``"78 to 95 %"``; empty where it has none."""
    if score.low is None or score.high is None:
        return ""
    if metric.endswith("accuracy"):
        digits = 0 if score.high - score.low >= 0.05 else 1
        return f"{100 * score.low:.{digits}f} to {percent(score.high, digits)}"
    return f"{score.low:.3f} to {score.high:.3f}"


def about(seconds: float) -> str:
    """``"4 s"``, ``"3 min"``, ``"2.5 h"``: as exact as a forecast can be."""
    if seconds < 59.5:
        return f"{max(seconds, 1):.0f}{SPACE}s"
    minutes = seconds / 60
    if minutes < 59.5:
        return f"{minutes:.{0 if minutes >= 9.95 else 1}f}{SPACE}min".replace(".0", "")
    return f"{minutes / 60:.1f}{SPACE}h".replace(".0", "")


def duration(seconds: float) -> str:
    """``"4.2 s"``, ``"3 min 12 s"``, ``"2 h 5 min"``."""
    if seconds < 59.95:
        return f"{seconds:.1f}{SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{SPACE}min {rest}{SPACE}s"
    return f"{minutes // 60}{SPACE}h {minutes % 60}{SPACE}min"


def memory(count: int) -> str:
    """Bytes as ``"812 MB"`` or ``"1.4 GB"``."""
    return f"{count / 1e9:.1f}{SPACE}GB" if count >= 1e9 else f"{count / 1e6:.0f}{SPACE}MB"


def rate(value: float) -> str:
    """A learning rate as ``"3e-4"``."""
    factor, exponent = f"{value:.1e}".split("e")
    return f"{float(factor):g}e{int(exponent)}"


def rates(values: Mapping[str, float]) -> str:
    """Learning rates of a phase, the head's first: ``"head 1e-3, 6 boundaries 1e-5 to 1e-4"``."""
    parts = [f"head {rate(values['head'])}"] if "head" in values else []
    others = [value for name, value in values.items() if name != "head"]
    if others:
        span = " to ".join(dict.fromkeys((rate(min(others)), rate(max(others)))))
        parts.append(f"{counted(len(others), 'boundary', 'boundaries')} {span}")
    return ", ".join(parts)


def noun(task: str) -> str:
    """What an example of a task is called."""
    return "image" if task.startswith("image") else "example"
