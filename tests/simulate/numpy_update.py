"""The update in plain NumPy, many runs side by side: the second source of the compiled kernel.

It shares no code with the kernel: number formats round by ``NumberFormat.round``, errors of error
models are drawn here, and all the runs of a chunk take a step together.
"""

import numpy as np

import qtheory as qt
from qtheory.model.instance import instantiate
from qtheory.model.quantizer import rounding_of
from qtheory.model.run import Run
from qtheory.model.window import Window
from qtheory.numbers.arithmetic import Float64

# A batch of samples of all the runs of a chunk holds about so many numbers: with fewer the calls
# cost more than the arithmetic, with more the arrays leave the cache.
NUMBERS_PER_CHUNK = 40_000


def numpy_risks(problem, quantization, sgd, replicates, seed=0):
    """The excess risk of every run, shape (replicates,)."""
    # an additive data error keeps the coordinates of eigenvalue 0, so that none is left out
    whole = qt.Quantization(data=qt.Additive(1))
    instance = instantiate(Run(problem, whole, sgd), Float64())
    eigenvalues, target = np.asarray(instance.eigenvalues), np.asarray(instance.target)
    numbers = (float(instance.stepsize), int(instance.batch), float(instance.noise))
    quantizers = [quantizer_of(model) for _, model in quantization.items()]
    chunk = max(1, NUMBERS_PER_CHUNK // (numbers[1] * len(eigenvalues)))
    sizes = [min(chunk, replicates - done) for done in range(0, replicates, chunk)]
    streams = np.random.SeedSequence(seed).spawn(len(sizes))
    # a run that diverges ends in inf or NaN, which is what it should give
    with np.errstate(over="ignore", invalid="ignore"):
        return np.concatenate(
            [
                chunk_risks(
                    eigenvalues, target, *numbers, quantizers, Window.of(sgd), size,
                    np.random.Generator(np.random.SFC64(stream)),
                )
                for size, stream in zip(sizes, streams, strict=True)
            ]
        )  # fmt: skip


def chunk_risks(eigenvalues, target, stepsize, B, noise, quantizers, window, replicates, rng):
    """The excess risk of runs that take every step together."""
    data, label, parameter, activation, gradient = quantizers
    d = len(eigenvalues)
    deviation, pace = np.sqrt(eigenvalues), stepsize / B
    w, total = np.zeros((replicates, d)), np.zeros((replicates, d))
    x = np.empty((replicates, B, d))
    for t in range(window.last):
        if window.averaged and t >= window.first:
            total += w
        rng.standard_normal(out=x)
        x *= deviation
        y = x @ target
        if noise > 0:
            y += np.sqrt(noise) * rng.standard_normal((replicates, B))
        x_read = data(x, rng)
        prediction = np.matmul(x_read, parameter(w, rng)[:, :, None])[:, :, 0]
        residual = label(y, rng) - activation(prediction, rng)
        pull = pace * gradient(residual, rng)
        w = w + np.matmul(pull[:, None, :], x_read)[:, 0, :]
    returned = total / window.count if window.averaged else w
    return (returned - target) ** 2 @ eigenvalues / 2


def quantizer_of(quantizer):
    """A function of values and generator; the last axis of the values is one vector u."""
    rounding = rounding_of(quantizer)
    if rounding is None:
        return errors_of(quantizer)

    def rounded(u, rng):
        return rounding.format.round(u, rng, rounding.mode, rounding.random_bits)

    return rounded


def errors_of(model):
    """Gaussian errors of the second moments of an error model."""
    parts = (model.additive, model.shared, model.elementwise)
    additive, shared, elementwise = (float(part) ** 0.5 for part in parts)

    def with_errors(u, rng):
        result = u
        if shared > 0:
            result = u * (1 + shared * rng.standard_normal((*u.shape[:-1], 1)))
        if elementwise > 0:
            result = result + elementwise * u * rng.standard_normal(u.shape)
        if additive > 0:
            error = rng.standard_normal(u.shape)
            error *= additive
            result = np.add(result, error, out=error)
        return result

    return with_errors
