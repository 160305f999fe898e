"""The book's symbol tables: LaTeX on the right, the quantity's name in the package on the left.

A key that begins with ``d `` is the gradient of the loss with respect to the rest. This table, the equations and the
package are all that is written by hand: reading, printing and checking follow from them.
"""

from __future__ import annotations

from .symbols import INDICES, Notation

__all__ = [
    "ADAM",
    "BIDIRECTIONAL",
    "DEEP",
    "DEEP_RESIDUAL",
    "DROPPED",
    "FACTS",
    "FEEDFORWARD",
    "GRU",
    "GRU_AFTER",
    "LANGUAGE_MODEL",
    "LSTM",
    "LSTM_PEEPHOLES",
    "MEMORY",
    "PADDED",
    "RNN",
    "SEQUENCES",
    "UPDATES",
    "USE_GATE",
]

T = r"^{\langle t \rangle}"
LT = r"^{[l]\langle t \rangle}"
SIZES = {"T_x": "T", "T_y": "T", "T": "T", "n_x": "n_x", "n_a": "n_a", "n_c": "n_a", "n_y": "n_y", "m": "m"}
TANH = {"g": "g"}  # the activation of the state, by its general name


def gates(names: str, state: str, candidate: str = "c") -> dict[str, str]:
    """Return weights, biases, pre-activations of gates and candidate, and the gradients of these last."""
    rows: dict[str, str] = {}
    for k in names:
        mark = r"\tilde c" if k == "c" else k
        rows |= {f"W_{k}": f"W_{k}", f"W_{k}{state}": f"W_{{{k}{state}}}", f"W_{k}x": f"W_{{{k}x}}", f"b_{k}": f"b_{k}"}
        rows |= {f"z_{k}": f"z_{k}{T}", f"d z_{k}": f"\\delta_{{{mark}}}{T}"}
        if k != candidate:
            rows[f"gate_{k}"] = f"\\Gamma_{k}{T}"
    return rows


OUTPUT = {
    "x": f"x{T}", "y": f"y{T}", "a": f"a{T}", "z_y": f"z_y{T}", "yhat": rf"\hat y{T}", "L_t": f"L{T}", "L": "L",
    "J": "J", "W_ya": "W_{ya}", "b_y": "b_y", "d z_y": rf"\delta_y{T}", "d x": rf"\delta_x{T}", "alpha": r"\alpha",
    "n_theta": r"n_{\theta}",
}  # fmt: skip
CELL = {"c": f"c{T}", "cand": rf"\tilde c{T}", "d c": rf"\delta_c{T}"}

RNN = Notation(
    "the plain network",
    OUTPUT | {
        "z_a": f"z_a{T}", "W_aa": "W_{aa}", "W_ax": "W_{ax}", "W_a": "W_a", "b_a": "b_a", "d a": rf"\delta_a{T}",
        "d z_a": rf"\delta_z{T}", "jacobian": rf"\mathcal{{J}}{T}", "gamma": r"\gamma",
    },
    SIZES, functions=TANH,
)  # fmt: skip
FEEDFORWARD = Notation(
    "the network of two layers",
    {
        "x": "x", "y": "y", "yhat": r"\hat y", "L": "L", "W": "W^{[l]}", "b": "b^{[l]}", "z": "z^{[l]}", "a": "a^{[l]}",
        "d z": r"\delta^{[l]}",
    },
    {"n_x": "n_x", "n_a": "n_a", "n_y": "n_y", "N": "N"},
)  # fmt: skip
GRU = Notation("the GRU", OUTPUT | CELL | gates("urc", "c"), SIZES)
GRU_AFTER = Notation(
    "the GRU that resets after the product",
    {"b_cc": "b_{cc}", "z_cc": f"z_{{cc}}{T}", "d z_cc": rf"\delta_{{cc}}{T}"}, base=GRU,
)  # fmt: skip
LSTM = Notation("the LSTM", OUTPUT | CELL | gates("fuoc", "a") | {"d a": rf"\delta_a{T}"}, SIZES)
LSTM_PEEPHOLES = Notation("the LSTM with peepholes", {f"p_{k}": f"p_{k}" for k in "fuo"}, base=LSTM)
USE_GATE = Notation(
    "the cell of note 004",
    OUTPUT | CELL | gates("nifv", "a", candidate="n") | {
        "use": f"U{T}", "z_u": f"z_u{T}", "W_u": "W_u", "b_u": "b_u", "d z_u": rf"\delta_u{T}", "d a": rf"\delta_a{T}",
    },
    SIZES,
)  # fmt: skip
DEEP = Notation(
    "the deep network",
    {k: OUTPUT[k] for k in ("x", "y", "yhat", "z_y", "W_ya", "b_y", "L", "L_t", "J", "d z_y", "alpha")} | {
        "a": f"a{LT}", "z_a": f"z{LT}", "W_aa": "W_{aa}^{[l]}", "W_ax": "W_{ax}^{[l]}", "b_a": "b_a^{[l]}",
        "d a": rf"\delta_a{LT}", "d z_a": rf"\delta_z{LT}",
    },
    SIZES | {"N": "N"}, functions=TANH,
)  # fmt: skip
DEEP_RESIDUAL = Notation("the deep network with residual layers", {"h": f"h{LT}", "d h": rf"\delta_h{LT}"}, base=DEEP)
WAYS = {"fwd": r"\overrightarrow", "bwd": r"\overleftarrow"}
BIDIRECTIONAL = Notation(
    "the bidirectional network",
    {k: OUTPUT[k] for k in ("x", "y", "yhat", "z_y", "L", "L_t", "J", "d z_y", "d x", "alpha")}
    | {"W_ya": "W_y", "b_y": "b_y"}
    | {f"{way}_a": rf"{over}{{a}}{T}" for way, over in WAYS.items()}
    | {f"{way}_z_a": rf"{over}{{z}}{T}" for way, over in WAYS.items()}
    | {f"d {way}_a": rf"{over}{{\delta}}_a{T}" for way, over in WAYS.items()}
    | {f"d {way}_z_a": rf"{over}{{\delta}}_z{T}" for way, over in WAYS.items()}
    | {f"{way}_{w}": rf"{over}{{W}}_{{{w[2:]}}}" for way, over in WAYS.items() for w in ("W_aa", "W_ax")}
    | {f"{way}_b_a": rf"{over}{{b}}_a" for way, over in WAYS.items()},
    SIZES,
)  # fmt: skip
FACTS = Notation(
    "a number s, vectors z and g",
    {
        "s": "s", "v": "z", "p": r"\hat y", "g": "g", "clipped": r"\hat g", "theta": r"\theta",
        "clipped_entry": r"\bar g",
        "tau": r"\tau",
    },
    {"n": "n", "n_g": "n_g"},
    indices=INDICES - {"s", r"\tau"},
)  # fmt: skip
LANGUAGE_MODEL = Notation(
    "a language model",
    {
        "p_t": f"p{T}", "L_t": f"L{T}", "whole": "p", "perplexity": r"\mathcal{P}", "bits": "b",
        "v": "z", "tau": r"\tau", "p": r"\hat y",
        "counts": "c", "discount": "D", "followers": "N", "shorter": "r", "mixed": "q",
    },
    {"T": "T", "n": "n"},
    indices=INDICES - {r"\tau"},
)  # fmt: skip
K = r"^{\langle k \rangle}"
UPDATES = Notation(
    "the updates of an optimiser",
    {
        "w": f"w{K}", "g": f"g{K}", "velocity": f"v{K}", "square": f"s{K}", "alpha": r"\alpha", "beta": r"\beta",
        "eps": r"\varepsilon",
    },
    {"K": "T", "n": "n"}, indices=INDICES - {"s"},
)  # fmt: skip
ADAM = Notation(
    "the updates of Adam",
    {
        "w": f"w{K}", "g": f"g{K}", "mean": f"v{K}", "square": f"s{K}", "mean_hat": rf"\hat v{K}",
        "square_hat": rf"\hat s{K}", "alpha": r"\alpha", "beta1": r"\beta_1", "beta2": r"\beta_2",
        "eps": r"\varepsilon",
    },
    {"K": "T", "n": "n"}, indices=INDICES - {"s"},
)  # fmt: skip
DROPPED = Notation(
    "a layer with dropout",
    {"below": f"a{T}", "kept": f"r{T}", "dropped": rf"\tilde a{T}", "p_drop": "p"},
    {"T": "T", "T_x": "T", "n_x": "n_x", "n_a": "n_a"},
)  # fmt: skip
PADDED = Notation(
    "the batch of sequences of different lengths, and the streams",
    {
        "mask": rf"\mu{T}", "lengths": "T_x", "J_s": r"J_{\mathrm{steps}}", "J_m": r"J_{\mathrm{examples}}",
        "J_e": r"J_{\mathrm{each}}", "waste": r"\rho", "s": "s", "stream_x": f"u{T}", "stream_y": f"v{T}",
    },
    {"T_s": "T_s"}, base=RNN, indices=INDICES - {"s"},
)  # fmt: skip
SEQUENCES = Notation(
    "sequences, tables and sizes",
    {
        "P": f"P{T}", "p_t": f"p{T}", "n_table": r"n_{\mathrm{table}}", "n_theta": r"n_{\mathrm{recurrent}}",
        "n_window": r"n_{\mathrm{window}}", "volume": r"n_{\mathrm{data}}",
    },
    {"T": "T", "K": "K", "n": "n", "w": "w", "m": "m", "n_x": "n_x", "n_a": "n_a", "n_y": "n_y"},
)  # fmt: skip
MEMORY = Notation(
    "the tests of long memory",
    {
        "mean": r"\mu", "square": "q", "variance": "v", "constant": "b", "J_b": "J_b",
        "J_add": r"J_{\mathrm{adding}}", "J_one": r"J_{\mathrm{one}}", "J_copy": r"J_{\mathrm{copying}}",
        "J_three": "J_3", "J_ten": "J_{10}", "guess": "p", "J_order": r"J_{\mathrm{order}}",
        "J_half": r"J_{\mathrm{half}}", "J_reber": r"J_{\mathrm{Reber}}", "J_either": r"J_{\mathrm{either}}",
    },
    {"T": "T", "n": "n", "K": "K", "N": "N"}, indices=INDICES - {"q", "p"},
)  # fmt: skip
