"""Wrong tables and wrong claims: each has to make its claim fail.

make claim-mutants      counts them by kind, and names those that survive
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from .claim import CLAIMS, Claim, judge
from .table import Table

TURNED = {
    ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.Gt, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip


def turned(holds: Any) -> Iterator[tuple[str, Any]]:
    """Yield the function with one comparison turned round, for each that it makes."""
    source = textwrap.dedent(inspect.getsource(holds))
    count = sum(len(node.ops) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Compare))
    for number in range(count):
        tree, seen = ast.parse(source), 0
        for node in ast.walk(tree):
            for k in range(len(node.ops) if isinstance(node, ast.Compare) else 0):
                if seen == number:
                    node.ops[k] = TURNED[type(node.ops[k])]()
                    told = ast.unparse(node)
                seen += 1
        function = tree.body[0]
        function.decorator_list = []
        names = dict(holds.__globals__)
        exec(compile(ast.fix_missing_locations(tree), "<a comparison turned>", "exec"), names)
        yield told, names[function.name]


def swapped(runs: Table, factor: str, first: Any, second: Any) -> Table:
    column = runs[factor].copy()
    column[runs[factor] == first], column[runs[factor] == second] = second, first
    return runs.put(factor, column)


def untreated(each: Claim, runs: Table) -> Table:
    """Put the treatment's outcomes into the control's rows, setting by setting."""
    name = each.factor
    place = {tuple(row): k for k, row in enumerate(zip(*(runs[key].tolist() for key in runs.factors), strict=True))}
    columns = {key: column.copy() for key, column in runs.columns.items()}
    for row, k in place.items():
        if row[runs.factors.index(name)] == each.control[name]:
            twin = place[
                tuple(
                    each.treatment[name] if key == name else value for key, value in zip(runs.factors, row, strict=True)
                )
            ]
            for key in columns.keys() - set(runs.factors):
                columns[key][k] = columns[key][twin]
    return Table(columns, runs.factors, runs.about)


def swaps(each: Claim, runs: Table) -> Iterator[tuple[str, bool]]:
    """Yield for each level of the factor whether some exchange of its label with another's makes the claim fail."""
    levels = runs.levels(each.factor)
    caught = [
        pair for pair in combinations(levels, 2) if judge(each, swapped(runs, each.factor, *pair), quick=True).problems
    ]
    for level in levels:
        yield f"{level} swapped", any(level in pair for pair in caught)


def mutants(each: Claim) -> Iterator[tuple[str, str, bool]]:
    """Yield every mutant of a claim: its kind, what was done, whether the claim failed."""
    for told, holds in turned(each.holds):
        yield "comparison turned", told, bool(judge(each, holds=holds, quick=True).problems)
    for printed in each.says:
        digit = next((k for k in reversed(range(len(printed))) if printed[k].isdigit()), None)
        if digit is not None:
            other = printed[:digit] + str((int(printed[digit]) + 1) % 10) + printed[digit + 1 :]
            says = {other if key == printed else key: get for key, get in each.says.items()}
            yield (
                "number changed",
                f"{printed} → {other}",
                bool(judge(replace(each, says=says, text=each.text.replace(printed, other)), quick=True).problems),
            )
    if not each.experiment:
        return
    runs = each.runs()
    for seed in runs.levels("seed"):
        yield "seed dropped", f"seed {seed}", bool(judge(each, runs.rows(runs["seed"] != seed), quick=True).problems)
    if each.kind == "difference" and each.factor in runs.factors:
        yield from (("factor swapped", told, failed) for told, failed in swaps(each, runs))
    elif each.kind == "difference":  # measured, not set: what was largest becomes smallest
        other = runs.put(each.factor, -runs[each.factor])
        yield "factor swapped", "order turned round", bool(judge(each, other, quick=True).problems)
    if each.control:
        yield "control undone", str(dict(each.control)), bool(judge(each, untreated(each, runs), quick=True).problems)
    if each.kind == "same":
        level = runs.levels(each.factor)[0]
        moved = runs[each.outcome] + 2 * each.margin * (runs[each.factor] == level)
        yield "difference planted", str(level), bool(judge(each, runs.put(each.outcome, moved)).problems)


def main() -> int:
    """Try all; print how many of each kind made their claim fail, and return how many did not."""
    found: dict[str, list[bool]] = {}
    for each in CLAIMS.values():
        for kind, told, failed in mutants(each):
            found.setdefault(kind, []).append(failed)
            if not failed:
                print(f"SURVIVES: {each.name}: {kind}: {told}")
    for kind, failed in found.items():
        print(f"{kind:20} {sum(failed):4} of {len(failed)} make their claim fail")
    every = np.concatenate([np.array(failed) for failed in found.values()])
    print(f"{'in all':20} {every.sum():4} of {len(every)}, {len(CLAIMS)} claims")
    return int((~every).sum())


if __name__ == "__main__":
    raise SystemExit(bool(main()))
