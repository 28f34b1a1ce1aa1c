"""The attack on a claim: random instances, the smallest counterexample, or how close it came."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

from qtheory.claims.claim import Claim, Sides, claim_of
from qtheory.errors import HypothesisError
from qtheory.model import SGD, Problem, Quantization
from qtheory.model.run import Run
from qtheory.model.source import python_code
from qtheory.numbers.exact import whole

_DIGITS = 30
_MOST_DIGITS = 120
_MOST_EXAMPLES = 10**9
_SHOWN_DIGITS = 15


@dataclass(frozen=True)
class Counterexample:
    """An instance at which a claim fails, with certified numbers.

    Parameters
    ----------
    claim
        The claim as it was written.
    problem, quantization, sgd
        The instance.
    sides
        The two sides as balls that do not overlap; None for a function that returned False.
    """

    claim: str
    problem: Problem
    quantization: Quantization
    sgd: SGD
    sides: Sides | None

    @property
    def code(self) -> str:
        """Python code that builds the instance and computes its exact risk."""
        run = python_code(self.problem, self.quantization, self.sgd)
        risk = "qt.excess_risk(problem, quantization, sgd, digits=30)"
        return f"import qtheory as qt\n{run}\nprint({risk})"

    def __str__(self) -> str:
        lines = [f"{self.claim} is false:"]
        if self.sides is not None:
            left, right = (
                side.str(_SHOWN_DIGITS, radius=False)
                for side in (self.sides.left, self.sides.right)
            )
            lines += [f"left   {left}", f"right  {right}   (both certified)"]
        return "\n".join([*lines, self.code])


@dataclass(frozen=True)
class Attack:
    """What came of an attack on a claim.

    Parameters
    ----------
    claim
        The claim as it was written.
    counterexample
        The smallest that was found, or None: the claim survived, which does not make it true.
    examined
        Instances at which it was decided.
    left_out
        Instances outside its hypotheses.
    undecided
        Instances where the two sides agree to 120 digits.
    closest
        The largest left / right of an instance at which it holds, and that instance; None if there
        is none with two positive sides.
    """

    claim: str
    counterexample: Counterexample | None
    examined: int
    left_out: int
    undecided: int
    closest: tuple[float, Run] | None

    def as_json(self) -> dict[str, Any]:
        """What came of it; the sides of a counterexample as text of 30 digits."""
        record: dict[str, Any] = {
            "claim": self.claim,
            "examined": self.examined,
            "left_out": self.left_out,
            "undecided": self.undecided,
            "counterexample": None,
            "closest": None if self.closest is None else self.closest[0],
        }
        if self.counterexample is not None:
            sides = self.counterexample.sides
            record["counterexample"] = {
                "code": self.counterexample.code,
                "left": None if sides is None else sides.left.str(30, radius=False),
                "right": None if sides is None else sides.right.str(30, radius=False),
            }
        return record

    def __str__(self) -> str:
        if self.counterexample is not None:
            return str(self.counterexample)
        lines = [
            f"{self.claim}: no counterexample in {self.examined} instances "
            f"({self.left_out} outside its hypotheses, {self.undecided} undecided).",
            "That does not make it true.",
        ]
        if self.closest is not None:
            ratio, run = self.closest
            lines += [f"Closest: left / right = {ratio:.6g} at", python_code(*run)]
        return "\n".join(lines)


def falsify(claim: Any, **options: Any) -> Counterexample | None:
    """The smallest counterexample to a claim that was found, or None; see :func:`attack`.

    Examples
    --------
    >>> import qtheory as qt
    >>> print(qt.falsify("risk <= bias + variance", max_examples=300).sides.operator)
    <=
    >>> qt.falsify("risk <= approximation + bias + variance", max_examples=50) is None
    True
    """
    return attack(claim, **options).counterexample


def attack(
    claim: Any,
    *,
    theorem: str = "upper_bound",
    instances: Any = None,
    max_examples: int = 1000,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Attack:
    """Look for instances at which a claim fails, and shrink what is found.

    Parameters
    ----------
    claim
        - a text such as ``"risk <= approximation + bias + 2*variance"``; the names it may use are
          those of ``qtheory.claims.claim.NAMES``;
        - a SymPy relation in the symbols of a theorem, such as a changed
          ``qt.theorems["upper_bound"].statement``;
        - a function of an instance, with ``problem``, ``quantization``, ``sgd``, ``risk``,
          ``upper_bound`` and ``lower_bound`` as attributes, which returns a truth value, or the
          pair (left, right) of a claim left <= right. Its numbers are balls.
    theorem
        Whose definitions the terms ``bias``, ``variance``, ... have, and whose hypotheses an
        instance must satisfy if the claim speaks of them.
    instances
        A Hypothesis strategy of (problem, quantization, sgd); None for
        :func:`qtheory.testing.instances`.
    max_examples
        Instances to draw.
    seed
        Seed of the search.
    progress
        Called with the instances drawn and ``max_examples``.

    Returns
    -------
    Attack
        The counterexample, or how many instances the claim survived and where it came closest.

    Raises
    ------
    InvalidArgumentError
        If the claim cannot be read.

    Examples
    --------
    >>> import qtheory as qt
    >>> found = qt.attack("risk <= 2*noise", max_examples=200)
    >>> found.counterexample.problem.dim, found.counterexample.sgd.steps
    (1, 1)
    """
    from qtheory.claims.strategies import instances as all_instances

    max_examples = whole(max_examples, "max_examples", 1, _MOST_EXAMPLES)
    seed = whole(seed, "seed", 0)
    read = claim_of(claim, theorem)
    if instances is None:
        outputs = ("average",) if read.average_only else ("average", "last", "tail")
        instances = all_instances(outputs=outputs)
    search = _Search(read, max_examples, progress)
    try:
        return search.outcome(search.smallest(instances, seed))
    except _Broken as broken:
        raise broken.error from None


class _Broken(BaseException):
    """An error in the claim itself, which Hypothesis would take for a failure and shrink."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


@contextmanager
def _no_folder_left() -> Iterator[None]:
    """Keep Hypothesis from writing its folder where it is run, unless it was told another one."""
    from hypothesis import configuration

    if "HYPOTHESIS_STORAGE_DIRECTORY" in os.environ:
        yield
        return
    before = getattr(configuration, "__hypothesis_home_directory", None)
    with TemporaryDirectory(prefix="qtheory-", ignore_cleanup_errors=True) as folder:
        configuration.set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(before)


class _Search:
    """The claim at instance after instance, with what is to be told at the end."""

    def __init__(
        self, claim: Claim, examples: int, progress: Callable[[int, int], None] | None
    ) -> None:
        self._claim, self._examples, self._progress = claim, examples, progress
        self._examined = self._left_out = self._undecided = 0
        self._closest: tuple[float, Run] | None = None

    def smallest(self, instances: Any, seed: int) -> Run | None:
        """The smallest run of a strategy at which the claim fails that was found."""
        from hypothesis import HealthCheck, find, settings
        from hypothesis.errors import NoSuchExample

        bounded = settings(
            max_examples=self._examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        with _no_folder_left():
            try:
                found = find(
                    instances,
                    lambda given: self.fails_at(Run(*given)),
                    settings=bounded,
                    random=random.Random(seed),
                )
            except NoSuchExample:
                return None
        return Run(*found)

    def fails_at(self, run: Run) -> bool:
        """Whether the claim fails at a run, for certain."""
        if self._progress is not None:
            drawn = self._examined + self._left_out + self._undecided
            self._progress(min(drawn, self._examples), self._examples)
        try:
            found, holds = self._decided(run)
        except HypothesisError:
            self._left_out += 1
            return False
        if holds is None:
            self._undecided += 1
            return False
        self._examined += 1
        if holds and isinstance(found, Sides):
            self._remember(found.ratio, run)
        return not holds

    def _decided(self, run: Run) -> tuple[Sides | bool, bool | None]:
        digits = _DIGITS
        while True:
            try:
                found = self._claim.at(run, digits)
            except HypothesisError:
                raise
            except Exception as error:
                error.add_note(
                    f"The claim {self._claim.text} was evaluated at\n{python_code(*run)}"
                )
                raise _Broken(error) from error
            if isinstance(found, bool):
                # balls that overlap make a comparison False: more digits, before it is believed
                holds = found if found or digits > _DIGITS else None
            else:
                holds = found.holds
            if holds is not None or digits >= _MOST_DIGITS:
                return found, holds
            digits *= 2

    def _remember(self, ratio: float, run: Run) -> None:
        if ratio > 0 and (self._closest is None or ratio > self._closest[0]):
            self._closest = ratio, run

    def outcome(self, smallest: Run | None) -> Attack:
        """What is to be told."""
        counterexample = None
        if smallest is not None:
            found, _ = self._decided(smallest)
            sides = found if isinstance(found, Sides) else None
            counterexample = Counterexample(self._claim.text, *smallest, sides)
        return Attack(
            self._claim.text,
            counterexample,
            self._examined,
            self._left_out,
            self._undecided,
            self._closest,
        )
