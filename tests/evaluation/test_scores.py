"""Scores as values, and as result.json has them."""

import json
import math

from headstart.evaluation.scores import Interval, Scores


def test_a_metric_that_is_not_defined_goes_into_json_and_back() -> None:
    scores = Scores(3, {"accuracy": Interval(0.5, 0.1, 0.9), "auroc": Interval(math.nan, None, None)})
    again = Scores.from_state(json.loads(json.dumps(scores.state(), allow_nan=False)))
    assert again.metrics["accuracy"] == scores.metrics["accuracy"]
    assert math.isnan(again.auroc)
    assert again.interval("auroc") == (None, None)
