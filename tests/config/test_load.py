"""What `load` accepts, and how it says what it does not."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from annotated_types import Ge

from headstart.config.load import bind_options, load
from headstart.config.schema import (
    AugmentConfig,
    Config,
    DataConfig,
    ModelConfig,
    TechniqueConfig,
    TrainConfig,
)
from headstart.config.toml import dump
from headstart.contracts import Head
from headstart.errors import ConfigError


def written(folder: Path, text: str) -> Path:
    file = folder / "run.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_an_empty_request_is_the_default_config() -> None:
    assert load(None) == Config()


def test_all_mistakes_are_listed_at_once_with_the_nearest_key(tmp_path: Path) -> None:
    file = written(tmp_path, '[train]\nlr = 2\nprecision = "fp16"\nepoch = 3\n')
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert str(caught.value) == (
        "run.toml: 3 problems\n"
        "  train.lr: must be less than 1. Got 2.\n"
        "  train.precision: must be 'fp32' or 'bf16'. Got 'fp16'.\n"
        "  train.epoch: unknown key. Did you mean 'epochs'?"
    )


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train.epochs=0", "train.epochs: must be greater than or equal to 1. Got 0."),
        ("train.epochs=2.0", "train.epochs: must be a valid integer. Got 2.0."),
        ("train.epochs=three", "train.epochs: must be a valid integer. Got 'three'."),
        ("seed=true", "seed: must be a valid integer. Got True."),
        ("train.clip=nan", "train.clip: must be greater than or equal to 0. Got nan."),
        ("train=3", "train: must be a table. Got 3."),
        ("model.head.hidden=[64, 0]", "model.head.hidden.1: must be greater than or equal to 1. Got 0."),
        ("lr=0.1", "lr: unknown key. Did you mean 'train.lr'?"),
        ("model.image_sise=64", "model.image_sise: unknown key. Did you mean 'image_size'?"),
        ("time_limit=soon", "time_limit: must be a positive number of seconds, or a duration such as"),
        ("time_limit=0s", "time_limit: must be a positive number of seconds, or a duration such as"),
        ("model.freeze=1.5", "model.freeze: must be a count, a share from 0.0 to 1.0, or a list of"),
        ("model.freeze=[1, 2]", "model.freeze: must be a count, a share from 0.0 to 1.0, or a list of"),
    ],
)
def test_a_wrong_value_is_named_with_its_key(setting: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, [setting])
    assert str(caught.value).startswith(f"request: {message}")


def test_a_key_is_named_as_the_user_wrote_it() -> None:
    with pytest.raises(ConfigError, match=r"^request: --lr: must be less than 1"):
        load(None, {"train.lr": 2.0}, spelling={"train.lr": "--lr"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = 1\nseed = 2\n", r"run\.toml: not valid TOML: Key given twice \(at line 2, column 9\)"),
        ("seed = \n", r"run\.toml: not valid TOML: .*line 1"),
        ("seed = " + "[" * 100_000, "nested too deeply"),
        ("seed = " + "9" * 5_000, r"run\.toml: holds a number that is too long"),
    ],
)
def test_a_damaged_file_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(written(tmp_path, text))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.toml: cannot be read: No such file"):
        load(tmp_path / "missing.toml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'out = "\xe9"')
    with pytest.raises(ConfigError, match="not UTF-8 at byte 7"):
        load(tmp_path / "latin.toml")


@pytest.mark.parametrize("value", ["{a = " * 300 + "1" + "}" * 300, "a" * 10 + "\ud800"])
def test_a_value_that_cannot_be_carried_is_an_error_and_no_crash(value: str) -> None:
    with pytest.raises(ConfigError, match="nested too deeply, or holds a character"):
        load(None, [f"technique.options={value}"])


def test_a_setting_without_a_value_is_named() -> None:
    with pytest.raises(ConfigError, match=r"--set: 'train.epochs' has no '='\. Write it as"):
        load(None, ["train.epochs"])


def test_an_override_wins_over_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "seed = 1\n[train]\nepochs = 3\nlr = 0.1\n")
    config = load(file, ["train.epochs=5", "data.label=kind"])
    assert (config.seed, config.train.epochs, config.train.lr, config.data.label) == (1, 5, 0.1, "kind")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("1h30m", 5400), ("1.5H", 5400), ("45", 45), ("1m 5s", 65)],
)
def test_a_time_limit_is_written_as_people_write_it(text: str, seconds: float) -> None:
    assert load(None, {"time_limit": text}).time_limit == seconds


@pytest.mark.parametrize(
    ("text", "freeze"),
    [
        ("3", 3),
        ("-3", -3),
        ("0.5", 0.5),
        ("1.0", 1.0),
        ("layer1", ("layer1",)),
        ('["stem", "layer1"]', ("stem", "layer1")),
    ],
)
def test_freezing_takes_a_count_a_share_or_names(text: str, freeze: Any) -> None:
    found = load(None, [f"model.freeze={text}"]).model.freeze
    assert (found, type(found)) == (freeze, type(freeze))


@pytest.mark.parametrize(
    "config",
    [
        Config(),
        Config(
            data=DataConfig(path="my photos/Käfer", group=r"(p\d+)_", multi_label=False, val=0.2),
            model=ModelConfig(name="timm:resnet18", freeze=-2, head=Head((64, 32), 0.25, True)),
            technique=TechniqueConfig("two-phase", {"last": 3, "lr": 1e-5, "names": ["a", "b"]}),
            train=TrainConfig(epochs=3, lr=0.1 + 0.2, optimiser="sgd", keep_probe=False),
            augment=AugmentConfig(policy="light", horizontal_flip=0.0),
            task="image-classification",
            time_limit=600.0,
            seed=2**32 - 1,
            out='a "quoted" \\ path',
            tensorboard=True,
        ),
        Config(model=ModelConfig(freeze=1.0)),
        Config(model=ModelConfig(freeze=("stem", "layer1"))),
    ],
)
def test_what_is_dumped_loads_as_the_same_config(tmp_path: Path, config: Config) -> None:
    assert load(written(tmp_path, dump(config))) == config


def test_every_key_of_the_schema_can_be_set() -> None:
    def keys(value: Any, prefix: str = "") -> list[tuple[str, Any]]:
        pairs = [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)]
        nested = [keys(part, f"{prefix}{name}.") for name, part in pairs if dataclasses.is_dataclass(part)]
        return [(prefix + name, part) for name, part in pairs] + [pair for part in nested for pair in part]

    plain = {key: value for key, value in keys(Config()) if isinstance(value, int | float | str)}
    assert load(None, plain) == Config()
    assert len(plain) > 15


class Technique:
    name = "sample"

    @dataclass(frozen=True)
    class Options:
        last: Annotated[int, Ge(1)] = 2
        slow: bool = False


def test_options_are_bound_to_those_of_the_technique() -> None:
    assert bind_options(Technique, {"last": 4}) == Technique.Options(last=4)


def test_a_wrong_option_names_technique_and_key() -> None:
    with pytest.raises(ConfigError) as caught:
        bind_options(Technique, {"last": 0, "slw": True})
    assert str(caught.value) == (
        "sample: 2 problems\n"
        "  technique.options.last: must be greater than or equal to 1. Got 0.\n"
        "  technique.options.slw: unknown key. Did you mean 'slow'?"
    )
