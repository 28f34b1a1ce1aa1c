"""What must not change the risk does not, and what must scale it does, to certified digits."""

import dataclasses
from fractions import Fraction as F

import pytest
from hypothesis import given, seed
from hypothesis import settings as hypothesis_settings

from qtheory.reference.moments import Errors
from tests.differential import relations
from tests.differential.comparisons import WIDE
from tests.differential.instances import ALL, SPECIAL, case, settings
from tests.differential.relations import RELATIONS, examine, related
from tests.differential.test_agreement import REPRODUCIBLE

GENERIC = case("1 1/2 1/5", "1 -2 3", "1", 3, 5, **ALL)


def broken(setting):
    return [gap.name for gap in examine(setting) if not gap.agrees]


@pytest.mark.parametrize("name", list(SPECIAL)[::5])
def test_special_instances(name):
    assert broken(SPECIAL[name]) == []


@hypothesis_settings(max_examples=4, **REPRODUCIBLE)
@given(settings())
def test_random_instances(setting):
    assert broken(setting) == []


@pytest.mark.slow
@seed(20261125)
@hypothesis_settings(max_examples=15, **REPRODUCIBLE | {"derandomize": False})
@given(settings())
def test_many_random_instances(setting):
    assert broken(setting) == []


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda relation: relation.__name__)
def test_a_part_left_out_is_noticed(relation):
    with WIDE.working():
        assert all(gap.agrees for gap in related(relation, GENERIC))
        assert not all(gap.agrees for gap in related(relation, GENERIC, leaving_out=True))


def test_a_limit_in_the_batch_that_is_wrong_is_noticed():
    def without_data_errors(setting):
        return relations.gradient_descent(dataclasses.replace(setting, data=Errors()))

    def with_a_bit_of_noise(setting):
        return relations.gradient_descent(setting) + F(1, 10**15)

    with WIDE.working():
        assert relations.large_batch(GENERIC).agrees
        assert not relations.large_batch(GENERIC, without_data_errors).agrees
        assert not relations.large_batch(GENERIC, with_a_bit_of_noise).agrees


def test_a_degree_in_the_batch_that_is_too_low_is_noticed():
    with WIDE.working():
        assert relations.in_one_over_batch(GENERIC).agrees
        assert not relations.in_one_over_batch(GENERIC, GENERIC.steps - 1).agrees
