"""The spectrum of the data, and what quantization makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qtheory.model import SGD, Problem, Quantization
from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import Float64
from qtheory.plots.style import BLUE, ORANGE, axes


@dataclass(frozen=True)
class SpectrumCurves:
    """lambda_i and lambda^q_i for i = 1, 2, ..."""

    exact: tuple[float, ...]
    quantized: tuple[float, ...]


def spectrum_curves(problem: Problem, quantization: Quantization) -> SpectrumCurves:
    """The eigenvalues of the data covariance, before and after the data are quantized.

    Examples
    --------
    >>> import qtheory as qt
    >>> curves = spectrum_curves(qt.Problem(dim=2), qt.Quantization(data=qt.Additive(1)))
    >>> curves
    SpectrumCurves(exact=(1.0, 0.25), quantized=(2.0, 1.25))
    """
    data = Quantization(data=quantization.data)
    instance = instantiate(Run(problem, data, SGD(1, steps=1)), Float64())
    return SpectrumCurves(
        tuple(map(float, instance.eigenvalues)), tuple(map(float, instance.quantized_eigenvalues))
    )


def spectra(problem: Problem, quantization: Quantization) -> Any:
    """The spectrum with and without data quantization (T6).

    Parameters
    ----------
    problem, quantization
        Of finite dimension; only the quantizer of the data matters.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import qtheory as qt
    >>> figure = spectra(qt.Problem(dim=50), qt.Quantization(data=qt.Additive("0.01")))
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['data', 'quantized data']
    """
    curves = spectrum_curves(problem, quantization)
    places = range(1, len(curves.exact) + 1)
    ax = axes()
    ax.plot(places, curves.exact, color=BLUE, label="data")
    ax.plot(places, curves.quantized, color=ORANGE, linestyle="--", label="quantized data")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("coordinate i")
    ax.set_ylabel("eigenvalue")
    ax.legend(frameon=False, fontsize=8)
    return ax.get_figure()
