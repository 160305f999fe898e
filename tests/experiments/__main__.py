"""Run experiments: all, or those that are named. Says how long each took, stored and now."""

from __future__ import annotations

import sys

from . import EXPERIMENTS
from .tidy import make, read

names = sys.argv[1:] or list(EXPERIMENTS)
if unknown := [name for name in names if name not in EXPERIMENTS]:
    sys.exit(f"No experiment {unknown[0]!r}; there are: {', '.join(EXPERIMENTS)}")
for name in names:
    experiment = EXPERIMENTS[name]
    last = f"{read(experiment.path)[0]['minutes']:.1f} minutes" if experiment.path.exists() else "not run yet"
    print(f"{name}: {len(experiment.grid)} runs; stored: {last}", flush=True)
    print(f"{name}: took {make(experiment) / 60:.1f} minutes of one processor", flush=True)
