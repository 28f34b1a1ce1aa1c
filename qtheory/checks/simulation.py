"""Monte-Carlo runs of the real update against the exact risk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from qtheory.checks.check import CheckResult
from qtheory.checks.panel import SETTINGS, arguments
from qtheory.model import formats
from qtheory.model.run import Run
from qtheory.paper.experiments import Experiment
from qtheory.reference.moments import Setting
from qtheory.risk import excess_risk
from qtheory.simulate import simulate

STANDARD_ERRORS = 4


def _large_shared_errors(dim: int, stepsize: str, target: str, errors: str) -> Setting:
    """Few steps with large errors that a sample or a batch shares, in many equal directions."""
    ones = " ".join(["1"] * dim)
    return Setting.read(ones, ones, "1/2", stepsize, 8, 5, **{target: errors})


#: Small problems with large errors of every kind, a few steps, very many replicates: what draws an
#: error once for a batch instead of once for a sample, or with a wrong variance, shows.
SMALL = {
    **{
        f"{name}, {output}": (SETTINGS[name], output)
        for name, output in (
            ("exact/B=3", "tail"),
            ("data/additive", "average"),
            ("data/elementwise", "tail"),
            ("label", "last"),
            ("parameter", "last"),
            ("activation", "last"),
            ("gradient", "last"),
            ("all/B=3", "tail"),
            ("all/data mixed", "average"),
            ("covariates/two values", "tail"),
            ("covariates/independent, data mixed", "average"),
            ("covariates/elliptical, additive data", "last"),
        )
    },
    **{
        f"{target}, shared by all": (_large_shared_errors(3, "1/3", target, "0 1/4 0"), "last")
        for target in ("label", "activation", "gradient")
    },
    "data, shared by all": (_large_shared_errors(8, "1/8", "data", "0 1/2 0"), "last"),
    "parameter, shared by all": (_large_shared_errors(3, "1/3", "parameter", "0 1/4 0"), "last"),
}
_REPLICATES = 20_000


def simulation_agrees(experiment: Experiment, replicates: int, seed: int) -> list[CheckResult]:
    """The simulated mean of an experiment lies within 4 standard errors of the exact risk."""
    id = f"simulation/{experiment.id}"
    what = vars(experiment)
    return mean_agrees(id, experiment.run, replicates, seed, STANDARD_ERRORS, what)


def mean_agrees(
    id: str,
    run: Run,
    replicates: int,
    seed: int,
    standard_errors: float,
    what: Mapping[str, Any] | None = None,
) -> list[CheckResult]:
    """The simulated mean lies within this many standard errors of the exact risk.

    ``what`` says for a table what was run.
    """
    problem, quantization, sgd = run
    exact = float(excess_risk(problem, quantization, sgd).total)
    # the other processor has another check to do
    estimate = simulate(problem, quantization, sgd, replicates=replicates, seed=seed, threads=1)
    distance = (estimate.mean - exact) / estimate.stderr
    return [
        CheckResult.of(
            id,
            "simulation",
            abs(distance) <= standard_errors,
            f"{estimate.mean:.6f} +- {estimate.stderr:.6f}, exact {exact:.6f}: "
            f"{distance:+.1f} std. errors",
            {
                "exact": exact,
                "mean": estimate.mean,
                "stderr": estimate.stderr,
                "distance": distance,
                "replicates": replicates,
                **(what or {}),
            },
        )
    ]


def small_simulation_agrees(name: str, seed: int) -> list[CheckResult]:
    """The same for a problem of the panel, or for a format on its data where it is named."""
    if name in SMALL:
        setting, output = SMALL[name]
        run = arguments(setting, output)
    else:
        problem, quantization, sgd = arguments(SETTINGS["exact/B=3"], "last")
        quantization = replace(quantization, data=formats.get(name, scale="1/2"))
        run = Run(problem, quantization, sgd)
    return mean_agrees(f"simulation/small/{name}", run, _REPLICATES, seed, STANDARD_ERRORS)
