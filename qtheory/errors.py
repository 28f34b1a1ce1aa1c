"""The errors qtheory raises: one base class, one subclass per cause.

Every message names the argument, the value it had and what is allowed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from numbers import Rational
from typing import Any

# A fraction of more characters is shown as the float it came from, if there is one.
_LONGEST_FRACTION = 24


def one_of(value: object, names: Iterable[str]) -> str:
    """What is allowed where a name is wanted, with the names that are near the one given.

    >>> one_of("dims", ("dim", "steps"))
    'one of dim, steps (did you mean dim?)'
    """
    known = list(names)
    near = difflib.get_close_matches(value, known, n=2) if isinstance(value, str) else []
    hint = f" (did you mean {' or '.join(near)}?)" if near else ""
    return f"one of {', '.join(known)}{hint}"


def _shown(value: object) -> str:
    """At most 80 characters of a value, whatever it is: showing it is no reason to break down."""
    try:
        shown = repr(value)
    except Exception:  # Python writes out no integer of more than 4300 digits, for one
        shown = f"a {type(value).__name__} that cannot be shown"
    shown = " ".join(shown.split())  # an array has a line for each row
    if isinstance(value, Rational) and len(shown) > _LONGEST_FRACTION:
        shown = _as_float(value) or shown
    return shown if len(shown) <= 80 else shown[:77] + "..."


def _as_float(number: Any) -> str | None:
    """The float whose exact value this is, if it is one's: it is what was written."""
    ratio = int(number.numerator), int(number.denominator)
    try:
        value = ratio[0] / ratio[1]
    except OverflowError:
        return None
    return repr(value) if ratio[1] > 1 and value.as_integer_ratio() == ratio else None


class QTheoryError(ValueError):
    """Base class of every error that qtheory raises on purpose."""


class InvalidArgumentError(QTheoryError):
    """An argument has a wrong type or a value outside its range."""

    def __init__(self, argument: str, value: object, allowed: str) -> None:
        super().__init__(f"{argument} is {_shown(value)}, but must be {allowed}")
        self.argument = argument
        self.value = value
        self.allowed = allowed

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        # The default rebuilds an exception from its message alone, which
        # does not fit three arguments; worker processes need this.
        return type(self), (self.argument, self.value, self.allowed)


class NoTheoremError(InvalidArgumentError, KeyError):
    """There is no theorem of this name or number."""

    __str__ = Exception.__str__  # that of KeyError puts the message in quotes


class SymbolicValueError(QTheoryError):
    """A number was asked of an object that still holds free symbols."""


class UnstableError(QTheoryError):
    """The second moments of the recursion grow without bound."""


class InfiniteRiskError(QTheoryError):
    """The risk is infinite, so there is no number to give."""


class HypothesisError(QTheoryError):
    """A theorem was to be evaluated outside its hypotheses."""


class PrecisionError(QTheoryError):
    """The digits asked for could not be certified within the limit."""


class InexactInputError(PrecisionError):
    """More digits were asked for than the numbers of the problem itself are known to."""


class LostDigitsWarning(UserWarning):
    """A float64 result has fewer digits than float64 results of qtheory promise."""


class CostError(QTheoryError):
    """The computation asked for would take too long, or is past a limit."""


class DataError(QTheoryError):
    """A data table is unreadable, or its parts do not fit together."""


class SweepError(QTheoryError):
    """A sweep cannot go on, or its results file is of another kind; what is stored is kept."""


class ProofError(QTheoryError):
    """The kernel refused a step of a proof."""


class UndecidedError(ProofError):
    """The solver reached its limit of work: whether a step follows is not known."""


class MissingLibraryError(QTheoryError, ImportError):
    """A library that only part of qtheory needs is not installed."""


@contextmanager
def needs(extra: str, what: str, kind: type[QTheoryError] = MissingLibraryError) -> Iterator[None]:
    """Import libraries of an extra; an error names the command that installs them."""
    try:
        yield
    except ImportError as error:
        missing = (error.name or "a library").split(".")[0]
        raise kind(
            f"{what} needs {missing}, which is not installed: "
            f"python -m pip install 'qtheory[{extra}]'"
        ) from error
