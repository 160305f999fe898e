"""The commands: see ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from . import others, report, results
from .cases import BATCHES, CELLS, JOBS, SIZES, Case
from .goals import rows as rows_of
from .machine import machine, moment, versions
from .statistics import mean_of_medians
from .training import points

Options = argparse.Namespace
TRAINING = ("ours", "pytorch", "jax_scan", "jax_scan-1", "floor", "ours_new", "textbook", "autograd_numpy", "numpy_ml")
BEFORE = ("ours", "jax_scan", "jax_scan-1", "floor", "textbook", "autograd_numpy")
HALVES = ("ours_halves", "ours_whole", "ours")  # two threads of its own, none, those of BLAS
ABLATION = (*(f"ablation-{k}" for k in range(6)), "ours")


def chosen_cases(options: Options, cells: tuple[str, ...] = CELLS, dtype: str = "float32") -> list[Case]:
    """List the points of the chosen sizes."""
    sizes = [SIZES[int(k)] for k in options.sizes.split(",")] if options.sizes else SIZES
    return [Case(cell, *size, dtype) for size in sizes for cell in cells]


def point_rows(peers: Sequence[str], cases: Iterable[Case], options: Options, threads: int = 1) -> list[Any]:
    """Measure points as the options say; processor time counts threads twice, so two threads go by the clock."""
    clock = options.clock if threads == 1 else "seconds"
    return points(peers, cases, threads, options.rounds, options.budget, clock=clock)


PARTS: dict[str, Callable[[Options], list[Any]]] = {  # how each part of the results is measured
    "training": lambda o: point_rows(TRAINING, chosen_cases(o), o),
    "job": lambda o: points(
        ("ours", "pytorch"),
        [Case(cell, *size) for size in JOBS for cell in CELLS],
        1,
        o.rounds,
        o.budget,
        "job",
        o.clock,
    ),
    "float64": lambda o: point_rows(("ours", "pytorch", "floor"), chosen_cases(o, dtype="float64"), o),
    "two threads": lambda o: point_rows(("ours", "pytorch", "jax_scan"), chosen_cases(o), o, threads=2),
    "reset before": lambda o: point_rows(BEFORE, chosen_cases(o, ("GRU before",)), o),
    "halves": lambda o: point_rows(HALVES, [Case(cell, *size) for size in BATCHES for cell in CELLS], o, threads=2),
    "ablation": lambda o: point_rows(ABLATION, chosen_cases(o, ("LSTM",))[:5], o),
    "latency": lambda o: others.latency(o.rounds, o.budget, o.clock),
    "saved": lambda o: others.saved(),
    "long": lambda o: others.long(o.rounds, o.budget, clock=o.clock),
    "import": lambda o: others.importing(o.rounds),
}


def run(options: Options) -> None:
    """Measure the parts, one after another, and store each as soon as it is there."""
    here, began = machine(), moment()
    path = options.file or results.path_for(here, began["date"])
    stored = results.read(path) if path.exists() else {"schema": results.SCHEMA, "parts": {}}
    if stored.get("machine", here) != here:
        raise SystemExit(f"{path} is from another machine")
    stored |= {"machine": here, "versions": versions()}
    for name in options.parts.split(","):
        print(f"\n{name}", file=sys.stderr)
        now = moment()
        found = PARTS[name](options)
        clock = "seconds" if name in ("two threads", "halves") else options.clock
        settings = {"rounds": options.rounds, "budget": options.budget, "clock": clock}
        stored["parts"][name] = now | {"load after": moment()["load"], "settings": settings, "rows": found}
        results.write(path, stored)
    make_report(path)


def make_report(path: Path) -> None:
    """Write the tables and the plots beside a file of results, and print the goals."""
    read = results.read(path)
    path.with_suffix(".md").write_text(report.markdown(read), "utf8")
    try:
        import matplotlib
    except ImportError:
        print("matplotlib is not installed: no plots", file=sys.stderr)
    else:
        from . import plots

        matplotlib.use("svg")
        matplotlib.rcParams["svg.hashsalt"] = "rnncourse"  # the same file from the same numbers
        for part, draw in (("training", plots.training_figure), ("ablation", plots.ablation_figure)):
            if part in read["parts"]:
                draw(read).savefig(path.with_name(f"{path.stem}-{part}.svg"), metadata={"Date": None})
    print(f"\n{path.with_suffix('.md')}\n\n{report.goals_table(read)}")


def quick(options: Options) -> None:
    """Measure a few points in less than a minute, and print them beside what was stored last."""
    path = results.latest()
    stored = {}
    if path:
        parts = results.read(path)["parts"]
        stored = {str(Case(**row["case"])): row["ratios"] for row in parts.get("training", {"rows": []})["rows"]}
    cases = [Case(cell, *SIZES[k]) for k in (0, 2, 3) for cell in CELLS]
    found = points(("ours", "pytorch", "floor"), cases, 1, 7, 1.2, clock=options.clock)
    print(f"\n{'':34}{'now':>24}{'stored':>24}")
    for row in found:
        case = str(Case(**row["case"]))
        for peer, now in row["ratios"].items():
            then = stored.get(case, {}).get(peer)
            shown = [f"{r['median']:.2f} ({r['low']:.2f}–{r['high']:.2f})" if r else "" for r in (now, then)]
            print(f"{case:42}{peer:10}{shown[0]:>20}{shown[1]:>24}")
    print(f"stored: {path.name if path else 'nothing'}")


def ratios(options: Options) -> None:
    """Print ratios, and their geometric means, without storing anything."""
    peers = options.peers.split(",")
    if options.against:
        peers.insert(1, f"ours@{options.against}")
    chosen = tuple(options.cells.split(","))
    part = {"rows": point_rows(peers, chosen_cases(options, chosen, options.dtype), options, options.threads)}
    found = {"parts": {"now": part}}
    for name in dict.fromkeys(name for row in part["rows"] for name in row["ratios"]):
        for cells in (*((cell,) for cell in chosen), chosen):
            rounds = [row["ratios"][name]["rounds"] for row in rows_of(found, "now", cells) if name in row["ratios"]]
            if rounds:
                mean = mean_of_medians(rounds)
                print(f"{peers[0]} / {name}, {', '.join(cells)}: {mean['median']:.3f} "
                      f"({mean['low']:.3f} to {mean['high']:.3f})")  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    top = argparse.ArgumentParser(prog="python -m benchmarks", description=sys.modules["benchmarks"].__doc__,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    commands = top.add_subparsers(required=True)
    clock = {"default": "seconds", "choices": ("seconds", "cpu"), "help": "cpu is steadier on a busy machine"}

    one = commands.add_parser("run", help="measure everything, or some parts, and store it")
    one.set_defaults(run=run)
    one.add_argument("--parts", default=",".join(PARTS), help=", ".join(PARTS))
    one.add_argument("--rounds", type=int, default=15)
    one.add_argument("--budget", type=float, default=20.0, help="seconds a point")
    one.add_argument("--sizes", help=f"places in {SIZES}; all, if not given")
    one.add_argument("--clock", **clock)
    one.add_argument("--file", type=Path, help="where to store; by default results/DATE-PROCESSOR.json")

    one = commands.add_parser("report", help="make tables and plots of a results file, by default the newest")
    one.set_defaults(run=lambda options: make_report(options.file or results.latest()))
    one.add_argument("file", type=Path, nargs="?")

    one = commands.add_parser("quick", help="a few points in less than a minute, beside what was stored last")
    one.set_defaults(run=quick)
    one.add_argument("--clock", **clock)

    one = commands.add_parser("ratios", help="print ratios at some points or all, and store nothing")
    one.set_defaults(run=ratios)
    one.add_argument("--peers", default="ours,pytorch", help="modules of peers/, the first over each of the others")
    one.add_argument("--against", help="compare with the package of another checkout, too")
    one.add_argument("--cells", default=",".join(CELLS), help="RNN, GRU, GRU before, LSTM")
    one.add_argument("--sizes", help="as above")
    one.add_argument("--dtype", default="float32")
    one.add_argument("--threads", type=int, default=1)
    one.add_argument("--rounds", type=int, default=9)
    one.add_argument("--budget", type=float, default=4.0, help="seconds a point")
    one.add_argument("--clock", **clock)
    return top


if __name__ == "__main__":
    chosen = parser().parse_args()
    chosen.run(chosen)
