"""Where an equation fails: which side is wrong, and which slip would explain it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..language.lexer import EquationError, Failure
from ..language.nodes import Add, Idx, Mul, Neg, Node, Num, Pow, Relation, Sym, Transpose, slots, walk, with_slot
from ..language.parser import parse
from ..language.printer import latex
from ..runs.world import World
from .checker import Checker, RelationCheck
from .edits import edits
from .evaluate import Evaluator, Work

__all__ = ["diagnosis"]

NAMES = {"backward": "the layer's backward pass", "cells": "the cell's backward step"}
TRIED = 400  # edits
LONG = 400  # parts of an equation: more than twice what any of the book has; to read its edits would take minutes
SEARCH = 40_000  # values to compute and parts to read in all: a learner waits for the answer


def diagnosis(source: str, relations: list[Relation], checker: Checker, attained: str | None = None) -> list[str]:
    """Say what would explain that an equation fails.

    Parameters
    ----------
    source : str
        The LaTeX.
    relations : list of Relation
        What was read from it.
    checker : Checker
        The one it fails.
    attained : str, optional
        For inequalities: the run on which it is an equality.

    Returns
    -------
    list of str
        Lines to follow the message; empty if there is no explanation.
    """
    if sum(1 for relation in relations for _ in walk(relation)) > LONG:
        return [f"It has more than {LONG} parts: to have the slip found, check it in parts."]
    attempt = _Attempt(checker, attained)
    try:
        with np.errstate(all="ignore"):
            return attempt.explanation(source, relations)
    except RecursionError:
        return []


class _Attempt:
    """Tries variants of an equation, on the first run and then on all."""

    def __init__(self, checker: Checker, attained: str | None) -> None:
        self.checker, self.attained = checker, attained
        self.tried = 0  # edits
        self.work = Work(SEARCH)  # for all variants together: what is not found by then is rarely found later

    def explanation(self, source: str, relations: list[Relation]) -> list[str]:
        """Say whose fault it is, where it fails, and what would mend it."""
        found = self.blame(source, relations)
        if found:
            return found
        wrong = self.wrong(source, relations)
        found = [line for relation in wrong for line in self.range_of(source, relation)]
        found += self.one_edit(source, relations, wrong)
        return found or [line for relation in wrong for line in self.missing(source, relation)][:1]

    def wrong(self, source: str, relations: list[Relation]) -> list[Relation]:
        """Return the relations that do not hold; all of them, if one defines what others use."""
        checks = (RelationCheck(self.checker, relation, source) for relation in relations)
        if len(relations) == 1 or any(check.is_definition() for check in checks):
            return relations
        return [relation for relation in relations if not self.holds(source, [relation])]

    def holds(self, source: str, relations: list[Relation], sources: tuple[str, ...] | None = None) -> bool:
        """Whether a variant holds on all runs; most fail on the first already, and with gradients that cost nothing."""
        looked_up = self.checker.worlds[0].sources[:1] or None  # to measure them takes a pass for every weight
        quick, full = (
            Checker(self.checker.setting, dict(self.checker.definitions), asked, self.work)
            for asked in (sources or looked_up, sources)
        )
        quick.worlds = quick.worlds[:1]
        try:
            for one in (quick, full):
                one.check(relations, source, self.attained)
        except EquationError:
            return False
        return True

    def evaluator(self, world: World, source: str, gradients: str) -> Evaluator:
        return Evaluator(world, source, gradients, self.checker.definitions, self.work)

    def blame(self, source: str, relations: list[Relation]) -> list[str]:
        """Tell a wrong equation from a wrong gradient."""
        sources = self.checker.worlds[0].sources
        agree = {name: self.holds(source, relations, (name,)) for name in ("measured", *sources)}
        wrong = " and ".join(NAMES[name] for name in sources if not agree[name])
        if agree["measured"] and wrong:
            return [f"It agrees with the derivatives measured on the forward pass: {wrong} is wrong."]
        if sources and not agree["measured"] and all(agree[name] for name in sources):
            return ["It agrees with the package's gradients, not with derivatives measured on the forward pass."]
        return []

    def range_of(self, source: str, relation: Relation) -> Iterator[str]:
        """Find an equation that fails at the first or the last value of an index only."""
        check = RelationCheck(self.checker, relation, source)
        world = self.checker.worlds[0]
        evaluator = self.evaluator(world, source, check.gradients(world)[-1])
        good: list[dict[str, int]] = []
        bad: list[dict[str, int]] = []
        try:
            for env in evaluator.assignments(relation):
                try:
                    check.case(evaluator, env)
                    good.append(env)
                except Failure:
                    bad.append(env)
        except EquationError:
            return
        for name in bad[0] if bad and good else ():
            at = {env[name] for env in bad}
            elsewhere = {env[name] for env in good}
            if len(at) == 1 and not at & elsewhere and at.pop() in (min(elsewhere) - 1, max(elsewhere) + 1):
                only = bad[0][name]
                first, last = min(elsewhere), max(elsewhere)
                yield f"It fails at {name} = {only} only and holds for {name} = {first} … {last}: write that range."

    def one_edit(self, source: str, relations: list[Relation], wrong: list[Relation]) -> list[str]:
        """Find single edits that make it true: none in a relation that holds could."""
        found: list[str] = []
        right = [relation for relation in relations if relation not in wrong]
        for edit in edits(source, relations, self.checker.setting.notation):
            start, stop = edit.changed(source)
            if any(relation.span[0] <= start and stop <= relation.span[1] for relation in right):
                continue
            if self.tried == TRIED:
                break
            self.tried += 1
            try:
                changed = parse(edit.source, self.checker.setting.notation)
            except EquationError:
                continue
            self.work.left -= sum(1 for one in changed for _ in walk(one))  # to read a part takes as long as a value
            if self.holds(edit.source, [relation for relation in changed if relation not in right]):
                found.append(str(EquationError(f"It holds if {edit.says}:", source, edit.changed(source))))
            if len(found) == 2 or self.work.left < 0:
                break
        return found

    # ---- what is missing

    def missing(self, source: str, relation: Relation) -> Iterator[str]:
        """Find a term or a factor that is missing."""
        if relation.signs[-1] not in ("=", ":=", r"\leftarrow") or len(relation.sides) > 3:
            return
        world, last = self.checker.worlds[0], relation.sides[-1]
        check = RelationCheck(self.checker, relation, source)
        evaluator = self.evaluator(world, source, check.gradients(world)[-1])
        evaluator.updated = relation.signs[-1] == r"\leftarrow"
        try:
            env = list(evaluator.assignments(relation))[-2:][0]
            left = evaluator.value(relation.sides[-2], env)
        except (EquationError, IndexError):
            return
        evaluator.updated = False
        time = next((n for n in walk(relation) if isinstance(n, Idx) and n.name in env), None)
        terms, factors = (
            [(node, np.shape(value_of(evaluator, node, env))) for node in nodes]
            for nodes in self.candidates(evaluator, env, time)
        )
        for spot, tree_with in spots(last):
            here = value_of(evaluator, spot, env)
            fitting = ([node for node, shape in known if fits(here, shape)] for known in (terms, factors))
            for new, said, what in inserted(spot, *fitting):
                tree = tree_with(new)
                value = value_of(evaluator, tree, env)
                if self.work.left < 0:
                    return
                if np.shape(value) != np.shape(left) or value is None:
                    continue
                if np.max(np.abs(value - left)) <= 1e-9 * max(1.0, np.max(np.abs(left))):
                    changed = Relation((*relation.chain[:-1], tree), relation.where)
                    if self.holds(source, [changed]):
                        yield f"It holds if a missing {what} is put in: {latex(said, self.checker.setting.notation)}"
                        return

    def candidates(self, evaluator: Evaluator, env: dict[str, int], time: Idx | None) -> tuple[list[Node], list[Node]]:
        """List the terms and the factors that could be missing: quantities, and weights times quantities."""
        notation = self.checker.setting.notation
        simple: list[Node] = []
        weights: list[Node] = []
        for key, template in notation.templates.items():
            _, axes = notation.template(template)
            if not axes:
                (weights if key.startswith("W") else simple).append(Sym(key))
            elif axes == {"t"} and time is not None:
                simple += [Sym(key, Add(((1, time), (k, Num(1.0)))) if k else time) for k in (0, -1, 1)]
        simple = [q for q in simple if value_of(evaluator, q, env) is not None]
        products: list[Node] = [Mul("mat", m, v) for W in weights for m in (W, Transpose(W)) for v in simple]
        later = [q for q in simple if isinstance(q, Sym)]
        products += [Mul("had", q, v) for k, q in enumerate(later) for v in later[k + 1 :]]
        terms = [t for t in (*simple, *products) if value_of(evaluator, t, env) is not None]
        one = [Add(((1, Num(1.0)), (-1, q))) for q in simple]
        slopes = [Add(((1, Num(1.0)), (-1, Pow(q, Num(2.0))))) for q in simple]
        gates = [Mul("had", q, rest) for q, rest in zip(simple, one, strict=True)]
        return terms, [*simple, *one, *slopes, *gates]


def places(tree: Any, put: Callable[[Any], Any] = lambda new: new) -> Iterator[tuple[Any, Callable[[Any], Any]]]:
    """Yield every node (and tuple of nodes) of a tree, and what builds the tree with another one in its place.

    Only what stands above the place is built anew: the rest keeps its identity, and with it the values known of it.
    """
    yield tree, put
    for at, part in slots(tree):

        def above(new: Any, at: str | int = at) -> Any:
            return put(with_slot(tree, at, new))

        yield from places(part, above)


def spots(tree: Node) -> list[tuple[Node, Callable[[Node], Any]]]:
    """List where something could be missing (the whole, sums, terms of sums, factors), and what puts it there."""
    wanted = [tree]
    for node in walk(tree):
        if isinstance(node, Add):
            wanted += [node, *(term for _, term in node.terms)]
        elif isinstance(node, Mul) and node.kind == "had":
            wanted += [node.a, node.b]
    where = {id(node): put for node, put in reversed(list(places(tree)))}
    return [(node, where[id(node)]) for node in wanted]


def fits(value: Any, shape: tuple[int, ...]) -> bool:
    """Whether something of a shape can be joined to a value by + or ⊙; if the value is not known, it can."""
    return value is None or not np.ndim(value) or not shape or shape[0] == value.shape[0]


def inserted(spot: Node, terms: list[Node], factors: list[Node]) -> Iterator[tuple[Node, Node, str]]:
    """Yield a spot with something more, what that is, and whether it is a term or a factor."""
    so_far = spot.terms if isinstance(spot, Add) else ((1, spot),)
    for term in terms:
        for sign in (1, -1):
            yield Add((*so_far, (sign, term))), term if sign > 0 else Neg(term), "term"
    for factor in factors:
        yield Mul("had", spot, factor), factor, "factor"


def value_of(evaluator: Evaluator, node: Node, env: dict[str, int]) -> Any:
    """Return a value, or None if there is none."""
    try:
        return evaluator.value(node, env)
    except EquationError:
        return None
