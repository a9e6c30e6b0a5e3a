"""Which layers learn, and how fast: seen before training, then trained.

A boundary is a place where a network can be cut: a block, or a layer that stands alone. What is
frozen, and what learns at which rate, is said by the names of boundaries.
"""

import headstart as hs
from headstart.sources.resolve import load

MODEL = "builtin:efficientnet-lite0"

names = [boundary.name for boundary in load(MODEL).boundaries]
print(f"{len(names)} boundaries, stem to head: {', '.join(names)}")

request = {
    "model.name": MODEL,
    "model.freeze": 0.5,  # the first half is never trained, whatever the technique
    "technique.name": "gradual-unfreezing",
    "technique.options.groups": 2,
    "technique.options.factor": 2.6,
    "train.epochs": 8,
}

# The plan trains nothing: it says what would be done, and why.
for phase in hs.plan("photos", request).phases:
    print(f"\n{phase.name}: {phase.epochs} epochs")
    for part, rate in phase.rates.items():
        print(f"  {part:<12} {rate:.2g}")

run = hs.fit("photos", settings=request)
print(f"\naccuracy {run.test.accuracy:.3f}")
