"""Runs that are too long for a notebook. `make experiments` makes them; `tidy` says in which form they are stored."""

from importlib import import_module

MODULES = (
    "agreement_distance", "forget_bias_lag", "recall_delay", "recall_gates", "carousel_ablation", "hold_gates",
    "museum_tasks", "copy_width", "sunspot_rivals", "letters_window", "window_gap", "window_data", "window_sharing",
    "stream_state", "temporal_order", "truncation", "character_models", "character_reader",
    "gaps_tagging", "digits_depth", "digits_dropout", "dropout_memory", "memory_tests", "memory_adder", "memory_edges",
)  # fmt: skip
EXPERIMENTS = {
    experiment.name: experiment
    for module in (import_module(f"{__name__}.{name}") for name in MODULES)
    for experiment in getattr(module, "EXPERIMENTS", None) or [module.EXPERIMENT]
}
