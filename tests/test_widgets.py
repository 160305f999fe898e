"""Players: what is refused, what their HTML holds, and that it is small and the same every time."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from rnncourse.widgets import Player, explore, frames
from rnncourse.widgets.live import STATIC, LivePlayer
from rnncourse.widgets.svg import COLOURS, PALETTE, STYLE, pooled

matplotlib = pytest.importorskip("matplotlib")
from matplotlib import pyplot as plt  # noqa: E402

from rnncourse.diagrams import unrolled  # noqa: E402

WEIGHT = 60_000  # bytes, compressed


def circle(radius: float) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle r="{radius}"/></svg>'


def curve(w: float) -> Any:
    fig, ax = plt.subplots()
    t = np.arange(1, 31)
    ax.plot(t, w**t, "o-")
    ax.plot(t, 1 - w**t, "s--")
    ax.set(xlabel="time step t", ylabel="state a", ylim=(-0.1, 1.1), title=r"$a^{\langle t \rangle}$")
    return fig


def size(x: float) -> str:
    return f"It is {x:g}."


def read(player: Player) -> ElementTree.Element:
    # a div that stands for the page; attributes without a value are HTML, not XML
    html = re.sub(r" (hidden|checked|data-play)(?=[ >/])", r' \1="\1"', player.html())
    html = re.sub(r"(<input [^>]*)>", r"\1/>", html)
    return ElementTree.fromstring(f"<div>{html}</div>")


def frames_of(player: Player) -> list[ElementTree.Element]:
    return [node for node in read(player).iter("div") if node.get("class") == "rnn-frame"]


# what is shown


def test_the_first_frame_is_shown_and_each_has_its_text() -> None:
    player = frames(circle, [1, 2, 3], labels=["one", "two", "three"], alt=size, name="Radius", caption="Grow <it>.")
    shown = frames_of(player)
    assert [frame[0].get("aria-label") for frame in shown] == ["It is 1.", "It is 2.", "It is 3."]
    assert [frame.get("hidden") for frame in shown] == [None, "hidden", "hidden"]
    assert {frame[0].get("role") for frame in shown} == {"img"}
    assert {frame[0][0].get("aria-hidden") for frame in shown} == {"true"}
    slider = next(node for node in read(player).iter("input"))
    assert (slider.get("type"), slider.get("min"), slider.get("max"), slider.get("value")) == ("range", "0", "2", "0")
    assert slider.get("aria-valuetext") == "one"
    assert slider.get("data-lm-suppress-shortcuts") == "true"
    label = next(node for node in read(player).iter("label"))
    assert (label.text, label.get("for")) == ("Radius", slider.get("id"))
    assert next(node for node in read(player).iter("output")).text == "one"
    assert next(node for node in read(player).iter("figcaption")).text == "Grow <it>."
    assert repr(player) == "<3 frames by Radius>"


def test_several_controls_make_every_combination_in_order() -> None:
    player = frames(
        lambda r, kind: f"<b>{r} {kind}</b>",
        {"r": [1, 2, 3], "Kind": ["plain", "odd"]},
        labels={"r": lambda r: f"radius {r}"},
        alt=lambda r, kind: f"{kind}, {r}",
    )
    assert [frame[0][0].text for frame in frames_of(player)] == [
        "1 plain",
        "1 odd",
        "2 plain",
        "2 odd",
        "3 plain",
        "3 odd",
    ]
    assert [frame[0].get("aria-label") for frame in frames_of(player)][:2] == ["plain, 1", "odd, 1"]
    assert [frame.get("data-label") for frame in frames_of(player)][-1] == "r: radius 3, Kind: odd"
    controls = [node for node in read(player).iter() if node.get("class") == "rnn-control"]
    assert [control.get("data-stride") for control in controls] == ["2", "1"]
    assert [json.loads(control.get("data-labels", "")) for control in controls] == [
        ["radius 1", "radius 2", "radius 3"],
        ["plain", "odd"],
    ]
    radios = list(controls[1].iter("input"))
    assert [(node.get("type"), node.get("checked")) for node in radios] == [("radio", "checked"), ("radio", None)]
    assert controls[1].find("legend").text == "Kind"  # type: ignore[union-attr]


def test_more_words_than_fit_become_a_slider() -> None:
    player = frames(lambda w: f"<b>{w}</b>", list("abcde"), alt=str.upper)
    assert [node.get("type") for node in read(player).iter("input")] == ["range"]


def test_values_are_said_briefly() -> None:
    player = frames(circle, np.linspace(0, 1, 4), alt=size)
    assert player.controls[0].labels == ("0", "0.333333", "0.666667", "1")
    assert frames(lambda v: "<b>x</b>", [(1, 2), None], alt=str).controls[0].labels == ("(1, 2)", "None")


def test_what_authors_write_is_escaped() -> None:
    player = frames(circle, [1, 2], labels=['"<&>"', "b"], alt=['a "<b>" & c', "d"], name='N"<')
    assert frames_of(player)[0][0].get("aria-label") == 'a "<b>" & c'
    assert next(node for node in read(player).iter("input")).get("aria-valuetext") == '"<&>"'


def test_a_text_may_stand_under_the_picture() -> None:
    player = frames(lambda r: (circle(r), f"r < {r}" if r > 1 else ""), [1, 2], alt=size)
    notes = [[node.text for node in frame.iter("p")] for frame in frames_of(player)]
    assert notes == [[], ["r < 2"]]


def test_it_carries_its_style_and_script_to_a_notebook() -> None:
    player = frames(circle, [1, 2], alt=size)
    html = player._repr_html_()
    assert html.startswith(player.html())
    assert html.count("<script>") == html.count("</script>") == html.count("<style>") == 1
    assert "://" not in html.replace("http://www.w3.org/", "")
    assert "<script" not in player.html()


# figures


@pytest.fixture(scope="module")
def drawn() -> Player:
    return frames(curve, [0.1, 0.5, 0.9], alt=size, name="w")


def test_ink_and_colours_follow_the_page(drawn: Player) -> None:
    html = drawn.html()
    assert "currentColor" in html
    assert f"var(--rnn-1, {PALETTE[0]})" in html
    assert f"var(--rnn-2, {PALETTE[1]})" in html
    plain = re.sub(r"var\(--rnn-\d, #\w+\)", "", html)
    assert set(re.findall(r"#[0-9a-f]{6}\b", plain)) == set(), "a colour that does not follow the page"
    assert ">time step t</text>" in html
    assert "DejaVu" not in re.sub(r"font-family: '[^']*'", "", html), "text in the page's font, but formulas"


def test_the_palette_is_that_of_the_style() -> None:
    with matplotlib.style.context(STYLE, after_reset=True):
        colours = matplotlib.rcParams["axes.prop_cycle"].by_key()["color"]
        assert matplotlib.rcParams["text.color"] == "#010203"
        assert matplotlib.rcParams["font.size"] >= 11
    assert tuple(f"#{colour.lstrip('#')}" for colour in colours) == PALETTE


def luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_colours_can_be_read_in_both_modes() -> None:
    from rnncourse.widgets.player import asset

    light, dark = re.findall(r"\{\s*((?:--rnn-\d: #\w+;\s*)+)", asset("player.css"))
    assert re.findall(r"#\w+", light) == list(PALETTE)
    for paper, colours in (("#ffffff", light), ("#121212", dark)):
        for colour in re.findall(r"#\w+", colours):
            assert contrast(colour, paper) >= 4.5, (colour, paper)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=1e-3)  # as others compute it


def test_ids_are_used_and_unique(drawn: Player) -> None:
    other = frames(curve, [0.2, 0.6], alt=size)
    diagrams = frames(lambda t: unrolled(3, "last", highlight=[f"cell_{t}"]), [1, 2, 3], alt=size)
    ids = []
    for player in (drawn, other, diagrams):
        own = re.findall(r' id="([^"]*)"', player.html())
        referred = set(re.findall(r'(?:href="#|url\(#|for=")([^")]*)', player.html()))
        assert referred <= set(own)
        assert set(own) - referred <= {own[0]}, "an id that nothing needs"
        ids += own
    assert len(ids) == len(set(ids))


def test_what_frames_share_stands_once() -> None:
    steps = frames(lambda t: unrolled(3, "last", highlight=[f"cell_{t}"]), [1, 2, 3], alt=size)
    shapes = re.findall(r"<defs>|<path [^>]*id=[^>]*>", steps.html())
    assert len(shapes) > 5
    assert len({re.sub(' id="[^"]*"', "", shape) for shape in shapes}) == len(shapes)
    alone = unrolled(3, "last").svg()
    assert len(steps.html()) < 2 * len(alone)


def test_the_definitions_of_strings_are_kept_apart() -> None:
    dots = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><defs><circle id="dot" r="{r}"/></defs>'
        '<g id="unused"><use href="#dot"/></g><path id="p" d="M 0.123 4.56"/><use href="#p"/></svg>'
        for r in (1, 2, 1)
    ]
    shared, small = pooled(dots, "q")
    assert shared.count("<circle") == 2
    assert ['href="#q-d0"' in svg for svg in small] == [True, False, True]
    assert 'id="q-0-p" d="M0.1 4.6"' in small[0].replace('d="M0.1 4.6" id="q-0-p"', 'id="q-0-p" d="M0.1 4.6"')
    assert 'href="#q-2-p"' in small[2]
    assert "unused" not in "".join(small)


def test_numbers_of_numpy_are_as_good_as_pythons() -> None:
    by_numpy = explore(circle, np.arange(1, 4), alt=size, value=(np.int64(1), np.int64(5)))
    by_python = explore(circle, [1, 2, 3], alt=size, value=(1, 5))
    sliders = [live.box().children[0] for live in (by_numpy, by_python)]  # type: ignore[attr-defined]
    assert type(sliders[0]) is type(sliders[1])
    assert [(s.min, s.max, s.value) for s in sliders] == [(1, 5, 1)] * 2


@pytest.mark.parametrize("box", ["0 0 9 9", "0,0,9,9", " 0, 0 , 9,\n9 "])
def test_numbers_of_a_view_box_may_be_parted_by_commas(box: str) -> None:
    drawn = frames(lambda r: circle(r).replace("0 0 9 9", box), [1, 2], alt=size)
    width = re.search(r"max-width: (\d+)px", drawn._repr_html_())
    assert width
    assert width[0] == re.search(r"max-width: (\d+)px", frames(circle, [1, 2], alt=size)._repr_html_())[0]  # type: ignore[index]


def test_the_notebook_does_not_show_the_figures_as_well(drawn: Player) -> None:
    assert len(drawn.frames) == 3
    assert plt.get_fignums() == []


def test_the_weight_of_ten_frames() -> None:
    html = frames(curve, np.linspace(0.05, 1, 10), alt=size)._repr_html_()
    assert len(gzip.compress(html.encode())) <= WEIGHT / 4


CODE = """
import numpy as np
from matplotlib import pyplot as plt
from rnncourse.diagrams import unrolled
from rnncourse.widgets import frames

def curve(w):
    fig, ax = plt.subplots()
    ax.plot(w ** np.arange(9), "o-", clip_on=True)
    return fig

print(frames(curve, [0.1, 0.5], alt=str)._repr_html_())
print(frames(lambda t: unrolled(3, highlight={f"x_{t}", f"cell_{t}"}), [1, 2], alt=str)._repr_html_())
"""


def test_the_bytes_depend_on_nothing_else() -> None:
    runs = {
        subprocess.run(
            [sys.executable, "-c", extra + CODE],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed, extra in (("1", ""), ("2", "import matplotlib; matplotlib.rcParams['font.size'] = 30"))
    }
    assert len(runs) == 1


def test_the_module_alone_loads_neither_matplotlib_nor_ipywidgets() -> None:
    code = (
        "import sys; from rnncourse.widgets import explore, frames\n"
        "sys.exit(bool({'matplotlib', 'ipywidgets'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# live


def test_without_a_reader_there_is_the_player_alone() -> None:
    player = explore(circle, [1, 2], alt=size, name="r", r=(0, 3))
    assert set(player._repr_mimebundle_()) == {"text/plain", "text/html"}  # type: ignore[attr-defined]
    assert player.html() == frames(circle, [1, 2], alt=size, name="r").html()


class Kernel:
    """Stands for a shell with a kernel."""

    kernel = None


def test_with_a_reader_there_are_controls_over_the_range(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ipywidgets")
    import IPython

    player = explore(
        lambda w, kind: circle(w), {"w": [0.5, 1.0], "kind": ["a", "b"]}, alt=lambda w, kind: f"{kind} {w}", w=(0, 2)
    )
    assert isinstance(player, LivePlayer)
    monkeypatch.delenv(STATIC, raising=False)
    monkeypatch.setattr(IPython, "get_ipython", Kernel)
    bundle = player._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/plain"] == "<4 frames by w, kind>"
    assert bundle["text/html"] == player._repr_html_()
    monkeypatch.setenv(STATIC, "1")
    assert set(player._repr_mimebundle_()) == {"text/plain", "text/html"}
    slider, buttons, picture = player.box().children
    assert (slider.min, slider.max, slider.value, slider.description) == (0.0, 2.0, 0.5, "w")
    assert buttons.value == "a"
    assert 'r="0.5"' in picture.value
    slider.value = 1.5
    assert 'r="1.5"' in picture.value
    assert 'aria-label="a 1.5"' in picture.value
    buttons.value = "b"
    assert 'aria-label="b 1.5"' in picture.value


def test_live_controls_without_a_range_keep_their_values_and_words() -> None:
    pytest.importorskip("ipywidgets")
    player = explore(circle, [1, 2, 3], labels=["x", "y", "z"], alt=["A.", "B.", "C."], caption="See.")
    slider, picture, caption = player.box().children  # type: ignore[attr-defined]
    slider.value = 3
    assert slider.label == "z"
    assert 'aria-label="C."' in picture.value
    assert caption.value == "<p>See.</p>"
    whole = explore(circle, [1, 2], alt=size, name="r", r=(1, 7))
    assert type(whole.box().children[0]).__name__ == "IntSlider"  # type: ignore[attr-defined]


# refused

GOOD: dict[str, Any] = {"f": circle, "values": [1, 2], "alt": size}


@pytest.mark.parametrize("make", [frames, explore])
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"f": 3}, TypeError, r"^f: expected a function of the value, got int 3$"),
        ({"f": lambda r: 3}, TypeError, r"^f: expected a function that returns .*, got one that returned int 3$"),
        ({"f": lambda r: (circle(r), 3)}, TypeError, r"^f: expected a picture and a string under it, got .* int 3$"),
        ({"f": lambda r: "<svg><g></svg>"}, ValueError, r"^f: expected well-formed SVG, got '<svg><g></svg>'"),
        ({"f": lambda r: "<svg width='3'/>"}, ValueError, r"^f: expected SVG with a viewBox, got width='3'"),
        ({"values": 3}, TypeError, r"^values: expected a sequence, got int 3$"),
        ({"values": "abc"}, TypeError, r"^values: expected a sequence, got str 'abc'$"),
        ({"values": [1]}, ValueError, r"^values: expected at least 2 values of 'value', got 1$"),
        ({"values": {}}, ValueError, r"^values: expected at least one control, got an empty dict$"),
        ({"values": {"r": []}}, ValueError, r"^values: expected at least 2 values of 'r', got 0$"),
        ({"values": {3: [1, 2]}}, TypeError, r"^name: expected a string with something in it, got int 3$"),
        ({"values": range(101)}, ValueError, r"^values: expected at most 100 frames in all, got 101$"),
        ({"labels": ["one"]}, ValueError, r"^labels: expected 2 texts, one for each, got 1$"),
        ({"labels": "ab"}, TypeError, r"^labels: expected a sequence of strings or a function, got str 'ab'$"),
        ({"labels": [1, 2]}, TypeError, r"^labels: expected strings, got int 1$"),
        ({"values": {"r": [1, 2]}, "labels": ["a", "b"]}, TypeError, r"^labels: expected a dict from name to labels"),
        ({"values": {"r": [1, 2]}, "labels": {"q": str}}, ValueError, r"^labels: expected names among r, got 'q'$"),
        ({"alt": None}, ValueError, r"^alt: expected what each frame shows, in words, got None$"),
        ({"alt": ["A.", " "]}, ValueError, r"^alt: expected texts with something in them, got ' '$"),
        ({"alt": ["A."]}, ValueError, r"^alt: expected 2 texts, one for each, got 1$"),
        ({"alt": "A."}, TypeError, r"^alt: expected a sequence of strings or a function, got str 'A\.'$"),
        ({"alt": lambda r: None}, TypeError, r"^alt: expected strings, got None$"),
        ({"name": ""}, TypeError, r"^name: expected a string with something in it, got str ''$"),
        ({"caption": 3}, TypeError, r"^caption: expected a string or None, got int 3$"),
    ],
)
def test_a_bad_argument_is_named(
    make: Callable[..., Player], change: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make(**(GOOD | change))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"w": (0, 1)}, ValueError, r"^w: expected a range of one of r, which this is not$"),
        ({"r": 3}, TypeError, r"^r: expected the lowest and the highest value, got int 3$"),
        ({"r": (0, "1")}, TypeError, r"^r: expected a finite number, got str '1'$"),
        ({"r": (0, float("inf"))}, ValueError, r"^r: expected a finite number, got inf$"),
        ({"r": (3, 0)}, ValueError, r"^r: expected a range from low to high, got 3 and 0$"),
        ({"r": (0, 1.5)}, ValueError, r"^r: expected a range that holds all its values, got 2 outside$"),
        ({"r": (0, 3), "alt": ["A.", "B."]}, TypeError, r"^alt: expected a function, since r has a range, got list"),
    ],
)
def test_a_bad_range_is_named(change: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        explore(**(GOOD | {"name": "r"} | change))


def test_every_colour_is_replaced_once() -> None:
    assert set(COLOURS.values()) == {"currentColor", *(f"var(--rnn-{k}, {c})" for k, c in enumerate(PALETTE, 1))}
