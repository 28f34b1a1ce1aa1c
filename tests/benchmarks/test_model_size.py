"""benchmarks/model_size.py: the comparison, and its negative control."""

import pytest

from tests.benchmarks import load


@pytest.fixture
def small(monkeypatch):
    script = load("model_size")
    monkeypatch.setattr(script, "DIM", 300)
    monkeypatch.setattr(script, "SIZES", (40,))
    return script


@pytest.mark.parametrize(("sabotage", "agrees"), [(1.0, True), (1.2, False)])
def test_an_equivalent_agrees_with_sketches_and_that_of_more_features_does_not(
    small, capsys, sabotage, agrees
):
    assert small.compare(200, 0, sabotage) is agrees
    size, equivalent, sampled = map(float, capsys.readouterr().out.splitlines()[1].split()[:3])
    assert size == 40
    assert (abs(equivalent / sampled - 1) < 0.03) is agrees


def test_the_figure_is_the_same_bytes(small, tmp_path, monkeypatch):
    monkeypatch.setattr(small, "FIGURE", (60, (5, 10), 3))
    for name in ("one.svg", "other.svg"):
        small.draw(tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "other.svg").read_bytes()
