"""The marks of claims and the report's rows, on a book of two pages made for it."""

from __future__ import annotations

import re
import sys
from io import StringIO
from pathlib import Path

import pytest
from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]
NAME = "gru-shut-or-tanh"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build a page with a mark that has a claim and one that has none, and the report; return HTML and warnings."""
    source = tmp_path_factory.mktemp("book")
    kept = ROOT / "_build" / "claims.json"  # half a minute's work; used only if neither claims nor tables have changed
    if kept.exists():
        (source / "_build").mkdir()
        (source / "_build" / kept.name).write_bytes(kept.read_bytes())
    (source / "tests").symlink_to(ROOT / "tests")
    (source / "book" / "appendices").mkdir(parents=True)
    for results in (ROOT / "book").glob("*/results"):
        (source / results.relative_to(ROOT)).parent.mkdir(exist_ok=True)
        (source / results.relative_to(ROOT)).symlink_to(results)
    (source / "conf.py").write_text("extensions = ['myst_parser', 'rnn_claims']\nroot_doc = 'book/page'\n")
    toc = "```{toctree}\nappendices/verification\n```\n"
    (source / "book" / "page.md").write_text(f"# Page\n\nSaid. {{claim}}`{NAME}` And {{claim}}`no-such-claim`\n\n{toc}")
    (source / "book" / "appendices" / "verification.md").write_text("# Report\n\n```{claim-report}\n```\n")
    out, warnings = source / "_build" / "html", StringIO()
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    try:
        Sphinx(
            source, source, out, source / "_build" / "doctrees", "html", status=None, warning=warnings, freshenv=True
        ).build()
    finally:
        sys.path.remove(str(ROOT / "book" / "_ext"))
    pages = [(out / "book" / name).read_text("utf8") for name in ("page.html", "appendices/verification.html")]
    return *pages, warnings.getvalue()


def test_a_mark_tells_p_runs_and_seeds_and_leads_to_the_row(built):
    page, report, _ = built
    marks = re.findall(r'<a class="claim-mark"[^>]*>', page)
    assert len(marks) == 1
    assert 'data-told="p = 0.0078; 60 runs, 5 seeds"' in marks[0]
    assert f'aria-label="claim {NAME}: p = 0.0078; 60 runs, 5 seeds"' in marks[0]
    assert f'href="appendices/verification.html#claim-{NAME}"' in marks[0]
    assert 'Said.\N{NO-BREAK SPACE}<a class="claim-mark"' in page  # no line begins with it
    assert f'id="claim-{NAME}"' in report


def test_the_row_has_sentence_factor_control_runs_p_command_and_minutes(built):
    _, report, _ = built
    row = re.search(rf'<tr[^>]*id="claim-{NAME}".*?</tr>', report, re.DOTALL)
    cells = [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td>(.*?)</td>", row[0], re.DOTALL)]
    assert cells[0].startswith("Against the orthogonal tanh layer")
    assert cells[0].endswith(f" {NAME}")
    assert cells[1:4] == ["layer, within delay, seed; control: layer: tanh, orthogonal", "60, 5", "p = 0.0078"]
    assert re.fullmatch(r"recall-delay, \d+\.\d min", cells[4])


def test_a_claim_without_a_mark_has_no_row_and_a_mark_without_a_claim_is_a_warning(built):
    _, report, warnings = built
    assert "lstm-forget-bias-3" not in report
    assert "there is no claim 'no-such-claim'" in warnings
