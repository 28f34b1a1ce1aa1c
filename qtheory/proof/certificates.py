"""Certificates are kept beside the proofs: of ``proofs/x.py`` in ``proofs/certificates/x.gz``.

One line of JSON for each leaf: its key, a digest of its formulas as :mod:`qtheory.proof.terms`
reads them; its name; which of the formulas are used; the steps. Nothing rests on this: a
certificate that is lost, or of another leaf, is none for the checker.
"""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from qtheory.errors import ProofError
from qtheory.proof.checker import Expression
from qtheory.proof.terms import look


@dataclass(frozen=True)
class Certificate:
    """Which formulas of a leaf are used, and the steps that show that they have no common model."""

    key: str
    name: str
    uses: list[int]
    steps: Any


class CertificateFile:
    """The certificates of one file of proofs.

    Attributes
    ----------
    missing
        The leaves that were asked for and have none: their names and formulas, by their keys.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.missing: dict[str, tuple[str, Sequence[Expression]]] = {}
        self._asked: set[str] = set()
        self._found: dict[str, Certificate] = {}
        if path is not None and path.is_file():
            self._found = {certificate.key: certificate for certificate in _read(path)}

    def find(self, name: str, formulas: Sequence[Expression]) -> Certificate | None:
        """The certificate of a leaf, if there is one."""
        key = blake2b(b"".join(map(look, formulas)), digest_size=12).hexdigest()
        self._asked.add(key)
        if key not in self._found:
            self.missing[key] = name, formulas
        return self._found.get(key)

    def add(self, key: str, uses: list[int], steps: Any) -> None:
        """A certificate for a leaf that is missing one."""
        name, _ = self.missing.pop(key)
        self._found[key] = Certificate(key, name, uses, steps)

    def save(self) -> None:
        """Write the certificates that were asked for; the others are of no use any more."""
        if self.path is None:
            return
        kept = [self._found[key] for key in sorted(self._asked & self._found.keys())]
        lines = [json.dumps([c.key, c.name, c.uses, c.steps], separators=(",", ":")) for c in kept]
        self.path.parent.mkdir(exist_ok=True)
        data = "".join(f"{line}\n" for line in lines).encode()
        self.path.write_bytes(gzip.compress(data, mtime=0))


def _read(path: Path) -> list[Certificate]:
    """The certificates of a file, which may be damaged."""
    try:
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        certificates = [Certificate(*json.loads(line)) for line in lines]
        for c in certificates:
            if type(c.key) is not str or any(type(k) is not int for k in c.uses):
                raise ValueError(f"{c.key!r} uses {c.uses!r}")
    except (OSError, EOFError, zlib.error, RecursionError, TypeError, ValueError) as error:
        raise ProofError(
            f"{path} holds no certificates that can be read ({error}): take the file as it was "
            "published, or remove it and search for new ones"
        ) from error
    return certificates


_stores: dict[str, CertificateFile] = {}


def stores() -> list[CertificateFile]:
    """Those of the files that were run."""
    return list(_stores.values())


def beside_the_proof() -> CertificateFile:
    """The certificates of the file that is run: the innermost module under way."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    file = frame.f_code.co_filename
    if file not in _stores:
        path = Path(file)
        beside = path.parent / "certificates" / f"{path.stem}.gz"
        _stores[file] = CertificateFile(beside if path.suffix == ".py" else None)
    return _stores[file]
