"""Precision of balls is global in python-flint: every test starts from the same one."""

import flint
import pytest


@pytest.fixture(autouse=True)
def _ball_precision():
    with flint.ctx.workprec(400):
        yield
