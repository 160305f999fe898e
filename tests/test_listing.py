"""Bodies of functions as the book shows them."""

import pytest

from rnncourse import rnn_cell_forward
from rnncourse.layers.fast import rnn_backward
from rnncourse.listing import listing


def plain(a):
    if a:
        return "yes"  # a comment
    return "no"


def told(a):
    """Say something.

    More.
    """
    b = a + 1  # why
    b = [b,
         a]  # fmt: skip

    # alone
    return [b]


def quoting(X):
    """Say something."""
    b = """three quotes""", """and three"""  # why  # and why else
    return b, X


def test_the_body_stands_without_its_docstring_and_with_comments_above():
    assert repr(listing(told)) == "# why\nb = a + 1\nb = [b,\n     a]\n\n# alone\nreturn [b]"
    assert repr(listing(plain)) == 'if a:\n    # a comment\n    return "yes"\nreturn "no"'

    three = '# why  # and why else\nb = """three quotes""", """and three"""\nreturn b, X'
    assert repr(listing(quoting)) == three


def test_what_a_notebook_renders_is_the_same_text_as_python():
    shown = listing(told)
    assert shown._repr_markdown_() == f"```python\n{shown}\n```"


def test_a_part_begins_at_a_line_or_is_of_some_lines():
    assert repr(listing(told, start="# alone")) == "# alone\nreturn [b]"
    assert repr(listing(plain, containing="return")) == '# a comment\nreturn "yes"\nreturn "no"'
    assert repr(listing(rnn_backward, start="steps = zip")).startswith("steps = zip")


def test_a_cell_is_shown_with_the_labels_of_its_equations():
    lines = repr(listing(rnn_cell_forward)).splitlines()
    where = lines.index("# eq:rnn-preactivation")
    assert lines[where + 1].startswith("z_a = ")


@pytest.mark.parametrize("given", [{"start": "nowhere"}, {"containing": "nowhere"}])
def test_a_text_that_no_line_holds_is_refused(given):
    with pytest.raises(ValueError, match=f"{next(iter(given))}: no line of told holds 'nowhere'"):
        listing(told, **given)


def test_what_is_not_written_in_python_is_refused():
    with pytest.raises(TypeError, match="function must be written in Python"):
        listing(len)
