"""What all tests share: the precision of balls, and one replay of the proofs."""

import flint
import pytest

from qtheory.verify.proving import PROOFS, Replay


@pytest.fixture(autouse=True)
def _ball_precision():
    """It is global in python-flint: every test starts from the same one."""
    with flint.ctx.workprec(400):
        yield


@pytest.fixture(scope="session")
def replay():
    """Every proof, replayed once for all tests of a process."""
    every = Replay()
    for name in PROOFS:
        every.prove(name)
    return every
