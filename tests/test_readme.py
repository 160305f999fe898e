"""The README's example prints what the README says."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def examples():
    """Code and what it prints, from top to bottom."""
    return re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", README.read_text(encoding="utf-8"), re.S)


def test_the_examples_print_what_the_readme_says(capsys):
    names = {}
    assert len(examples()) >= 2
    for code, output in examples():
        exec(compile(code, str(README), "exec"), names)
        assert capsys.readouterr().out == output


def test_the_examples_are_short():
    for code, _ in examples():
        assert len([line for line in code.splitlines() if line and "import" not in line]) <= 10


@pytest.mark.parametrize("target", ["book", "serve", "test"])
def test_the_commands_it_names_exist(target):
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    assert f"make {target}" in README.read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, re.M)


def test_its_links_lead_to_files():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README.read_text(encoding="utf-8"))
    assert links
    assert not [link for link in links if not (README.parent / link).exists()]
