"""From a table of paths and labels, with photos that belong together, to scores on fresh data.

The table has a column `hive`. Photos of one hive resemble each other, so a hive must not be on
two sides of the split: the score would be that of hives the model knows.

    path,label,hive
    photos/ant/00.jpg,ant,ant-hive-0
"""

import headstart as hs

TABLE = "photos.csv"

for finding in hs.check(TABLE, {"data.label": "label", "data.group": "hive"}):
    print(f"{finding.level}: {finding.text}")

run = hs.fit(TABLE, label="label", group="hive", settings={"augment.policy": "light"})

for name, score in run.test.metrics.items():
    print(f"{name:<20}{score.value:.3f}")

# Data that came later, in a table with the same columns.
fresh = hs.evaluate(run.path, "fresh.csv")
print(f"on {fresh.n} fresh photos: accuracy {fresh.accuracy:.3f}")
