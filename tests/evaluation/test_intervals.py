import numpy as np
import pytest
from scipy import stats

from headstart.contracts import Scorer
from headstart.evaluation.intervals import difference, score
from headstart.tasks.kinds import SOFTMAX
from headstart.tasks.metrics import mean


def of(values: np.ndarray, name: str = "accuracy", **options: object) -> tuple[float | None, float | None]:
    return score({name: mean(values)}, n=len(values), **options).interval(name)


def test_the_score_is_the_scorer_at_weights_of_one() -> None:
    random = np.random.default_rng(0)
    truth = np.eye(3, dtype=bool)[random.integers(3, size=50)]
    scorers = SOFTMAX.scorers(random.normal(size=(50, 3)) + truth, truth)
    scores = score(scorers, n=50, seed=1)
    for name, scorer in scorers.items():
        assert getattr(scores, name) == scorer(np.ones((1, 50)))[0]
        low, high = scores.interval(name)
        assert low < high
        if name != "ece":  # a distance: the noise of a replicate only adds to it
            assert low <= getattr(scores, name) <= high


def test_it_is_the_percentile_bootstrap_of_scipy() -> None:
    values = np.random.default_rng(0).gamma(2.0, size=200)
    low, high = of(values, "loss", replicates=4000)
    expected = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=0)
    assert low == pytest.approx(expected.confidence_interval.low, abs=0.02)
    assert high == pytest.approx(expected.confidence_interval.high, abs=0.02)


def test_members_of_a_group_are_drawn_together() -> None:
    values = np.repeat(np.random.default_rng(0).random(20), 10)
    groups = [f"patient {row // 10}" for row in range(200)]
    low, high = of(values, groups=groups)
    apart = of(values)
    alone = of(values[::10], seed=0)
    assert high - low > 2 * (apart[1] - apart[0])
    assert (low, high) == pytest.approx(alone, abs=0.05)


def test_a_group_is_drawn_with_all_that_it_holds() -> None:
    # One patient of 30 photos, all wrong, and 30 of one, all right: how often the first is drawn decides.
    values = np.array([0.0] * 30 + [1.0] * 30)
    groups = ["first"] * 30 + [f"other {row}" for row in range(30)]
    low, high = of(values, groups=groups)
    drawn = np.random.default_rng(0).binomial(31, 1 / 31, size=100_000)
    shares = (31 - drawn) / (31 - drawn + 30 * drawn)
    assert (low, high) == pytest.approx(tuple(np.percentile(shares, [2.5, 97.5])), abs=0.05)


def test_groups_of_one_are_no_groups() -> None:
    values = np.random.default_rng(0).random(40)
    assert of(values, groups=[f"{row:02}" for row in range(40)]) == of(values)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(0).random(30)
    assert of(values, seed=3) == of(values, seed=3)
    assert of(values, seed=3) != of(values, seed=4)


@pytest.mark.parametrize("right", [0, 1])
def test_a_flawless_accuracy_has_wilsons_interval(right: int) -> None:
    expected = stats.binomtest(30 * right, 30).proportion_ci(method="wilson")
    assert of(np.full(30, float(right))) == pytest.approx((expected.low, expected.high))


def test_ten_photos_of_one_patient_are_one_trial() -> None:
    groups = [f"patient {row // 10}" for row in range(200)]
    assert of(np.ones(200), groups=groups) == pytest.approx(of(np.ones(20)))


def test_another_flawless_score_has_no_interval() -> None:
    assert of(np.ones(30), "macro_f1") == (None, None)


def test_a_score_that_cannot_differ_has_an_interval_of_no_width() -> None:
    assert of(np.full(30, 0.5), "auroc") == (0.5, 0.5)


@pytest.mark.parametrize(("n", "groups"), [(1, None), (5, ["one"] * 5)])
def test_one_group_gives_no_interval(n: int, groups: list[str] | None) -> None:
    assert of(np.arange(n) / 5, groups=groups) == (None, None)


def test_what_is_not_defined_has_no_interval() -> None:
    scores = score({"auroc": lambda weights: np.full(len(weights), np.nan)}, n=9)
    assert np.isnan(scores.auroc)
    assert scores.interval("auroc") == (None, None)


def test_what_is_seldom_defined_has_no_interval() -> None:
    def seldom(weights: np.ndarray) -> np.ndarray:
        return np.where(weights[:, 0] == 1, weights[:, 1], np.nan)

    assert score({"auroc": seldom}, n=40).interval("auroc") == (None, None)


def test_the_interval_does_not_depend_on_how_many_draws_are_held_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = []

    def watched(scorer: Scorer) -> Scorer:
        def score_and_note(weights: np.ndarray) -> np.ndarray:
            sizes.append(len(weights))
            return scorer(weights)

        return score_and_note

    monkeypatch.setattr("headstart.evaluation.intervals.BLOCK", 30 * 64)
    scores = score({"loss": watched(mean(np.arange(30.0)))}, n=30)
    assert sum(sizes) == 1001
    assert max(sizes) == 64
    assert scores.interval("loss") == pytest.approx(of(np.arange(30.0), "loss"), abs=1.0)


def test_the_error_of_a_difference_is_that_of_the_examples_on_which_two_models_differ() -> None:
    random = np.random.default_rng(0)
    one, other = random.random(400) < 0.9, random.random(400) < 0.8
    lead, error = difference(mean(one), mean(other), groups=[str(row) for row in range(400)])
    apart = one.astype(float) - other
    assert lead == pytest.approx(apart.mean())
    assert error == pytest.approx(apart.std() / np.sqrt(400), rel=0.1)


def test_a_model_does_not_differ_from_itself() -> None:
    right = np.random.default_rng(0).random(50) < 0.9
    assert difference(mean(right), mean(right), groups=[str(row) for row in range(50)]) == (0, 0)
