"""Elementwise errors in a sketch: the equivalent beside sampled sketches, and a figure.

Sketches of d = 6000 coordinates by linear algebra alone: A_S is half of what
(Sigma + eps diag(Sigma))^{-1} leaves of the energy. With ``--sabotage 1.1`` the equivalent is taken
for a tenth more features, which must be noticed.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

import qtheory as qt

DIM, LEVEL = 6000, 0.01
SIZES = (100, 200, 400)
STANDARD_ERRORS = 3
FIGURE = 2000, (5, 10, 20, 40, 80, 160, 320), 40  # dimension, sizes, sketches


def sampled(size: int, count: int, seed: int) -> tuple[float, float]:
    """The mean of A_S over sketches, and its standard error."""
    eigenvalues = np.arange(1, DIM + 1.0) ** -2
    rng, found = np.random.default_rng([seed, size]), []
    for _ in range(count):
        S = rng.standard_normal((size, DIM)) / np.sqrt(size)
        sigma, signal = (S * eigenvalues) @ S.T, S @ eigenvalues  # w* is 1
        sigma[np.diag_indices(size)] *= 1 + LEVEL
        found.append((eigenvalues.sum() - signal @ np.linalg.solve(sigma, signal)) / 2)
    return float(np.mean(found)), float(np.std(found, ddof=1) / np.sqrt(count))


def compare(count: int, seed: int, sabotage: float) -> bool:
    """Print a line for each size; whether all are within the standard errors."""
    problem = qt.Problem(DIM, qt.PowerLaw(2), qt.SourceCondition(2))
    agree = True
    print(f"{'M':>4} {'equivalent':>10} {'sampled':>9} {'+-':>8} {'distance':>9} standard errors")
    for size in SIZES:
        features = round(size * sabotage)
        found = qt.elementwise_sketch(problem, LEVEL, size=features).approximation
        mean, error = sampled(size, count, seed)
        distance = (found - mean) / error
        agree &= abs(distance) <= STANDARD_ERRORS
        beside = f"{found / mean - 1:+9.2%} {distance:+.1f}"
        print(f"{size:>4} {found:10.5f} {mean:9.5f} {error:8.5f} {beside}")
    return agree


def draw(path: Path) -> None:
    """Write the figure; the same bytes each time."""
    import matplotlib as mpl

    dim, sizes, sketches = FIGURE
    problem = qt.Problem(dim, qt.PowerLaw(2), qt.SourceCondition(2))
    with mpl.rc_context({"svg.hashsalt": "qtheory", "font.size": 10}):
        figure = qt.plots.model_size(problem, "0.05", sizes, sketches)
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> None:
    """Compare, and draw the figure where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sketches", type=int, default=200, help="how many at each size")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--figure", type=Path, help="write the figure here, such as x.svg")
    parser.add_argument("--sabotage", type=float, default=1.0, help="times as many features")
    options = parser.parse_args()
    if options.figure:
        draw(options.figure)
    sys.exit(not compare(options.sketches, options.seed, options.sabotage))


if __name__ == "__main__":
    main()
