"""CONTRIBUTING.md: every path in it is there, and no recipe takes more files than it says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
#: What is made anew has no path yet; what stands in the rooms is written from the room on.
PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:py|md|toml|txt))`")
RECIPE = re.compile(r"^\*\*(.+?)\*\* \(at most (\d+) files?(?:; today (.+?))?\)$", re.MULTILINE)
#: The table of the house; a target and the algorithm are over it and say so.
LIMITS = {
    "A theorem with its proof": 5, "A spectrum": 3, "A check": 2, "A number format": 1,
    "A quantization target": 10, "A change to the algorithm": 4,
}  # fmt: skip


def paths(text):
    return [path for path in PATH.findall(text) if "NEW" not in path]


def missing(text):
    places = (ROOT, ROOT / "qtheory", ROOT / ".ci")
    return [path for path in paths(text) if not any((place / path).exists() for place in places)]


def recipes():
    """By name: the limit, the number today if it is another, and the files."""
    found = {}
    for match in RECIPE.finditer(PAGE):
        text = PAGE[match.end() :].split("\n**")[0].split("\n## ")[0]
        found[match[1]] = int(match[2]), match[3], re.findall(r"^\d+\. `(.+?)`", text, re.MULTILINE)
    return found


def test_every_path_is_there():
    assert len(paths(PAGE)) > 30
    assert missing(PAGE) == []
    assert missing("`qtheory/verify/proving.py` and `risk/recursion.py`") == [
        "qtheory/verify/proving.py"
    ]


def test_there_is_a_recipe_for_each_row():
    assert {name: limit for name, (limit, _, _) in recipes().items()} == LIMITS


@pytest.mark.parametrize("name", LIMITS)
def test_a_recipe_takes_as_many_files_as_it_says(name):
    limit, today, files = recipes()[name]
    assert len(set(files)) == len(files)
    if today is None:
        assert 1 <= len(files) <= limit
    elif today.isdecimal():
        assert len(files) == int(today) > limit
