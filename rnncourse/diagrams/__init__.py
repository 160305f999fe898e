"""Diagrams of cells and networks, drawn with matplotlib: ``pip install "rnncourse[plots]"``.

A `Diagram` shows itself in a notebook as inline SVG whose ink is the page's own text colour, so that it reads in light
and in dark; `Diagram.figure` draws it as a matplotlib figure on light or dark paper. Every part has a name, and what is
named in `highlight` stands out; ``Diagram.parts`` lists the names. A name with a point, such as ``x_t.stack``, is one
of the ways that a value takes; without the point and what follows, it is all of them.
"""

from .cells import gru_cell, lstm_cell, rnn_cell
from .drawing import Diagram
from .networks import bidirectional, deep, deep_back, rnn_types, unrolled

__all__ = [
    "Diagram",
    "bidirectional",
    "deep",
    "deep_back",
    "gru_cell",
    "lstm_cell",
    "rnn_cell",
    "rnn_types",
    "unrolled",
]
