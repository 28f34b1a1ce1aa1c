"""Long spectra: each check, and what it must refuse."""

import dataclasses
from types import SimpleNamespace

import flint
import mpmath
import pytest

import qtheory as qt
from qtheory.checks import long_spectra as long
from qtheory.risk import compression
from qtheory.theory import infinite
from tests.checks.results import passed, status


@pytest.mark.parametrize("name", long.LONG_SPECTRA)
def test_it_passes_under_its_own_name(name):
    results = long.LONG_SPECTRA[name]()
    assert passed(results)
    assert [result.id for result in results] == [name]


@pytest.fixture
def one_spectrum(monkeypatch):
    """What a check takes a second for."""
    monkeypatch.setattr(long, "LONG", long.LONG[:1])
    monkeypatch.setattr(long, "RESTS", long.RESTS[:1])
    monkeypatch.setattr(long, "UNLEARNT", long.UNLEARNT[2:])


@pytest.mark.usefixtures("one_spectrum")
@pytest.mark.parametrize("part", [0, 1])
def test_other_sums_of_the_rest_are_noticed(monkeypatch, part):
    right = long.sums_from
    change = [1.0, 1.0]
    change[part] += 1e-9

    def wrong(problem, first):
        return tuple(s * c for s, c in zip(right(problem, first), change, strict=True))

    assert status(long.sums_of_the_rest()) == "passed"
    monkeypatch.setattr(long, "sums_from", wrong)
    assert status(long.sums_of_the_rest()) == "failed"


@pytest.mark.usefixtures("one_spectrum")
def test_sums_that_may_be_anything_are_noticed(monkeypatch):
    right = long.sums_from
    monkeypatch.setattr(
        long, "sums_from", lambda *given: tuple(s + flint.arb(0, 1000) for s in right(*given))
    )
    assert status(long.sums_of_the_rest()) == "failed"


@pytest.mark.usefixtures("one_spectrum")
@pytest.mark.parametrize(
    "part", ["total", "approximation", "quantized_risk", "distortion", "floor"]
)
def test_a_part_that_is_off_by_more_than_its_bound_is_noticed(monkeypatch, part):
    right = long._parts

    def wrong(instance, run):
        parts = right(instance, run)
        return {**parts, part: parts[part] + (len(instance.eigenvalues) < 150) * 1e-8}

    monkeypatch.setattr(long, "_parts", wrong)
    assert status(long.compression_keeps_its_bounds()) == "failed"


@pytest.mark.usefixtures("one_spectrum")
def test_a_bound_that_says_nothing_is_noticed(monkeypatch):
    right = long.compressed_instance
    monkeypatch.setattr(
        long, "compressed_instance", lambda *given: (right(*given)[0], right(*given)[1] + 1)
    )
    assert status(long.compression_keeps_its_bounds()) == "failed"


@pytest.mark.usefixtures("one_spectrum")
def test_what_is_not_compressed_is_noticed(monkeypatch):
    right = long.compressed_instance
    monkeypatch.setattr(
        long, "compressed_instance",
        lambda *given: (long.instantiate(given[0], long.ARITHMETIC), right(*given)[1]),
    )  # fmt: skip
    assert status(long.compression_keeps_its_bounds()) == "failed"


@pytest.mark.usefixtures("one_spectrum")
def test_a_rest_with_another_number_of_coordinates_is_noticed(monkeypatch):
    right = compression._rest

    def one_less(*given):
        rest = right(*given)
        return dataclasses.replace(rest, count=rest.count - 1)

    monkeypatch.setattr(compression, "_rest", one_less)
    assert status(long.rests_one_by_one()) == "failed"


@pytest.mark.usefixtures("one_spectrum")
def test_another_energy_is_noticed(monkeypatch):
    spectrum, target, energy = long.UNLEARNT[0]
    other = (spectrum, target, lambda: energy() * (1 + mpmath.mpf(10) ** -9))
    monkeypatch.setattr(long, "UNLEARNT", (other,))
    assert status(long.unlearnt_spectra_agree()) == "failed"


def test_a_curve_with_the_error_of_a_shorter_run_is_noticed(monkeypatch):
    right = long.risk_curve
    monkeypatch.setattr(
        long, "risk_curve",
        lambda problem, given, run, steps, digits: right(problem, given, run, [1, 10**7], digits),
    )  # fmt: skip
    assert status(long.curves_in_infinite_dimension()) == "failed"


def test_a_bound_with_another_sum_is_noticed(monkeypatch):
    rule = infinite.discrete_gauss
    monkeypatch.setattr(
        infinite, "discrete_gauss",
        lambda n, p: (rule(n, p)[0], [1.000001 * weight for weight in rule(n, p)[1]]),
    )  # fmt: skip
    assert status(long.bounds_in_infinite_dimension()) == "failed"


def test_another_edge_is_noticed(monkeypatch):
    right = long.stability

    def wrong(problem, *run):
        found = right(problem, *run)
        by_formula = not isinstance(problem.spectrum, qt.Explicit)
        return dataclasses.replace(found, theta=found.theta * (1 + 1e-10 * by_formula))

    monkeypatch.setattr(long, "stability", wrong)
    assert status(long.edges_of_long_spectra()) == "failed"


@pytest.mark.usefixtures("one_spectrum")
def test_a_radius_without_what_is_left_out_is_noticed(monkeypatch):
    right = long.decomposition_at

    def wrong(run, arithmetic, compressed):
        total = right(run, arithmetic, compressed).total
        return SimpleNamespace(total=flint.arb(total.mid()))

    monkeypatch.setattr(long, "decomposition_at", wrong)
    assert status(long.rough_balls_hold_finer_ones()) == "failed"


def test_a_compression_that_is_not_refused_is_noticed(monkeypatch):
    monkeypatch.setattr(long, "compressed_instance", lambda *run: None)
    assert status(long.what_does_not_contract_is_refused()) == "failed"
