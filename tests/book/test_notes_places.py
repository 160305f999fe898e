"""Every item of the five source notes has its place: tables at the end of *What the notes got wrong*, item → anchor.

The notes are not in this repository; their headings and figures are listed here, as they stand there.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import notebooks as n
import pytest

PAGE = "book/appendices/what-the-notes-got-wrong"
APPLICATIONS = (
    "speech recognition", "music generation", "sentiment classification", "DNA sequence analysis",
    "machine translation", "video activity recognition", "name entity recognition",
)  # fmt: skip
NOTES = {
    "000": (
        "Notations", "[l]", "(i)", r"\langle t \rangle", "lowerscript", "RNN Cell", "Figure 1",
        "RNN Forward Propagation", "Figure 2", "RNN Backpropagation", "LSTM Cell", "LSTM Forward",
        "LSTM BackPropagation", "References",
    ),
    "001": (
        *APPLICATIONS, "RNN types", "$T_x$, $T_y$", "Forward prop: the state", r"\hat y", "concatenated", "stacked",
        "Lost/Cost", "Back prop through time", "Vanishing gradients", "cat and was", "Exploding gradients",
        "clip them", "Gated Recurrent Unit(GRU)", r"\Gamma_u", r"\Gamma_r", "Long Short Term Memory (LSTM)",
        r"\Gamma_f", r"\Gamma_o", "Bidirectional RNN", "figure BRNN", "Deep RNN", "layers without recurrence",
        "few recurrent layers", "units of any kind", "figure Deep RNN",
    ),
    "002": (
        "Context", "handwriting", "sequence recognition", "shopping cart", "sentiment", "captions", "hidden layer",
        "Figure 1: Derivation of the RNN Weights",
        "Figure 2: A Many-to-One RNN with Sequences Three Elements in Length",
        "Figure 3: Required Inputs and Data Volume of a Standard Neural Network Versus a RNN",
        "Long Short Term Memory (LSTM) Networks", "Figure 4: Walk-Through of a LSTM Cell", "References", "Bezerra",
    ),
    "003": (
        "Introduction", "feedback loop", "dynamic system", "Figure 1: Simple RNN", "deepest of all neural networks",
        "N-gram", "Vanishing / exploding gradient effects", "Figure 2: RNN Unit", "Long Short-Term Memory",
        "Handwriting recognition", "Figure 3: LSTM Unit", "Backpropagation: TODO", "References",
    ),
    "004": (
        "RNN Intro", "RNN History", "TDNN", "Elman", "geometrically", "RNN Applications", "speech recognition",
        "time series prediction", "gesture recognition", "Forward Prop and BackProp", "Recurrent Neural Networks",
        "Memory elements or states", "temporal dependencies", "Two fundamental differences between RNNs and FFNNs",
        "RNN - Unfolded Model", "Backpropagation Through Time (BPTT)", "Accumulative Gradient", "$W_s$", "$W_x$",
        "expensive", "RNN Summary", "gradient clipping", "From RNN to LSTM", "RNN vs LSTM", "Basics of LSTM", "4 gates",
        "long term memory", "short term memory", "Architecture of LSTM", "Learn Gate", "Forget Gate", "Remember Gate",
        "Use Gate", "Resources!", "Implementation of RNN and LSTM", "Sequence batching",
    ),
}  # fmt: skip


def table() -> list[tuple[str, str]]:
    """Return the rows of the page's tables: the note, and what of it."""
    cells = json.loads((n.ROOT / f"{PAGE}.ipynb").read_text("utf8"))["cells"]
    (text,) = [text for cell in cells if "| item | place |" in (text := "".join(cell["source"]))]
    parts = re.split(r"^\*\*Note (\d{3})\*\*$", text, flags=re.MULTILINE)[1:]
    rows = [(note, re.findall(r"^\| (.*) \| .* \|$", part, re.MULTILINE)[1:]) for note, part in in_pairs(parts)]
    assert [note for note, _ in rows] == list(NOTES)
    assert sum(len(items) for _, items in rows) == text.count("\n|") - 2 * len(NOTES)
    return [(note, item) for note, items in rows for item in items]


def in_pairs(parts: list[str]) -> list[tuple[str, str]]:
    return list(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("note", NOTES)
def test_every_item_of_a_note_stands_in_the_table(note: str) -> None:
    items = "; ".join(item for of, item in table() if of == note)
    assert [each for each in NOTES[note] if each not in items] == []


def places(html: str) -> list[tuple[str, list[str]]]:
    """Return the rows of the tables as built: the item, and where its links lead."""
    built = [each for each in re.findall(r"<table.*?</table>", html, re.DOTALL) if re.search(r">place</p>", each)]
    rows = [row for each in built for row in re.findall(r"<tr.*?</tr>", each, re.DOTALL)[1:]]
    return [(re.sub(r"<[^>]+>", " ", row)[:80], re.findall(r'href="([^"]+)"', row)) for row in rows]


def missing(page: Path, hrefs: list[str]) -> list[str]:
    """Return the links that lead to no anchor, and say so if there is none."""
    inside = [href for href in hrefs if not re.match(r"[a-z]+:", href)]
    told = [] if inside else ["no link"]
    for href in inside:
        path, _, anchor = href.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not anchor or not target.exists() or f'id="{anchor}"' not in target.read_text("utf8"):
            told.append(href)
    return told


def test_every_item_leads_to_an_anchor_of_the_built_book(site: Path) -> None:
    page = site / f"{PAGE}.html"
    rows = places(page.read_text("utf8"))
    assert len(rows) == len(table())
    assert {item: told for item, hrefs in rows if (told := missing(page, hrefs))} == {}


def test_an_anchor_that_is_not_there_is_told(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<p id="here">')
    assert missing(page, ["#here"]) == []
    assert missing(page, ["#gone", "page.html", "other.html#here", "https://x.org/#here"]) == [
        "#gone", "page.html", "other.html#here",
    ]  # fmt: skip
    assert missing(page, ["https://x.org/#here"]) == ["no link"]
