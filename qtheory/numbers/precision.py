"""The precision of flint and mpmath, which a process has once, given to one computation at a time.

python-flint and mpmath round to a precision that belongs to the whole process, so two threads that
set it would round each other's numbers. Whoever computes with balls, or with mpmath's own context,
does so inside one of these contexts: they wait for each other, and put back what was there before.
Threads do not compute slower by it, since Python runs one of them at a time anyway.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import flint
import mpmath

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

# One lock for all of it: with two, threads that took them in different order would wait for ever.
_LOCK = threading.RLock()
# A forked process has this thread alone, and nobody who would give back what another one holds.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release
    )


@contextmanager
def working_bits(bits: int) -> Iterator[None]:
    """Balls of flint round to this many bits."""
    with _LOCK, flint.ctx.workprec(bits):
        yield


@contextmanager
def working_digits(digits: int) -> Iterator[None]:
    """Numbers of mpmath's own context round to this many digits."""
    with _LOCK, mpmath.workdps(digits):
        yield


def one_at_a_time(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """For what works with the one context of z3: threads that call it wait for each other.

    Terms that a result has kept may be dropped by another thread meanwhile, which z3 must be told.
    """

    @wraps(function)
    def alone(*arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
        import z3  # takes a while, and is needed here at the latest

        with _LOCK:
            z3.Z3_enable_concurrent_dec_ref(z3.main_ctx().ref())
            return function(*arguments, **options)

    return alone
