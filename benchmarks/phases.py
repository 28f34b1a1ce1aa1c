"""The phases of additive data quantization against certified exact risks, and their figure.

With d = N^delta and eps = N^-e the terms of T4 have exponents that are linear in (delta, e). At
three points in every phase, chosen on a grid and as far from the boundaries as it allows, the exact
terms are computed in balls: A, the variance (E R^q with w* = 0) and the rest (E R^q with
sigma^2 = 0, which holds bias, amplification and data noise). The larger of two powers of N fitted
to four of them, over five decades, is compared with the derived exponent, and the largest term must
be of the phase. There are two powers because close to a boundary two compete over all N that can be
computed; what a third one does there is why the tolerance is not smaller.

Exit status 1 if an exponent is off by more than the tolerance or another term dominates. The
negative control: ``--sabotage 0.1`` adds that to the derived exponents. Several minutes.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import sympy as sp

import qtheory as qt
from qtheory.asymptotics import Phase, Phases, Rates

N, d, eps, delta, e = qt.symbols("N d eps delta e")
GRID = 12
BITS = (30, 36, 42, 48)  # N = 2^bits, from 10^9 to 3 10^14
WINDOW = ((0, 1), (0, sp.Rational(7, 4)))
TOLERANCE = 0.04
STEPSIZE = "0.4"
#: What is computed exactly, and the terms of T4 it holds.
HELD = {
    "approximation": ("approximation",),
    "variance": ("variance",),
    "rest": ("bias", "amplification", "data"),
}


def derived() -> Rates:
    """The table of rates in the plane."""
    problem = qt.Problem(dim=d, spectrum=qt.PowerLaw(2), target=qt.Constant(1))
    quantization = qt.Quantization(data=qt.Additive(eps))
    sgd = qt.SGD(stepsize="0.1", steps=N)
    return qt.rates(problem, quantization, sgd, regime={d: N**delta, eps: N**-e})


def exact_terms(x: sp.Rational, y: sp.Rational, bits: int) -> dict[str, float]:
    """The exact terms at one point for N = 2^bits; d is rounded, eps is exact."""
    dim = round(2 ** float(bits * x))
    quantization = qt.Quantization(data=qt.Additive(sp.Integer(2) ** (-bits * y)))
    sgd = qt.SGD(stepsize=STEPSIZE, steps=2**bits)

    def risk(target: int, noise: int) -> qt.Risk:
        problem = qt.Problem(dim, qt.PowerLaw(2), qt.Constant(target), noise)
        return qt.excess_risk(problem, quantization, sgd, digits=12)

    silent, noiseless = risk(0, 1), risk(1, 0)
    return {
        "approximation": float(noiseless.approximation),
        "variance": float(silent.quantized_risk),
        "rest": float(noiseless.quantized_risk),
    }


def points_in(phase: Phase, phases: Phases) -> list[tuple[sp.Rational, sp.Rational]]:
    """Three points of the grid in a phase, farthest from its edges."""
    (x0, x1), (y0, y1) = phases.window
    grid = [
        (sp.Rational(i, GRID), sp.Rational(j, GRID))
        for i in range(int(x0 * GRID) + 1, int(x1 * GRID) + 1)
        for j in range(int(y0 * GRID) + 1, int(y1 * GRID) + 1)
    ]
    inside = [point for point in grid if phases.at(*point) == (phase,)]
    return sorted(inside, key=lambda point: -distance(point, phase))[:3]


def distance(point: tuple[sp.Rational, sp.Rational], phase: Phase) -> float:
    """How far a point is from the nearest edge."""
    return float(sp.Polygon(*phase.vertices).distance(sp.Point(*point)))


def exponent(values: list[float]) -> float:
    """The larger exponent of two powers of N through four values (Prony's method).

    Values c_1 z_1^k + c_2 z_2^k obey v_(k+2) = p v_(k+1) + q v_k with z^2 = p z + q.
    """
    # Least squares, because one power alone leaves the two equations dependent.
    (p, q), *_ = np.linalg.lstsq([values[1::-1], values[2:0:-1]], values[2:])
    return float(np.log2(np.roots([1, -p, -q]).real.max()) / (BITS[1] - BITS[0]))


def compare(table: Rates, phases: Phases, sabotage: float) -> bool:
    """Print derived and measured exponents at every point; whether all agree."""
    agree = True
    print(f"{'delta':>6} {'e':>5}  {'term':14} {'derived':>8} {'measured':>9}")
    for phase in phases:
        for x, y in points_in(phase, phases):
            exponents = table.exponents_at(N, {delta: x, e: y})
            terms = [exact_terms(x, y, bits) for bits in BITS]
            largest = max(terms[-1], key=lambda name: terms[-1][name])
            for name, held in HELD.items():
                wanted = float(max(exponents[term] for term in held)) + sabotage
                measured = exponent([found[name] for found in terms])
                off = abs(measured - wanted) > TOLERANCE
                leads = name == largest
                wrong = leads and not set(held) & set(phase.terms)
                agree &= not (off or wrong)
                note = " dominates" if leads else ""
                note += " OFF" if off else ""
                note += f" but {' + '.join(phase.terms)} should" if wrong else ""
                print(
                    f"{x!s:>6} {y!s:>5}  {name:14} {wanted:8.3f} {measured:9.3f}{note}", flush=True
                )
    return agree


def draw(phases: Phases, path: Path) -> None:
    """Write the diagram; the same bytes for the same phases."""
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": "qtheory", "font.size": 10}):
        figure = phases.plot().get_figure()
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> None:
    """Compare, and draw the figure where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--figure", type=Path, help="write the diagram here, such as x.svg")
    parser.add_argument("--sabotage", type=float, default=0.0, help="add to the derived exponents")
    options = parser.parse_args()
    table = derived()
    if options.figure:
        draw(table.phases(x=delta, y=e), options.figure)
    sys.exit(not compare(table, table.phases(x=delta, y=e, window=WINDOW), options.sabotage))


if __name__ == "__main__":
    main()
