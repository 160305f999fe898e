"""Runs that are too long for a notebook: each module's `main` stores what its chapter shows beside a short live run."""
