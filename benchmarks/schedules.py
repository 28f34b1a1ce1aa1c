"""What decay of the stepsize is worth: measured slopes beside those that balance on paper.

For spectrum i^-a and source i^-b the last iterate of a constant step has the bias (gamma N)^-p,
p = (b-1)/a, and keeps noise of about gamma: the best gamma gives N^-(b-1)/(a+b-1). A step that
decays leaves (gamma N)^(1/a) / N, and gives N^-(b-1)/b at a gamma of order 1 for b = a. Slopes are
those of the exact risk with the best stepsize, over the second half of the curve.

Exit status 1 if a slope is off by more than the tolerance; ``--sabotage 0.1`` adds that to what is
expected, and must be noticed. A few minutes.
"""

import argparse
import sys
from pathlib import Path

import qtheory as qt

A = B = 2
STEPS = (100, 300, 1000, 3000, 10_000)
TOLERANCE = 0.05
EXPECTED = {
    "constant": -(B - 1) / (A + B - 1),
    "linear decay": -(B - 1) / B,
    "cosine decay": -(B - 1) / B,
    "warmup, stable, decay": -(B - 1) / B,
}


def main() -> int:
    """Print the slopes, draw the figure, and say whether they are as expected."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", type=Path, help="where the figure goes")
    parser.add_argument("--dim", type=int, default=400)
    parser.add_argument("--steps", type=int, nargs="+", default=STEPS)
    parser.add_argument("--tolerance", type=float, default=TOLERANCE)
    parser.add_argument("--sabotage", type=float, default=0.0)
    options = parser.parse_args()
    problem = qt.Problem(options.dim, qt.PowerLaw(A), qt.SourceCondition(B), noise=1)
    curves = qt.plots.schedule_curves(problem, qt.Quantization(), options.steps)
    wrong = 0
    print(f"{'schedule':<24}{'slope':>8}{'expected':>10}")
    for name, expected in EXPECTED.items():
        slope = curves.slope(name)
        wrong += not abs(slope - expected - options.sabotage) <= options.tolerance
        print(f"{name:<24}{slope:>8.3f}{expected + options.sabotage:>10.3f}")
    if options.figure:
        metadata = {"Date": None} if options.figure.suffix == ".svg" else None
        qt.plots.draw_schedules(curves).savefig(options.figure, metadata=metadata)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
