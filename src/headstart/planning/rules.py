"""How each decision is made: pure functions of the request and the facts. No torch, no files.

What the user asked for is always taken; the rule decides only what was left open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from headstart.config.policies import resolve_augmentation
from headstart.config.schema import Augmentation, Config, TrainConfig
from headstart.contracts import Budget, Head, Phase
from headstart.errors import ConfigError, counted
from headstart.planning.facts import DataFacts, Facts, MachineFacts
from headstart.planning.plan import Decision

T = TypeVar("T")
ASKED = "asked for"
AUTO = "auto"

# At least; networks for texts are trained for fewer epochs.
STEPS_PER_EPOCH: Mapping[str, int] = {"image": 10, "text": 40}
SMALLEST_BATCH, USUAL_BATCH, PAIRS_BATCH = 4, 32, 16
# Computed at once in training: batches of long texts are cut into pieces of no more.
TOKENS, ACCELERATOR_TOKENS = 4096, 16384
PATIENCE = 5
SMALL_IMAGE = 64
# Above this ratio the commonest class alone makes accuracy look good.
UNEVEN = 10
# Of 5 to 17 texts a label, learning by pairs gave 2 to 3 points more than fine-tuning, on three draws of two
# sets.
FEW_TEXTS = 20
# Below so many validation examples, chance decides more between candidates than their worth.
FEW_VALIDATION, FOLDS = 200, 5
WEIGHT_DECAY = {"adamw": 0.01, "adam": 0.0, "sgd": 1e-4}

# Settings of training whose usual value holds for any data.
USUAL: Mapping[str, str] = {
    "accumulate": "every batch is a step",
    "momentum": "the usual one; only sgd has it",
    "clip": "one bad batch cannot throw the weights far",
    "warmup": "an optimiser's first steps know little of the gradient",
    "ema": "off: phases end at low rates, which smooths the weights too",
    "label_smoothing": "off: of little use on small sets",
    "mixup": "off: of little use on small sets",
    "interpolate": "weights between the probe's and the trained ones are often better than both",
    "keep_probe": "what is returned is never worse than the probe on validation data",
    "refit": "a probe that is returned learns from validation examples, too, once it is chosen",
}


def uneven(smallest: int, largest: int) -> bool:
    """Whether classes differ so much in size that it must be minded.

    Args:
        smallest, largest: examples of the rarest and the commonest class.
    """
    return largest > UNEVEN * max(smallest, 1)


def of_probe(config: Config, name: str, *, has_probe: bool) -> Decision[bool]:
    """A setting of `train` on the probe, which says nothing where there is none."""
    if has_probe:
        return usual(config, name)
    return Decision(False, "this task has no linear probe")


def usual(config: Config, name: str) -> Decision[Any]:
    """A setting of `train` that has its value in any case; `USUAL` has the reason."""
    value = getattr(config.train, name)
    return Decision(value, USUAL[name] if value == getattr(TrainConfig(), name) else ASKED)


def task(config: Config, name: str) -> Decision[str]:
    """What is predicted."""
    return Decision(name, ASKED if config.task else "what the data looks like")


def model(config: Config, facts: Facts) -> Decision[str]:
    """Which backbone."""
    return Decision(
        facts.model.name, ASKED if config.model.name else "comes with the package, needs no network"
    )


def device(config: Config, facts: Facts) -> Decision[str]:
    """What computes."""
    return Decision(facts.machine.device, ASKED if config.device else "the best at hand")


def seed(config: Config) -> Decision[int]:
    """Of everything random."""
    return Decision(config.seed, "the same seed and data give the same weights")


def technique(config: Config, facts: Facts, *, has_probe: bool = True) -> Decision[str]:
    """Which technique, by its name in the catalogue."""
    largest = facts.data.largest
    if has_probe and facts.model.modality == "text" and 0 < largest <= FEW_TEXTS and _left_open(config):
        return Decision(
            "contrastive", f"pairs teach more, of texts of which no label has more than {largest}"
        )
    reason = "never worse than the linear probe that comes first" if has_probe else "the usual one"
    return _asked_or(config.technique.name, AUTO, reason)


def technique_options(config: Config, options: Mapping[str, object]) -> Decision[Mapping[str, object]]:
    """The technique's own settings, resolved."""
    asked = ", ".join(config.technique.options)
    return Decision(options, f"the technique's own, but for {asked}" if asked else "the technique's own")


def metric(config: Config, facts: Facts, task_metric: str) -> Decision[str]:
    """The metric on which the best weights are chosen.

    Args:
        task_metric: the task's own; what was asked for, where something was.
    """
    if config.train.metric:
        return Decision(task_metric, ASKED)
    if task_metric == "accuracy" and _uneven(facts.data):
        return Decision("macro_f1", f"{_unevenly(facts.data)}: accuracy would hide the rare ones")
    return Decision(task_metric, "the usual one of this task")


def image_size(config: Config, facts: Facts) -> Decision[int | None]:
    """Input pixels."""
    size, side = facts.model.image_size, facts.data.median_side
    if size is None:
        return Decision(None, "the inputs are no images")
    reason = "the checkpoint's"
    if 0 < side < size:
        reason += f"; images of {side} px are enlarged to what the network has learned to see"
    return _asked_or(config.model.image_size, size, reason)


def max_length(facts: Facts) -> Decision[int | None]:
    """Tokens of the longest input."""
    length = facts.model.max_length
    return Decision(length, "longer ones are cut" if length else "the inputs are no tokens")


def batch_size(config: Config, facts: Facts, *, pairs: bool = False) -> Decision[int]:
    """Examples computed at once in training: the largest power of two with enough steps an epoch.

    Args:
        config: the request.
        facts: of data and model.
        pairs: whether the technique learns from pairs within a batch.
    """
    if pairs:
        reason = f"{PAIRS_BATCH * (PAIRS_BATCH - 1) // 2} pairs a step"
        return _asked_or(config.train.batch_size, PAIRS_BATCH, reason)
    size = USUAL_BATCH
    while size > SMALLEST_BATCH and size * STEPS_PER_EPOCH[facts.model.modality] > facts.data.train:
        size //= 2
    reason = "the usual one"
    if size < USUAL_BATCH:
        examples = counted(facts.data.train, "training example")
        reason = f"{examples} should still make some steps an epoch"
    return _asked_or(config.train.batch_size, size, reason)


def micro_batch(batch_size: int) -> Decision[int]:
    """Examples of a batch computed at once in training."""
    return Decision(batch_size, "the whole batch; fewer where memory runs out")


def token_budget(config: Config, facts: Facts) -> Decision[int | None]:
    """Tokens of a batch computed at once in training."""
    if facts.model.max_length is None:
        return Decision(None, "the inputs are no tokens")
    device = facts.machine.device
    usual = TOKENS if device == "cpu" else ACCELERATOR_TOKENS
    reason = f"fills the {device}: more at once take memory, and no less time"
    return _asked_or(config.train.token_budget, usual, reason)


def evaluation_batch_size(machine: MachineFacts) -> Decision[int]:
    """Examples computed at once where nothing is trained."""
    if machine.device == "cpu":
        return Decision(8, "small ones stay in a CPU's caches, and one input alone is padded to it")
    return Decision(64, f"fills the {machine.device} device, and fits its memory")


def precision(config: Config, facts: Facts) -> Decision[str]:
    """The type of number that the forward pass computes in."""
    machine = facts.machine
    if machine.device.startswith("cuda") and machine.bf16:
        return _asked_or(config.train.precision, "bf16", "this GPU computes it fast")
    if machine.device == "cpu" and machine.bf16 and facts.model.modality == "text":
        reason = "this CPU multiplies matrices in it about twice as fast, as measured"
        return _asked_or(config.train.precision, "bf16", reason)
    reason = "training images in bf16 was slower on CPUs, as measured"
    if machine.device == "cpu" and not machine.bf16:
        reason = "this CPU has no bf16"
    if machine.device != "cpu":
        reason = f"bf16 is not fast on this {machine.device} device"
    return _asked_or(config.train.precision, "fp32", reason)


def channels_last(facts: Facts) -> Decision[bool]:
    """Whether images lie in memory channel by channel of each pixel."""
    if facts.model.image_size is None:
        return Decision(False, "the inputs are no images")
    if facts.machine.device == "mps":
        return Decision(False, "no gain is known on mps")
    return Decision(True, "convolutions are faster so; 36 against 58 ms an image on a CPU, as measured")


def optimiser(config: Config) -> Decision[str]:
    """Which optimiser."""
    return _asked_or(config.train.optimiser, "adamw", "with bias correction, stable on small sets")


def weight_decay(config: Config) -> Decision[float]:
    """Strength of the decay, in the optimiser's own units."""
    name = optimiser(config).value
    return _asked_or(config.train.weight_decay, WEIGHT_DECAY[name], f"the usual one of {name}")


def schedule(config: Config) -> Decision[str]:
    """Shape of the rate over a phase, after its warm-up."""
    return _asked_or(config.train.schedule, "cosine", "ends each phase at low rates, with nothing to tune")


def patience(config: Config) -> int:
    """Validations without improvement before a phase ends."""
    return PATIENCE if config.train.patience is None else config.train.patience


def class_weights(config: Config, facts: Facts) -> Decision[str]:
    """Whether rare classes weigh more in the loss."""
    data = facts.data
    reason = "the classes are even enough" if data.largest else "there are no classes to be made even"
    if _uneven(data):
        reason = f"{_unevenly(data)}, but weights distort probabilities; 'balanced' turns them on"
    return _asked_or(config.train.class_weights, "none", reason)


def folds(config: Config, facts: Facts, *, wanted: bool) -> Decision[int]:
    """How often training and validation data are divided anew.

    Args:
        config: the request.
        facts: of the data.
        wanted: whether the technique asks for it where there are few validation examples.
    """
    count = facts.data.val
    if wanted and count < FEW_VALIDATION:
        tell = counted(count, "validation example tells", "validation examples tell")
        reason = f"{tell} too little, so that more are held out, in turns"
        return _asked_or(config.train.folds, FOLDS, reason)
    reason = f"{count} validation examples decide" if wanted else "trained once"
    return _asked_or(config.train.folds, 1, reason)


def batch_norm(config: Config) -> Decision[str]:
    """What BatchNorm layers do in boundaries that are trained."""
    reason = "pretrained statistics beat those of small batches"
    return _asked_or(config.train.batch_norm, "frozen", reason)


def head(config: Config, trained: Sequence[Phase], *, begins: str) -> Decision[Head]:
    """What is put on the backbone.

    Args:
        config: the request.
        trained: phases of the plan.
        begins: as of `Budget.head`.

    Raises:
        ConfigError: it has layers that would never be trained.
    """
    asked = config.model.head
    if begins == "none" and asked != Head():
        raise ConfigError("model.head: this task's head is the checkpoint's own.", "Leave it out.")
    if asked.hidden and not trained:
        raise ConfigError(
            f"model.head.hidden: a linear probe has no hidden layers. Got {list(asked.hidden)}.",
            "Leave it empty, or choose --technique two-phase.",
        )
    if asked != Head():
        return Decision(asked, ASKED)
    reasons = {
        "solution": "linear, so that it begins at a solution that is there",
        "random": "linear, and begins with random weights",
        "none": "the checkpoint's own, as part of the network",
    }
    return Decision(asked, reasons[begins])


def phases(
    config: Config, found: tuple[Phase, ...], budget: Budget, *, has_probe: bool
) -> Decision[tuple[Phase, ...]]:
    """Why the technique's phases are as long as they are.

    Raises:
        ConfigError: nothing would be trained, or nothing of it can be.
    """
    if not has_probe and any(phase.contrast for phase in found):
        raise ConfigError(
            "technique.name: this task's examples have no labels as a whole, by which pairs could be told.",
            "Choose --technique full.",
        )
    if not found and not has_probe:
        raise ConfigError(
            "technique.name: this task has no linear probe, and the technique trains nothing else here.",
            "Choose --technique full, and freeze fewer layers (model.freeze) where all are frozen.",
        )
    if not found:
        return Decision(found, "the probe alone")
    steps = sum(phase.epochs for phase in found) * budget.steps_per_epoch
    reasons = [
        "as many epochs as asked for" if config.train.epochs else "steps matter, not epochs",
        f"at most {counted(steps, 'step')}, {budget.steps_per_epoch} an epoch",
    ]
    if budget.patience:
        reasons.append(f"{budget.patience} validations without improvement end a phase")
    return Decision(found, "; ".join(reasons))


def augment(config: Config, facts: Facts) -> Decision[Augmentation]:
    """How training images vary. A piece that the user set stays, whatever the labels."""
    data, pieces = facts.data, config.augment
    if facts.model.image_size is None:
        return Decision(Augmentation(), "texts stay as they are")
    small = data.median_side < SMALL_IMAGE
    policy = _asked_or(pieces.policy, "medium", "the usual one for photos")
    if pieces.policy is None and small:
        policy = Decision("light", f"images of {data.median_side} px lose their detail soon")
    if pieces.policy is None and data.mirror_sensitive:
        policy = Decision("light", "signs keep their shape")
    reasons = [policy.reason]
    off: dict[str, Any] = {}
    if data.mirror_sensitive:
        off |= {"horizontal_flip": 0.0, "vertical_flip": 0.0, "crop": 1.0}
        named = ", ".join(f"'{label}'" for label in data.mirror_sensitive[:3])
        reasons.append(f"no flips and no crops, which would change {named}")
    if data.grey == 1:
        off |= {"saturation": 0.0, "hue": 0.0}
        reasons.append("no colour changes, since the images are grey")
    chosen = {name: value for name, value in off.items() if getattr(pieces, name) is None}
    resolved = resolve_augmentation(policy.value, replace(pieces, **chosen))
    return Decision(resolved, "; ".join(reasons))


def _left_open(config: Config) -> bool:
    return config.technique.name in (None, AUTO)


def _uneven(data: DataFacts) -> bool:
    return uneven(data.smallest, data.largest)


def _unevenly(data: DataFacts) -> str:
    ratio = data.largest / max(data.smallest, 1)
    return f"the commonest class has {ratio:.0f} times the examples of the rarest"


def _asked_or(asked: T | None, otherwise: T, reason: str) -> Decision[T]:
    return Decision(otherwise, reason) if asked is None else Decision(asked, ASKED)
