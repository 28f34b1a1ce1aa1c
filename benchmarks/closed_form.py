"""The closed form against raising one matrix of balls to a power, and how its time grows.

Baseline: one (d+1) x (d+1) arb_mat at 170 bits to the 10^12, d = 200, which gives the last iterate
alone. For the default, float64 with a bound on its rounding errors: the same closed form in plain
float64, and in balls. Ratios are of times measured in this run; give --large for d = 2000
(minutes).
"""

import math
import sys
import time

import flint
import numpy as np

import qtheory as qt
from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Float64
from qtheory.risk.closed_form import ClosedForm


def seconds(function, *arguments, **options):
    """The best of two runs."""
    times = []
    for _ in range(2):
        start = time.perf_counter()
        function(*arguments, **options)
        times.append(time.perf_counter() - start)
    return min(times)


def baseline(d=200, steps=10**12):
    """Raise a contracting matrix with full low-rank part, as the step is, to the power N."""
    with flint.ctx.workprec(170):
        lam = [flint.arb(1) / i**2 for i in range(1, d + 1)] + [flint.arb(1)]
        rows = [[lam[i] * lam[j] / 100 for j in range(d + 1)] for i in range(d + 1)]
        for i in range(d + 1):
            rows[i][i] += 1 - lam[i] / 5
        matrix = flint.arb_mat(rows)
        return matrix**steps


def problem(d):
    """The paper's problem in dimension d."""
    return qt.Problem(dim=d, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)


def sgd(steps):
    """The paper's run."""
    return qt.SGD(stepsize="0.1", steps=steps)


def plain(problem, quantization, sgd):
    """The closed form in float64, which knows nothing of its rounding errors."""
    with np.errstate(all="ignore"):
        return ClosedForm(instantiate(Run(problem, quantization, sgd), Float64())).second_moment(
            Window.of(sgd)
        )


def default(d):
    """Print what the default costs beside plain float64, and beside balls up to d = 200."""
    run = problem(d), qt.Quantization.uniform(qt.Multiplicative("0.01")), sgd(10**6)
    bounded, unbounded = seconds(qt.excess_risk, *run), seconds(plain, *run)
    ratios = f"{bounded / unbounded:.1f}"
    if d <= 200:
        ratios += f" and {bounded / seconds(qt.excess_risk, *run, digits=17):.2f}"
    print(f"float64 with bounds / plain float64 (and / balls), d={d}: {ratios}")


def main():
    """Print the ratios."""
    for d in (5, 50, 200, 1000):
        default(d)
    additive = qt.Quantization.uniform(qt.Additive("0.01"))
    base = seconds(baseline)
    far = seconds(qt.excess_risk, problem(200), additive, sgd(10**12), digits=50)
    near = seconds(qt.excess_risk, problem(200), additive, sgd(10**4), digits=50)
    print(f"d=200, N=10^12, 50 digits / one matrix power (last iterate only): {far / base:.2f}")
    print(f"N=10^12 / N=10^4: {far / near:.2f}")
    half = seconds(qt.excess_risk, problem(100), additive, sgd(10**12), digits=50)
    print(f"time grows as d^{math.log2(far / half):.2f} from d=100 to d=200")
    wide = seconds(qt.excess_risk, problem(2000), qt.Quantization(), sgd(10**9))
    print(f"float64, d=2000, N=10^9 / the matrix power: {wide / base:.2f} ({wide:.2f} s)")
    endless = qt.Problem(qt.oo, qt.PowerLaw(2), qt.Constant(1), noise=1)
    took = seconds(qt.excess_risk, endless, qt.Quantization(), sgd(10**12), digits=20)
    print(f"d=infinity, N=10^12, 20 digits / the matrix power: {took / base:.1f} ({took:.1f} s)")
    if "--large" in sys.argv:
        weak = qt.Quantization.uniform(qt.Additive("0.001"))  # at 0.01 d = 2000 is unstable
        small, large = (
            seconds(qt.excess_risk, problem(d), weak, sgd(10**12), digits=50) for d in (200, 2000)
        )
        print(f"time grows as d^{math.log10(large / small):.2f} from d=200 to d=2000")


if __name__ == "__main__":
    main()
