"""Same bits, which format: what the data cost on each, exact strokes beside simulated dots.

d = 1000, N = 10^4, lambda_i = i^-2, w* = 1, sigma^2 = 1, gamma = 0.1, B = 1; the data are rounded
stochastically, each format scaled to the largest magnitudes of a pilot run. Every dot is paired
with a run without quantization on the same samples.

Exit status 1 if a dot is further from its stroke than luck does once in 10^6 runs. The negative
control: ``--sabotage 1.05`` multiplies the exact risks. Five to ten minutes.
"""

import argparse
import math
import sys
from statistics import NormalDist

import qtheory as qt

FORMATS = ("int8", "int8 per channel", "fp8_e4m3", "fp8_e5m2", "mxfp8_e4m3", "mxint8", "nvfp4")
PROBLEM = qt.Problem(dim=1000, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
SGD = qt.SGD("0.1", steps=10**4)


def by_name(name):
    """A format, or one with a scale per channel."""
    plain, _, channel = name.partition(" per ")
    return qt.formats.get(plain).scaled_by(channel or "tensor")


def main():
    """The table, the figure, and how far the dots are from the strokes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=48)
    parser.add_argument("--sabotage", type=float, default=1.0)
    parser.add_argument("--figure", help="where to save the figure")
    chosen = parser.parse_args()
    wanted = [by_name(name) for name in FORMATS]
    table = qt.compare_formats(PROBLEM, SGD, wanted, "data", chosen.replicates)
    print(table)
    if chosen.figure:
        figure = qt.plots.formats(table)
        figure.savefig(chosen.figure, bbox_inches="tight", metadata={"Date": None})
    exact = [row.theory * chosen.sabotage / table.exact - 1 for row in table]
    pairs = [(cost, e) for cost, e in zip(table.costs, exact, strict=True) if math.isfinite(e)]
    allowed = NormalDist().inv_cdf(1 - 1e-6 / (2 * len(pairs)))
    worst = max(abs(cost.distance(e)) for cost, e in pairs)
    print(f"{len(pairs)} exact costs, the farthest {worst:.1f} standard errors away")
    return int(worst > allowed)


if __name__ == "__main__":
    sys.exit(main())
