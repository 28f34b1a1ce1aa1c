"""All that computes a risk or a bound, at instances of the whole input space."""

import pytest
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings

from qtheory.reference.moments import Setting
from tests.differential.comparisons import disagreements
from tests.differential.instances import EDGE, SPECIAL, TRAITS, is_stable, scaled_step, settings

#: The same instances in every run; what fails is shrunk to the smallest that does.
REPRODUCIBLE = {
    "derandomize": True,
    "database": None,
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_special_instances(name):
    assert disagreements(SPECIAL[name]) == []


@pytest.mark.parametrize("trait", TRAITS)
def test_every_trait_is_tried(trait):
    """A trait that no special instance has would be tried by luck only."""
    assert any(TRAITS[trait](setting) for setting in SPECIAL.values())
    assert not all(TRAITS[trait](setting) for setting in SPECIAL.values())


@hypothesis_settings(max_examples=8, **REPRODUCIBLE)
@given(settings())
def test_random_instances(setting):
    assert disagreements(setting) == []


@pytest.mark.slow
@seed(20261125)
@hypothesis_settings(max_examples=50, **REPRODUCIBLE | {"derandomize": False})
@given(settings())
def test_many_random_instances(setting):
    assert disagreements(setting) == []


@pytest.mark.slow
def test_drawn_instances_are_stable_and_reach_every_trait():
    met = set()

    @seed(0)
    @hypothesis_settings(
        max_examples=150, **REPRODUCIBLE | {"derandomize": False}, phases=[Phase.generate]
    )
    @given(settings())
    def look(setting):
        assert isinstance(setting, Setting)
        assert is_stable(setting)
        met.update(trait for trait, holds in TRAITS.items() if holds(setting))

    look()
    assert met == set(TRAITS)


@pytest.mark.parametrize("name", ["edge", "edge, all errors", "edge, B = 10^15"])
def test_the_edge_is_where_stability_ends(name):
    setting = SPECIAL[name]
    assert is_stable(setting)
    assert not is_stable(scaled_step(setting, 1 + 2 * (1 - EDGE)))
