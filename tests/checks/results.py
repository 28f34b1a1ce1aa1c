"""What the tests of checks ask."""

import json
from pathlib import Path

#: How much each check compares. Where it compares less, part of it has been lost.
EXTENT = json.loads(Path(__file__).with_name("extent.json").read_text())


def status(checks):
    """Whether the one check of a list passed or failed."""
    (check,) = checks
    return check.status


def passed(checks):
    """Whether the one check of a list passed, and compared as much as it always did."""
    (check,) = checks
    assert check.status == "passed", check.detail
    return check.values.get("compared") == EXTENT.get(check.id)
