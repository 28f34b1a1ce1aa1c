"""What the tests of checks ask."""


def status(checks):
    """Whether the one check of a list passed or failed."""
    (check,) = checks
    return check.status
