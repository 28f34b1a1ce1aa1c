"""Checks of other steps, and what they must notice."""

import pytest

from qtheory.checks import steps
from qtheory.risk import memory, update
from tests.checks.results import passed, status


@pytest.mark.parametrize("name", steps.STEPS)
def test_it_passes_under_its_own_name(name):
    (result,) = steps.STEPS[name]()
    assert passed([result])
    assert result.id == name


def test_momentum_that_is_taken_for_another_is_noticed(monkeypatch):
    right = update._structure

    def wrong(instance):
        rows, moved, rounded = right(instance)
        if "before" in rows:
            rows = {**rows, "w": {**rows["w"], "w": rows["w"]["w"] * 2}}
        return rows, moved, rounded

    monkeypatch.setattr(update, "_structure", wrong)
    assert status(steps.recursions_agree()) == "failed"
    assert status(steps.simulations_agree()) == "passed"  # asks the loops, not the recursion


def test_an_edge_that_is_a_little_off_is_noticed(monkeypatch):
    right = memory.CarriedMap.theta
    monkeypatch.setattr(memory.CarriedMap, "theta", property(lambda self: right.func(self) * 1.01))
    assert status(steps.edges_agree()) == "failed"


def test_feedback_with_the_wrong_sign_is_noticed(monkeypatch):
    monkeypatch.setattr(
        update, "_errors", lambda moved, feedback: dict.fromkeys((*moved, "lost"), 1)
    )
    assert status(steps.recursions_agree()) == "failed"


def test_a_simulation_of_other_steps_is_noticed(monkeypatch):
    right = steps.simulate

    def wrong(problem, quantization, sgd, **options):
        return right(problem, quantization, sgd.with_steps(5), **options)

    monkeypatch.setattr(steps, "simulate", wrong)
    assert status(steps.simulations_agree()) == "failed"
