"""The update on sketched features, literally: x in R^d is drawn, z = S x is what the model sees.

Many runs side by side in NumPy. Nothing is conditioned or rotated, and the excess risk is that of
the model v as a model S^T v of x: the second source of the conditional problem.
"""

import numpy as np

from tests.simulate.numpy_update import quantizer_of

CHUNK = 2_000


def unrotated_risks(eigenvalues, target, noise, sketch, quantization, sgd, replicates, seed):
    """Excess risks of the average of w_0 .. w_(N-1) and of w_N, shape (2, replicates)."""
    quantizers = [quantizer_of(model) for _, model in quantization.items()]
    streams = np.random.SeedSequence(seed).spawn(replicates // CHUNK)
    found = [
        _chunk(eigenvalues, target, noise, sketch, quantizers, sgd, np.random.default_rng(stream))
        for stream in streams
    ]
    return np.concatenate(found, axis=1)


def _chunk(eigenvalues, target, noise, sketch, quantizers, sgd, rng):
    data, label, parameter, activation, gradient = quantizers
    steps, batch, pace = int(sgd.steps), int(sgd.batch), float(sgd.stepsize) / int(sgd.batch)
    v = np.zeros((CHUNK, len(sketch)))
    total = np.zeros_like(v)
    for _ in range(steps):
        total += v
        x = rng.standard_normal((CHUNK, batch, len(eigenvalues))) * np.sqrt(eigenvalues)
        y = x @ target + np.sqrt(noise) * rng.standard_normal((CHUNK, batch))
        z = data(x @ sketch.T, rng)
        prediction = np.matmul(z, parameter(v, rng)[:, :, None])[:, :, 0]
        pull = gradient(label(y, rng) - activation(prediction, rng), rng)
        v = v + pace * np.matmul(pull[:, None, :], z)[:, 0, :]
    return np.stack(
        [(output @ sketch - target) ** 2 @ eigenvalues / 2 for output in (total / steps, v)]
    )
