"""What benchmarks/hostile_input.py puts in: for every surface, cases and what they must give.

A case is made by a seeded generator. It is a text or an object that is valid by construction, with
its value known without qtheory, or a mutation of one, or plain noise.
"""

from __future__ import annotations

import ast
import io
import json
import math
import operator
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Callable
from contextlib import closing, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp

import qtheory as qt
from qtheory.claims.claim import NAMES, claim_of
from qtheory.measure.grid import AXES, load_grid
from qtheory.model import parse
from qtheory.model.data import load_table
from qtheory.numbers import exact as numbers
from qtheory.numbers import grammar


@dataclass(frozen=True)
class Case:
    """One input: how it is shown, how it is put in, and what is wrong with the value it gives.

    ``valid`` says that it must give a value, as a refusal would be wrong too.
    """

    shown: str
    run: Callable[[], Any]
    wrong: Callable[[Any], str | None] = lambda value: None
    valid: bool = False
    arguments: tuple[str, ...] = ()  # of a command line


# --- noise and mutations ------------------------------------------------------------------------

TOKENS = [
    "__import__('os').system('true')", "1e999999999", "10**10**10", "1/0", "nan", "-inf", "oo", "0",
    "-1", "1e-9999", "\x00", "\ud800", "\u202e", "\u200f", "²", "٣", "½", "Ⅷ", "１", "\ufeff", "\n",
    "\r", "\t", " ", "_", *"=:,.+()[]{}'\"\\#*~", "%s", "{0}", "$(id)", "<script>", "9" * 400,
    "(" * 150, "min(", "exp(exp(exp(", "i**i**i", "lambda: 0", "x.real", "True", "None", "0x1f",
    "1_0", "1e5j", "日本", "🙂", "../../etc/passwd", "/dev/null",
]  # fmt: skip


def noise(rng: random.Random) -> str:
    """Text of any characters, mostly short, sometimes very long."""
    length = rng.choice((0, 1, 2, 3, 5, 8, 13, 30)) if rng.random() < 0.97 else 12_000
    kind = rng.random()
    if kind < 0.3:
        return "".join(rng.choices("0123456789+-*/().eE_ ,i", k=length))
    return "".join(map(chr, rng.choices(range(0x80 if kind < 0.6 else sys.maxunicode), k=length)))


def any_text(text: str, rng: random.Random) -> str:
    """A valid text with a few pieces left out, doubled, exchanged or put in; or noise."""
    if rng.random() < 0.2:
        return noise(rng)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        a, b = sorted(rng.randrange(len(text) + 1) for _ in range(2))
        b = min(b, a + 20)
        before, piece, after = text[:a], text[a:b], text[b:]
        text = rng.choice((
            before + after, before + piece * rng.choice((2, 31)) + after, before + after + piece,
            before + noise(rng)[:40] + piece + after, before + rng.choice(TOKENS) + after,
            before + rng.choice(TOKENS) + piece + after,
        ))  # fmt: skip
    return text


# --- numbers ------------------------------------------------------------------------------------

STRICT = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>\d*)(?:\.(?P<after>\d*))?(?:[eE](?P<power>[+-]?\d+))?"
)


def number(rng: random.Random, signs: str = "+- ") -> tuple[str, Fraction]:
    """A number as text, and its value put together from whole numbers."""
    sign = rng.choice(signs).strip()
    whole = rng.randrange(1, 10 ** rng.choice((1, 2, 5, 40)))
    factor = -1 if sign == "-" else 1
    kind = rng.randrange(4)
    if kind == 0:
        return f"{sign}{whole}", Fraction(factor * whole)
    if kind == 1:
        below = rng.randrange(1, 10 ** rng.choice((1, 3, 30)))
        return f"{sign}{whole}/{below}", Fraction(factor * whole, below)
    digits = "".join(rng.choices("0123456789", k=rng.randrange(1, 12)))
    value = factor * (whole + Fraction(int(digits), 10 ** len(digits)))
    power = 0 if kind == 2 else rng.randrange(-300, 300)
    return f"{sign}{whole}.{digits}" + f"e{power}" * bool(power), value * Fraction(10) ** power


def own_value(text: str) -> Fraction | None:
    """The value of a text that is a number, by a reader of our own."""
    plain = "".join(str(unicodedata.decimal(c, c)) for c in text.strip())
    above, slash, below = plain.replace(" ", "").replace("_", "").partition("/")
    if slash:
        whole = above.lstrip("+-").isdecimal() and below.isdecimal()
        return Fraction(int(above), int(below)) if whole else None
    parts = STRICT.fullmatch(above)
    if parts is None or not (parts["whole"] or parts["after"]):
        return None
    after, power = parts["after"] or "", int(parts["power"] or 0)
    size = int((parts["whole"] or "") + after) * Fraction(10) ** (power - len(after))
    return -size if parts["sign"] == "-" else size


def differs(value: Any, expected: Fraction | None) -> str | None:
    """What is wrong with an exact number."""
    if not isinstance(value, sp.Rational):
        return f"{type(value).__name__}, not a number"
    if expected is None:
        return f"{value} of a text that is no number"
    return None if (value.p, value.q) == expected.as_integer_ratio() else f"{value}, not {expected}"


READERS = {
    "exact": lambda value: True,
    "positive": lambda value: value > 0,
    "nonnegative": lambda value: value >= 0,
    "positive_integer": lambda value: value.denominator == 1 and 1 <= value <= 10**18,
}


def numbers_case(rng: random.Random) -> Case:
    """A number as text, for each of the readers of numbers."""
    (text, value), (reader, allowed) = number(rng), rng.choice(list(READERS.items()))
    known = rng.random() < 0.4
    if not known:
        text = any_text(text, rng)

    def wrong(found: Any) -> str | None:
        expected = value if known else own_value(text)
        if expected is not None and not allowed(expected):
            return f"{found} is not what {reader} allows"
        return differs(found, expected)

    read = getattr(numbers, reader)
    return Case(f"{reader}({text!r})", lambda: read(text, "x"), wrong, known and allowed(value))


# --- formulas -----------------------------------------------------------------------------------

POINT = {"x": Fraction(3, 7), "y": Fraction(11, 5), "i": Fraction(4)}
OPERATIONS: dict[type, Callable[..., Fraction]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: lambda base, power: base ** int(power) if base and abs(power) < 50
    and power == int(power) else None, ast.USub: operator.neg, ast.UAdd: operator.pos,
}  # fmt: skip


def formula(rng: random.Random, depth: int = 3) -> str:
    """A formula as text."""
    if depth == 0 or rng.random() < 0.25:
        return rng.choice((*POINT, str(rng.randrange(20)), f"{rng.randrange(20)}.5"))
    a, b = formula(rng, depth - 1), formula(rng, depth - 1)
    return rng.choice((
        f"({a} + {b})", f"({a}-({b}))", f"({a})*({b})", f"({a})/({b})", f"min({a}, {b})",
        f"max({a}, {b})", f"({a})**({rng.randrange(-3, 4)})",
    ))  # fmt: skip


def own_formula(text: str) -> Fraction | None:
    """The value of a text at POINT by fractions, None where our evaluation does not reach."""

    def value(node: ast.AST) -> Fraction:
        match node:
            case ast.Constant():
                return operator.pos(own_value(ast.get_source_segment(text, node) or ""))
            case ast.Name(id=name):
                return POINT[name]
            case ast.UnaryOp():
                return OPERATIONS[type(node.op)](value(node.operand))
            case ast.BinOp():
                return OPERATIONS[type(node.op)](value(node.left), value(node.right))
            case ast.Call(func=ast.Name(id="min" | "max" as name)):
                return {"min": min, "max": max}[name](map(value, node.args))
        raise TypeError

    text = text.strip()
    with suppress(TypeError, KeyError, ArithmeticError, RecursionError):
        return value(ast.parse(text, mode="eval").body)
    return None


def formulas_case(rng: random.Random) -> Case:
    """A formula or a claim as text."""
    if rng.random() < 0.15:
        return _claim(rng)
    text = formula(rng)
    known = rng.random() < 0.25 and own_formula(text) is not None
    if not known:
        outer = rng.choice(("exp(%s)", "log(%s)", "sqrt(%s)", "(((%s)))", "%s", "%s", "%s", "%s"))
        text = any_text(outer % text, rng)
    point = {sp.Symbol(n, positive=True): sp.Rational(*v.as_integer_ratio())
             for n, v in POINT.items()}  # fmt: skip

    def wrong(found: Any) -> str | None:
        if not isinstance(found, sp.Expr) or found.has(sp.I, sp.nan, sp.zoo, sp.oo):
            return f"{found}, which is no real number"
        expected = own_formula(text)
        if expected is None or found.free_symbols - set(point):
            return None
        return differs(found.subs(point), expected)

    read = grammar.parse_formula
    return Case(f"parse_formula({text!r})", lambda: read(text, {}, "x"), wrong, known)


def _claim(rng: random.Random) -> Case:
    names, relation = rng.sample(list(NAMES), k=3), rng.choice(("<=", ">=", "<", ">", "=="))
    text = f"{names[0]} {relation} {rng.randrange(1, 9)}*{names[1]} + {names[2]}"
    known = rng.random() < 0.2
    if not known:
        text = any_text(text, rng)
    wrong = lambda claim: None if claim.text == text else f"the claim {claim.text!r}"  # noqa: E731
    return Case(f"claim_of({text!r})", lambda: claim_of(text), wrong, known)


# --- shorthand ----------------------------------------------------------------------------------


def shorthand_case(rng: random.Random) -> Case:
    """A spectrum, a target or a quantizer, or a list of quantizers."""
    (a, x), (b, y) = number(rng, " "), number(rng, " ")
    width, e, m = rng.randrange(2, 17), rng.randrange(2, 11), rng.randrange(1, 41)
    mode, integer = rng.choice(("nearest", "toward_zero", "dithered")), qt.formats.integer
    reader, text, build = rng.choice((
        ("spectrum", f"power-law:{a}", lambda: qt.PowerLaw(x)),
        ("spectrum", f"power-law:{a},{b}", lambda: qt.PowerLaw(x, y)),
        ("spectrum", f"exponential:{a}", lambda: qt.Exponential(x)),
        ("spectrum", f"logarithmic:{a}", lambda: qt.Logarithmic(x)),
        ("target", f"constant:{a}", lambda: qt.Constant(x)),
        ("target", f"source:{a}", lambda: qt.SourceCondition(x)),
        ("quantizer", f"additive:{a}", lambda: qt.ErrorModel(x)),
        ("quantizer", f"multiplicative:{a}", lambda: qt.ErrorModel(0, x)),
        ("quantizer", f"additive:{a}+multiplicative:{b}:elementwise",
         lambda: qt.ErrorModel(x, 0, y)),
        ("quantizer", f"format:int{width}:{a}:{mode}",
         lambda: qt.formats.Rounding(integer(width, x), mode)),
        ("quantizer", f"fp:{e},{m}:{a}", lambda: qt.formats.FP(e, m, x)),
        ("quantizer", f"fixed:3,{m % 20}:{a}", lambda: qt.formats.fixed_point(3, m % 20, x)),
    ))  # fmt: skip
    read = getattr(parse, f"parse_{reader}")
    if rng.random() < 0.3:
        wrong = lambda found: None if found == build() else f"{found!r}"  # noqa: E731
        return Case(f"{reader}({text!r})", lambda: read(text), wrong, valid=True)
    text = any_text(text, rng)
    if reader == "quantizer" and rng.random() < 0.3:
        option = any_text(f"all={text}", rng)
        return Case(f"quantization([{option!r}])", lambda: parse.parse_quantization([option]))
    how = () if reader == "quantizer" else (rng.choice((parse.as_text, parse.with_symbols)),)
    shown = lambda found: None if isinstance(repr(found), str) else "no text"  # noqa: E731
    return Case(f"{reader}({text!r}, {how})", lambda: read(text, *how), shown)


# --- files --------------------------------------------------------------------------------------

FOLDER = Path(tempfile.mkdtemp(prefix="qtheory-hostile-"))


def written(content: bytes, rng: random.Random, ending: str) -> Path:
    """A file of this content; one in a hundred is a folder or missing instead."""
    file = FOLDER / f"case{ending}"
    kind = rng.random()
    if kind < 0.01:
        return FOLDER if kind < 0.005 else FOLDER / "missing" / file.name
    file.write_bytes(content)
    return file


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Bytes that are cut off, changed, moved, doubled or none of a kind."""
    data = content
    for _ in range(rng.choice((1, 1, 3, 10))):
        a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
        before, piece, after = data[:a], data[a:b], data[b:]
        special = rng.choice((b"\xef\xbb\xbf", b"\x00" * 8, b"\xff\xfe", b"9" * 30))
        data = rng.choice((
            before, before + data[a + 4 :], before + rng.randbytes(1) + data[a + 1 :],
            before + piece + piece + after, before + special + piece + after,
            before + rng.randbytes(b - a) + after,
        ))  # fmt: skip
    return data if rng.random() < 0.98 else rng.randbytes(rng.randrange(200))


def grids_case(rng: random.Random) -> Case:
    """A TOML file of a sweep."""
    axes: dict[str, list[Any]] = {
        name: [f"power-law:{k}" for k in rng.sample(range(1, 9), rng.randrange(1, 4))]
        if name == "spectrum" else rng.sample(range(1, 50), rng.randrange(1, 4))
        for name in rng.sample(["dim", "noise", "batch", "steps", "seed", "spectrum"], k=3)
    }  # fmt: skip
    replicates = rng.choice((0, 2, 1000))
    lines = ["[grid]", *(f"{name} = {json.dumps(values)}" for name, values in axes.items())]
    text = "\n".join([*lines, "[compute]", f"replicates = {replicates}", "exact = true"])
    kind = rng.random()
    content = (
        text.encode() if kind < 0.15 else damaged(text.encode(), rng) if kind < 0.3
        else any_text(text, rng).encode("utf-8", "surrogatepass")
    )  # fmt: skip
    known, file = kind < 0.15, written(content, rng, ".toml")

    def wrong(grid: Any) -> str | None:
        count = math.prod(len(set(values)) for values in grid.axes.values())
        if len(grid) != count:
            return f"{len(grid)} points, not {count}"
        expected = {name: tuple(map(str, axes.get(name, [AXES[name]]))) for name in AXES}
        good = grid.axes == expected and grid.settings.replicates == replicates
        return None if good or not known else f"axes {grid.axes}"

    return Case(f"grid {content!r}", lambda: load_grid(file), wrong, known and file.is_file())


def tables_case(rng: random.Random) -> Case:
    """A table and its labels as .npy files."""
    rows, columns = rng.randrange(2, 7), rng.randrange(1, 4)
    X = np.array([[rng.randrange(-9, 10) for _ in range(columns)] for _ in range(rows)])
    kind, stream = rng.random(), io.BytesIO()
    known = kind < 0.2
    if known:
        X[0, 0], X[1, 0] = 10, -10
    elif kind < 0.6:
        X = X.astype(rng.choice(["f4", "f8", "f2", "c16", "U5", "O", "M8[D]", "V3", "bool", "g"]))
        if X.dtype.kind in "fc":
            extreme = (np.nan, np.inf, -np.inf, 1e308, 1e-308, 5e-324, 1e200, 1e-200, 65000.0)
            with np.errstate(all="ignore"):
                X[rng.randrange(rows), rng.randrange(columns)] = rng.choice(extreme)
        if rng.random() < 0.2:
            X = rng.choice((X[:0], X[0], X[None], X[:, :0], X[:1]))
    with suppress(ValueError, TypeError):
        np.save(stream, X)
    content = stream.getvalue()
    if kind > 0.6:
        shape = rng.choice(("(10**9,)", "(1000000000000, 1)", "(-1, 3)", "(2,)*99", "(1,"))
        content = rng.choice((
            damaged(content, rng), b"PK\x03\x04" + content,
            content.replace(f"({rows}, {columns})".encode(), shape.encode()),
        ))  # fmt: skip
    labels = [rng.randrange(-5, 6) for _ in range(rows)]
    file = written(content, rng, ".npy")

    def wrong(problem: Any) -> str | None:
        if not known:
            values = [*problem.spectrum.values, problem.noise]
            return None if all(value >= 0 for value in values) else "a negative variance"
        # traces of the covariance and of its square, and the spread of the labels
        eigenvalues = np.array(problem.spectrum.values, dtype=float)
        covariance = np.atleast_2d(np.cov(X.T, bias=True))
        signal = eigenvalues @ np.array(problem.target.values, dtype=float) ** 2
        found = [eigenvalues.sum(), (eigenvalues**2).sum(), signal + float(problem.noise)]
        expected = [np.trace(covariance), (covariance**2).sum(), np.var(labels)]
        close = np.allclose(found, expected, rtol=1e-9, atol=1e-9)
        return None if close else f"{eigenvalues} of a table with trace {expected[0]}"

    run = lambda: qt.Problem.from_data(load_table(file), labels)  # noqa: E731
    return Case(f"table {content!r}", run, wrong, known and file.is_file())


CHANGES = (
    "DROP TABLE points", "DELETE FROM sweep", "UPDATE points SET exact = 'x'",
    "UPDATE points SET exact = x'00ff'", "UPDATE points SET exact = 1e999",
    "UPDATE points SET key = NULL", "UPDATE sweep SET grid = '{}'", "UPDATE sweep SET grid = x'ff'",
    "UPDATE sweep SET version = NULL", "PRAGMA user_version = 7", "PRAGMA application_id = 0",
    "ALTER TABLE points RENAME COLUMN exact TO e", "DELETE FROM points",
    "UPDATE sweep SET grid = replace(grid, '\"1\"', '\"1\", \"2\", \"1e999\"')",
    "DROP TABLE points; CREATE VIEW points AS SELECT 1",
)  # fmt: skip


def stores_case(rng: random.Random) -> Case:
    """A results file of a sweep, as it is, with bytes changed, or changed by SQL."""
    template, change, kind = FOLDER / "template.sqlite", "", rng.random()
    if not template.exists():
        qt.sweep(qt.Grid({"dim": [2, 3], "steps": 5}), template)
    content = template.read_bytes()
    if 0.1 < kind < 0.7:
        content = damaged(content, rng)
    file = written(content, rng, ".sqlite")
    if kind >= 0.7 and file.is_file():
        change = rng.choice(CHANGES)
        with closing(sqlite3.connect(file)) as connection, suppress(sqlite3.Error):
            connection.executescript(change)
            connection.commit()
    known = kind <= 0.1 and file.is_file()

    def wrong(data: Any) -> str | None:
        if known and not np.isfinite(data.exact.values).all():
            return "a value is missing"
        return None if data.exact.ndim == len(AXES) else "another shape"

    shown = f"store {file} changed by {change!r}, {len(content)} bytes"
    return Case(shown, lambda: qt.load_sweep(file), wrong, known)


# --- the command line ---------------------------------------------------------------------------

SMALL = {
    "--dim": ["2", "3"], "--spectrum": ["power-law:2", "exponential:1/2"], "--noise": ["1", "0"],
    "--target": ["constant:1", "source:2"], "--quantize": ["data=additive:0.1", "all=format:int8"],
    "--stepsize": ["0.1"], "--batch": ["1", "2"], "--steps": ["5", "9"], "--output": ["last"],
}  # fmt: skip
COMMANDS: dict[str, dict[str, list[str]]] = {
    "risk": {**SMALL, "--digits": ["5", "12"], "--data": ["X.npy"], "--labels": ["y.npy"]},
    "simulate": {**SMALL, "--replicates": ["2"], "--seed": ["1"], "--relative-error": ["0.1"]},
    "formats": {"": ["int8", "fp8_e4m3"], "--seed": ["1"]},
    "sweep": {"": ["grid.toml"], "--out": ["/dev/null", "missing/x"], "--workers": ["0", "-1"]},
    "prove": {"": ["spectral_floor"], "--depth": ["-1"]},
    "falsify": {"": ["risk"], "--theorem": ["none"], "--max-examples": ["0"]},
    "verify": {"--workers": ["0", "-5"]},
    "--help": {},
}
# A mutation of these could ask for much work, honestly.
COSTLY = {"--dim", "--steps", "--batch", "--replicates", "--digits", "--relative-error",
          "--workers", "--max-examples", "--depth"}  # fmt: skip


def commands_case(rng: random.Random) -> Case:
    """A command line; one in a few runs, what the others say is refused by the parsers."""
    (name,) = rng.choices(list(COMMANDS), weights=(3, *[1] * (len(COMMANDS) - 1)))
    small = {"risk": ["--dim", "2", "--steps", "4"]}
    small["simulate"] = [*small["risk"], "--replicates", "2"]
    arguments = [name, *small.get(name, ())]
    for option, values in rng.sample(sorted(COMMANDS[name].items()), k=min(2, len(COMMANDS[name]))):
        value = rng.choice(values)
        if rng.random() < 0.75:
            value = any_text(value, rng)
            if option in COSTLY:  # what is refused: no number, or one out of range
                value = f"{rng.choice(('-', 'x', '0x', '1e99', '10**', 'nan '))}{value}"
        arguments += [option, value] if option else [value]
    begun = name in ("risk", "simulate", "formats", "--help")
    if not begun or rng.random() < 0.25:
        junk = rng.choice(("--nothing", "--dim=", "-x", "--json", "--seed", any_text("--dim", rng)))
        arguments.insert(rng.randrange(1, len(arguments) + 1), junk)
        if not begun and name != "sweep":  # never begun, whatever the rest says
            arguments.append("--no-such-option")
    if rng.random() < 0.05:
        arguments = [noise(rng)[:200] for _ in range(rng.randrange(4))]
    given = tuple(argument[:2000] for argument in arguments)
    run = lambda: in_process([*given])  # noqa: E731
    return Case(f"qtheory {given!r}", run, lambda result: refusal(*result), arguments=given)


def in_process(arguments: list[str]) -> tuple[int, str, str]:
    """What a command ends with and prints; streams are as strict as those of a terminal."""
    import typer

    from qtheory.cli import app

    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", errors=e) for e in (None, "replace"))
    status = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            typer.main.get_command(app).main(arguments, prog_name="qtheory")
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
    for stream in (out, err):
        stream.flush()
        stream.seek(0)
    return status, out.read(), err.read()


def processes_case(rng: random.Random) -> Case:
    """The same as a process of its own, which must come to an end within a minute."""
    case = commands_case(rng)
    # what no shell can hand over is left out: the end of a text, and halves of characters
    given = [part.replace("\0", "").encode("utf-8", "replace") for part in case.arguments]

    def run() -> tuple[int, str, str]:
        command = [sys.executable, "-m", "qtheory", *given]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        texts = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
        return done.returncode, *texts

    return replace(case, run=run)


def refusal(status: int, out: str, err: str) -> str | None:
    """What is wrong with how a command ended."""
    if "Traceback" in err or "Traceback" in out:
        return f"a traceback, status {status}"
    if status not in (0, 1, 2):
        return f"status {status}"
    lines = (err.strip() or out.strip()).splitlines()
    if status == 2 and not 1 <= len(lines) <= 40:
        return f"{len(lines)} lines on the error stream"
    return "warnings on the error stream" if "Warning:" in err else None


# --- the library --------------------------------------------------------------------------------


class Unshown:
    """An object whose repr fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


ODD: tuple[Any, ...] = (
    None, True, -1, 0, 10**30, -(10**5000), 1.5, math.nan, math.inf, -math.inf, 5e-324, 1e308, 1j,
    "", "x", "1/0", b"1", [], [1], {1: 2}, {1}, (), object(), Unshown(), int, Fraction(1, 3),
    Fraction(1, 10**4400), Decimal("sNaN"), Decimal("1e999999"), np.float64(0.5),
    np.float32("nan"), np.int64(3), np.array([1, 2]), np.array(1.5), np.longdouble("1e4000"),
    np.complex128(1), np.datetime64("2020"), sp.Symbol("z"), sp.pi, sp.oo, sp.nan, sp.zoo, sp.I,
    sp.Float("0.1"), sp.sqrt(2), sp.sqrt(-2), sp.Float("1e-400"), sp.Integer(10) ** 400, "1e-400",
    "1e400", "1e200", sp.Pow(9, sp.Pow(9, 9, evaluate=False), evaluate=False), sp.true, range(3),
)  # fmt: skip
TINY = {
    "dim": 2, "spectrum": qt.PowerLaw(2), "target": qt.Constant(1), "noise": 1, "stepsize": "0.1",
    "batch": 1, "steps": 3, "output": "average", "tail": "1/2", "exponent": 2, "scale": 1,
    "value": 1, "epsilon": "0.1", "digits": None, "quantizer": qt.Additive("0.1"), "rate": 1,
    "bits": 4, "replicates": 2, "seed": 0, "coupling": "shared", "name": "int8", "x": 1,
}  # fmt: skip


def _risk(dim, spectrum, target, noise, quantizer, stepsize, batch, steps, output, tail, digits):
    sgd = qt.SGD(stepsize, batch, steps=steps, output=output, tail=tail)
    problem, quantization = qt.Problem(dim, spectrum, target, noise), qt.Quantization(quantizer)
    return qt.excess_risk(problem, quantization, sgd, digits=digits)


def _bound(dim, exponent, scale, noise, epsilon, coupling, stepsize, steps):
    problem = qt.Problem(dim, qt.PowerLaw(exponent, scale), None, noise)
    model = qt.Quantization(label=qt.Multiplicative(epsilon, coupling))
    return qt.upper_bound(problem, model, qt.SGD(stepsize, steps=steps))


def _simulation(replicates, seed, noise, stepsize):
    run = qt.Problem(2, noise=noise), qt.Quantization(), qt.SGD(stepsize, steps=3)
    return qt.simulate(*run, replicates, seed, threads=1)


#: Calls with the arguments of TINY that their parameters name.
PLACES: dict[str, Callable[..., Any]] = {
    "excess_risk": _risk,
    "upper_bound": _bound,
    "simulate": _simulation,
    "spectra": lambda exponent, scale, rate: (qt.PowerLaw(exponent, scale), qt.Exponential(rate)),
    "Explicit": lambda value: (qt.Explicit([1, value]), qt.Explicit(value)),
    "formats": lambda bits, scale, name: (qt.formats.integer(bits, scale), qt.formats.get(name)),
    "FP": lambda bits, scale: qt.formats.FP(bits, 3, scale),
    "bias": lambda x, scale: qt.formats.get("int8", scale).bias(x),
    "error_model": lambda scale: qt.formats.get("int8").error_model(scale),
    "Grid": lambda dim, noise, steps, seed: qt.Grid(
        {"dim": dim, "noise": noise, "steps": steps, "seed": seed}
    ),
}


def library_case(rng: random.Random) -> Case:
    """A call of the library with one or two odd arguments."""
    place, call = rng.choice(list(PLACES.items()))
    names = call.__code__.co_varnames[: call.__code__.co_argcount]
    picked = rng.sample(names, k=min(len(names), rng.choice((1, 1, 2))))
    odd = {name: rng.choice(ODD) for name in picked}
    at = {name: odd.get(name, TINY[name]) for name in names}

    def wrong(result: Any) -> str | None:
        total = getattr(result, "total", 0)
        if not (total >= 0 and math.isfinite(total)):
            return f"a risk of {total}"
        return None if isinstance(repr(result), str) else "no text"

    shown = ", ".join(f"{name}={_shown(value)}" for name, value in odd.items())
    return Case(f"{place}({shown})", lambda: call(**at), wrong)


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except (RuntimeError, ValueError):
        return f"<{type(value).__name__}>"


SURFACES: dict[str, Callable[[random.Random], Case]] = {
    "numbers": numbers_case,
    "formulas": formulas_case,
    "shorthand": shorthand_case,
    "grids": grids_case,
    "tables": tables_case,
    "stores": stores_case,
    "commands": commands_case,
    "library": library_case,
    "processes": processes_case,
}
