"""The command ``python -m rnncourse.equations PATH…``: check the equations of notebooks, Markdown files or folders."""

from __future__ import annotations

import sys

from .extract import pages
from .report import check_pages, summary


def main(arguments: list[str]) -> int:
    """Check pages; print a line for each failure, and the numbers.

    Parameters
    ----------
    arguments : list of str
        Paths; ``-v`` for a line about every equation.

    Returns
    -------
    int
        0, or 1 if an equation fails, or 2 if there is nothing to check or a page cannot be read.
    """
    verbose = "-v" in arguments
    paths = [a for a in arguments if a != "-v"]
    if not paths or any(p.startswith("-") for p in paths):
        print("usage: python -m rnncourse.equations [-v] PATH…", file=sys.stderr)
        return 2
    try:
        outcomes, seconds = check_pages(pages(*paths))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    if not outcomes:
        print(f"no display equation in {', '.join(paths)}", file=sys.stderr)
        return 2
    for outcome in outcomes:
        if outcome.status == "failed":
            print(outcome.line)
        elif verbose:
            print(f"{outcome.line} {outcome.cases} cases, {outcome.largest:.0e}, {outcome.setting}")
    print(summary(outcomes, seconds))
    return int(any(o.status == "failed" for o in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
