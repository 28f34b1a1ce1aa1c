"""The experiment of Zhang, Su and Zou redrawn: exact lines over simulated points, and real formats.

Above, errors of variance eps on all five targets, additive or multiplicative (shared, the paper's
definition), eps swept at d = 200 and d swept at eps = 0.01. Below, number formats at equal widths,
scaled per target to the largest magnitude of a pilot run: floating point with 4 exponent bits
against integers, the width swept at d = 200, and fp8 (E4M3) against int8 with d swept.
lambda_i = i^-2, w* = 1, sigma^2 = 1, gamma = 0.1, N = 2000, B in {1, 16}. Lines are exact risks (of
the error models), points are simulated with bars of two standard errors.

Exit status 1 if a point above is further from its line than luck does once in 10^6 runs. The
negative control: ``--sabotage 1.05`` multiplies the exact risks. Two minutes; with ``--keep
FOLDER`` the results stay there, and a run that was stopped goes on.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import NormalDist

import numpy as np

import qtheory as qt
from qtheory.measure.grid import Settings

STEPS, BATCHES = 2000, (1, 16)
SCHEMES = ("additive", "multiplicative")
EPSILONS = ("1e-4", "1e-3", "3e-3", "1e-2", "2e-2", "5e-2")
FINE_EPSILONS = tuple(f"{10.0**power:.6g}" for power in np.linspace(-4, np.log10(0.05), 25))
DIMENSIONS = (25, 50, 100, 200, 400)
WIDTHS = range(6, 13)
COLOURS = ("#0072B2", "#D55E00")  # told apart with any colour vision


def panels():
    """Per panel: what is swept, its values, and the quantizers of the two curves."""
    widths = [
        [f"all=fp:4,{width - 5}" for width in WIDTHS],
        [f"all=format:int{width}" for width in WIDTHS],
    ]
    return {
        "eps": (EPSILONS, _schemes(EPSILONS), SCHEMES),
        "d": (DIMENSIONS, [f"all={scheme}:0.01" for scheme in SCHEMES], SCHEMES),
        "bits": (WIDTHS, widths, ("FP(4, bits - 5)", "integer")),
        "dim": (DIMENSIONS, ["all=format:fp8_e4m3", "all=format:int8"], ("fp8 E4M3", "int8")),
    }


def _schemes(epsilons):
    return [[f"all={scheme}:{eps}" for eps in epsilons] for scheme in SCHEMES]


def swept(name, curves, dims, settings, folder):
    """The dataset of all quantizers of a panel, at both batch sizes."""
    quantize = [one for curve in curves for one in ([curve] if isinstance(curve, str) else curve)]
    axes = {"dim": dims, "quantize": quantize, "batch": BATCHES, "steps": STEPS}
    outcome = qt.sweep(qt.Grid(axes, settings), folder / f"{name}.sqlite")
    assert not outcome.failures
    return qt.load_sweep(outcome.path).squeeze(drop=True)


def draw(folder, replicates, sabotage):
    """The figure, and the distances in standard errors of the points above from their lines."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 2, figsize=(9, 7), layout="constrained")
    distances = []
    for axis, (name, (values, points, labels)) in zip(axes.flat, panels().items(), strict=True):
        formats = name in ("bits", "dim")
        dims = (200,) if name in ("eps", "bits") else DIMENSIONS
        settings = Settings(bounds=False, replicates=replicates, calibrate=formats)
        simulated = exact = swept(f"{name}-points", points, dims, settings, folder)
        at, lines = values, points
        if name == "eps":
            at, lines = FINE_EPSILONS, _schemes(FINE_EPSILONS)
            exact = swept(f"{name}-lines", lines, dims, Settings(bounds=False), folder)
        for which, colour in enumerate(COLOURS):
            for batch, style, marker in zip(BATCHES, ("-", "--"), ("o", "s"), strict=True):
                theory = exact.sel(quantize=lines[which], batch=batch).exact.values * sabotage
                label = f"{labels[which]}, B = {batch}"
                axis.plot([float(x) for x in at], theory, style, color=colour, label=label)
                found = simulated.sel(quantize=points[which], batch=batch)
                mean, bars = found["simulated"].values, found["stderr"].values
                places = [float(x) for x in values]
                axis.errorbar(places, mean, 2 * bars, fmt=marker, color=colour, ms=4)
                if not formats:
                    distances += list((mean - found.exact.values * sabotage) / bars)
        axis.set_yscale("log")
        if name == "bits":
            axis.set_xlabel("width of the format, bits")
        else:
            axis.set_xscale("log")
            axis.set_xlabel("eps" if name == "eps" else "d")
            if name != "eps":
                axis.set_xticks(DIMENSIONS, [str(dim) for dim in DIMENSIONS])
                axis.set_xticks([], minor=True)
        axis.set_ylabel("excess risk")
        axis.yaxis.set_major_formatter("{x:.3g}")
        axis.yaxis.set_minor_formatter("{x:.3g}")
        axis.tick_params(axis="y", which="both", labelsize=7)
        axis.legend(fontsize=7, frameon=False)
    axes[0, 0].set_title("error models on all targets, d = 200", fontsize=9)
    axes[0, 1].set_title("error models, eps = 0.01", fontsize=9)
    axes[1, 0].set_title("number formats at equal width, d = 200", fontsize=9)
    axes[1, 1].set_title("8 bits", fontsize=9)
    return figure, np.array(distances)


def main():
    """Sweep, draw, and compare the points with the lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--figure", type=Path, help="where to write the figure, .svg or .png")
    parser.add_argument("--keep", type=Path, help="a folder for the results files")
    parser.add_argument("--replicates", type=int, default=128)
    parser.add_argument("--sabotage", type=float, default=1.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        figure, distances = draw(folder, options.replicates, options.sabotage)
    if options.figure:
        plain = {"Date": None} if options.figure.suffix == ".svg" else None
        figure.savefig(options.figure, metadata=plain)
    allowed = NormalDist().inv_cdf(1 - 1e-6 / 2 / len(distances))
    worst = np.abs(distances).max()
    print(
        f"{len(distances)} simulated points, {worst:.1f} standard errors at most from the exact "
        f"risk (allowed {allowed:.1f}: by luck once in 10^6 runs)"
    )
    sys.exit(0 if worst < allowed else 1)


if __name__ == "__main__":
    main()
