"""The verdict: an equation has to hold at every time, layer, example and entry, on every run, and claim something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NoReturn

import numpy as np

from ..language.lexer import Failure
from ..language.looks import LOSSES
from ..language.nodes import Cases, Deriv, Idx, Node, Num, Relation, Space, Sym, walk
from ..runs.world import World
from ..runs.worlds import Setting
from .evaluate import MOST, Definition, Evaluator, Work, show

__all__ = ["FAR", "Checker", "Verdict", "left_sides"]

TOLERANCE = 1e-10
NEAR = 0.01  # of a bound: as near as a run has to come to it
FAR = "true on every run tried; nothing came near the bound"
KINDS = {"=": "identity", ":=": "identity", r"\leftarrow": "update", r"\in": "membership"}
SOURCE = {
    "measured": "derivatives measured on the forward pass", "backward": "gradients of the layer's backward",
    "cells": "gradients of the cell's backward step",
}  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What was found out about one relation that holds.

    Attributes
    ----------
    kind : str
        identity, inequality, membership, update or definition.
    cases : int
        At how many times, layers, examples, entries and runs the two sides were compared.
    largest : float
        The largest difference, relative to the size of what is compared if that is above 1.
    near : bool
        Some run came near every bound that it claims (within 1 %), or it claims none.
    """

    kind: str
    cases: int
    largest: float = 0.0
    near: bool = True


class Checker:
    """Checks relations on the runs of one kind.

    Parameters
    ----------
    setting : Setting
        The runs.
    definitions : dict, optional
        What a chapter has defined so far; definitions that are checked are added.
    sources : tuple of str, optional
        Whose gradients to use; all there are, if None.
    work : Work, optional
        How much may be computed in all; if None, each equation may take what an equation may.
    """

    def __init__(
        self,
        setting: Setting,
        definitions: dict[str, Definition] | None = None,
        sources: tuple[str, ...] | None = None,
        work: Work | None = None,
    ) -> None:
        self.work = work
        self.setting, self.sources = setting, sources
        self.worlds = setting.worlds()
        self.definitions = {} if definitions is None else definitions

    def check(self, relations: list[Relation], source: str, attained: str | None = None) -> list[Verdict]:
        """Check what an equation claims.

        Parameters
        ----------
        relations : list of Relation
            From `parse`.
        source : str
            The LaTeX.
        attained : str, optional
            For an inequality: the run on which it is an equality; "never", if it is strict.

        Returns
        -------
        list of Verdict
            One for each relation.

        Raises
        ------
        Failure
            If one of them does not hold, makes no sense, or claims nothing.
        Refused
            If it would take too long.
        """
        try:
            with np.errstate(all="ignore"):
                return [RelationCheck(self, relation, source).verdict(attained) for relation in relations]
        except RecursionError:
            raise Failure("too deeply nested to be checked", source, relations[0].span) from None


class RelationCheck:
    """One relation that is being checked."""

    def __init__(self, checker: Checker, relation: Relation, source: str) -> None:
        self.checker, self.relation, self.source = checker, relation, source
        self.worlds = checker.worlds
        self.work = checker.work or Work(MOST)
        kinds = {KINDS.get(sign, "inequality") for sign in relation.signs}
        self.kind = next((k for k in ("inequality", "membership", "update") if k in kinds), "identity")

    def fail(self, message: str, node: Node | None = None) -> NoReturn:
        raise Failure(message, self.source, (node or self.relation).span)

    def parts(self) -> Iterator[Node]:
        """Yield all nodes, those of the definitions that are used included."""
        for side in self.relation.sides:
            yield from walk(side)
        used = {n.key for side in self.relation.sides for n in walk(side) if isinstance(n, Sym)}
        for key in used & self.checker.definitions.keys():
            yield from walk(self.checker.definitions[key].body)

    def verdict(self, attained: str | None) -> Verdict:
        self.guard()
        if self.is_definition():
            return self.define()
        evaluators = [self.evaluator(world, g) for world in self.worlds for g in self.gradients(world)]
        found = [pair for evaluator in evaluators for pair in self.compared(evaluator)]
        reached = set().union(*(evaluator.reached for evaluator in evaluators))
        for node in self.parts():
            if isinstance(node, Cases):
                for k, (value, _) in enumerate(node.rows):
                    if (node.span, k) not in reached:
                        self.fail("no run ever reaches this case", value)
        largest, size = (max(column) for column in zip(*found, strict=True))
        if size == 0 and self.kind != "membership" and not any(isinstance(s, Num) for s in self.relation.sides):
            self.fail("nothing is claimed: both sides are zero in every case")
        near = True
        if self.kind == "inequality":
            self.sharp(attained)
            near = attained != "never" or self.comes_near()
        elif any(isinstance(side, Space) and side.lo is not None for side in self.relation.sides):
            near = self.comes_near()
        return Verdict(self.kind, len(found), largest, near)

    def guard(self) -> None:
        """Refuse what claims nothing."""
        sides = self.relation.sides
        if not any(isinstance(n, Sym | Deriv) for n in self.parts()):
            self.fail("nothing is claimed: there is no quantity in it")
        if self.worlds[0].sizes["m"] == 1 and (
            m := next((n for side in sides for n in walk(side) if n == Idx("m")), None)
        ):
            self.fail("this kind of run has one example: a factor of m cannot be told from 1; take one of a batch", m)
        for a, b in pairwise(sides):
            if a == b:
                self.fail("nothing is claimed: both sides are the same expression", b)
            if self.kind == "identity" and isinstance(a, Sym) and a in list(walk(b)):
                self.fail("the left side appears again on the right", b)

    @cached_property
    def has_gradients(self) -> bool:
        """Whether there are gradients of a loss in it."""
        return any(
            (isinstance(n, Deriv) and n.num.key in LOSSES and not n.held and not n.immediate)
            or (isinstance(n, Sym) and n.key.startswith("d "))
            for n in self.parts()
        )

    def gradients(self, world: World) -> tuple[str, ...]:
        """Return the sources of gradients to check with: one, if there are none in the relation."""
        there = ("measured", *world.sources) if self.has_gradients else ("measured",)
        chosen = self.checker.sources
        return there if chosen is None else tuple(s for s in there if s in chosen) or there[:1]

    def evaluator(self, world: World, gradients: str = "measured") -> Evaluator:
        return Evaluator(world, self.source, gradients, self.checker.definitions, self.work)

    # ---- definitions

    def is_definition(self) -> bool:
        left = self.relation.sides[0]
        named = self.relation.signs[0] == ":=" and isinstance(left, Sym)
        return named and isinstance(left, Sym) and not self.worlds[0].knows(left.key)

    def define(self) -> Verdict:
        left, body, *_ = self.relation.sides
        assert isinstance(left, Sym)
        index = [part for part in (left.time, left.layer, left.example) if part is not None]
        parameters = tuple(part.name for part in index if isinstance(part, Idx))
        if left.entry or len(set(parameters)) < len(index) or len(self.relation.sides) > 2:
            self.fail("a definition reads: name with plain indices := expression", left)
        if any(isinstance(n, Sym) and n.key == left.key for n in walk(body)):
            self.fail("the definition mentions what it defines", body)
        new = Definition(parameters, body, self.source)
        if self.checker.definitions.get(left.key, new) != new:
            self.fail("this is already defined, otherwise", left)
        cases = 0
        for world in self.worlds:  # it has at least to make sense
            evaluator = self.evaluator(world)
            for env in evaluator.assignments(self.relation):
                evaluator.value(body, env)
                cases += 1
        self.checker.definitions[left.key] = new
        return Verdict("definition", cases)

    # ---- comparing

    def compared(self, evaluator: Evaluator) -> list[tuple[float, float]]:
        """Compare the sides at all cases of one run; return the largest difference and size of each."""
        found = [self.case(evaluator, env) for env in evaluator.assignments(self.relation)]
        return found or self.fail("the conditions leave no case to check")

    def case(self, evaluator: Evaluator, env: dict[str, int]) -> tuple[float, float]:
        """Compare the sides at one case; return the largest difference and size, or fail."""
        sides, signs = self.relation.sides, self.relation.signs
        where = " at " + ", ".join(f"{k} = {v}" for k, v in env.items()) if env else ""
        largest, size = 0.0, 0.0
        for a, sign, b in zip(sides, signs, sides[1:], strict=False):
            evaluator.updated = sign == r"\leftarrow"
            left = evaluator.value(a, env)
            evaluator.updated = False
            if isinstance(b, Space):
                self.member(evaluator, left, b, a, env, where)
                continue
            right = evaluator.value(b, env)
            if sign in KINDS:
                difference, scale = self.equal(left, right, b, where, evaluator.gradients)
                largest = max(largest, difference / max(1.0, scale))
            else:
                scale = self.ordered(left, sign, right, b, where)
            size = max(size, scale)
        return largest, size

    def equal(self, left: Any, right: Any, b: Node, where: str, gradients: str) -> tuple[float, float]:
        """Compare for equality."""
        if isinstance(b, Num):  # X = 0 means every entry
            right = np.full(np.shape(left), right)
        if np.shape(left) != np.shape(right):
            turned = r"; is a ^{\top} missing?" if np.shape(left) == np.shape(right)[::-1] else ""
            self.fail(f"the left side is {show(left)}, the right side {show(right)}{turned}", b)
        gap = np.abs(left - right)
        difference, size = float(np.max(gap)), float(np.max(np.abs(left)))
        if not difference <= TOLERANCE * max(1.0, size):
            entry = ""
            if np.ndim(left):
                place = tuple(int(k) for k in np.unravel_index(np.argmax(gap), gap.shape))
                left, right = left[place], right[place]
                entry = f" in entry ({place[0] + 1},{place[1] + 1})"
            by = "" if gradients == "measured" else f", with the {SOURCE[gradients]}"
            self.fail(f"does not hold{where}: left {left:.3g}, right {right:.3g}{entry}{by}", b)
        return difference, size

    def ordered(self, left: Any, sign: str, right: Any, b: Node, where: str) -> float:
        """Compare for order."""
        low, high = (left, right) if sign in (r"\le", "<") else (right, left)
        if np.ndim(low) and np.ndim(high) and np.shape(low) != np.shape(high):
            self.fail(f"comparing {show(left)} with {show(right)}", b)
        slack = float(np.min(high - low))
        if not (slack > 0 or (slack >= -TOLERANCE and sign not in ("<", ">"))):
            worst = np.unravel_index(np.argmin(high - low), np.shape(high - low))
            left, right = (np.broadcast_to(v, np.shape(high - low))[worst] for v in (left, right))
            self.fail(f"does not hold{where}: left {left:.3g}, right {right:.3g}", b)
        return float(np.max(np.abs(high)))

    def member(self, evaluator: Evaluator, value: Any, space: Space, a: Node, env: dict[str, int], where: str) -> None:
        """Check the shape and, for an interval, the values."""
        want = tuple(evaluator.index(n, env) for n in space.shape)
        want += (1,) * (len(want) == 1)
        if np.shape(value) != want and not (want and np.ndim(value) and evaluator.in_batch(np.shape(value), want)):
            self.fail(f"is {show(value)}, not {show(want)}", a)
        if space.lo is not None and space.hi is not None:
            low, high = evaluator.value(space.lo, env), evaluator.value(space.hi, env)
            for bound, node in ((low, space.lo), (high, space.hi)):
                if np.ndim(bound):
                    self.fail(f"the end of an interval has to be a number, not {show(bound)}", node)
            strict = space.kind == "open"
            if not (np.all((low < value) & (value < high)) if strict else np.all((low <= value) & (value <= high))):
                self.fail(f"leaves the interval{where}", a)

    def sharp(self, attained: str | None) -> None:
        """Ask for a run on which the last step of an inequality is an equality: else it could be far too wide."""
        strict = all(sign in ("<", ">") for sign in self.relation.signs)
        if attained == "never" and strict:
            return
        names = sorted(self.checker.setting.attaining)
        if attained not in names:
            known = f" ({', '.join(names)})" if names else ""
            self.fail(f"say on which run{known} the bound is attained: '% attained: name'; a strict one: 'never'")
        evaluator = self.evaluator(self.checker.setting.witness(attained))
        sides, signs = self.relation.sides, self.relation.signs
        a, b = next((sides[k], sides[k + 1]) for k in reversed(range(len(signs))) if signs[k] not in KINDS)
        for env in evaluator.assignments(self.relation):
            left, right = evaluator.value(a, env), evaluator.value(b, env)
            if not np.max(np.abs(left - right)) <= 1e-8 * max(1e-300, float(np.max(np.abs(right)))):
                self.fail(f"the bound is not attained on the run {attained}", b)

    def comes_near(self) -> bool:
        """Whether a run, those of large weights included, comes within 1 % of every bound; fail if one goes beyond."""
        runs = (*self.worlds, *self.checker.setting.extremes())
        gaps: dict[int, float] = {}
        for evaluator in map(self.evaluator, runs):
            for env in evaluator.assignments(self.relation):
                for k, (gap, scale, node) in enumerate(self.gaps(evaluator, env)):
                    if not gap >= -TOLERANCE * scale:
                        self.fail("goes beyond this bound on a run of large weights", node)
                    gaps[k] = min(gaps.get(k, np.inf), gap / scale)
        return all(gap <= NEAR for gap in gaps.values())

    def gaps(self, evaluator: Evaluator, env: dict[str, int]) -> Iterator[tuple[float, float, Node]]:
        """Yield how far each bound is at one case, the size of what is bounded, and the bound."""
        sides, signs = self.relation.sides, self.relation.signs
        for a, sign, b in zip(sides, signs, sides[1:], strict=False):
            if isinstance(b, Space) and b.lo is not None and b.hi is not None:
                value = evaluator.value(a, env)
                low, high = evaluator.value(b.lo, env), evaluator.value(b.hi, env)
                scale = max(float(high - low), 1e-300)
                yield float(np.min(value - low)), scale, b.lo
                yield float(np.min(high - value)), scale, b.hi
            elif not isinstance(b, Space) and sign not in KINDS:
                left, right = evaluator.value(a, env), evaluator.value(b, env)
                gap = right - left if sign in (r"\le", "<") else left - right
                scale = max(float(np.max(np.abs(left))), float(np.max(np.abs(right))), 1e-300)
                yield float(np.min(gap)), scale, b


def left_sides(relation: Relation) -> Iterator[str]:
    """Yield what an equation is about: the quantities alone on a side that is not the last, as keys."""
    for side in relation.sides[:-1]:
        if isinstance(side, Sym):
            yield side.key
        for node in walk(side):
            if isinstance(node, Deriv) and node.num.key in LOSSES and not node.held:
                yield f"d {node.den.key}"
