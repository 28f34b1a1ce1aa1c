"""What deriving a table of rates costs, as ratios against the plainest table in the same run.

The baseline is the table of T8 without quantization: power law and source condition with symbolic
exponents, infinite dimension. Seconds are printed beside the ratios for orientation only.
"""

import time

import qtheory as qt

a, b, N, B, d, eps, gamma, delta, e = qt.symbols("a b N B d eps gamma delta e")
POWER_LAW = (qt.PowerLaw(a), qt.SourceCondition(b))
SGD = qt.SGD("0.1", steps=N)
FINITE = {"assumptions": ["b > 1"]}
PLANE = {"regime": {d: N**delta, eps: N**-e}}
TABLES = {
    "exact, d = oo": (qt.oo, POWER_LAW, qt.Quantization(), SGD, {}),
    "data shared, d = oo": (
        qt.oo,
        POWER_LAW,
        qt.Quantization(data=qt.Multiplicative(eps)),
        SGD,
        {},
    ),
    "all five elementwise, d = oo": (
        qt.oo,
        POWER_LAW,
        qt.Quantization.uniform(qt.Multiplicative(eps, "elementwise")),
        SGD,
        {},
    ),
    "exact, gamma and B free": (
        qt.oo,
        POWER_LAW,
        qt.Quantization(),
        qt.SGD(gamma, B, steps=N),
        {"assumptions": ["N*gamma >= 1"]},
    ),
    "data additive, finite d": (
        d,
        POWER_LAW,
        qt.Quantization(data=qt.Additive(eps)),
        SGD,
        FINITE,
    ),
    "all five additive, finite d": (
        d,
        POWER_LAW,
        qt.Quantization.uniform(qt.Additive(eps)),
        SGD,
        FINITE,
    ),
    "additive plane, a = b = 2": (
        d,
        (qt.PowerLaw(2), qt.Constant(1)),
        qt.Quantization(data=qt.Additive(eps)),
        SGD,
        PLANE,
    ),
}


def main() -> None:
    """Time each table and print its ratio to the first."""
    baseline = None
    print(f"{'table':32} {'ratio':>7} {'seconds':>8} {'regimes':>8}")
    for name, (dim, (spectrum, target), quantization, sgd, options) in TABLES.items():
        start = time.perf_counter()
        table = qt.rates(qt.Problem(dim, spectrum, target), quantization, sgd, **options)
        seconds = time.perf_counter() - start
        baseline = baseline or seconds
        regimes = sum(len(rate.regimes) for rate in table.terms.values())
        print(f"{name:32} {seconds / baseline:7.1f} {seconds:8.2f} {regimes:8}")


if __name__ == "__main__":
    main()
