"""What is said about scores."""

import pytest

from headstart.evaluation.report.verdict import remarks, untrained, verdict


def scores(value, low, high, n=200):
    return {"n": n, "metrics": {"accuracy": {"value": value, "low": low, "high": high}}}


def result(test, *, val=None, baselines=None, technique="full"):
    return {
        "task": "image-classification",
        "technique": technique,
        "metric": "accuracy",
        "val": val or scores(0.9, 0.85, 0.95),
        "test": test,
        "baselines": baselines or {},
    }


def said(run, lower_is_better=frozenset()):
    return " ".join(remarks(run, lower_is_better))


def test_a_good_score_on_enough_data_needs_no_remark():
    assert said(result(scores(0.9, 0.87, 0.93))) == ""


def test_a_wide_interval_is_remarked_with_its_width():
    assert "58 test images are few: the interval spans 17 points." in said(
        result(scores(0.88, 0.78, 0.95, n=58))
    )


def test_without_a_test_set_the_headline_is_of_validation_data_and_says_that_it_flatters():
    run = result(None)
    assert verdict(run).headline == "90.0\N{NO-BREAK SPACE}% of 200 validation images right"
    assert "There is no test set." in said(run)
    assert verdict(result(scores(0, None, None, n=0))).split == "val"


def test_one_example_is_not_spoken_of_as_several():
    assert verdict(result(scores(1.0, None, None, n=1))).things == "1 test image"
    assert verdict(result(scores(1.0, None, None, n=2))).things == "2 test images"


def test_validation_above_the_interval_of_the_test_score_is_remarked():
    assert "promised more" in said(result(scores(0.8, 0.76, 0.84)))
    assert "promised more" not in said(result(scores(0.89, 0.86, 0.92)))


def test_for_an_error_lower_values_are_the_better_ones():
    run = result(scores(0.5, 0.46, 0.54), val=scores(0.4, 0.3, 0.5))
    assert "promised more" in said(run, frozenset({"accuracy"}))
    assert "promised more" not in said(run)


def test_of_a_metric_that_is_not_defined_nothing_is_remarked():
    undefined = scores(None, None, None)
    of_probe = {"linear_probe": {"val": undefined, "test": undefined}}
    assert said(result(scores(0.9, 0.87, 0.93), val=undefined, baselines=of_probe)) == ""
    assert said(result(undefined, val=undefined, baselines=of_probe)) == ""


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (0.89, "The linear probe scores within this model's interval: the difference may be chance."),
        (0.95, "The linear probe beats this model. Use it instead, or train differently."),
        (0.90, "The linear probe scores the same."),
        (0.60, ""),
    ],
)
def test_a_baseline_is_judged_against_the_interval(value, sentence):
    baselines = {"linear_probe": {"test": scores(value, value - 0.03, value + 0.03)}}
    assert said(result(scores(0.9, 0.87, 0.93), baselines=baselines)) == sentence


def test_a_linear_probe_is_not_compared_with_itself():
    baselines = {"linear_probe": {"test": scores(0.9, 0.87, 0.93)}}
    assert said(result(scores(0.9, 0.87, 0.93), baselines=baselines, technique="linear-probe")) == ""


def test_of_a_network_that_nothing_has_taught_it_is_said():
    run = result(scores(0.9, 0.87, 0.93)) | {"returned": "trained", "steps": 0}
    warning = "No step was trained: this model has learned nothing from the data. Give it more time."
    assert said(run) == warning
    assert said(run | {"steps": 1}) == ""
    assert untrained(run | {"baselines": {"linear_probe": {}}}) == ""


def test_a_probe_that_was_returned_in_place_of_the_trained_network_is_named_with_the_reason():
    trained = result(scores(0.9, 0.87, 0.93))
    probe = {"returned": "probe", "why_returned": "accuracy 0.8 trained and 0.9 probe", "steps": 9}
    assert "so the probe is what this model is: accuracy 0.8" in said(trained | probe)
    assert said(trained | probe | {"steps": 0}) == ""
