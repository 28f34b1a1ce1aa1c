"""What all tests share: the precision of balls."""

import flint
import pytest


@pytest.fixture(autouse=True)
def _ball_precision():
    """It is global in python-flint: every test starts from the same one."""
    with flint.ctx.workprec(400):
        yield
