"""Stability: another limit or edge is noticed."""

import dataclasses

import pytest

import qtheory as qt
from qtheory.checks import stability
from tests.checks.results import passed, status


@pytest.mark.parametrize("check", [
    stability.edges_agree, stability.limits_agree, stability.edges_are_refused,
])  # fmt: skip
def test_a_check_passes(check):
    assert passed(check())


@pytest.mark.parametrize("part", ["theta", "limit"])
def test_another_limit_is_noticed(monkeypatch, part):
    right = stability.stability

    def wrong(*run):
        found = right(*run)
        return dataclasses.replace(found, **{part: getattr(found, part) * (1 + 1e-10)})

    monkeypatch.setattr(stability, "stability", wrong)
    assert status(stability.limits_agree()) == "failed"


def test_another_edge_is_noticed(monkeypatch):
    right = stability.stability

    def wrong(*run):
        found = right(*run)
        return dataclasses.replace(found, largest_stepsize=found.largest_stepsize * 1.001)

    monkeypatch.setattr(stability, "stability", wrong)
    assert status(stability.edges_agree()) == "failed"


def test_an_edge_that_is_not_refused_is_noticed(monkeypatch):
    """By float64 alone, which takes theta = 1 + 1e-40 for 1, and what is undecided for stable."""

    def wrong(run):
        if stability.stability(*run).theta > 1 + 1e-9:
            raise qt.UnstableError("past it")

    monkeypatch.setattr(stability, "require_stable", wrong)
    (check,) = stability.edges_are_refused()
    assert check.status == "failed"
    assert check.detail.startswith("NOT refused: at 2/3, B = 1; just past 2/3, B = 1; at 1, B = 2")
