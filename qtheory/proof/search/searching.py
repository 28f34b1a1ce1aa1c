"""Search a certificate for formulas, or those that proofs lack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

from qtheory.proof.certificates import CertificateFile
from qtheory.proof.checker import CertificateError, Expression, Facts, check, unknowns
from qtheory.proof.search.solver import Formulas
from qtheory.proof.search.tree import NotFound, Tree

# Chosen so that a search in vain ends; not measured on every leaf.
_LOOKS = 4000
_LOOKS_AT_ONCE = 1000


def search(formulas: Sequence[Expression]) -> tuple[list[int], Any]:
    """Which formulas are needed, and a certificate that they have no common model.

    First what follows at once from all of them; then what follows from those that z3 needs.

    Raises
    ------
    NotFound
        Nothing was found within the limits of work; formulas may have a common model, or not.

    Examples
    --------
    >>> import z3
    >>> from qtheory.proof.checker import check
    >>> from qtheory.proof.terms import term_of
    >>> x, y = z3.Reals("x y")
    >>> formulas = [term_of(f) for f in (x > 0, y > 1, z3.Not(x * y > x))]
    >>> uses, steps = search(formulas)
    >>> uses
    [0, 1, 2]
    >>> check(formulas, steps)
    """
    try:
        return _searched(formulas, list(range(len(formulas))), quick=True)
    except NotFound:
        uses = Formulas(formulas).needed()
    try:
        return _searched(formulas, uses, quick=False)
    except NotFound:
        return _searched(formulas, _with_signs(formulas, uses), quick=False)


def _with_signs(formulas: Sequence[Expression], uses: list[int]) -> list[int]:
    """These formulas, and comparisons of one or two of their unknowns: z3 may do without."""
    known = set(unknowns([formulas[k] for k in uses]))
    signs = [
        k
        for k, formula in enumerate(formulas)
        if formula.operation in ("<=", "<")
        and len(own := unknowns([formula])) <= 2
        and known.issuperset(own)
    ]
    return sorted({*uses, *signs})


def _searched(
    formulas: Sequence[Expression], uses: list[int], quick: bool
) -> tuple[list[int], Any]:
    """The search with some formulas; and again with those that it used, until it uses all."""
    while True:
        chosen = [formulas[k] for k in uses]
        step = Tree(chosen, _LOOKS_AT_ONCE if quick else _LOOKS, quick).grow()
        used = step.used()
        sizes = [len(Facts([formula]).facts) for formula in chosen]
        ends = list(accumulate(sizes))
        fewer = [
            k
            for k, size, end in zip(uses, sizes, ends, strict=True)
            if used.intersection(range(end - size, end))
        ]
        if fewer == uses:
            return uses, step.written({name: name for name in range(sum(sizes))}, sum(sizes))
        uses = fewer


def search_missing(
    files: Sequence[CertificateFile],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, list[str]]:
    """Search the certificates that the leaves of these files lack, and keep those that are found.

    Returns the names of the leaves that are left without one, by the file of certificates.
    """
    todo = [(file, key) for file in files for key in list(file.missing)]
    left: dict[str, list[str]] = {}
    for done, (file, key) in enumerate(todo):
        progress(done, len(todo))
        name, formulas = file.missing[key]
        try:
            uses, steps = search(formulas)
            check([formulas[k] for k in uses], steps)
        except (NotFound, CertificateError, RecursionError):
            left.setdefault(str(file.path), []).append(name or "a lemma")
            continue
        file.add(key, uses, steps)
        file.save()
    progress(len(todo), len(todo))
    return left
