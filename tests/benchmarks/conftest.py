"""The peers import programs that this environment does not have; nothing in them is a test."""

collect_ignore_glob = ["peers/*.py"]
