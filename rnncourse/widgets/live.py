"""The controls of `rnncourse.widgets.explore` where a kernel and ipywidgets are alive."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from typing import Any

from .. import _validation as validate
from .._extras import needed
from .player import Control, Player, asset, one_frame
from .svg import book_style, drawn, pooled

STATIC = "RNNCOURSE_STATIC"  # set where no reader is in front of the kernel: the build of the book, the tests
STEPS = 200  # of a slider over a range
Range = tuple[float, float]


@dataclass(frozen=True, repr=False)
class LivePlayer(Player):
    """A player that becomes controls over whole ranges where a reader has a kernel.

    Attributes
    ----------
    f, alt
        As in `rnncourse.widgets.explore`.
    ranges : dict from name to tuple of two numbers
        Of those controls that have one.
    """

    f: Callable[..., object] | None = None
    alt: Any = None
    ranges: Mapping[str, Range] | None = None

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Return the player, and beside it the live controls, which a front end prefers if it can show them."""
        bundle = {"text/plain": repr(self), "text/html": self._repr_html_()}
        if is_live():
            bundle |= self.box()._repr_mimebundle_()
            bundle["text/plain"] = repr(self)
        return bundle

    def box(self) -> Any:
        """Build the controls and the picture that follows them.

        Returns
        -------
        ipywidgets.VBox
            The controls, then the picture.
        """
        ipywidgets = needed("ipywidgets", "widgets", "box")
        inputs = [self._input(control) for control in self.controls]
        picture = ipywidgets.HTML(value=self._picture([each.value for each in inputs]))

        def draw(_: object) -> None:
            picture.value = self._picture([each.value for each in inputs])

        for each in inputs:
            each.observe(draw, "value")
        parts = [*inputs, picture]
        if self.caption:
            parts.append(ipywidgets.HTML(value=f"<p>{escape(self.caption)}</p>"))
        return ipywidgets.VBox(parts)

    def _input(self, control: Control) -> Any:
        """Return a slider over the control's range, or over its values."""
        import ipywidgets

        words = {"description": control.name, "style": {"description_width": "initial"}}
        if control.name not in (self.ranges or {}):
            options = list(zip(control.labels, control.values, strict=True))
            kind = ipywidgets.RadioButtons if control.is_choice else ipywidgets.SelectionSlider
            return kind(options=options, value=control.values[0], **words)
        low, high = (self.ranges or {})[control.name]
        start = control.values[0]
        if all(isinstance(each, int) for each in (low, high, start)):
            return ipywidgets.IntSlider(min=low, max=high, value=start, **words)
        step = (high - low) / STEPS
        return ipywidgets.FloatSlider(min=low, max=high, step=step, value=start, readout_format=".3g", **words)

    def _picture(self, values: Sequence[Any]) -> str:
        """Draw one frame, with its text alternative."""
        assert self.f is not None
        with book_style():
            picture, note = drawn(self.f(*values))
        shared, (picture,) = pooled([picture], "rnn-live")
        frame = f'<div class="rnn-frame">{one_frame(picture, note, self._said(values))}</div>'
        return f'<style>{asset("player.css")}</style><figure class="rnn-player">{shared}{frame}</figure>'

    def _said(self, values: Sequence[Any]) -> str:
        """Return the text alternative of these values."""
        if callable(self.alt):
            return str(self.alt(*values))
        at = 0
        for control, value in zip(self.controls, values, strict=True):
            at = at * len(control.values) + control.values.index(value)
        return self.alts[at]


def is_live() -> bool:
    """Whether there is a kernel with a reader, as far as one can know, and ipywidgets."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return hasattr(shell, "kernel") and not os.environ.get(STATIC) and find_spec("ipywidgets") is not None


def spans(ranges: Mapping[str, object], controls: Sequence[Control], alt: object) -> dict[str, Range]:
    """Check the ranges of `rnncourse.widgets.explore`."""
    by_name = {control.name: control for control in controls}
    found = {}
    for name, span in ranges.items():
        if name not in by_name:
            raise ValueError(f"{name}: expected a range of one of {', '.join(by_name)}, which this is not")
        if not isinstance(span, tuple | list) or len(span) != 2:
            raise TypeError(f"{name}: expected the lowest and the highest value, got {validate.describe(span)}")
        for end in span:
            validate.finite(name, end)
        if not span[0] < span[1]:
            raise ValueError(f"{name}: expected a range from low to high, got {span[0]} and {span[1]}")
        for value in by_name[name].values:
            if not isinstance(value, int | float) or not span[0] <= value <= span[1]:
                raise ValueError(f"{name}: expected a range that holds all its values, got {value!r} outside")
        if not callable(alt):
            raise TypeError(f"alt: expected a function, since {name} has a range, got {validate.describe(alt)}")
        found[name] = (span[0], span[1])
    return found
