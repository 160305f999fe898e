"""Runs of the package to hold equations against: networks, and the worlds drawn from them."""
