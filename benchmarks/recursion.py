"""The recursion on object arrays against a bare loop over lists doing the same arithmetic.

Both run in mpmath at 50 digits, additive errors on all five targets, d = 200, B = 1, with the
running sums of the iterate average. Prints the ratio of the times, best of several pairs.
"""

import time
from itertools import islice

import qtheory as qt
from qtheory.model.instance import instantiate
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import MPMath
from qtheory.risk.recursion import trajectory

STEPS, PAIRS, DIM = 40, 5, 200


def bare_loop(d, steps, context):
    """Section 2 for additive errors eps = 0.01 on every target, B = 1, w* = 1, sigma^2 = 1."""
    mpf = context.mpf
    eps, gamma = mpf(1) / 100, mpf(1) / 10
    lam = [mpf(1) / i**2 for i in range(1, d + 1)]
    lq = [x + eps for x in lam]
    rho = [1 - gamma * q for q in lq]
    contraction = [1 - 2 * gamma * q for q in lq]
    drift = [gamma * x for x in lam]
    total_lam = sum(lam)
    # label, activation and gradient noise, with Y w*^2 = lq * sum(lam) + 2 lam^2
    fixed = [q * (1 + total_lam + 3 * eps) + 2 * x * x for x, q in zip(lam, lq, strict=True)]
    q_diagonal = [2 * q * q for q in lq]
    t_diagonal = [2 * x * q for x, q in zip(lam, lq, strict=True)]
    m, v = [mpf(0)] * d, [mpf(0)] * d
    sum_m, sum_w, sum_v = [mpf(0)] * d, [mpf(0)] * d, [mpf(0)] * d
    square = gamma**2
    for _ in range(steps):
        vh = [a + eps for a in v]
        q_dot = sum(q * a for q, a in zip(lq, vh, strict=True))
        t_dot = sum(x * a for x, a in zip(lam, m, strict=True))
        for i in range(d):
            sum_v[i] = sum_v[i] + 2 * sum_w[i] + v[i]
            sum_m[i] = sum_m[i] + m[i]
            sum_w[i] = rho[i] * (sum_w[i] + v[i]) + drift[i] * sum_m[i]
            X = t_diagonal[i] * m[i] + lq[i] * t_dot
            A = q_diagonal[i] * vh[i] + lq[i] * q_dot
            same = fixed[i] - 2 * X + A
            v[i] = contraction[i] * v[i] + 2 * drift[i] * m[i] + square * same
            m[i] = rho[i] * m[i] + drift[i]
    return m, v, sum_v


def main():
    """Measure pairs, check that both computed the same, print the ratio."""
    problem = qt.Problem(dim=DIM, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
    quantization = qt.Quantization.uniform(qt.Additive("0.01"))
    arithmetic = MPMath(digits=50)
    instance = instantiate(Run(problem, quantization, qt.SGD("0.1", steps=STEPS)), arithmetic)
    ratios = []
    for _ in range(PAIRS):
        start = time.perf_counter()
        moments = next(islice(trajectory(instance), STEPS, None))
        middle = time.perf_counter()
        _, v, sum_v = bare_loop(DIM, STEPS, arithmetic.context)
        end = time.perf_counter()
        assert max(abs(a - b) for a, b in zip(moments.v, v, strict=True)) < 1e-45
        assert max(abs(a - b) for a, b in zip(moments.sum_v, sum_v, strict=True)) < 1e-43
        ratios.append((middle - start) / (end - middle))
    shown = ", ".join(f"{ratio:.2f}" for ratio in sorted(ratios))
    print(f"recursion / bare loop, mpmath, d={DIM}: {shown} (best {min(ratios):.2f})")


if __name__ == "__main__":
    main()
