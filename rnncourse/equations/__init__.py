r"""Equations that are read from their LaTeX and held against the numbers that the package computes.

`check` tells a reader whether a derivation is right; ``python -m rnncourse.equations PATH…`` checks whole pages. How:

- `lexer`, `reader`, `expressions`, `parser`: from LaTeX to `nodes`; what has two readings is refused, with a caret;
- `symbols`, `tables`: which spelling means which quantity, chapter by chapter (`chapters`);
- `world`, `networks`, `worlds`: runs of the package, and derivatives measured on its own cells by complex step;
- `evaluate`, `checker`: both sides at every time, layer, example and entry, and guards against empty claims;
- `edits`, `diagnose`, `explain`: the slip that would explain a failure;
- `printer`, `notations`: the same equation in another course's notation;
- `extract`, `report`: the equations of a page, and what became of them.

Examples
--------
>>> check(r"c^{\langle t \rangle} = \Gamma_u^{\langle t \rangle} \odot \tilde c^{\langle t \rangle}"
...       r" + \Gamma_f^{\langle t \rangle} \odot c^{\langle t-1 \rangle}", chapter="lstm")
It holds: compared in 19 cases.
"""

from .explain import check, explain, symbols
from .language.lexer import EquationError, Failure, Refused
from .language.parser import parse
from .language.printer import latex

__all__ = ["EquationError", "Failure", "Refused", "check", "explain", "latex", "parse", "symbols"]
