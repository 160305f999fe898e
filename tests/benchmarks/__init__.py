"""How fast the package is: ratios against other programs that compute the same numbers, from interleaved runs.

    make bench          everything, in an environment of its own; the result is a file in tests/benchmarks/results/
    make bench-quick    a few points in less than a minute, beside what was stored last
    cd tests && python -m benchmarks --help

Nothing here is a test that can fail by being slow: times depend on the machine and on who else uses it.
"""
