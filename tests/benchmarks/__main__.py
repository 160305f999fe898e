"""The commands: see ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import sys

from .cases import CELLS, SIZES, Case
from .statistics import mean_of_medians
from .training import points


def ratios(options: argparse.Namespace) -> None:
    """Print ratios, and their geometric means, without storing anything."""
    peers = options.peers.split(",")
    if options.against:
        peers.insert(1, f"ours@{options.against}")
    sizes = [SIZES[int(k)] for k in options.sizes.split(",")] if options.sizes else SIZES
    cases = [Case(cell, *size, options.dtype) for size in sizes for cell in options.cells.split(",")]
    rows = points(peers, cases, options.threads, options.rounds, options.budget, clock=options.clock)
    names = dict.fromkeys(name for row in rows for name in row["ratios"])
    for name in names:
        for cell in (*options.cells.split(","), "all"):
            found = [r for r in rows if name in r["ratios"] and cell in (r["case"]["cell"], "all")]
            if found:
                mean = mean_of_medians(r["ratios"][name]["rounds"] for r in found)
                print(f"{peers[0]} / {name}, {cell}: {mean['median']:.3f}  ({mean['low']:.3f} to {mean['high']:.3f})")


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    top = argparse.ArgumentParser(prog="python -m benchmarks", description=sys.modules["benchmarks"].__doc__,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    commands = top.add_subparsers(required=True)
    one = commands.add_parser("ratios", help="print ratios at some points or all, and store nothing")
    one.set_defaults(run=ratios)
    one.add_argument("--peers", default="ours,pytorch", help="modules of peers/, the first over each of the others")
    one.add_argument("--against", help="compare with the package of another checkout, too")
    one.add_argument("--cells", default=",".join(CELLS), help="RNN, GRU, GRU before, LSTM")
    one.add_argument("--sizes", help=f"places in {SIZES}")
    one.add_argument("--dtype", default="float32")
    one.add_argument("--threads", type=int, default=1)
    one.add_argument("--rounds", type=int, default=9)
    one.add_argument("--budget", type=float, default=4.0, help="seconds a point")
    one.add_argument("--clock", default="seconds", choices=("seconds", "cpu"), help="cpu is steadier on a busy machine")
    return top


if __name__ == "__main__":
    chosen = parser().parse_args()
    chosen.run(chosen)
