"""What a look at a service does unless it is told otherwise."""

from __future__ import annotations

# Predictions that are judged together.
WINDOW = 200
# The share of windows without any change that may ring: one a day rings about four times a year.
ALPHA = 0.01
# A smaller share needs more permutations than anybody waits for.
LEAST_ALPHA = 1e-4
# Predictions of a window that are drawn by lot to be labelled, at most.
DRAWN = 100
