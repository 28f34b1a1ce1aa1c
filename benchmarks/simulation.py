"""The compiled simulation against NumPy, against its own random numbers, and against apytypes.

d = 200, B = 1, N = 200, additive errors and fp8_e4m3 on all five targets. Every ratio is of times
measured in this run, best of several alternating pairs; the results are checked to agree. The last
lines compare the peak memory of processes whose numbers of steps differ by 20.

Run ``python benchmarks/simulation.py`` from the root of the checkout; it takes half a minute.
"""

import math
import subprocess
import sys
import time
from pathlib import Path

import numba
import numpy as np
from apytypes import APyFloatArray, QuantizationMode

sys.path.insert(0, str(Path(__file__).parent.parent))

import qtheory as qt
from qtheory.model import formats
from tests.simulate.numpy_update import numpy_risks

DIM, STEPS, REPLICATES, PAIRS = 200, 200, 800, 5
PROBLEM = qt.Problem(dim=DIM, spectrum=qt.PowerLaw(2), target=qt.Constant(1), noise=1)
SGD = qt.SGD("0.1", steps=STEPS)
QUANTIZATIONS = {
    "additive(0.01)": qt.Quantization.uniform(qt.Additive("0.01")),
    "fp8_e4m3": qt.Quantization.uniform(formats.get("fp8_e4m3")),
}
# Random numbers of one step of one run, normal and uniform: x, the label noise, and for the five
# targets d + 1 + d + 1 + 1 errors or roundings.
DRAWS = {"additive(0.01)": (3 * DIM + 4, 0), "fp8_e4m3": (DIM + 1, 2 * DIM + 3)}
MEMORY = """
import resource, sys
import qtheory as qt
problem = qt.Problem(dim=200, noise=1)
quantization = qt.Quantization.uniform(qt.formats.get("fp8_e4m3"))
qt.simulate(problem, quantization, qt.SGD("0.1", steps=int(sys.argv[1])), replicates=32)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@numba.njit
def fill(generator, normals, uniforms):
    """Fill two arrays, each in a loop of its own: numbers that are added up take twice as long."""
    for i in range(normals.size):
        normals[i] = generator.standard_normal()
    for i in range(uniforms.size):
        uniforms[i] = generator.random()


@numba.njit
def draw(generator, normals, uniforms, times):
    """Fill the arrays so many times."""
    for _ in range(times):
        fill(generator, normals, uniforms)


def best_ratio(first, second):
    """The least time of the first over that of the second, of pairs run in turn."""
    times = [(seconds(first), seconds(second)) for _ in range(PAIRS)]
    return min(a for a, _ in times) / min(b for _, b in times)


def seconds(function):
    """How long a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def against_numpy(name):
    """Time of the same runs in NumPy over the time here, with the threads there are."""
    quantization = QUANTIZATIONS[name]
    ours = qt.simulate(PROBLEM, quantization, SGD, REPLICATES)
    theirs = numpy_risks(PROBLEM, quantization, SGD, REPLICATES)
    stderr = math.hypot(ours.stderr, theirs.std() / math.sqrt(REPLICATES))
    assert abs(ours.mean - theirs.mean()) < 5 * stderr
    return best_ratio(
        lambda: numpy_risks(PROBLEM, quantization, SGD, REPLICATES),
        lambda: qt.simulate(PROBLEM, quantization, SGD, REPLICATES),
    )


def against_draws(name):
    """Time on one thread over the time that its random numbers alone take."""
    generator = np.random.Generator(np.random.SFC64(0))
    arrays = [np.empty(size) for size in DRAWS[name]]
    draw(generator, *arrays, 1)
    return best_ratio(
        lambda: qt.simulate(PROBLEM, QUANTIZATIONS[name], SGD, REPLICATES, threads=1),
        lambda: draw(generator, *arrays, STEPS * REPLICATES),
    )


def against_apytypes():
    """Time of its stochastic rounding to fp8_e4m3 over the time of ours, a million numbers."""
    x, rng = np.random.default_rng(0).standard_normal(1_000_000), np.random.default_rng(1)
    fp8 = formats.get("fp8_e4m3")
    numbers = APyFloatArray.from_float(x, exp_bits=11, man_bits=52)

    def theirs():
        return numbers.cast(exp_bits=4, man_bits=3, quantization=QuantizationMode.STOCH_WEIGHTED)

    # both give one of the two neighbours and no error on average, and go up equally often; just
    # below the smallest normal number apytypes 0.5 goes up to 0 instead, so it is left out
    normal = np.abs(x) >= fp8.grid.smallest_normal
    x_normal, low = x[normal], fp8.round(x[normal], mode="toward_zero")
    binade = np.frexp(low)[1] - 1
    high = low + np.copysign(2.0 ** (binade - fp8.mantissa_bits), x_normal)
    ups = []
    for rounded in (fp8.round(x, rng)[normal], theirs().to_numpy()[normal]):
        assert np.all((rounded == low) | (rounded == high))
        error = rounded - x_normal
        assert abs(np.mean(error)) < 5 * np.std(error) / math.sqrt(error.size)
        ups.append(np.mean(rounded != low))
    assert abs(ups[0] - ups[1]) < 5 * math.sqrt(0.5 / x_normal.size)
    return best_ratio(theirs, lambda: fp8.round(x, rng))


def peak_memory(steps):
    """The largest memory of a process that takes so many steps, in MB."""
    command = [sys.executable, "-c", MEMORY, str(steps)]
    return int(subprocess.check_output(command, text=True)) / 1024


def main():
    """Print the ratios."""
    for name in QUANTIZATIONS:
        print(f"NumPy / qtheory, {name}, d={DIM}: {against_numpy(name):.1f} (wanted >= 5)")
    for name in QUANTIZATIONS:
        print(f"qtheory on one thread / its draws, {name}: {against_draws(name):.2f} (wanted <= 4)")
    ratio = against_apytypes()
    print(f"apytypes / qtheory, fp8 stochastic rounding, 10^6: {ratio:.1f} (wanted >= 1)")
    few, many = peak_memory(1000), peak_memory(20_000)
    print(f"peak memory: {few:.1f} MB for 1000 steps, {many:.1f} MB for 20000")


if __name__ == "__main__":
    main()
