"""The optimiser: a rate for every part, its state by the parameter's name. Knows no schedule."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer

from headstart.planning.plan import OptimiserPlan
from headstart.training.freezing import Parameters


def build_optimiser(
    plan: OptimiserPlan, groups: Mapping[str, Parameters], rates: Mapping[str, float]
) -> Optimizer:
    """An optimiser in which every part has its peak rate.

    Parameters of one axis, which are biases and the scales of normalisations, are not decayed.

    Args:
        plan: which optimiser, and its constants.
        groups: the trainable parameters by name, by part; nothing else gets a state.
        rates: peak rate by part.
    """
    settings = [
        {"params": chosen, "peak": rates[part], "lr": rates[part], "weight_decay": decay}
        for part, parameters in groups.items()
        for decay, chosen in (
            (plan.weight_decay, [value for value in parameters.values() if value.ndim > 1]),
            (0.0, [value for value in parameters.values() if value.ndim <= 1]),
        )
        if chosen
    ]
    # Fused: one call for all parameters of a group, on every device.
    match plan.name:
        case "sgd":
            return SGD(settings, momentum=plan.momentum, fused=True)
        case "adam":
            return Adam(settings, fused=True)
        case _:
            return AdamW(settings, fused=True)


def set_rates(optimiser: Optimizer, factor: float) -> None:
    """Set every rate to a share of its peak."""
    for group in optimiser.param_groups:
        group["lr"] = group["peak"] * factor


def optimiser_tensors(optimiser: Optimizer, parameters: Parameters) -> dict[str, Tensor]:
    """The state as tensors named ``KIND/PARAMETER``: ``exp_avg/head.weight``."""
    return {
        f"{kind}/{name}": value
        for name, parameter in parameters.items()
        for kind, value in optimiser.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }


def load_optimiser_tensors(optimiser: Optimizer, parameters: Parameters, saved: Mapping[str, Tensor]) -> None:
    """Put back what `optimiser_tensors` gave."""
    for key, value in saved.items():
        kind, name = key.split("/", 1)
        parameter = parameters[name]
        # In the parameter's own memory layout: in another, rounding may differ in the last bit.
        # The count of steps alone has its own shape.
        layout = value.to(parameter.device) if kind == "step" else parameter
        place = torch.empty_like(layout, requires_grad=False)
        optimiser.state[parameter][kind] = place.copy_(value)
