"""What benchmarks/hostile_input.py puts in: for every surface, cases and what they must give.

A case is made by a seeded generator. It is a text or an object that is valid by construction, with
its value known without qtheory, or a mutation of one, or plain noise.
"""

from __future__ import annotations

import ast
import io
import json
import math
import random
import re
import sqlite3
import sys
import tempfile
import unicodedata
from collections.abc import Callable
from contextlib import closing, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
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
    "__import__('os').system('true')", "1e999999999", "10**10**10", "9**9**9", "1/0", "0/0", "nan",
    "inf", "-inf", "oo", "-1", "0", "1e-9999", "1e9999", "\x00", "\ud800", "\u202e", "\u200f", "²",
    "٣", "½", "Ⅷ", "１", "\ufeff", "\n", "\r", "\t", " ", "_", "--", "=", ":", ",", ".", "+", "(",
    ")", "[", "]", "{", "}", "'", '"', "\\", "#", "%s", "{0}", "$(id)", "`id`", "<script>",
    "9" * 400,
    "(" * 150, "min(", "exp(exp(exp(", "i**i**i", "lambda: 0", "x.real", "True", "None", "0x1f",
    "1_0", "1e5j", "é", "日本", "🙂", "../../etc/passwd", "/dev/null", "~", "*",
]  # fmt: skip


def noise(rng: random.Random) -> str:
    """Text of any characters, mostly short, sometimes very long."""
    length = rng.choice((0, 1, 2, 3, 5, 8, 13, 30)) if rng.random() < 0.97 else 12_000
    kind = rng.random()
    if kind < 0.3:
        return "".join(rng.choices("0123456789+-*/().eE_ ,i", k=length))
    if kind < 0.6:
        return "".join(map(chr, rng.choices(range(0x80), k=length)))
    return "".join(map(chr, rng.choices(range(sys.maxunicode + 1), k=length)))


def mutated(text: str, rng: random.Random) -> str:
    """A text with a few pieces left out, doubled, exchanged or put in."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        a, b = sorted(rng.randrange(len(text) + 1) for _ in range(2))
        b = min(b, a + 20)
        match rng.randrange(6):
            case 0:
                text = text[:a] + text[b:]
            case 1:
                text = text[:b] + text[a:b] * rng.choice((1, 2, 30)) + text[b:]
            case 2:
                text = text[:a] + text[b:] + text[a:b]
            case 3:
                text = text[:a] + noise(rng)[:40] + text[a:]
            case _:
                text = text[:a] + rng.choice(TOKENS) + text[rng.choice((a, b)) :]
    return text


def any_text(valid: str, rng: random.Random) -> str:
    """A mutation of a valid text, or noise."""
    return mutated(valid, rng) if rng.random() < 0.8 else noise(rng)


# --- numbers ------------------------------------------------------------------------------------

STRICT = re.compile(
    r"([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?|([+-]?)\.(\d+)(?:[eE]([+-]?\d+))?"
)


def number(rng: random.Random) -> tuple[str, Fraction]:
    """A number as text, and its value put together from whole numbers."""
    sign = rng.choice(("", "", "+", "-"))
    factor = -1 if sign == "-" else 1
    whole = rng.randrange(10 ** rng.choice((1, 2, 5, 40)))
    match rng.randrange(4):
        case 0:
            return f"{sign}{whole}", Fraction(factor * whole)
        case 1:
            below = rng.randrange(1, 10 ** rng.choice((1, 3, 30)))
            space = rng.choice(("", "", " "))
            return f"{sign}{whole}{space}/{space}{below}", Fraction(factor * whole, below)
    digits = "".join(rng.choices("0123456789", k=rng.randrange(1, 12)))
    value = factor * (whole + Fraction(int(digits), 10 ** len(digits)))
    if rng.random() < 0.5:
        return f" {sign}{whole}.{digits}", value
    power = rng.randrange(-300, 300)
    return f"{sign}{whole}.{digits}e{power}", value * Fraction(10) ** power


def own_value(text: str) -> Fraction | None:
    """The value of a text that is a number, by a reader of our own."""
    plain = "".join(str(unicodedata.decimal(c, c)) for c in text.strip())
    above, slash, below = plain.replace(" ", "").replace("_", "").partition("/")
    if slash:
        if not (above.lstrip("+-").isdecimal() and below.isdecimal()):
            return None
        return Fraction(int(above), int(below))
    parts = STRICT.fullmatch(above)
    if parts is None:
        return None
    sign = (parts[1] or "") + (parts[5] or "")
    digits, after = parts[2] or "", (parts[3] or "") + (parts[6] or "")
    power = int(parts[4] or parts[7] or 0) - len(after)
    size = int(digits + after) * Fraction(10) ** power
    return -size if sign == "-" else size


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
    text, value = number(rng)
    reader, allowed = rng.choice(list(READERS.items()))
    known = rng.random() < 0.4
    if not known:
        text = any_text(text, rng)

    def wrong(found: Any) -> str | None:
        expected = value if known else own_value(text)
        if expected is not None and not allowed(expected):
            return f"{found} is not what {reader} allows"
        return differs(found, expected)

    return Case(
        f"{reader}({text!r})",
        lambda: getattr(numbers, reader)(text, "x"),
        wrong,
        valid=known and allowed(value),
    )


# --- formulas -----------------------------------------------------------------------------------

POINT = {"x": Fraction(3, 7), "y": Fraction(11, 5), "i": Fraction(4)}


def formula(rng: random.Random, depth: int = 3) -> tuple[str, Fraction]:
    """A formula as text, and its value at POINT."""
    if depth == 0 or rng.random() < 0.25:
        if rng.random() < 0.5:
            name = rng.choice(list(POINT))
            return name, POINT[name]
        whole = rng.randrange(20)
        return rng.choice(((str(whole), Fraction(whole)), (f"{whole}.5", whole + Fraction(1, 2))))
    (a, x), (b, y) = formula(rng, depth - 1), formula(rng, depth - 1)
    match rng.randrange(7):
        case 0 | 1:
            return f"({a} + {b})", x + y
        case 2:
            return f"({a}-({b}))", x - y
        case 3:
            return f"({a})*({b})", x * y
        case 4 if y:
            return f"({a})/({b})", x / y
        case 5 if x:
            power = rng.randrange(-3, 4)
            return f"({a})**({power})", x**power
    name, choose = rng.choice((("min", min), ("max", max)))
    return f"{name}({a}, {b})", choose(x, y)


class UnknownError(Exception):
    """Our evaluation does not know it."""


def own_evaluation(node: ast.expr, constants: dict[int, Fraction]) -> Fraction:
    """A formula at POINT, by fractions; the digits of its constants are not in the tree."""

    def value(part: ast.expr) -> Fraction:
        return own_evaluation(part, constants)

    match node:
        case ast.Constant():
            return constants[id(node)]
        case ast.Name(id=name) if name in POINT:
            return POINT[name]
        case ast.UnaryOp(op=ast.USub()):
            return -value(node.operand)
        case ast.UnaryOp(op=ast.UAdd()):
            return value(node.operand)
        case ast.Call(func=ast.Name(id="min" | "max" as name)):
            return {"min": min, "max": max}[name](map(value, node.args))
        case ast.BinOp():
            left, right = value(node.left), value(node.right)
            match node.op:
                case ast.Add():
                    return left + right
                case ast.Sub():
                    return left - right
                case ast.Mult():
                    return left * right
                case ast.Div() if right:
                    return left / right
                case ast.Pow() if right.denominator == 1 and abs(right) < 50 and left:
                    return left ** int(right)
    raise UnknownError


def own_formula(text: str) -> Fraction | None:
    """The value of a text at POINT, None where our evaluation does not reach."""
    text = text.strip()
    tree = ast.parse(text, mode="eval").body
    constants = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            value = own_value(ast.get_source_segment(text, node) or "")
            if value is None:
                return None
            constants[id(node)] = value
    try:
        return own_evaluation(tree, constants)
    except (UnknownError, RecursionError):
        return None


def at_point(found: sp.Expr) -> sp.Expr:
    """A formula of SymPy at POINT."""
    values = {
        sp.Symbol(name, positive=True): sp.Rational(*value.as_integer_ratio())
        for name, value in POINT.items()
    }
    return found.subs(values)


def formulas_case(rng: random.Random) -> Case:
    """A formula, a relation or a claim as text."""
    kind = rng.random()
    if kind < 0.15:
        return _claim(rng)
    text, value = formula(rng, rng.choice((1, 2, 3)))
    known = kind < 0.35
    if not known:
        if rng.random() < 0.2:
            text = f"{rng.choice(('exp', 'log', 'sqrt'))}({text})"
        text = any_text(text, rng)
    elif rng.random() < 0.02:
        text = "(" * rng.choice((5, 90)) + text + ")" * 5

    def wrong(found: Any) -> str | None:
        if not isinstance(found, sp.Expr) or found.has(sp.I, sp.nan, sp.zoo, sp.oo):
            return f"{found}, which is no real number"
        expected = value if known else own_formula(text)
        if expected is None or found.free_symbols - {sp.Symbol(n, positive=True) for n in POINT}:
            return None
        return differs(at_point(found), expected)

    balanced = text.count("(") == text.count(")")
    return Case(
        f"parse_formula({text!r})",
        lambda: grammar.parse_formula(text, {}, "x"),
        wrong,
        valid=known and balanced,
    )


def _claim(rng: random.Random) -> Case:
    names = rng.choices(list(NAMES), k=3)
    operator = rng.choice(("<=", ">=", "<", ">", "=="))
    text = f"{names[0]} {operator} {rng.randrange(1, 9)}*{names[1]} + {names[2]}"
    known = rng.random() < 0.2
    if not known:
        text = any_text(text, rng)
    return Case(
        f"claim_of({text!r})",
        lambda: claim_of(text),
        lambda claim: None if claim.text == text else f"the claim {claim.text!r}",
        valid=known and names[0] not in names[1:] and names[1] != names[2],
    )


# --- parse --------------------------------------------------------------------------------------


def _positive(rng: random.Random) -> tuple[str, Fraction]:
    text, value = number(rng)
    while value <= 0 or "+" in text or " " in text:
        text, value = number(rng)
    return text, value


def _spectrum(rng: random.Random) -> tuple[str, Any]:
    (a, x), (b, y) = _positive(rng), _positive(rng)
    return rng.choice(
        (
            (f"power-law:{a}", lambda: qt.PowerLaw(x)),
            (f"power-law:{a},{b}", lambda: qt.PowerLaw(x, y)),
            (f"exponential:{a}", lambda: qt.Exponential(x)),
            (f"logarithmic:{a}", lambda: qt.Logarithmic(x)),
        )
    )


def _target(rng: random.Random) -> tuple[str, Any]:
    a, x = _positive(rng)
    return rng.choice(
        ((f"constant:{a}", lambda: qt.Constant(x)), (f"source:{a}", lambda: qt.SourceCondition(x)))
    )


def _quantizer(rng: random.Random) -> tuple[str, Any]:
    (a, x), (b, y) = _positive(rng), _positive(rng)
    width = rng.randrange(2, 17)
    mode = rng.choice(("nearest", "toward_zero", "dithered", "subtractive"))
    e, m = rng.randrange(2, 11), rng.randrange(1, 41)
    return rng.choice(
        (
            (f"additive:{a}", lambda: qt.ErrorModel(x)),
            (f"multiplicative:{a}", lambda: qt.ErrorModel(0, x)),
            (f"multiplicative:{a}:elementwise", lambda: qt.ErrorModel(0, 0, x)),
            (f"additive:{a}+multiplicative:{b}:elementwise", lambda: qt.ErrorModel(x, 0, y)),
            (f"format:int{width}:{a}", lambda: qt.formats.integer(width, x)),
            (
                f"format:int{width}:{a}:{mode}",
                lambda: qt.formats.Rounding(qt.formats.integer(width, x), mode),
            ),
            (f"fp:{e},{m}:{a}", lambda: qt.formats.FP(e, m, x)),
            (f"fixed:3,{m % 20}:{a}", lambda: qt.formats.fixed_point(3, m % 20, x)),
        )
    )


SHORTHAND = {
    "parse_spectrum": _spectrum,
    "parse_target": _target,
    "parse_quantizer": _quantizer,
}


def shorthand_case(rng: random.Random) -> Case:
    """A spectrum, a target or a quantizer, or a list of quantizers."""
    reader, make = rng.choice(list(SHORTHAND.items()))
    text, build = make(rng)
    known = rng.random() < 0.3
    if known:
        return Case(
            f"{reader}({text!r})",
            lambda: getattr(parse, reader)(text),
            lambda found: None if found == build() else f"{found!r}, not {build()!r}",
            valid=True,
        )
    text = any_text(text, rng)
    read = rng.choice((parse.as_text, parse.with_symbols))
    if reader == "parse_quantizer" and rng.random() < 0.3:
        option = mutated(f"all={text}", rng)
        return Case(f"parse_quantization([{option!r}])", lambda: parse.parse_quantization([option]))
    return Case(
        f"{reader}({text!r}, {read.__name__})",
        lambda: getattr(parse, reader)(text, *(() if reader == "parse_quantizer" else (read,))),
        lambda found: None if isinstance(repr(found), str) else "no text",
    )


# --- files --------------------------------------------------------------------------------------

FOLDER = Path(tempfile.mkdtemp(prefix="qtheory-hostile-"))


def written(content: bytes, rng: random.Random, ending: str) -> Path:
    """A file of this content; one in a hundred is a folder or missing instead."""
    file = FOLDER / f"case{ending}"
    kind = rng.random()
    if kind < 0.005:
        return FOLDER
    if kind < 0.01:
        return FOLDER / "missing" / file.name
    file.write_bytes(content)
    return file


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Bytes that are cut off, changed, moved, doubled or none of a kind."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 3, 10))):
        a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
        match rng.randrange(7):
            case 0:
                del data[a:]
            case 1:
                del data[a : a + 4]
            case 2:
                data[a : a + 1] = bytes([rng.randrange(256)])
            case 3:
                data[a:a] = data[a:b]
            case 4:
                data[a:a] = rng.choice((b"\xef\xbb\xbf", b"\x00" * 8, b"\xff\xfe", b"9" * 30))
            case 5:
                data[a:b] = rng.randbytes(b - a)
            case 6 if rng.random() < 0.1:
                data = bytearray(rng.randbytes(rng.randrange(200)))
    return bytes(data)


def grids_case(rng: random.Random) -> Case:
    """A TOML file of a sweep."""
    axes: dict[str, list[Any]] = {}
    for name in rng.sample(["dim", "noise", "batch", "steps", "seed", "spectrum"], k=3):
        size = rng.randrange(1, 4)
        if name == "spectrum":
            axes[name] = [f"power-law:{k}" for k in rng.sample(range(1, 9), size)]
        else:
            axes[name] = rng.sample(range(1, 50), size)
    lines = [f"{name} = {json.dumps(values)}" for name, values in axes.items()]
    replicates = rng.choice((0, 2, 1000))
    text = "\n".join(["[grid]", *lines, "[compute]", f"replicates = {replicates}", "exact = true"])
    known = rng.random() < 0.15
    if known:
        content = text.encode()
    elif rng.random() < 0.8:
        content = any_text(text, rng).encode("utf-8", "surrogatepass")
    else:
        content = damaged(text.encode(), rng)
    file = written(content, rng, ".toml")
    shown = f"grid {content!r}"

    def wrong(grid: Any) -> str | None:
        count = math.prod(len(set(values)) for values in grid.axes.values())
        if len(grid) != count:
            return f"{len(grid)} points, not {count}"
        if not known:
            return None
        expected = {name: tuple(map(str, axes.get(name, [AXES[name]]))) for name in AXES}
        if grid.axes != expected or grid.settings.replicates != replicates:
            return f"axes {grid.axes}"
        return None

    return Case(shown, lambda: load_grid(file), wrong, valid=known and file.is_file())


def _table_file(values: np.ndarray[Any, Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


def tables_case(rng: random.Random) -> Case:
    """A table and its labels as .npy files."""
    rows, columns = rng.randrange(2, 7), rng.randrange(1, 4)
    X = np.array([[rng.randrange(-9, 10) for _ in range(columns)] for _ in range(rows)])
    kind = rng.random()
    known = kind < 0.2
    if known:
        X[0, 0], X[1, 0] = 10, -10
    elif kind < 0.6:
        X = X.astype(
            rng.choice(["f4", "f8", "f2", "c16", "U5", "O", "M8[D]", "V3", "bool", "u8", "g", "S3"])
        )
        if X.dtype.kind in "fc":
            extreme = (np.nan, np.inf, -np.inf, 1e308, 1e-308, 5e-324, 1e200, 1e-200, 65000.0)
            with np.errstate(all="ignore"):
                X[rng.randrange(rows), rng.randrange(columns)] = rng.choice(extreme)
        if rng.random() < 0.2:
            X = rng.choice((X[:0], X[0], X[None], X[:, :0], X[:1]))
    try:
        content = _table_file(X)
    except (ValueError, TypeError):
        content = b""
    if kind > 0.6:
        content = damaged(content, rng)
        if rng.random() < 0.05:
            content = b"PK\x03\x04" + content
        if rng.random() < 0.05:
            shape = rng.choice(("(10**9,)", "(1000000000000, 1)", "(-1, 3)", "3", "(2,)*99", "(1,"))
            content = content.replace(f"({rows}, {columns})".encode(), shape.encode())
    labels = [rng.randrange(-5, 6) for _ in range(rows)]
    file = written(content, rng, ".npy")

    def run() -> Any:
        return qt.Problem.from_data(load_table(file), labels)

    def wrong(problem: Any) -> str | None:
        if not known:
            values = [*problem.spectrum.values, problem.noise]
            return None if all(value >= 0 for value in values) else "a negative variance"
        # traces of the covariance and of its square, and the residual by the normal equations
        means = [Fraction(int(X[:, k].sum()), rows) for k in range(columns)]
        centred = [[int(X[r, k]) - means[k] for k in range(columns)] for r in range(rows)]
        cov = [[sum(row[a] * row[b] for row in centred) / rows for b in range(columns)]
               for a in range(columns)]  # fmt: skip
        eigenvalues = [float(value) for value in problem.spectrum.values]
        trace = float(sum(cov[k][k] for k in range(columns)))
        squares = float(sum(entry**2 for line in cov for entry in line))
        mean = Fraction(sum(labels), rows)
        spread = float(sum((y - mean) ** 2 for y in labels) / rows)
        signal = sum(
            v * float(w) ** 2 for v, w in zip(eigenvalues, problem.target.values, strict=True)
        )
        close = (
            math.isclose(sum(eigenvalues), trace, rel_tol=1e-9)
            and math.isclose(sum(v * v for v in eigenvalues), squares, rel_tol=1e-9)
            and math.isclose(signal + float(problem.noise), spread, rel_tol=1e-9, abs_tol=1e-9)
        )
        return None if close else f"{eigenvalues} of a table with trace {trace}"

    return Case(f"table {content!r}", run, wrong, valid=known and file.is_file())


def _store_template() -> bytes:
    file = FOLDER / "template.sqlite"
    if not file.exists():
        grid = qt.Grid({"dim": [2, 3], "steps": 5})
        qt.sweep(grid, file)
    return file.read_bytes()


CHANGES = (
    "DROP TABLE points", "DROP TABLE sweep", "DELETE FROM sweep", "UPDATE points SET exact = 'x'",
    "UPDATE points SET exact = x'00ff'", "UPDATE points SET key = '[]'",
    "UPDATE points SET key = NULL", "UPDATE points SET key = x'ff'", "UPDATE sweep SET grid = '{}'",
    "UPDATE sweep SET grid = 5", "UPDATE sweep SET grid = x'ff'", "UPDATE sweep SET version = NULL",
    "UPDATE sweep SET grid = replace(grid, '\"2\"', '2')", "PRAGMA user_version = 7",
    "PRAGMA application_id = 0", "ALTER TABLE points RENAME COLUMN exact TO e",
    "ALTER TABLE points ADD COLUMN more TEXT", "UPDATE points SET exact = 1e999",
    "UPDATE sweep SET grid = replace(grid, '[', '{')", "DELETE FROM points",
    "UPDATE sweep SET grid = replace(grid, '\"1\"', '\"1\", \"2\", \"1e999\"')",
    "UPDATE points SET error = 5", "UPDATE points SET biased = x'80'",
    "CREATE VIEW v AS SELECT * FROM points", "DROP TABLE points; CREATE VIEW points AS SELECT 1",
)  # fmt: skip


def stores_case(rng: random.Random) -> Case:
    """A results file of a sweep."""
    content, change = _store_template(), ""
    kind = rng.random()
    if 0.1 < kind < 0.7:
        content = damaged(content, rng)
    file = written(content, rng, ".sqlite")
    if kind >= 0.7 and file.is_file():
        change = rng.choice(CHANGES)
        with closing(sqlite3.connect(file)) as connection, suppress(sqlite3.Error):
            connection.executescript(change)
            connection.commit()
    differences = [
        (k, b) for k, (a, b) in enumerate(zip(_store_template(), content, strict=False)) if a != b
    ]
    shown = f"store {file} changed by {change!r}, {len(content)} bytes, {differences[:20]}"
    known = kind <= 0.1 and file.is_file()

    def wrong(data: Any) -> str | None:
        if known and not np.isfinite(data.exact.values).all():
            return "a value is missing"
        return None if data.exact.ndim == len(AXES) else "another shape"

    return Case(shown, lambda: qt.load_sweep(file), wrong, valid=known)


# --- the command line ---------------------------------------------------------------------------

SMALL = {
    "--dim": ["2", "3"], "--spectrum": ["power-law:2", "exponential:1/2"], "--noise": ["1", "0"],
    "--target": ["constant:1", "source:2"], "--quantize": ["data=additive:0.1", "all=format:int8"],
    "--stepsize": ["0.1", "1/10"], "--batch": ["1", "2"], "--steps": ["5", "9"],
    "--output": ["average", "last"],
}  # fmt: skip
RISK = {**SMALL, "--digits": ["5", "12"], "--data": ["X.npy"], "--labels": ["y.npy"]}
SIMULATE = {**SMALL, "--replicates": ["2", "8"], "--seed": ["1"], "--relative-error": ["0.1"]}
COMMANDS: dict[str, dict[str, list[str]]] = {
    "risk": RISK,
    "simulate": SIMULATE,
    "formats": {"": ["int8", "fp8_e4m3"], "--seed": ["1"]},
    "sweep": {"": ["grid.toml"], "--out": ["/dev/null", "missing/x"], "--workers": ["0", "-1"]},
    "prove": {"": ["spectral_floor"], "--depth": ["-1"]},
    "falsify": {"": ["risk"], "--theorem": ["none"], "--max-examples": ["0"]},
    "verify": {"--workers": ["0", "-5"]},
    "--version": {},
    "--help": {},
}
# A mutation of these could ask for much work, honestly.
COSTLY = {"--dim", "--steps", "--batch", "--replicates", "--digits", "--relative-error",
          "--workers", "--max-examples", "--depth"}  # fmt: skip
WEIGHTS = (3, 1, 1, 1, 1, 1, 1, 1, 1)


def commands_case(rng: random.Random) -> Case:
    """A command line; one in a few runs, what the others say is refused by the parsers."""
    (name,) = rng.choices(list(COMMANDS), weights=WEIGHTS)
    arguments = [name]
    if name in ("risk", "simulate"):
        arguments += ["--dim", "2", "--steps", "4"]
        arguments += ["--replicates", "2"] if name == "simulate" else []
    for option, values in rng.sample(sorted(COMMANDS[name].items()), k=min(2, len(COMMANDS[name]))):
        value = rng.choice(values)
        if rng.random() < 0.75:
            value = any_text(value, rng)
            if option in COSTLY:  # what is refused: no number, or one out of range
                value = f"{rng.choice(('-', 'x', '0x', '1e99', '10**', 'nan '))}{value}"
        arguments += [option, value] if option else [value]
    if name in ("prove", "falsify", "verify", "sweep") or rng.random() < 0.25:
        junk = rng.choice(("--nothing", "--dim=", "-x", "--json", "--seed", any_text("--dim", rng)))
        arguments.insert(rng.randrange(1, len(arguments) + 1), junk)
        if name in ("prove", "falsify", "verify"):  # never begun, whatever the rest says
            arguments.append("--no-such-option")
    if rng.random() < 0.05:
        arguments = [noise(rng)[:200] for _ in range(rng.randrange(4))]
    arguments = [argument[:2000] for argument in arguments]
    return Case(
        f"qtheory {arguments!r}",
        lambda: in_process(arguments),
        lambda result: refusal(*result),
        arguments=tuple(arguments),
    )


_COMMAND: Any = None


def in_process(arguments: list[str]) -> tuple[int, str, str]:
    """What a command ends with and prints; streams are as strict as those of a terminal."""
    global _COMMAND
    if _COMMAND is None:
        import typer

        from qtheory.cli import app

        _COMMAND = typer.main.get_command(app)
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    status = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            _COMMAND.main(arguments, prog_name="qtheory")
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
    texts = []
    for stream in (out, err):
        stream.flush()
        stream.seek(0)
        texts.append(stream.read())
    return status, *texts


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
    None, True, False, -1, 0, 10**30, -(10**5000), 10**5000, 1.5, math.nan, math.inf, -math.inf,
    5e-324, 1e308, 1j, "", "x", "1/0", b"1", [], [1], {}, {1: 2}, {1}, (), object(), Unshown(), int,
    Fraction(1, 3), Fraction(1, 10**4400), Decimal("0.1"), Decimal("sNaN"), Decimal("1e999999"),
    np.float64(0.5), np.float32("nan"), np.int64(3), np.bool_(True), np.array([1, 2]),
    np.array(1.5),
    np.longdouble("1e4000"), np.complex128(1), np.datetime64("2020"), sp.Symbol("z"), sp.pi, sp.oo,
    sp.nan, sp.zoo, sp.I, sp.Rational(1, 3), sp.Float("0.1"), sp.sqrt(2), sp.sqrt(-2),
    sp.Float("1e-400"),
    sp.Integer(10) ** 400, sp.Rational(1, 10**400), "1e-400", "1e400", "1e-200", "1e200",
    sp.Pow(9, sp.Pow(9, 9, evaluate=False), evaluate=False), sp.true, range(3), lambda: 1,
)  # fmt: skip

TINY = {
    "dim": 2, "spectrum": qt.PowerLaw(2), "target": qt.Constant(1), "noise": 1, "stepsize": "0.1",
    "batch": 1, "steps": 3, "output": "average", "tail": "1/2", "exponent": 2, "scale": 1,
    "value": 1, "epsilon": "0.1", "digits": None, "quantizer": qt.Additive("0.1"), "rate": 1,
    "bits": 4, "replicates": 2, "seed": 0, "coupling": "shared", "name": "int8", "x": 1,
}  # fmt: skip


def _risk(at: dict[str, Any]) -> Any:
    problem = qt.Problem(at["dim"], at["spectrum"], at["target"], at["noise"])
    quantization = qt.Quantization(data=at["quantizer"])
    sgd = qt.SGD(
        at["stepsize"], at["batch"], steps=at["steps"], output=at["output"], tail=at["tail"]
    )
    return qt.excess_risk(problem, quantization, sgd, digits=at["digits"])


def _bound(at: dict[str, Any]) -> Any:
    problem = qt.Problem(at["dim"], qt.PowerLaw(at["exponent"], at["scale"]), None, at["noise"])
    model = qt.Quantization(label=qt.Multiplicative(at["epsilon"], at["coupling"]))
    return qt.upper_bound(problem, model, qt.SGD(at["stepsize"], steps=at["steps"]))


PLACES: dict[str, tuple[tuple[str, ...], Callable[[dict[str, Any]], Any]]] = {
    "excess_risk": (
        ("dim", "spectrum", "target", "noise", "quantizer", "stepsize", "batch", "steps", "output",
         "tail", "digits"),
        _risk,
    ),
    "upper_bound": (
        ("dim", "exponent", "scale", "noise", "epsilon", "coupling", "stepsize", "steps"), _bound
    ),
    "spectra": (
        ("exponent", "scale", "rate"),
        lambda at: (qt.PowerLaw(at["exponent"], at["scale"]), qt.Exponential(at["rate"])),
    ),
    "Explicit": (("value",), lambda at: qt.Explicit(at["value"])),
    "Explicit entry": (("value",), lambda at: qt.Explicit([1, at["value"]])),
    "formats": (
        ("bits", "scale", "name"),
        lambda at: (qt.formats.integer(at["bits"], at["scale"]), qt.formats.get(at["name"])),
    ),
    "FP": (("bits", "scale"), lambda at: qt.formats.FP(at["bits"], 3, at["scale"])),
    "bias": (("x", "scale"), lambda at: qt.formats.get("int8", at["scale"]).bias(at["x"])),
    "error_model": (("scale",), lambda at: qt.formats.get("int8").error_model(at["scale"])),
    "Grid": (
        ("dim", "noise", "steps", "seed"),
        lambda at: qt.Grid({name: at[name] for name in ("dim", "noise", "steps", "seed")}),
    ),
    "simulate": (
        ("replicates", "seed", "noise", "stepsize"),
        lambda at: qt.simulate(
            qt.Problem(2, noise=at["noise"]), qt.Quantization(), qt.SGD(at["stepsize"], steps=3),
            at["replicates"], at["seed"], threads=1,
        ),
    ),
}  # fmt: skip


def library_case(rng: random.Random) -> Case:
    """A call of the library with one or two odd arguments."""
    place, (names, call) = rng.choice(list(PLACES.items()))
    odd = {
        name: rng.choice(ODD)
        for name in rng.sample(names, k=min(len(names), rng.choice((1, 1, 2))))
    }
    at = TINY | odd

    def wrong(result: Any) -> str | None:
        total = getattr(result, "total", 0)
        if not (total >= 0 and math.isfinite(total)):
            return f"a risk of {total}"
        if not isinstance(repr(result), str):
            return "no text"
        return None

    shown = ", ".join(f"{name}={_shown(value)}" for name, value in odd.items())
    return Case(f"{place}({shown})", lambda: call(at), wrong)


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
}
