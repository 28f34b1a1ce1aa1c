"""Hypothesis strategies for random instances, for our tests and for anyone's own.

>>> from hypothesis import given
>>> import qtheory as qt
>>> from qtheory.testing import instances
>>> @given(instances())
... def check(instance):
...     problem, quantization, sgd = instance
...     assert qt.excess_risk(problem, quantization, sgd).total >= 0
"""

from qtheory.claims.strategies import error_models, instances, problems, quantizations, runs

__all__ = ["error_models", "instances", "problems", "quantizations", "runs"]


def __dir__() -> list[str]:
    """What is for users, so that tab completion shows nothing else."""
    return __all__
