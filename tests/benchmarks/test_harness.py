"""benchmarks/harness.py: a changed copy, bounded time of the processor, and rows."""

import json
import time

import pytest

from tests.benchmarks import load


@pytest.fixture(scope="module")
def harness():
    return load("harness")


def endless():
    while True:
        pass


@pytest.mark.parametrize(
    ("ask", "verdict"),
    [
        (lambda: None, "unnoticed"),
        (lambda: "a check", "noticed"),
        (endless, "timeout"),
        (lambda: time.sleep(100), "timeout"),
    ],
    ids=["right", "wrong", "hangs", "sleeps"],
)
def test_the_verdict_on_a_copy(harness, tmp_path, monkeypatch, ask, verdict):
    monkeypatch.setattr(harness, "_ASLEEP", 3)
    assert harness.asked(tmp_path, ask, 0.5)[0] == verdict


def test_what_breaks_down_is_no_verdict(harness, tmp_path):
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        harness.asked(tmp_path, lambda: str(1 / 0), 5)


def test_a_change_is_seen_in_the_copy_and_taken_back(harness):
    with harness.tree() as place:
        file = place / "qtheory" / "errors.py"
        original = file.read_text()
        with harness.changed(file, "changed = True\n"):
            look = lambda: (place / "qtheory/errors.py").read_text()  # noqa: E731
            assert harness.asked(place, look, 5) == ("noticed", "changed = True\n")
        assert file.read_text() == original == (harness.ROOT / "qtheory/errors.py").read_text()
    assert not place.exists()


def test_the_same_seed_draws_the_same_cases(harness):
    first, again, other = (harness.drawn(range(100), 5, seed) for seed in (0, 0, 1))
    assert first == again != other
    assert harness.drawn(range(100), None, 0) == list(range(100))
    assert harness.chosen(["k4 = 3", "a tail"], ["tail"]) == ["a tail"]


def test_rows_are_written(harness, tmp_path):
    harness.written([harness.Row("a", "noticed", "b", 1.5)], tmp_path / "rows.json")
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert rows == [{"case": "a", "verdict": "noticed", "by": "b", "seconds": 1.5}]
