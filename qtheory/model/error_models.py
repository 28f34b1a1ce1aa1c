"""Error models: the second moments of an unbiased quantization error."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import sympy as sp

from qtheory.errors import InvalidArgumentError
from qtheory.numbers.exact import Number, nonnegative


@dataclass(frozen=True)
class ErrorModel:
    r"""Second moments of an unbiased quantization error e = Q(u) - u.

    .. math:: E[e e^T | u] = a I + s\, u u^T + m\, \mathrm{diag}(u^2).

    Build it with :func:`Additive`, :func:`Multiplicative` and ``+``.

    Source: Zhang, Su, Zou (arXiv:2510.18259) define the additive and the shared model.

    Parameters
    ----------
    additive
        a, the error variance of a constant quantization step (integers).
    shared
        s, the relative error variance of one factor 1 + zeta for the whole vector u.
    elementwise
        m, the relative error variance of independent factors, one per entry (floating point).
    """

    additive: sp.Expr = sp.S.Zero
    shared: sp.Expr = sp.S.Zero
    elementwise: sp.Expr = sp.S.Zero

    def __post_init__(self) -> None:
        for part in fields(self):
            value = nonnegative(getattr(self, part.name), part.name)
            object.__setattr__(self, part.name, value)

    @property
    def multiplicative(self) -> sp.Expr:
        """The relative error variance of one entry, s + m."""
        return self.shared + self.elementwise

    @property
    def is_exact(self) -> bool:
        """Whether there is no error at all."""
        return self == ErrorModel()

    def __add__(self, other: object) -> ErrorModel:
        if not isinstance(other, ErrorModel):
            return NotImplemented
        return ErrorModel(
            self.additive + other.additive,
            self.shared + other.shared,
            self.elementwise + other.elementwise,
        )

    def __repr__(self) -> str:
        parts = [f"Additive('{self.additive}')"] if self.additive != 0 else []
        for coupling in ("shared", "elementwise"):
            epsilon = getattr(self, coupling)
            if epsilon != 0:
                parts.append(f"Multiplicative('{epsilon}', coupling='{coupling}')")
        return " + ".join(parts) or "ErrorModel()"


def Additive(epsilon: Number) -> ErrorModel:  # noqa: N802
    r"""Additive error, :math:`E[e e^T | u] = \epsilon I`: a constant step, as integers have.

    Parameters
    ----------
    epsilon
        Error variance, zero or positive, in the units of u squared.

    Examples
    --------
    >>> Additive("0.01") + Multiplicative("1e-3", coupling="elementwise")
    Additive('1/100') + Multiplicative('1/1000', coupling='elementwise')
    """
    return ErrorModel(additive=nonnegative(epsilon, "epsilon"))


def Multiplicative(epsilon: Number, coupling: str = "shared") -> ErrorModel:  # noqa: N802
    r"""Multiplicative error: a step proportional to the value, as floating point has.

    Parameters
    ----------
    epsilon
        Relative error variance, zero or positive.
    coupling
        ``"shared"``: :math:`E[e e^T | u] = \epsilon u u^T`, one random factor for the whole
        vector (the definition of arXiv:2510.18259). ``"elementwise"``:
        :math:`\epsilon\, \mathrm{diag}(u^2)`, independent factors (what rounding does).

    Examples
    --------
    >>> Multiplicative("0.1").shared
    1/10
    """
    if not isinstance(coupling, str) or coupling not in ("shared", "elementwise"):
        raise InvalidArgumentError("coupling", coupling, "'shared' or 'elementwise'")
    return ErrorModel(**{coupling: nonnegative(epsilon, "epsilon")})


def factor_moment(level: Any, power: int) -> Any:
    """E (1 + zeta)^power of a relative error zeta ~ N(0, level), for numbers of any kind.

    >>> [factor_moment(sp.Symbol("e"), power) for power in (2, 3, 4)]
    [e + 1, 3*e + 1, 3*e**2 + 6*e + 1]
    """
    # E zeta^2k = (2k - 1)!! level^k, odd moments vanish
    terms = (
        math.comb(power, 2 * k) * math.prod(range(1, 2 * k, 2)) * level**k
        for k in range(1, power // 2 + 1)
    )
    return sum(terms, start=1)
