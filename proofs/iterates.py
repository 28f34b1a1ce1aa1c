r"""The moments of the sum s_t of the iterates before w_t, in the kernel's language.

Main results
    ``sum_m``, ``sum_w``, ``sum_v``: E s_i, E s_i w_i and E s_i^2 after t steps

How
    s' = s + w, and given the past E w' = rho w + gamma lambda w*, so

        E s' = E s + m,   E s' w' = rho (E s w + v) + gamma lambda w* E s',   E s'^2 = E s^2 + 2 E s w + v.

    That the update has these moments is proved in update.py; average.py goes on from them.
"""

from qtheory.proof.kernel import recursive

from .recursion import gamma, i, lam, m, t, v, w, x

sum_m = recursive("E s", [i], t, 0, lambda before: before + m(i, t))
sum_w = recursive(
    "E s w",
    [i],
    t,
    0,
    lambda before: (1 - x[i]) * (before + v(t)[i]) + gamma * lam[i] * w[i] * sum_m(i, t + 1),
)
sum_v = recursive("E s^2", [i], t, 0, lambda before: before + 2 * sum_w(i, t) + v(t)[i])
