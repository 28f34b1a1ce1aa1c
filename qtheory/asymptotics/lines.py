"""Lines in a plane of two exponents, with exact coefficients."""

from __future__ import annotations

import sympy as sp

__all__ = ["meeting_point"]


def meeting_point(
    first: sp.Expr, second: sp.Expr, x: sp.Symbol, y: sp.Symbol
) -> tuple[sp.Expr, sp.Expr] | None:
    """Where two linear forms vanish together; None if they are parallel.

    >>> x, y = sp.symbols("x y")
    >>> meeting_point(x - y, x + 2 * y - 3, x, y)
    (1, 1)
    """
    (a, b, c), (d, e, f) = (_coefficients(form, x, y) for form in (first, second))
    determinant = sp.cancel(a * e - b * d)
    if determinant == 0:
        return None
    return sp.cancel((b * f - c * e) / determinant), sp.cancel((c * d - a * f) / determinant)


def _coefficients(form: sp.Expr, x: sp.Symbol, y: sp.Symbol) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    expanded = sp.expand(form)
    return expanded.coeff(x, 1), expanded.coeff(y, 1), expanded.subs({x: 0, y: 0})
