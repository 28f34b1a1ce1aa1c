"""The bounds against the exact risk on random instances, each comparison certified by balls.

An instance is drawn from its own seed, so the result does not depend on the number of workers.
Exit status 1 if a bound is violated or a comparison stays undecided. The negative control:
``--sabotage 0.9`` multiplies the upper bounds by 0.9 and divides the lower bound by it.
"""

import argparse
import math
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial

import flint

import qtheory as qt
from qtheory.checks.random_runs import CELLS, random_run

#: What is compared, as (name in the report, what is divided by what).
COMPARED = {
    "refined": "refined upper bound / exact risk",
    "paper": "upper bound in the paper's form / exact risk",
    "lower": "exact risk / lower bound",
}
#: Digits to compute with until two balls are apart.
DIGITS = (20, 40, 80, 160)


def source(problem, quantization, sgd):
    """The instance as code that makes it again."""

    def values(formula):
        if isinstance(formula, qt.Explicit):
            return f"Explicit({[str(value) for value in formula.values]})"
        if isinstance(formula, qt.PowerLaw):
            return f"PowerLaw('{formula.exponent}', '{formula.scale}')"
        return f"Constant('{formula.value}')"

    errors = ", ".join(
        f"{name}={model!r}" for name, model in quantization.items() if not model.is_exact
    )
    return (
        "from qtheory import *\n"
        f"problem = Problem({problem.dim}, {values(problem.spectrum)}, "
        f"{values(problem.target)}, '{problem.noise}')\n"
        f"quantization = Quantization({errors})\n"
        f"sgd = SGD('{sgd.stepsize}', {sgd.batch}, steps={sgd.steps})"
    )


# --- checking an instance ----------------------------------------------------------------------


@dataclass
class Outcome:
    """What one instance showed: ratios by comparison, and what failed."""

    cell: tuple[str, int]
    at_edge: bool = False  # of the hypotheses of one of the forms
    outside: int = 0  # instances drawn before it that satisfied the hypotheses of neither form
    ratios: dict[str, float] = field(default_factory=dict)
    failures: list[tuple[str, str]] = field(default_factory=list)
    smaller: str = ""


def evaluated(name, instance, digits, sabotage):
    """A bound in balls, or None outside its hypotheses."""
    twist = flint.arb(flint.fmpq(sabotage.numerator, sabotage.denominator))
    try:
        if name == "lower":
            return qt.lower_bound(*instance, digits=digits).total / twist
        return qt.upper_bound(*instance, digits=digits, form=name).total * twist
    except qt.HypothesisError:
        return None


def compare(name, instance, sabotage):
    """Whether the bound lies on its side of the exact risk, and their ratio; None if it is silent.

    True and False are certain: the two balls do not overlap.
    """
    for digits in DIGITS:
        with flint.ctx.workprec(4 * digits + 64):
            bound = evaluated(name, instance, digits, sabotage)
            if bound is None:
                return None
            exact = qt.excess_risk(*instance, digits=digits).total
            above, below = (exact, bound) if name == "lower" else (bound, exact)
            if above > below or above < below:
                return bool(above > below), float(above / below - 1)
    return "undecided", 0.0


def outcome(index, seed, sabotage):
    """Draw the instance with this index until a form of the upper bound applies; check it."""
    rng = random.Random(f"{seed}/{index}")
    found = Outcome(CELLS[index % len(CELLS)])
    while not found.ratios:
        *instance, found.at_edge = random_run(rng, *found.cell)
        for name in COMPARED:
            if name == "lower" and not found.ratios:
                found.outside += 1
                break  # the exact risk may be infinite here
            try:
                compared = compare(name, instance, sabotage)
            except (qt.UnstableError, qt.PrecisionError) as error:
                compared = f"{type(error).__name__}: {error}", 0.0
            if compared is None:
                continue
            holds, found.ratios[name] = compared
            if holds is not True:
                detail = f"ratio - 1 = {compared[1]:.3g}" if holds is False else holds
                found.failures.append((name, f"{name}: {detail}\n{source(*instance)}"))
    if {"refined", "paper"} <= set(found.ratios):
        refined = found.ratios["refined"] <= found.ratios["paper"]
        found.smaller = "refined" if refined else "paper"
    return found


def outcomes(seed, count, workers, sabotage):
    """All outcomes in the order of their index."""
    one = partial(outcome, seed=seed, sabotage=sabotage)
    if workers == 1:
        return list(map(one, range(count)))
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(one, range(count), chunksize=25))


# --- the report --------------------------------------------------------------------------------


def table(header, rows, markdown):
    """Rows of text in columns; numbers to the right."""
    if markdown:
        lines = ["| " + " | ".join(row) + " |" for row in (header, *rows)]
        lines.insert(1, "| --- |" + " ---: |" * (len(header) - 1))
        return lines
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
        for row in (header, *rows)
    ]


def quantile(ordered, share):
    """The nearest-rank quantile of a sorted list."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def cells(found):
    """The outcomes by scheme and batch away from the edge, all of these, and those at the edge."""
    inside = [item for item in found if not item.at_edge]
    for cell in CELLS:
        yield *map(str, cell), [item for item in inside if item.cell == cell]
    yield "all of these", "", inside
    yield "at the edge", "", [item for item in found if item.at_edge]


def ratio_rows(found, name):
    """Count, minimum (less 1), median, 95% quantile and maximum of one ratio, by cell."""
    for scheme, batch, items in cells(found):
        ratios = sorted(item.ratios[name] for item in items if name in item.ratios)
        if not ratios:
            continue
        shown = [f"{1 + r:.4g}" for r in (*(quantile(ratios, s) for s in (0.5, 0.95)), ratios[-1])]
        yield [scheme, batch, str(len(ratios)), f"{ratios[0]:.1e}", *shown]


def form_rows(found):
    """How often each form applies and is the smaller one, by cell."""
    for scheme, batch, items in cells(found):
        forms = Counter(
            item.smaller
            or next(name for name in ("refined", "paper") if name in item.ratios) + " only"
            for item in items
        )
        names = ("refined", "paper", "refined only", "paper only")
        yield [scheme, batch, str(len(items)), *(str(forms[name]) for name in names)]


def report(found, markdown):
    """The four tables as lines."""
    title = "## {}" if markdown else "{}"
    lines = []
    for name, meaning in COMPARED.items():
        header = ["errors", "B", "instances", "min - 1", "median", "95%", "max"]
        lines += [title.format(meaning[0].upper() + meaning[1:]), ""]
        lines += [*table(header, list(ratio_rows(found, name)), markdown), ""]
    header = ["errors", "B", "instances", "refined", "paper", "only refined", "only paper"]
    lines += [title.format("Which form is the smaller one, or the only one that applies"), ""]
    lines += table(header, list(form_rows(found)), markdown)
    return lines


def main(arguments=None):
    """Run, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    parser.add_argument("--sabotage", type=Fraction, default=Fraction(1), help="a false factor")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    found = outcomes(options.seed, options.count, options.workers, options.sabotage)
    took = time.perf_counter() - start
    print("\n".join(report(found, options.markdown)))
    failures = [failure for item in found for failure in item.failures]
    checks = Counter(name for item in found for name in item.ratios)
    failed = Counter(name for name, _ in failures)
    print(
        f"\nseed {options.seed}: {len(found)} instances, "
        f"{sum(item.outside for item in found)} more drawn outside the hypotheses"
    )
    for name in COMPARED:
        print(f"{name}: {checks[name]} comparisons, {failed[name]} not certified")
    print(f"{took:.0f} s with {options.workers} workers", file=sys.stderr)
    first = dict(reversed(failures))  # one of each kind
    for text in first.values():
        print(f"\n{text}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
