"""The player of `rnncourse.widgets`: frames, controls, and the HTML that they make."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from itertools import product
from typing import Any, NamedTuple

from .svg import pooled

MOST_BUTTONS = 4  # words to choose from that stand side by side; more become a slider
OWN_KEYS = 'data-lm-suppress-shortcuts="true"'  # or JupyterLab takes them; it has to be on the very element


class Control(NamedTuple):
    """A control: its name, the values it offers, and a word for each."""

    name: str
    values: tuple[Any, ...]
    labels: tuple[str, ...]

    @property
    def is_choice(self) -> bool:
        """Whether it is a row of radio buttons."""
        return len(self.values) <= MOST_BUTTONS and all(isinstance(value, str) for value in self.values)


@dataclass(frozen=True, repr=False)
class Player:
    """A figure with controls; it shows itself in a notebook and in the book.

    Attributes
    ----------
    controls : tuple of Control
        In the order of the arguments of the figure function.
    frames : tuple of str
        SVG or HTML, one for each combination of values; the last control changes fastest.
    notes : tuple of str
        The text under each frame, or nothing.
    alts : tuple of str
        The text alternative of each frame.
    caption : str or None
        What to see.
    """

    controls: tuple[Control, ...]
    frames: tuple[str, ...]
    notes: tuple[str, ...]
    alts: tuple[str, ...]
    caption: str | None = None

    def __repr__(self) -> str:
        names = ", ".join(control.name for control in self.controls)
        return f"<{len(self.frames)} frames by {names}>"

    def _repr_html_(self) -> str:
        """Return all of it, with its style and script, as a notebook needs it."""
        return self.html() + style_and_script()

    def html(self) -> str:
        """Return the figure without style and script, for a page that has them."""
        body = "".join((*self.frames, *self.notes, *self.alts, *map(repr, self.controls), self.caption or ""))
        prefix = f"rnn-{hashlib.sha256(body.encode()).hexdigest()[:8]}"
        shared, small = pooled(self.frames, prefix)
        labels = [
            ", ".join(f"{control.name}: {label}" for control, label in zip(self.controls, each, strict=True))
            for each in product(*(control.labels for control in self.controls))
        ]
        shown = "".join(
            f'<div class="rnn-frame" data-label="{escape(label)}"{" hidden" if k else ""}>{one_frame(*each)}</div>'
            for k, (label, *each) in enumerate(zip(labels, small, self.notes, self.alts, strict=True))
        )
        caption = f"<figcaption>{escape(self.caption)}</figcaption>" if self.caption else ""
        named = escape(" and ".join(control.name for control in self.controls))
        return (
            f'<figure class="rnn-player" id="{prefix}" aria-label="Figure with a control: {named}">'
            f'<div class="rnn-controls">{self._controls(prefix)}</div>{shared}'
            f'<div class="rnn-frames">{shown}</div><p class="rnn-said" aria-live="polite"></p>{caption}</figure>'
        )

    def _controls(self, prefix: str) -> str:
        rows, stride = [], len(self.frames)
        for k, control in enumerate(self.controls):
            stride //= len(control.values)
            data = (
                f'class="rnn-control" data-stride="{stride}" data-name="{escape(control.name)}" '
                f'data-labels="{escape(json.dumps(control.labels, ensure_ascii=False))}"'
            )
            inside = _choice if control.is_choice else _slider
            rows.append(inside(control, data, f"{prefix}-c{k}", play=len(self.controls) == 1))
        return "".join(rows)


def asset(name: str) -> str:
    """Return the text of ``player.css`` or ``player.js``."""
    return files(__package__).joinpath(name).read_text("utf-8")


def one_frame(picture: str, note: str, alt: str) -> str:
    """Return a picture with its text alternative, and the note under it."""
    under = f'<p class="rnn-note">{escape(note)}</p>' if note else ""
    return f'<div role="img" aria-label="{escape(alt)}">{picture}</div>{under}'


def style_and_script() -> str:
    """Return what a page needs to show players, as elements."""
    return f"<style>{asset('player.css')}</style><script>{asset('player.js')}</script>"


def _slider(control: Control, data: str, own: str, play: bool) -> str:
    name, first = escape(control.name), escape(control.labels[0])
    more = f'<button type="button" {OWN_KEYS} data-play aria-label="Play">▶</button>' if play else ""
    return (
        f'<div {data}><div class="rnn-head"><label for="{own}">{name}</label>'
        f'<output for="{own}" aria-live="off">{first}</output></div>'
        f'<button type="button" {OWN_KEYS} data-step="-1" aria-label="{name}: previous" aria-disabled="true">‹</button>'
        f'<input id="{own}" type="range" min="0" max="{len(control.values) - 1}" value="0" step="1" '
        f'autocomplete="off" {OWN_KEYS} aria-valuetext="{first}">'
        f'<button type="button" {OWN_KEYS} data-step="1" aria-label="{name}: next">›</button>{more}</div>'
    )


def _choice(control: Control, data: str, own: str, play: bool) -> str:
    buttons = "".join(
        f'<label class="rnn-choice"><input type="radio" name="{own}" value="{k}" '
        f"{OWN_KEYS}{'' if k else ' checked'}>{escape(label)}</label>"
        for k, label in enumerate(control.labels)
    )
    return f"<fieldset {data}><legend>{escape(control.name)}</legend>{buttons}</fieldset>"
