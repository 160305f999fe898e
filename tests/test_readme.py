"""The README's example prints what the README says."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def example():
    code, output = re.search(
        r"```python\n(.*?)```\n\n```text\n(.*?)```", README.read_text(encoding="utf-8"), re.S
    ).groups()
    return code, output


def test_the_example_prints_what_the_readme_says(capsys):
    code, output = example()
    exec(compile(code, str(README), "exec"), {})
    assert capsys.readouterr().out == output


def test_the_example_is_short():
    assert len([line for line in example()[0].splitlines() if line and "import" not in line]) <= 10


@pytest.mark.parametrize("target", ["book", "serve", "test"])
def test_the_commands_it_names_exist(target):
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    assert f"make {target}" in README.read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, re.M)


def test_its_links_lead_to_files():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README.read_text(encoding="utf-8"))
    assert links
    assert not [link for link in links if not (README.parent / link).exists()]
