"""``python -m rnncourse``: the command `rnncourse`, where its script is not on the path."""

from __future__ import annotations

import sys

from ._command import main

if __name__ == "__main__":
    sys.exit(main())
