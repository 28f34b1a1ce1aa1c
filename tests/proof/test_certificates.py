"""The store of certificates, which is not trusted: it finds, keeps and writes them."""

import gzip
import json
import time
from pathlib import Path

import pytest
import z3

from qtheory.errors import ProofError
from qtheory.proof import certificates
from qtheory.proof.certificates import CertificateFile, beside_the_proof, stores
from qtheory.proof.terms import term_of

x, y = z3.Reals("x y")
ONE, TWO = [term_of(x > 0)], [term_of(x > 0), term_of(y < x)]
STEPS = ["sum", [], [["1", None, 0]]]


@pytest.fixture(autouse=True)
def _stores_of_its_own(monkeypatch):
    monkeypatch.setattr(certificates, "_stores", {})


def filled(path):
    store = CertificateFile(path)
    for name, formulas in (("one", ONE), ("two", TWO)):
        assert store.find(name, formulas) is None
    for key in list(store.missing):
        store.add(key, [0], STEPS)
    return store


def names_in(path):
    return [json.loads(line)[1] for line in gzip.decompress(path.read_bytes()).splitlines()]


def test_what_is_missing_is_recorded_and_then_found(tmp_path):
    store = CertificateFile(tmp_path / "x.gz")
    assert store.find("the name", ONE) is None
    ((key, (name, formulas)),) = store.missing.items()
    assert (name, formulas) == ("the name", ONE)
    store.add(key, [0], STEPS)
    assert store.missing == {}
    found = store.find("the name", ONE)
    assert (found.key, found.name, found.uses, found.steps) == (key, "the name", [0], STEPS)
    assert store.find("the name", TWO) is None
    with pytest.raises(KeyError):
        store.add("no leaf asked for this", [0], STEPS)


def test_a_certificate_is_found_by_its_formulas_alone(tmp_path):
    store = filled(tmp_path / "x.gz")
    assert store.find("another name", ONE).name == "one"
    assert store.find("one", TWO[::-1]) is None
    assert store.find("one", [term_of(x >= 0)]) is None


def test_what_is_saved_is_read_again(tmp_path):
    path = tmp_path / "certificates" / "x.gz"
    filled(path).save()
    again = CertificateFile(path)
    assert again.find("", ONE).steps == STEPS
    assert again.find("", TWO).name == "two"
    assert again.missing == {}


def test_only_what_was_asked_for_is_kept(tmp_path):
    path = tmp_path / "x.gz"
    filled(path).save()
    again = CertificateFile(path)
    again.find("", TWO)
    again.save()
    assert names_in(path) == ["two"]
    # and one that is missing is not written
    again.find("three", [term_of(y > 0)])
    again.save()
    assert names_in(path) == ["two"]


def test_the_bytes_are_the_same_whenever_they_are_written(tmp_path, monkeypatch):
    first, second = tmp_path / "first.gz", tmp_path / "second.gz"
    filled(first).save()
    monkeypatch.setattr(time, "time", lambda: 2e9)
    backwards = CertificateFile(second)
    for name, formulas in (("two", TWO), ("one", ONE)):
        backwards.find(name, formulas)
    for key in list(backwards.missing):
        backwards.add(key, [0], STEPS)
    backwards.save()
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes()[4:8] == bytes(4)  # where gzip writes the time
    # the negative control: with a time stamp they would differ
    assert gzip.compress(b"", mtime=2_000_000_000) != gzip.compress(b"", mtime=0)


def test_nothing_is_written_for_what_is_in_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    filled(None).save()
    assert list(tmp_path.iterdir()) == []


# --- beside the file that runs --------------------------------------------------------------------

SCRIPT = """
from qtheory.proof.certificates import beside_the_proof
{}
def inside():
    return beside_the_proof()
store = [inside() for _ in range(1)][0]
"""


def run(path, text):
    path.write_text(text)
    names = {"__name__": path.stem}
    exec(compile(text, str(path), "exec"), names)
    return names["store"]


def test_a_store_is_beside_the_file_that_runs(tmp_path):
    filled(tmp_path / "certificates" / "script.gz").save()
    store = run(tmp_path / "script.py", SCRIPT.format(""))
    assert store.path == tmp_path / "certificates" / "script.gz"
    assert store.find("", ONE).steps == STEPS
    assert stores() == [store]


def test_a_module_that_is_imported_has_its_own(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "imported_by_a_script.py").write_text(SCRIPT.format(""))
    text = SCRIPT.format("import imported_by_a_script as other")
    store = run(tmp_path / "script.py", text + "\nother = other.inside()\nown = other")
    assert [each.path.stem for each in stores()] == ["imported_by_a_script", "script"]
    # a function of the other module works for the file that runs
    assert store.path.stem == "script"


def test_what_is_typed_has_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(SCRIPT.format(""), "<stdin>", "exec"), names)
    assert names["store"].path is None
    names["store"].find("", ONE)
    names["store"].save()
    assert list(tmp_path.iterdir()) == []


def test_one_store_for_one_file(tmp_path):
    one = run(tmp_path / "script.py", SCRIPT.format(""))
    assert run(tmp_path / "script.py", SCRIPT.format("")) is one
    assert run(tmp_path / "another.py", SCRIPT.format("")) is not one
    assert beside_the_proof() is not one


# --- damaged files --------------------------------------------------------------------------------


def line(*entries):
    return gzip.compress(f"{json.dumps(entries)}\n".encode())


GOOD = line("k", "name", [0], STEPS)
DAMAGED = {
    "no gzip": b"a certificate",
    "cut short": GOOD[:-9],
    "a byte changed": GOOD[:-6] + bytes([GOOD[-6] ^ 1]) + GOOD[-5:],
    "no text": gzip.compress(b"\xff\xfe\n"),
    "no JSON": gzip.compress(b"[1, 2\n"),
    "JSON without end": gzip.compress(b"[" * 100_000),
    "an empty line": gzip.compress(b"\n"),
    "a number": gzip.compress(b"7\n"),
    "too few entries": line("k", "name", [0]),
    "too many entries": line("k", "name", [0], STEPS, 1),
    "a key that is none": line(["k"], "name", [0], STEPS),
    "uses that are none": line("k", "name", 0, STEPS),
    "uses that are no numbers": line("k", "name", ["0"], STEPS),
    "uses that are truth values": line("k", "name", [True], STEPS),
    "uses that are lists": line("k", "name", [[0]], STEPS),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_named(damage, tmp_path):
    path = tmp_path / "certificates" / "script.gz"
    path.parent.mkdir()
    path.write_bytes(DAMAGED[damage])
    for attempt in (
        lambda: CertificateFile(path),
        lambda: run(tmp_path / "script.py", SCRIPT.format("")),
    ):
        with pytest.raises(ProofError, match=r"holds no certificates that can be read") as error:
            attempt()
        assert str(path) in str(error.value)
    assert path.read_bytes() == DAMAGED[damage]


def test_a_good_file_is_read(tmp_path):
    # the negative control of the damaged ones
    (tmp_path / "x.gz").write_bytes(GOOD)
    assert CertificateFile(tmp_path / "x.gz")._found["k"].uses == [0]


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    def forbidden(path):
        raise PermissionError(13, "Permission denied", str(path))

    path = tmp_path / "x.gz"
    path.write_bytes(GOOD)
    monkeypatch.setattr(Path, "read_bytes", forbidden)
    with pytest.raises(ProofError, match=r"x\.gz holds no certificates"):
        CertificateFile(path)


def test_an_empty_file_has_no_certificates(tmp_path):
    (tmp_path / "x.gz").write_bytes(b"")
    assert CertificateFile(tmp_path / "x.gz").find("", ONE) is None


def test_any_byte_that_is_changed_is_seen(tmp_path):
    path = tmp_path / "x.gz"
    filled(path).save()
    data = path.read_bytes()
    for k in range(len(data)):
        if k in range(3, 10):  # flags and the time: not part of what is written
            continue
        path.write_bytes(data[:k] + bytes([data[k] ^ 255]) + data[k + 1 :])
        with pytest.raises(ProofError):
            CertificateFile(path)
