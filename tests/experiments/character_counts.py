"""The part of `character_models` that needs no training: equal probabilities and counts of n-grams."""

from __future__ import annotations

from dataclasses import replace

from .character_models import EXPERIMENT as MODELS

EXPERIMENT = replace(MODELS, name="character-counts", grid=tuple(row for row in MODELS.grid if not row["rate"]))
