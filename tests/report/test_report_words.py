"""Numbers as text."""

import math

import pytest

from headstart.evaluation.report import words
from headstart.evaluation.scores import Interval


def plain(text):
    return text.replace(words.SPACE, " ")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (4.21, "4.2 s"),
        (59.96, "1 min 0 s"),
        (192.4, "3 min 12 s"),
        (3599.6, "1 h 0 min"),
        (7500, "2 h 5 min"),
    ],
)
def test_a_duration_is_in_the_units_a_reader_would_use(seconds, text):
    assert plain(words.duration(seconds)) == text


def test_accuracies_are_percents_and_others_are_plain():
    assert plain(words.number(0.8793, "balanced_accuracy")) == "87.9 %"
    assert words.number(0.8793, "macro_f1") == "0.879"
    assert words.number(math.nan, "auroc") == words.DASH


def test_an_interval_has_no_more_digits_than_its_width_deserves():
    assert plain(words.interval(Interval(0.879, 0.78, 0.95), "accuracy")) == "78 to 95 %"
    assert plain(words.interval(Interval(0.879, 0.8712, 0.8868), "accuracy")) == "87.1 to 88.7 %"
    assert words.interval(Interval(0.879, None, None), "accuracy") == ""


@pytest.mark.parametrize(
    ("rates", "text"),
    [
        ({"head": 1e-3}, "head 1e-3"),
        ({"blocks.6": 2.5e-5}, "1 boundary 2.5e-5"),
        ({"head": 3e-4, "a": 1e-5, "b": 1e-4}, "head 3e-4, 2 boundaries 1e-5 to 1e-4"),
        ({"head": 3e-4, "a": 1e-4, "b": 1e-4}, "head 3e-4, 2 boundaries 1e-4"),
    ],
)
def test_the_rates_of_a_phase_fit_a_cell(rates, text):
    assert words.rates(rates) == text


def test_names_of_metrics_are_written_as_the_field_does():
    assert words.title("macro_f1") == "Macro F1"
    assert words.title("auroc") == "AUROC"
    assert words.metric_name("log_loss") == "log loss"


def test_bytes_are_in_megabytes_and_gigabytes():
    assert plain(words.memory(812_000_000)) == "812 MB"
    assert plain(words.memory(1_430_000_000)) == "1.4 GB"
