"""What is stated is not searched over, and what is usual is no setting."""

from types import SimpleNamespace

from headstart.config.change import with_settings
from headstart.config.load import load
from headstart.config.schema import Augmentation, Config
from headstart.contracts import Head, Phase
from headstart.tuning.space import Choice, Span, settings_of, space


class Decided:
    """What the space asks of a plan."""

    technique = "auto"
    phases = (Phase("all", 6, {"head": 1e-3, "block": 1e-4}),)
    augment = Augmentation(policy="medium")
    head = Head()
    optimiser = SimpleNamespace(weight_decay=0.05)


def names(config=None, *, varies=True, probed=True):
    return {one.key: one for one in space(config or Config(), Decided(), varies=varies, probed=probed)}


def test_every_dimension_holds_what_is_usual_and_is_a_key_of_the_configuration():
    for one in names().values():
        if isinstance(one, Choice):
            assert one.usual in one.values
        else:
            assert one.low <= one.usual <= one.high
        values = one.values if isinstance(one, Choice) else (one.low, one.high)
        for value in values:
            settings = settings_of({one.key: value}, [one])
            assert with_settings(Config(), settings) == load(None, settings)


def test_rates_and_epochs_are_around_the_usual_ones():
    found = names()
    assert found["train.lr"] == Span("train.lr", 1e-4, 1e-2, 1e-3)
    assert found["train.epochs"] == Choice("train.epochs", (3, 6, 12), 6)
    assert found["augment.policy"].usual == "medium"


def test_what_is_stated_is_left_alone():
    stated = load(None, {"train.lr": 3e-4, "technique.name": "full", "model.freeze": 0.5})
    assert not {"train.lr", "technique.name", "model.freeze"} & names(stated).keys()
    assert "augment.policy" not in names(varies=False)
    assert not {"train.mixup", "model.head.hidden"} & names(probed=False).keys()


def test_usual_values_are_no_settings():
    dimensions = list(names().values())
    assert settings_of({one.key: one.usual for one in dimensions}, dimensions) == {}
    assert settings_of({"model.head.hidden": "256"}, dimensions) == {"model.head.hidden": [256]}
