"""The theorems as SymPy relations, and the numeric bounds evaluated from them."""

from types import MappingProxyType

from qtheory.theory.batch import feedback_limit, noise_limit
from qtheory.theory.bounds import Bound, lower_bound, upper_bound
from qtheory.theory.decomposition import decomposition
from qtheory.theory.lower import lower_bound as _lower_bound
from qtheory.theory.lower import risk_lower_bound as _risk_lower_bound
from qtheory.theory.recursion import recursion
from qtheory.theory.spectrum import spectral_floor, spectral_shape
from qtheory.theory.theorem import Hypothesis, Theorem
from qtheory.theory.upper import noise_constants, refined_upper_bound
from qtheory.theory.upper import upper_bound as _upper_bound

__all__ = ["Bound", "Hypothesis", "Theorem", "lower_bound", "theorems", "upper_bound"]

#: Every theorem by its name.
theorems = MappingProxyType(
    {
        theorem.name: theorem
        for theorem in (
            decomposition,
            recursion,
            noise_constants,
            _upper_bound,
            refined_upper_bound,
            _lower_bound,
            _risk_lower_bound,
            spectral_floor,
            spectral_shape,
            feedback_limit,
            noise_limit,
        )
    }
)
