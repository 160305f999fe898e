"""Print every claim and its verdict: cd tests && python -m claims."""

from .claim import main

main()
