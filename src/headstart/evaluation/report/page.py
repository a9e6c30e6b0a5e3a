"""The report as one HTML page: styles, charts and pictures inside, no script, no network."""

from __future__ import annotations

import base64
import math
from functools import cache

from jinja2 import Environment

from headstart.errors import counted
from headstart.evaluation.report import figures, words
from headstart.evaluation.report.charts import calibration_error
from headstart.evaluation.report.confusion import matrix, most_confused
from headstart.evaluation.report.content import ReportContent
from headstart.evaluation.report.environment import environment
from headstart.evaluation.report.history import history
from headstart.evaluation.report.passages import has_marks, pieces
from headstart.evaluation.report.verdict import MODEL, SPLITS, remarks, scores_on, verdict

READABLE = 25
PNG = b"\x89PNG"
PROBE = "linear probe"


def render(content: ReportContent) -> str:
    """The page, as text that UTF-8 can hold.

    Everything in the content is escaped: labels and file names may hold anything.
    """
    judged = verdict(content.result)
    trained = history(content.events)
    scores = {split: scores_on(content.result, split) for split in SPLITS}
    watched = content.result.get("watched", judged.metric)
    probe = scores["val"][PROBE].metrics.get(watched) if PROBE in scores["val"] else None
    page = (
        _environment()
        .get_template("page.html")
        .render(
            content=content,
            result=content.result,
            verdict=judged,
            model=MODEL,
            scores=scores,
            things=f"{words.noun(judged.task)}s",
            remarks=remarks(content.result, content.lower_is_better),
            bars=figures.score_bars(judged),
            trained=trained,
            went={stretch.phase: stretch for stretch in trained.stretches},
            curves=figures.training_curves(trained, metric=watched, probe=probe.value if probe else math.nan),
            per_class=sorted(content.per_class, key=lambda row: (row.f1, row.label)),
            readable=READABLE,
            reliability=figures.calibration_chart(content.calibration) if content.calibration else None,
        )
    )
    # A file name that is not UTF-8 comes as lone surrogates, which no file can hold.
    return page.encode("utf-8", "replace").decode("utf-8")


def data_uri(picture: bytes) -> str:
    """A JPEG or PNG file as an address that holds it whole."""
    kind = "png" if picture.startswith(PNG) else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode('ascii')}"


@cache
def _environment() -> Environment:
    return environment(
        {
            "calibration_error": calibration_error,
            "counted": counted,
            "data_uri": data_uri,
            "duration": words.duration,
            "has_marks": has_marks,
            "interval": words.interval,
            "matrix": matrix,
            "memory": words.memory,
            "metric_name": words.metric_name,
            "most_confused": most_confused,
            "number": words.number,
            "percent": words.percent,
            "pieces": pieces,
            "rates": words.rates,
        }
    )
