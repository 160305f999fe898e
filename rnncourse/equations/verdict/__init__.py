"""Whether an equation holds on the worlds, and which edit of a false one would make it true."""
