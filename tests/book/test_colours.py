"""The palette: contrast by WCAG 2.2's formula, and one set of colours for the pages, the figures and the players."""

from __future__ import annotations

import re
from itertools import product

import browser as b
import pytest

PALETTE = (b.ROOT / "book/_static/css/palette.css").read_text("utf8")
PAIR = re.compile(r"(--[\w-]+): light-dark\((#[0-9a-f]{3,6}), (#[0-9a-f]{3,6})\)")
NORMAL, MORE = (PAIR.findall(part) for part in PALETTE.split("@media (prefers-contrast: more)"))
FIGURES = ("blue", "orange", "green", "violet", "ochre", "slate")  # C0 to C5
TEXT = ("ink", "ink-soft", "ink-deep", "blue", "orange", "green", "violet", "ochre", "red")
PAGE = ("paper", "sheet", "shade")
WASHES = ("wash-blue", "wash-orange", "wash-green", "wash-violet", "wash-ochre", "wash-red")


def colours(pairs: list[tuple[str, str, str]], dark: bool) -> dict[str, str]:
    """The palette of a mode."""
    return {name.removeprefix("--"): (night if dark else day) for name, day, night in pairs}


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def too_weak(found: dict[str, str], fronts: tuple[str, ...], grounds: tuple[str, ...], least: float) -> list[str]:
    """Pairs of colours below a contrast."""
    ratios = {(f, g): contrast(found[f], found[g]) for f, g in product(fronts, grounds)}
    return [f"{front} on {ground}: {ratio:.2f}" for (front, ground), ratio in ratios.items() if ratio < least]


def test_the_formula() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.005)
    assert too_weak({"a": "#777777", "b": "#fff"}, ("a",), ("b",), 4.5) == ["a on b: 4.48"]


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read(dark: bool) -> None:
    """AA: 4.5 to 1 for text, 3 to 1 for the lines of controls and the bars of boxes."""
    found = colours(NORMAL, dark)
    weak = too_weak(found, TEXT, PAGE, 4.5)
    weak += too_weak(found, ("ink", "ink-deep", "ink-soft", "blue"), WASHES, 4.5)
    weak += too_weak(found, ("paper",), ("ink-deep", "blue", "orange"), 4.5)
    weak += too_weak(found, ("edge", "slate"), PAGE, 3)
    assert weak == []


@pytest.mark.parametrize("dark", [False, True])
def test_more_contrast_is_more(dark: bool) -> None:
    """AAA where the reader's system asks for it, with every colour of text."""
    found = colours(NORMAL, dark) | colours(MORE, dark)
    assert too_weak(found, (*TEXT, "slate", "rule", "edge"), PAGE, 7) == []


def test_figures_players_and_pages_share_their_colours() -> None:
    player = (b.ROOT / "rnncourse/widgets/player.css").read_text("utf8")
    style = (b.ROOT / "rnncourse/book.mplstyle").read_text("utf8")
    cycle = re.findall(r'"([0-9a-f]{6})"', style[style.index("prop_cycle") :])
    for dark, numbers in (
        (False, re.findall(r"--rnn-\d: (#\w+)", player)[:6]),
        (True, re.findall(r"--rnn-\d: (#\w+)", player)[6:]),
    ):
        assert [colours(NORMAL, dark)[name] for name in FIGURES] == numbers
    assert [f"#{colour}" for colour in cycle] == [colours(NORMAL, False)[name] for name in FIGURES]


def test_every_colour_of_the_style_sheets_is_in_the_palette() -> None:
    """Outside the palette the style sheets name its colours and no others."""
    known = {name for name, _, _ in NORMAL}
    for sheet in ("book", "cells", "print", "notation", "icons"):
        css = re.sub(r"/\*.*?\*/", "", (b.ROOT / f"book/_static/css/{sheet}.css").read_text("utf8"), flags=re.DOTALL)
        named = set(re.findall(r"#[0-9a-fA-F]{3,8}\b", re.sub(r'url\("[^"]*"\)|\[[^]]*\]', "", css)))
        assert named <= {"#000", "#fff"}, f"{sheet}.css"
        assert set(re.findall(r"var\((--(?:ink|paper|wash|blue|orange|green|violet)[\w-]*)", css)) <= known, (
            f"{sheet}.css"
        )
