"""What a result rests on: versions of qtheory, of Python and of the libraries that computed it.

Every JSON record, every results file of a sweep and the page of ``qtheory report`` say it, so that
a number that differs from an older one can be told from a number that is wrong.
"""

from __future__ import annotations

import platform
from importlib.metadata import version

#: The libraries of exact numbers, balls, symbols and arrays.
EXACT = ("mpmath", "numpy", "python-flint", "sympy")
#: Those of a simulation.
SIMULATED = (*EXACT, "llvmlite", "numba")


def versions(*libraries: str, machine: bool = False) -> dict[str, str]:
    """The versions of qtheory, Python and these libraries, by name.

    Parameters
    ----------
    libraries
        Names of distributions.
    machine
        Whether the kind of machine is named too. It belongs to numbers in float64, whose last
        digits depend on the order of sums and on the elementary functions of the machine; balls,
        proofs and symbols do not.

    Examples
    --------
    >>> list(versions("sympy", "numpy", machine=True))
    ['qtheory', 'python', 'numpy', 'sympy', 'machine']
    """
    import qtheory

    found = {"qtheory": qtheory.__version__, "python": platform.python_version()}
    found |= {name: version(name) for name in sorted(set(libraries))}
    if machine:
        found["machine"] = f"{platform.system()} {platform.machine()}"
    return found
