"""Tables and plots of a results file: for the terminal, for the folder of results, for the book's page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .goals import NUMPY, TEXTBOOK, rows, slower, verdicts
from .results import Results
from .statistics import mean_of_medians

Row = dict[str, Any]
TRICKS = (
    "the cell in a loop",
    "products outside the loop",
    "transposed weights copied once",
    "`out=`, and one tanh",
    "slopes a chunk at a time",
    "gates on a contiguous tape",
)


def table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Write a Markdown table, the columns after the first set right."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def spread(r: dict[str, float]) -> str:
    """Write a figure and its interval, in one piece."""
    return f"{r['median']:.2f}\N{NO-BREAK SPACE}({r['low']:.2f}–{r['high']:.2f})"


def ratio(row: Row, peer: str) -> str:
    """Write a median and its quartiles."""
    return spread(row["ratios"][peer]) if peer in row["ratios"] else ""


def sizes(row: Row) -> str:
    """Write T, B, n_x and n_a."""
    return ",\N{NO-BREAK SPACE}".join(f"{row['case'][name]}" for name in ("T", "B", "n_x", "n_a"))


def mean_line(found: list[Row], peers: Sequence[str]) -> list[str]:
    """Write the geometric means, for the last line of a table."""
    cells = []
    for peer in peers:
        rounds = [row["ratios"][peer]["rounds"] for row in found if peer in row["ratios"]]
        if not rounds:
            cells.append("")
            continue
        cells.append(spread(mean_of_medians(rounds)))
    return cells


def ratios_table(results: Results, part: str, peers: dict[str, str]) -> str:
    """Write the package's time over that of other programs, a line for each point."""
    found = results["parts"][part]["rows"]
    body = [[row["case"]["cell"], sizes(row), *(ratio(row, peer) for peer in peers)] for row in found]
    body.append(["geometric mean", "", *mean_line(found, list(peers))])
    return table(["cell", "T, B, n_x, n_a", *peers.values()], body)


def numpy_table(results: Results) -> str:
    """Write how many times slower other NumPy code is."""
    names = {"textbook": "textbook loop", "autograd_numpy": "autograd", "numpy_ml": "numpy-ml"}
    body = []
    for row in rows(results, "training"):
        times = [f"{1 / row['ratios'][p]['median']:.1f}" if p in row["ratios"] else "" for p in TEXTBOOK + NUMPY]
        body.append([row["case"]["cell"], sizes(row), *times, f"{slower(row):.1f}"])
    return table(["cell", "T, B, n_x, n_a", *(names[p] for p in TEXTBOOK + NUMPY), "fastest"], body)


def goals_table(results: Results) -> str:
    """Write the goals and what became of them."""
    body = []
    for goal, value, verdict in verdicts(results):
        sign = "≥\N{NO-BREAK SPACE}" if goal.least else "≤\N{NO-BREAK SPACE}"
        shown = "" if value is None else f"{value:.2f}"
        if value is not None and "float64" in goal.what and (points := len(rows(results, "float64"))) < 18:
            shown += f" ({points} points)"
        body.append([goal.what, shown, f"{sign}{goal.goal:g}", f"{sign}{goal.gate:g}", verdict])
    return table(["time of the package over that of …", "measured", "goal", "gate", "verdict"], body)


def halves_table(results: Results) -> str:
    """Write what two threads bring to ever larger batches."""
    body = []
    for row in results["parts"]["halves"]["rows"]:
        B, n = row["case"]["B"], row["case"]["n_a"]
        body.append([row["case"]["cell"], str(B), str(n), f"{B * n:,}", ratio(row, "ours_whole"), ratio(row, "ours")])
    return table(["cell", "B", "n_a", "B · n_a", "halves over one thread", "halves over two threads of BLAS"], body)


def latency_table(results: Results) -> str:
    """Write microseconds of one step of a stream, and ratios."""
    body = []
    for row in results["parts"]["latency"]["rows"]:
        times = [
            f"{1e6 * row['seconds'][p]:.1f}" if p in row["seconds"] else "" for p in ("ours", "pytorch", "onnx_runtime")
        ]
        body.append(
            [row["case"]["cell"], str(row["case"]["n_a"]), *times, ratio(row, "pytorch"), ratio(row, "onnx_runtime")]
        )
    head = ["cell", "n_a", "package, µs", "PyTorch, µs", "ONNX Runtime, µs", "over PyTorch", "over ONNX Runtime"]
    return table(head, body)


def saved_table(results: Results) -> str:
    """Write megabytes kept for the backward pass."""
    body = []
    for row in results["parts"]["saved"]["rows"]:
        kept = row["bytes"]
        mine, theirs = kept["ours"] / 1e6, kept["pytorch"] / 1e6
        body.append([row["case"]["cell"], sizes(row), f"{mine:.1f}", f"{theirs:.1f}", f"{mine / theirs:.2f}"])
    return table(["cell", "T, B, n_x, n_a", "package, MB", "PyTorch, MB", "ratio"], body)


def long_table(results: Results) -> str:
    """Write time and memory per step over long sequences."""
    body = []
    for row in results["parts"]["long"]["rows"]:
        us, kept = row["seconds_a_step"], row["bytes_a_step"]
        body.append([
            f"{row['case']['T']:,}",
            f"{1e6 * us['ours_new']:.1f}", f"{1e6 * us['ours_checkpointed']:.1f}", f"{row['ratio']['median']:.2f}",
            f"{kept['ours_new']:,.0f}", f"{kept['ours_checkpointed']:,.0f}",
        ])  # fmt: skip
    return table(["T", "µs a step", "with checkpoints", "ratio", "peak bytes a step", "with checkpoints"], body)


def ablation_table(results: Results) -> str:
    """Write the speed-ups of the LSTM, trick after trick."""
    found = results["parts"]["ablation"]["rows"]
    body = [[TRICKS[0], *("1.00" for _ in found)]]
    for k, trick in enumerate(TRICKS[1:], 1):
        body.append([trick, *(f"{row['ratios'][f'ablation-{k}']['median']:.2f}" for row in found)])
    if all("ours" in row["ratios"] for row in found):
        body.append(["the package", *(f"{row['ratios']['ours']['median']:.2f}" for row in found)])
    return table(["LSTM, with one more trick a line", *(sizes(row) for row in found)], body)


def provenance(results: Results, part: str) -> str:
    """Say where and when a part was measured."""
    m, p = results["machine"], results["parts"][part]
    points = f", {len(p['rows'])} points" if part in ("training", "float64", "two threads") else ""
    rounds = {len(r["rounds"]) for row in p["rows"] for r in row.get("ratios", {}).values()}
    how = f", {min(rounds)} to {max(rounds)} rounds" if rounds else ""
    clock = {"cpu": ", processor time"}.get(p["settings"].get("clock"), "")
    busy = f"load {p['load'][0]:g} before and {p['load after'][0]:g} after" if p["load"] else "load unknown"
    return f"{p['date']}, commit {p['commit']}, {m['cpu']}, {m['cores']} cores, {busy}{points}{how}{clock}"


TABLES: dict[str, tuple[str, Any]] = {
    "training": (
        "Training step, float32, one thread",
        lambda r: ratios_table(r, "training", {
            "pytorch": "PyTorch", "jax_scan": "JAX", "jax_scan-1": "JAX, products outside the loop",
            "floor": "the floor", "ours_new": "the package without a workspace",
        }),
    ),
    "job": (
        "A whole training job: one-hot characters, softmax loss, clipping and Adam, float32, one thread",
        lambda r: ratios_table(r, "job", {"pytorch": "PyTorch"}),
    ),
    "float64": (
        "Training step, float64, one thread",
        lambda r: ratios_table(r, "float64", {"pytorch": "PyTorch", "floor": "the floor"}),
    ),
    "two threads": (
        "Training step, float32, two threads",
        lambda r: ratios_table(r, "two threads", {"pytorch": "PyTorch", "jax_scan": "JAX"}),
    ),
    "halves": ("Halves: the two halves of a batch on two threads, float32, T = 20, n_x = 64", halves_table),
    "reset before": (
        "Training step of the GRU that resets before the product, float32, one thread",
        lambda r: ratios_table(r, "reset before", {
            "jax_scan": "JAX", "jax_scan-1": "JAX, products outside the loop", "floor": "the floor",
            "textbook": "textbook loop", "autograd_numpy": "autograd",
        }),
    ),
    "ablation": ("What each trick brings to the LSTM (speed-up over the loop)", ablation_table),
    "latency": ("One step of a stream, B = 1, n_x = 64", latency_table),
    "saved": ("Kept for the backward pass", saved_table),
    "long": ("Long sequences: LSTM, B = 1, n_x = 32, n_a = 64", long_table),
    "import": (
        "Import",
        lambda r: "A layer's import takes {median:.2f} ({low:.2f}–{high:.2f}) times NumPy's own, which it includes."
        .format(**r["parts"]["import"]["rows"][0]["ratio"]),
    ),
}  # fmt: skip


def markdown(results: Results) -> str:
    """Write all that was measured."""
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    m = results["machine"]
    parts = [
        "# How fast",
        "Made from the JSON file of the same name by `python -m benchmarks report`; ratios below 1 mean that "
        "the package is faster. In parentheses: quartiles of the rounds; of means, a 90 % interval.",
        f"{m['cpu']}, {m['cores']} cores, {m['system']}, Python {m['python']}, {m['blas']}; {versions}.",
        "## Goals",
        goals_table(results),
    ]
    for name, (title, make) in TABLES.items():
        if name in results["parts"]:
            parts += [f"## {title}", provenance(results, name) + ".", make(results)]
            if name == "training":
                parts += ["How many times slower other NumPy code is:", numpy_table(results)]
    return "\n\n".join(parts) + "\n"
