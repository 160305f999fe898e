"""Exercises of the chapter on deep recurrent networks."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...layers.deep import Deep
from ...layers.rnn import RNN, RNNCellCache, rnn_cell_backward
from ...records import Array
from ..records import Derivation, Exercise, Kind, Mistake, Question, Sizes, Slip
from .drawing import normal

__all__ = ["EXERCISES"]


def deep_forward(x: Array, W_aa: Array, W_ax: list[Array], b_a: Array) -> Array:
    """Take a deep plain network over sequences, from zero states.

    Parameters
    ----------
    x : ndarray, shape (T, B, n_x)
        The inputs.
    W_aa, b_a : ndarray, shapes (L, n_a, n_a) and (L, n_a)
        Of the layers, from the bottom.
    W_ax : list of L ndarray
        The first of shape (n_a, n_x), the others (n_a, n_a).

    Returns
    -------
    a : ndarray, shape (T, L, B, n_a)
        The state of every layer after every step.
    """
    T, B, L = len(x), x.shape[1], len(W_aa)
    a = np.zeros((T, L, B, W_aa.shape[1]))
    state = np.zeros((L, B, W_aa.shape[1]))
    for t in range(T):
        below = x[t]
        for layer in range(L):
            state[layer] = np.tanh(state[layer] @ W_aa[layer].T + below @ W_ax[layer].T + b_a[layer])
            below = state[layer]
        a[t] = state
    return a


def layers_of(W_aa: Array, W_ax: list[Array], b_a: Array) -> tuple[RNN, ...]:
    """Make the package's layers."""
    return tuple(RNN.from_gates(W_aa=w, W_ax=v, b_a=b) for w, v, b in zip(W_aa, W_ax, b_a, strict=True))


def drawn(rng: np.random.Generator, s: Sizes) -> dict[str, Any]:
    """Draw three layers; two where there is one example."""
    L = 2 if s.B == 1 else 3
    W_ax = [normal(rng, s, s.n_a, s.n_x if k == 0 else s.n_a) for k in range(L)]
    return {"W_aa": normal(rng, s, L, s.n_a, s.n_a), "W_ax": W_ax, "b_a": normal(rng, s, L, s.n_a)}


def draw_forward(rng: np.random.Generator, s: Sizes) -> dict[str, Any]:
    """Draw layers and inputs."""
    return {"x": normal(rng, s, s.T, s.B, s.n_x)} | drawn(rng, s)


def right_forward(x: Array, W_aa: Array, W_ax: list[Array], b_a: Array) -> Array:
    """Use the package's layers, one after the other."""
    run = Deep(layers_of(W_aa, W_ax, b_a)).forward(x)
    return np.stack([layer.a for layer in run.layers], axis=1)


def deep_backward(a: Array, da: Array, W_aa: Array, W_ax: list[Array]) -> tuple[Array, Array]:
    """Go back over the grid of steps and layers of a deep plain network that began with zero states.

    Parameters
    ----------
    a : ndarray, shape (T, L, B, n_a)
        The state of every layer after every step, from the bottom.
    da : ndarray, shape (T, B, n_a)
        What reaches the top layer's state at each step from the output.
    W_aa : ndarray, shape (L, n_a, n_a)
        The weights within the layers.
    W_ax : list of L ndarray
        The weights from below: the first of shape (n_a, n_x), the others (n_a, n_a).

    Returns
    -------
    dz : ndarray, shape (T, L, B, n_a)
        The gradient with respect to what stands inside the tanh, on the whole grid.
    dx : ndarray, shape (T, B, n_x)
        The gradient with respect to the inputs.
    """
    T, L = a.shape[:2]
    dz = np.zeros_like(a)
    dx = np.zeros((T, a.shape[2], W_ax[0].shape[1]))
    for t in reversed(range(T)):
        from_above = da[t]
        for layer in reversed(range(L)):
            total = from_above
            if t < T - 1:
                total = total + dz[t + 1, layer] @ W_aa[layer]
            dz[t, layer] = (1 - a[t, layer] ** 2) * total
            from_above = dz[t, layer] @ W_ax[layer]
        dx[t] = from_above
    return dz, dx


def draw_backward(rng: np.random.Generator, s: Sizes) -> dict[str, Any]:
    """Draw layers that have really run, and upstream gradients."""
    layers = drawn(rng, s)
    a = right_forward(normal(rng, s, s.T, s.B, s.n_x), **layers)
    return {"a": a, "da": normal(rng, s, s.T, s.B, s.n_a), "W_aa": layers["W_aa"], "W_ax": layers["W_ax"]}


def right_backward(a: Array, da: Array, W_aa: Array, W_ax: list[Array]) -> tuple[Array, Array]:
    """Go layer by layer, where the task goes step by step, with the package's cell."""
    dz, upstream = np.zeros_like(a), da
    for k in reversed(range(len(W_aa))):
        layer = RNN.from_gates(W_aa=W_aa[k], W_ax=W_ax[k], b_a=np.zeros(a.shape[3]))
        below, carried = np.zeros((*da.shape[:2], W_ax[k].shape[1])), np.zeros_like(da[0])
        for t in reversed(range(len(a))):
            cache = RNNCellCache(below[t], carried, a[t, k], a[t, k])
            below[t], carried, d = rnn_cell_backward(layer, cache, upstream[t] + carried)
            dz[t, k] = d.dz_a
        upstream = below
    return dz, upstream


def count_parameters(n_x: int, n_a: int, L: int) -> int:
    """Count the parameters of L plain recurrent layers of n_a units, one on top of the other, without an output layer.

    Parameters
    ----------
    n_x, n_a, L : int
        Numbers of inputs, of units in each layer, and of layers.

    Returns
    -------
    count : int
        All weights and biases.
    """
    return n_a * (n_a + n_x) + n_a + (L - 1) * (2 * n_a * n_a + n_a)


def draw_count(rng: np.random.Generator, s: Sizes) -> dict[str, int]:
    """Give the world's sizes; T stands for the number of layers."""
    return {"n_x": s.n_x, "n_a": s.n_a, "L": s.T}


def right_count(n_x: int, n_a: int, L: int) -> int:
    """Count the numbers of the package's layers."""
    rng = np.random.default_rng(0)
    layers = [RNN.init(n_x if k == 0 else n_a, n_a, rng) for k in range(L)]
    return sum(layer.W.size + layer.b.size for layer in layers)


COUNTS = tuple(Kind(f"n_x = {x}, n_a = {a}, {L} layers", Sizes(T=L, n_x=x, n_a=a))
               for x, a, L in ((4, 7, 3), (3, 5, 1), (11, 2, 4), (1, 8, 2)))  # fmt: skip

EXERCISES = (
    Question("deep.equal", "Equal parameters", 5, "recall", "ex-deep-count"),
    Question("deep.bug", "Find the bug", 10, "code", "ex-deep-bug"),
    Question("deep.loop", "A wrong loop that passes", 10, "recall", "ex-deep-loop"),
    Question("deep.ways", "Ways through a residual grid", 15, "derive", "ex-deep-ways"),
    Question("deep.pays", "When does depth pay? (research)", 45, "explore", "ex-deep-pays"),
    Exercise(
        "deep.forward-grid", "Forward over the grid", 15, "code",
        task="Take a deep plain network over sequences, and return every layer's states.",
        solution=deep_forward,
        reference=right_forward,
        draw=draw_forward,
        outputs={"a": "(T, L, B, n_a)"},
        mistakes=(
            Mistake("every layer above reads the first layer", "            below = state[layer]\n",
                "            below = state[0]\n", "It is right for two layers and wrong from three on.",
                "at what the next layer reads"),
            Mistake("a layer reads the layer below one step late", "            below = state[layer]\n",
                "            below = a[t - 1, layer] if t else np.zeros_like(state[layer])\n",
                "Within a step the layers run from the bottom to the top.", "at what the next layer reads"),
            Mistake("the states do not go from step to step", "    for t in range(T):\n        below = x[t]\n",
                "    for t in range(T):\n        state = np.zeros_like(state)\n        below = x[t]\n",
                "Each layer has a memory of its own.", "at the states"),
            Mistake("all layers share the first layer's W_aa", "W_aa[layer].T", "W_aa[0].T",
                "Each layer has its own weights.", "at W_aa"),
            Mistake("all layers share the first layer's bias", "b_a[layer])", "b_a[0])",
                "Each layer has its own weights.", "at b_a"),
            Mistake("W_aa is not transposed", "W_aa[layer].T", "W_aa[layer]",
                "A row of the array is a column of the mathematics.", "at W_aa"),
            Mistake("each layer starts from the state of the layer below", "state[layer] @ W_aa",
                "(state[layer - 1] if layer else state[layer]) @ W_aa",
                "A layer's own last state is what it remembers.", "at the state"),
        ),
        hints=(
            "Two loops: over the steps, and within each over the layers.",
            "What the next layer reads is what this one has just computed.",
            "One array holds the newest state of every layer; begin each step with the input as what is below.",
        ),
        question="which of the two loops could be the outer one as well?",
    ),
    Exercise(
        "deep.backward-grid", "Back over the grid", 25, "code", "ex-blank-deep-backward-grid",
        task="Go back over the grid of steps and layers.",
        solution=deep_backward,
        reference=right_backward,
        draw=draw_backward,
        outputs={"dz": "(T, L, B, n_a)", "dx": "(T, B, n_x)"},
        mistakes=(
            Mistake("nothing comes from later steps",
                "                total = total + dz[t + 1, layer] @ W_aa[layer]\n",
                "                total = total + 0\n", "A state is read by the next step of its layer, too.",
                "at what reaches a state"),
            Mistake("nothing comes from above", "            total = from_above\n",
                "            total = da[t] if layer == L - 1 else 0 * da[t]\n",
                "A state is read by the layer above, too.", "at what reaches a state"),
            Mistake("the output's gradient reaches every layer", "            total = from_above\n",
                "            total = from_above if layer == L - 1 else from_above + da[t]\n",
                "Only the top layer is read by the output.", "at what reaches a state"),
            Mistake("the way back in time is transposed", "dz[t + 1, layer] @ W_aa[layer]",
                "dz[t + 1, layer] @ W_aa[layer].T", "On the way back a matrix stands as it is beside rows.",
                "at the term from the next step"),
            Mistake("the slope is left out", "(1 - a[t, layer] ** 2) * total", "total",
                "Between z and a stands a tanh.", "at dz"),
            Mistake("the slope is that of the layer below", "a[t, layer] ** 2", "a[t, max(layer - 1, 0)] ** 2",
                "Each layer has its own states.", "at the slope"),
            Mistake("the slope is one step early", "a[t, layer] ** 2", "a[max(t - 1, 0), layer] ** 2",
                "The slope belongs to the state of this step.", "at the slope"),
            Mistake("the next step's gradient is that of the layer above", "dz[t + 1, layer] @ W_aa[layer]",
                "dz[t + 1, min(layer + 1, L - 1)] @ W_aa[layer]", "In time a layer hands on to itself.",
                "at the term from the next step"),
            Mistake("the last layer's W_aa serves all", "@ W_aa[layer]", "@ W_aa[-1]",
                "Each layer has its own weights.", "at the term from the next step"),
            Mistake("dx is made at the top", "        dx[t] = from_above\n", "        dx[t] = dz[t, L - 1] @ W_ax[0]\n",
                "The input is read by the lowest layer.", "at dx"),
            Mistake("what comes from above is one step late", "            total = from_above\n",
                "            total = da[t] if layer == L - 1 else 0 * da[t]\n"
                "            if layer < L - 1 and t < T - 1:\n"
                "                total = dz[t + 1, layer + 1] @ W_ax[layer + 1]\n",
                "The layer above reads this state at the same step.", "at what comes from above"),
            Mistake("the first layer's W_aa serves all", "@ W_aa[layer]", "@ W_aa[0]",
                "Each layer has its own weights.", "at the term from the next step"),
            Mistake("the slope is that of the state before", "a[t, layer] ** 2",
                "(a[t - 1, layer] if t else 0 * a[t, layer]) ** 2", "The slope belongs to the state of this step.",
                "at the slope"),
        ),
        hints=(
            "From the last step to the first, and within each from the top layer to the lowest.",
            "A state is read by the layer above, at the same step, and by its own layer, one step later.",
            "The top gets da in place of a layer above; the lowest hands its share to dx.",
        ),
        question="in which other order could you walk over the grid?",
    ),
    Exercise(
        "deep.count", "Count", 5, "recall",
        task="Count the parameters of a deep plain network.",
        solution=count_parameters,
        reference=right_count,
        draw=draw_count,
        kinds=COUNTS,
        outputs={"count": "()"},
        mistakes=(
            Mistake("every layer reads the input", "(L - 1) * (2 * n_a * n_a + n_a)",
                "(L - 1) * (n_a * (n_a + n_x) + n_a)", "A layer above reads the units below.", "at the layers above"),
            Mistake("the biases above are missing", "(2 * n_a * n_a + n_a)", "2 * n_a * n_a", "Every layer has a bias.",
                "at the layers above"),
            Mistake("one layer too many is counted", "(L - 1)", "L", "The lowest layer is counted already.",
                "at the number of layers"),
            Mistake("the layers above have one matrix", "(2 * n_a * n_a + n_a)", "(n_a * n_a + n_a)",
                "They read the layer below and their own last state.", "at the layers above"),
        ),
        hints=(
            "The lowest layer differs from the others.",
            "Above, input and state are of the same size.",
            "The lowest: n_a (n_a + n_x) + n_a; each of the others: 2 n_a² + n_a.",
        ),
        question="which is larger, a network twice as wide or one twice as deep?",
    ),
    Derivation(
        "deep.delta-a", "What reaches a state", 15, "derive", "ex-blank-deep-delta-a",
        task="Write the gradient with respect to the state of a layer below the top, at a step before the last.",
        left=r"\delta_a^{[l]\langle t \rangle}",
        answer=(
            r"\left(W_{ax}^{[l+1]}\right)^{\top} \delta_z^{[l+1]\langle t \rangle} + \left(W_{aa}^{[l]}\right)^{\top} "
            r"\delta_z^{[l]\langle t+1 \rangle}"
        ),
        allowed=("W_{ax}^{[l]}", "W_{aa}^{[l]}", r"\delta_z^{[l]\langle t \rangle}"),
        where=r"t = 1, \ldots, T_x - 1, \qquad 1 \le l < N",
        slips=(
            Slip("nothing comes from above", r"\left(W_{aa}^{[l]}\right)^{\top} \delta_z^{[l]\langle t+1 \rangle}",
                "The layer above reads the state.", "at who reads it"),
            Slip("nothing comes from the next step",
                r"\left(W_{ax}^{[l+1]}\right)^{\top} \delta_z^{[l+1]\langle t \rangle}",
                "The next step reads the state.", "at who reads it"),
            Slip("the matrices are not transposed",
                r"W_{ax}^{[l+1]} \delta_z^{[l+1]\langle t \rangle} + W_{aa}^{[l]} \delta_z^{[l]\langle t+1 \rangle}",
                "On the way back the transpose acts.", "at both matrices"),
        ),
        hints=(
            "Who reads the state of a layer?",
            "The layer above at the same step, and the same layer one step later.",
            "Two transposed matrices, each with the gradient of z of the one that reads.",
        ),
        question="what stands in place of the first term at the top?",
    ),
)  # fmt: skip
