"""Which values the free indices of an equation take."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import NoReturn

from ..language.nodes import Big, Cond, Idx, Node, Range, Relation, Sym, children
from ..runs.world import World

__all__ = ["LONGEST", "Env", "Ranges"]

Env = Mapping[str, int]
LONGEST = 200  # terms of a sum, values of an index
LAST = {"time": "T", "layer": "N", "example": "m"}


class Ranges(ABC):
    """What an evaluator knows about indices."""

    world: World
    _free: dict[int, tuple[Node, tuple[str, ...]]]  # a node and its free indices, by its id

    @abstractmethod
    def fail(self, message: str, node: Node) -> NoReturn:
        """Say what makes no sense, and where."""

    @abstractmethod
    def index(self, node: Node, env: Env) -> int:
        """Return a whole number."""

    @abstractmethod
    def holds(self, condition: Cond, env: Env) -> bool:
        """Whether a condition on numbers is true."""

    def uses(self, node: Node, bound: frozenset[str] = frozenset()) -> Iterator[tuple[str, str, Node, int]]:
        """Yield (index, how it is used, by whom, in which place) for the free indices of a node."""
        if isinstance(node, Idx):
            if node.name not in bound and node.name not in self.world.sizes:
                yield node.name, "number", node, 0
        elif isinstance(node, Sym):
            places = [("time", node.time, 0), ("layer", node.layer, 0), ("example", node.example, 0)]
            for kind, part, k in [*places, *(("entry", e, k) for k, e in enumerate(node.entry))]:
                if part is not None:
                    yield from ((name, kind, node, k) for name, *_ in self.uses(part, bound))
        elif isinstance(node, Big):
            for limit in (node.lo, node.hi):
                if limit is not None:
                    yield from self.uses(limit, bound)
            yield from self.uses(node.body, bound | {node.var})
        else:
            for child in children(node):
                yield from self.uses(child, bound)

    def free(self, node: Node) -> tuple[str, ...]:
        """Return the free indices of a node, in the order of their first use; each node is looked at but once."""
        known = self._free.get(id(node))
        if known is None:  # the node is kept, so that no other gets its id
            if isinstance(node, Idx):
                names = [node.name] * (node.name not in self.world.sizes)
            elif isinstance(node, Big):
                limits = [name for limit in (node.lo, node.hi) if limit is not None for name in self.free(limit)]
                names = [*limits, *(name for name in self.free(node.body) if name != node.var)]
            else:
                names = [name for child in children(node) for name in self.free(child)]
            known = self._free[id(node)] = node, tuple(dict.fromkeys(names))
        return known[1]

    def default_range(self, var: str, nodes: list[Node], at: Node) -> range:
        """Return all values that an index can take where it is used."""
        last = set()
        for name, kind, symbol, place in itertools.chain.from_iterable(map(self.uses, nodes)):
            if name == var and kind == "entry" and isinstance(symbol, Sym):
                try:
                    last.add(self.world.shape(symbol.key)[place])
                except LookupError:
                    last.add(0)
            elif name == var and kind != "number":
                last.add(self.world.sizes.get(LAST[kind], 0))
        if len(last) != 1 or 0 in last:
            self.fail(f"say the range of the index {var}, as in ', \\quad {var} = 1, \\ldots, n'", at)
        return range(1, last.pop() + 1)

    def assignments(self, relation: Relation) -> Iterator[dict[str, int]]:
        """Yield all values of the free indices at which a relation claims to hold."""
        given = {c.var: (c.lo, c.hi) for c in relation.where if isinstance(c, Range)}
        conditions = [c for c in relation.where if isinstance(c, Cond)]
        sides = [*relation.sides, *conditions]
        names = list(dict.fromkeys([*given, *(use[0] for side in sides for use in self.uses(side))]))
        ranges = []
        for name in names:
            if name in given:
                ranges.append(range(self.index(given[name][0], {}), self.index(given[name][1], {}) + 1))
            else:
                usual = self.default_range(name, list(relation.sides), relation)
                ranges.append(self.widened(usual, name, conditions))
            if len(ranges[-1]) > LONGEST:
                self.fail(f"more than {LONGEST} values of {name}", relation)
        for values in itertools.product(*ranges):
            env = dict(zip(names, values, strict=True))
            if all(self.holds(c, env) for c in conditions):
                yield env

    def widened(self, usual: range, name: str, conditions: list[Cond]) -> range:
        """Return a range with what conditions such as 0 ≤ k add to it: they may reach beyond the usual values."""
        start, stop = usual.start, usual.stop
        for condition in conditions:
            for a, sign, b in zip(condition.chain[::2], condition.chain[1::2], condition.chain[2::2], strict=False):
                if b == Idx(name) and sign in ("<", r"\le") and not any(self.uses(a)):
                    start = min(start, self.index(a, {}) + (sign == "<"))
                if a == Idx(name) and sign in ("<", r"\le") and not any(self.uses(b)):
                    stop = max(stop, self.index(b, {}) + (sign != "<"))
        return range(start, stop)
