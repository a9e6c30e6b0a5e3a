"""What stands for a network where another engine computes it. Knows no engine by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from torch import Tensor, nn

from headstart.errors import BundleError

# What the head gives, divided by the temperature, and (B, D) features where the task has one row of them.
Outcome = tuple[Tensor, Tensor | None]
Compute = Callable[[Mapping[str, Tensor]], Outcome]


def outcome(names: Sequence[str], values: Iterable[Tensor]) -> Outcome:
    """What a task reads, from all that a graph gives.

    Args:
        names: of the graph's outputs.
        values: in their order.

    Raises:
        BundleError: the names are not those of what is given.
    """
    given = list(values)
    if len(given) != len(names) or "logits" not in names:
        raise BundleError(
            f"The export gives {len(given)} outputs, but bundle.json names {', '.join(names) or 'none'}.",
            "Restore it from a copy, or export again.",
        )
    by_name = dict(zip(names, given, strict=True))
    return by_name["logits"], by_name.get("features")


class Exported(nn.Module):
    """A network without weights of its own: an engine computes it, from as many inputs as there are.

    Args:
        compute: inputs by name, with a batch axis, on the CPU; may be called from several threads.
        engine: its name, for people.
        abreast: calls that it computes beside each other no slower than one after another.
    """

    def __init__(self, compute: Compute, engine: str, *, abreast: int = 1) -> None:
        super().__init__()
        self.compute = compute
        self.engine = engine
        self.abreast = abreast

    def forward(self, **inputs: Tensor) -> Tensor:
        """Inputs by name to what the head gives."""
        return self.compute(inputs)[0]
