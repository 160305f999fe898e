"""What the page `which` says again of the chapters' measurements, in fewer words, name by name of their claims."""

from __future__ import annotations

from .claim import again

SHORTER = {
    "sequences-window-reaches": "A window that reached back to what decides solved the task in 30 of 30 runs, one that "
    "did not in 0 of 30.",
    "lm-counts-every-cut": "On five cuts of manuals an n-gram needed 1.93 bits a character on average, a GRU of 240 "
    "updates 2.67.",
    "memory-adding-lstm": "Of the sums over 100 steps an LSTM (forget bias 1) got at least 98 % right, a tanh network "
    "at most 32 %.",
    "memory-order-gru": "Order over 100: a GRU in all of five runs, tanh in none of five.",
    "memory-order-relu": "ReLU from the identity in all of five at the rate 0.003.",
    "memory-reber-tanh": "Reber strings of 20 letters or more: both, and all others, in all of five.",
    "memory-copying-gru": "Copying over 20 steps a GRU with gates nearly shut at the start got at least 84 % right, "
    "LSTMs and plain networks at most 45 %.",
    "memory-adding-relu": "Sums over 100 steps: all of five runs at the rate 0.003, none of five at 0.03.",
    "memory-adding-by-lag": "sums over 100 steps, all of five runs with 1 and two of five with $\\log T$;",
    "memory-order-by-lag": "order over 60 and 100, three of ten with 1 and nine of ten with $\\log T$,",
    "memory-order-edge": "but seven of ten with 1 at the rate 0.001.",
    "bi-deeper-one-way": "Where the answer lay in the future, reading both ways tagged 100 % of the steps in gaps "
    "right, two layers that read one way at most 50 %.",
    "deep-residual-means": "On images of eight rows, at equal parameters, the mean loss was 0.32 with one layer, 0.30 "
    "with two residual ones, 0.38 with four.",
    "deep-residual-four": "Four layers: 0.38 with residual sums, 0.82 without.",
    "vanishing-start": "Agreement over 16, 24 and 32 words was learned in 13 of 15 runs from an orthogonal start, in "
    "3 of 15 from PyTorch's.",
    "gru-shut-or-half-open": "Recall over 40 and 80 steps was solved in ten of ten runs with the gates nearly shut at "
    "the start, in none of ten with half-open ones.",
    "lstm-forget-bias-1": "A number was held over 20, 30, 40 and 60 steps in 15 of 20 runs with a forget bias of 1, in "
    "1 of 20 with 0.",
    "lstm-forget-bias-3": "With 3 it was 19 of 20.",
    "training-clip-rate": "Temporal order of 20 and 30 steps, at the rate 0.03, was learned in 8 of 10 runs clipped, "
    "in 0 of 10 not clipped.",
    "training-window": "With all 12 steps of an episode in it 99 % of new ones were right on average, with half of "
    "them 75 %.",
    "deep-dropout-memory": "With cell states dropped anew at each step none of five runs was right in more than 51 % "
    "of the answers, with nothing dropped four of five in all.",
}

for name, text in SHORTER.items():
    again(f"which-{name}", name, "which", text)
