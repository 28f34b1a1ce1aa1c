"""benchmarks/phases.py: the fit of two powers, the points, and its negative control."""

from pathlib import Path

import pytest

from tests.benchmarks import load

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "phases.py"


@pytest.fixture(scope="module")
def phases():
    return load("phases")


def test_two_competing_powers_are_told_apart(phases):
    values = [3 * 2 ** (-0.30 * k) + 50 * 2 ** (-0.45 * k) for k in phases.BITS]
    assert phases.exponent(values) == pytest.approx(-0.30, abs=1e-9)
    assert phases.exponent([2 ** (-0.5 * k) for k in phases.BITS]) == pytest.approx(-0.5)


def test_three_points_in_every_phase(phases):
    diagram = phases.derived().phases(x=phases.delta, y=phases.e, window=phases.WINDOW)
    assert len(diagram) == 6
    for phase in diagram:
        points = phases.points_in(phase, diagram)
        assert len(set(points)) == 3
        assert all(diagram.at(*point) == (phase,) for point in points)


@pytest.mark.long
@pytest.mark.parametrize(("sabotage", "agrees"), [(0.0, True), (0.1, False)])
def test_a_phase_agrees_with_exact_risks_and_its_twin_does_not(phases, sabotage, agrees):
    table = phases.derived()
    diagram = table.phases(x=phases.delta, y=phases.e, window=phases.WINDOW)
    small = [phase for phase in diagram if phase.terms == ("approximation",)][-1:]

    class One:
        window, at = diagram.window, staticmethod(diagram.at)

        def __iter__(self):
            return iter(small)

    assert phases.compare(table, One(), sabotage) is agrees


def test_the_figure_in_the_docs_is_what_is_drawn(phases, tmp_path):
    phases.draw(phases.derived().phases(x=phases.delta, y=phases.e), tmp_path / "figure.svg")
    drawn = (tmp_path / "figure.svg").read_text()
    stored = (SCRIPT.parents[1] / "docs" / "additive-phases.svg").read_text()
    assert drawn.count("<path") == stored.count("<path")
