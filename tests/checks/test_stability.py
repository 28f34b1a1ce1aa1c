"""Stability: another limit or edge is noticed."""

import dataclasses

import pytest

from qtheory.checks import stability
from tests.checks.results import passed, status


@pytest.mark.parametrize("check", [stability.edges_agree, stability.limits_agree])
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
