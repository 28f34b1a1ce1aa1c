"""Random instances for the theorems: up to the edge of the hypotheses, and not beyond."""

from random import Random

from qtheory.checks.random_runs import random_run
from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import Float64
from qtheory.theory import definitions, theorems


def test_a_quarter_is_at_the_edge_of_the_hypotheses():
    theorem = theorems["refined_upper_bound"]
    edges = []
    for seed in range(60):
        problem, quantization, sgd, at_edge = random_run(Random(seed), "shared", 2)
        if at_edge:
            values = theorem.values(instantiate(Run(problem, quantization, sgd), Float64()))
            edges.append(float(values[definitions.theta]))
    assert 8 < len(edges) < 25
    assert max(edges) < 1  # of T4', whose theta is the smaller one
    assert any(theta > 1 - 1e-4 for theta in edges)
