"""Every bad call raises ValueError (shape, value) or TypeError (kind, dtype), and says what, what for and what came."""

import re

import pytest

from .bad_inputs import Bad, bad_calls

# inputs that are bad for symbols are others: test_embedding.py has them
pytestmark = pytest.mark.numbers("the bad inputs are derived from an array (T, B, n_x) of numbers")


def complaint(bad: Bad) -> str | None:
    """What is wrong with how a bad call is refused, if anything."""
    try:
        bad.call()
    except (TypeError, ValueError) as error:
        if isinstance(error, bad.error) and re.search(bad.message, str(error)):
            return None
        return f"{bad.what}: {type(error).__name__}({error}) does not match {bad.error} {bad.message}"
    except Exception as error:
        return f"{bad.what}: {error!r}"
    return f"{bad.what}: accepted"


def test_bad_calls_are_refused_by_name(case):
    complaints = [found for bad in bad_calls(case) if (found := complaint(bad))]
    assert not complaints, "\n".join(complaints)


def test_there_are_at_least_sixty_for_every_layer(case):
    names = [bad.what for bad in bad_calls(case)]
    assert len(set(names)) == len(names) >= 60


def test_a_call_that_is_accepted_or_refused_in_other_words_is_found(case):
    """The test above can fail."""
    refused = bad_calls(case)[0]
    for bad in (
        Bad("accepted", lambda: None, TypeError, "x", ""),
        Bad("other exception", lambda: [][1], TypeError, "x", ""),
        Bad("other kind", refused.call, ValueError, refused.argument, refused.came),
        Bad("other name", refused.call, refused.error, "y", refused.came),
        Bad("other value", refused.call, refused.error, refused.argument, "banana"),
    ):
        assert complaint(bad)
