"""Two figures of a results file; as SVG in the folder of results, and on the book's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .goals import rows
from .report import sizes
from .results import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PEERS = (("pytorch", "PyTorch", "o", "C0"), ("jax_scan", "JAX", "s", "C1"), ("floor", "floor", "D", "C2"))
STYLES = ("-", "--", "-.", ":", (0, (6, 2, 1, 2, 1, 2)))


def training_figure(results: Results) -> Figure:
    """Draw the package's time over that of each program, point by point, on a logarithmic axis."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(4.6, 6.2), layout="constrained")
    found: list[Any] = [row for cell in ("RNN", "GRU", "LSTM") for row in rows(results, "training", (cell,))]
    for place, row in enumerate(found):
        for (peer, name, marker, colour), shift in zip(PEERS, (-0.2, 0, 0.2), strict=True):
            if peer not in row["ratios"]:
                continue
            r = row["ratios"][peer]
            axis.plot([r["low"], r["high"]], [place + shift] * 2, color=colour, linewidth=1)
            axis.plot(r["median"], place + shift, marker, color=colour, markersize=5, label=name if not place else None)
    axis.axvline(1, color="black", linewidth=0.8)
    for edge in (5.5, 11.5):
        axis.axhline(edge, color="black", linewidth=0.4)
    axis.set_xscale("log")
    ticks = [0.1, 0.2, 0.5, 1, 2, 4]
    axis.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axis.minorticks_off()
    axis.set_yticks(range(len(found)), [f"{row['case']['cell']}  {sizes(row)}" for row in found], fontsize=9)
    axis.invert_yaxis()
    axis.grid(axis="x", linewidth=0.3)
    axis.set_xlabel("time of the package over the other's")
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def ablation_figure(results: Results) -> Figure:
    """Draw the speed-up of the LSTM, trick after trick, a line for each size."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(4.6, 3.8), layout="constrained")
    tricks = (
        "loop",
        "products\nout",
        "weights\ncopied",
        "out=,\none tanh",
        "slopes\nchunked",
        "flat\ntape",
    )
    found = results["parts"]["ablation"]["rows"]
    for row, style, marker in zip(found, STYLES, "osD^v", strict=False):
        gains = [1.0, *(row["ratios"][f"ablation-{k}"]["median"] for k in range(1, 6))]
        axis.plot(range(6), gains, linestyle=style, marker=marker, markersize=5, label=sizes(row))
    axis.set_xticks(range(6), tricks, fontsize=8)
    axis.set_yscale("log")
    ticks = [0.8, 1, 1.5, 2, 3, 4, 6]
    axis.set_yticks(ticks, [f"{t:g}" for t in ticks])
    axis.minorticks_off()
    axis.grid(axis="y", linewidth=0.3)
    axis.set_ylabel("speed-up over the loop")
    figure.legend(loc="outside upper center", ncols=2, title="T, B, n_x, n_a", fontsize=9, frameon=False)
    return figure
