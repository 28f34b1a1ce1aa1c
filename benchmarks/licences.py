"""The licences of what qtheory needs to run, from the metadata of what is installed.

python benchmarks/licences.py > docs/licences.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

EXTRAS = ("plots", "sweeps", "report")
HEAD = """# Licences

What `pip install "qtheory[plots,sweeps,report]"` installs beside it, directly or for one of its
libraries, and under which licence, as each distribution says itself. Made by
`python benchmarks/licences.py`; a test keeps it whole. qtheory itself: Apache License 2.0.

| distribution | licence |
| --- | --- |"""


def needed(name: str, seen: set[str], extras: Sequence[str] = ("",)) -> Iterator[str]:
    """The distributions that one needs on this machine, and those that they need."""
    for text in distribution(name).requires or ():
        requirement = Requirement(text)
        other = canonicalize_name(requirement.name)
        marker = requirement.marker
        wanted = marker is None or any(marker.evaluate({"extra": extra}) for extra in extras)
        if not wanted or other in seen:
            continue
        seen.add(other)
        yield other
        try:
            yield from needed(other, seen)
        except PackageNotFoundError:
            continue


def licence(name: str) -> str:
    """What the metadata say: an expression, a classifier, or the first line of a text."""
    metadata = distribution(name).metadata
    expression = metadata.get("License-Expression")
    if expression:
        return expression
    classifiers = [
        value.split(" :: ")[-1]
        for value in metadata.get_all("Classifier") or ()
        if value.startswith("License ::") and value != "License :: OSI Approved"
    ]
    text = (metadata.get("License") or "").strip().splitlines()
    return ", ".join(classifiers) or (text[0] if text else "not said")


def page() -> str:
    """The page of the docs."""
    rows = (f"| {name} | {licence(name)} |" for name in sorted(needed("qtheory", set(), EXTRAS)))
    return "\n".join((HEAD, *rows))


if __name__ == "__main__":
    sys.stdout.write(page() + "\n")
