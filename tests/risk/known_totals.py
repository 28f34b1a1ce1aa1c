"""Totals computed by an independent implementation of section 2 of the theory."""

from dataclasses import dataclass

import qtheory as qt

A, M = qt.Additive, qt.Multiplicative


@dataclass(frozen=True)
class Reference:
    """A quantization and a batch size, with the excess risks they must give to 12 places."""

    name: str
    quantization: qt.Quantization
    batch: int
    average: str
    last: str


PROBLEM = qt.Problem(dim=8, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
STEPS = 60

SMALL = [
    Reference("none", qt.Quantization(), 1, "0.160463542794", "0.120466485984"),
    Reference(
        "data additive", qt.Quantization(data=A("0.1")), 1, "0.190202435664", "0.163499566315"
    ),
    Reference("data shared", qt.Quantization(data=M("0.1")), 1, "0.176862252897", "0.140726873177"),
    Reference(
        "data elementwise",
        qt.Quantization(data=M("0.1", coupling="elementwise")),
        4,
        "0.162610765724",
        "0.093244897188",
    ),
    Reference(
        "activation sum, shared",
        qt.Quantization(activation=A("0.2") + M("0.3")),
        4,
        "0.150116400484",
        "0.099000300345",
    ),
    Reference(
        "activation sum, elementwise",
        qt.Quantization(activation=A("0.2") + M("0.3", coupling="elementwise")),
        4,
        "0.149034028166",
        "0.092421590322",
    ),
    Reference(
        "gradient sum, shared",
        qt.Quantization(gradient=A("0.2") + M("0.3")),
        4,
        "0.149420434722",
        "0.088719582112",
    ),
    Reference(
        "everything, shared",
        qt.Quantization(
            data=A("0.05") + M("0.05"),
            label=A("0.1") + M("0.1"),
            parameter=A("0.02") + M("0.05"),
            activation=A("0.1") + M("0.1"),
            gradient=A("0.1") + M("0.1"),
        ),
        4,
        "0.173859257935",
        "0.125428122907",
    ),
]

#: d = 200, N = 2000, B = 1, gamma = 0.1, average; errors on all five targets.
LARGE = [
    ("none", qt.Quantization(), "0.034937952914"),
    ("additive", qt.Quantization.uniform(A("0.01")), "0.051079221926"),
    ("shared", qt.Quantization.uniform(M("0.01")), "0.035631525434"),
]
