"""LaTeX for the kernel's formulas and proofs."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextvars import ContextVar
from functools import reduce
from typing import Any

import sympy as sp
import z3

from qtheory.proof.kernel import Proof
from qtheory.proof.tree import direct_premises, steps

_RELATIONS = {
    z3.Z3_OP_LE: r"\le",
    z3.Z3_OP_LT: "<",
    z3.Z3_OP_GE: r"\ge",
    z3.Z3_OP_GT: ">",
    z3.Z3_OP_EQ: "=",
}
_JOINED = {z3.Z3_OP_AND: r" \;\wedge\; ", z3.Z3_OP_OR: r" \;\vee\; "}
_GREEK = frozenset(
    [
        *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda"),
        *("mu", "xi", "pi", "rho", "sigma", "tau", "phi", "psi", "omega", "Pi", "Theta", "Lambda"),
    ]
)


def formula_latex(term: z3.ExprRef) -> str:
    """A formula or term as LaTeX mathematics."""
    kind, children = term.decl().kind(), term.children()
    if kind == z3.Z3_OP_IMPLIES:
        given, goal = map(formula_latex, children)
        return rf"{given} \;\Rightarrow\; {goal}"
    if kind in _JOINED:
        parts = [
            rf"({formula_latex(c)})"
            if c.decl().kind() in (z3.Z3_OP_IMPLIES, *_JOINED)
            else formula_latex(c)
            for c in children
        ]
        return _JOINED[kind].join(parts)
    if kind == z3.Z3_OP_NOT:
        return rf"\neg({formula_latex(children[0])})"
    if kind in _RELATIONS:
        if kind == z3.Z3_OP_EQ and z3.is_rational_value(children[0]):
            children = children[::-1]  # z3 puts a number first
        left, right = (sp.latex(_number(child), symbol_names=_Names()) for child in children)
        return f"{left} {_RELATIONS[kind]} {right}"
    if term.sort() == z3.BoolSort():
        return rf"\mathrm{{{term}}}"
    return sp.latex(_number(term), symbol_names=_Names())


class _Names(dict[sp.Symbol, str]):
    """Symbols stand for text that is LaTeX already."""

    def __contains__(self, symbol: object) -> bool:
        return True

    def __missing__(self, symbol: sp.Symbol) -> str:
        return str(symbol.name)


def _number(term: z3.ExprRef) -> sp.Expr:
    """A term as a SymPy expression in symbols that are named by their LaTeX."""
    kind, children = term.decl().kind(), term.children()
    if z3.is_rational_value(term) or z3.is_int_value(term):
        return sp.Rational(str(term))
    if kind == z3.Z3_OP_TO_REAL:
        return _number(children[0])
    operation = _OPERATIONS.get(kind)
    if operation is not None:
        return reduce(operation, map(_number, children))
    if kind == z3.Z3_OP_UMINUS:
        return -_number(children[0])
    if kind == z3.Z3_OP_ITE:
        condition, yes, no = children
        rows = rf"{formula_latex(yes)} & {formula_latex(condition)} \\ {formula_latex(no)}"
        cases = rf"\begin{{cases}} {rows} & \text{{else}} \end{{cases}}"
        return sp.Symbol(cases)
    if kind == z3.Z3_OP_SELECT:
        row, index = map(formula_latex, children)
        return sp.Symbol(rf"{{{row}}}_{{{index}}}")
    name = term.decl().name()
    if name in ("power", "real_power"):
        base, exponent = map(formula_latex, children)
        return sp.Symbol(rf"{{\left({base}\right)}}^{{{exponent}}}")
    if name in _WRITTEN:
        return sp.Symbol(_WRITTEN[name](*map(formula_latex, children)))
    if children:
        return sp.Symbol(rf"{_name(name)}\left({', '.join(map(formula_latex, children))}\right)")
    return sp.Symbol(_name(name))


#: Functions of the library that mathematics writes in its own way.
_WRITTEN: dict[str, Callable[..., str]] = {
    "total": lambda terms, count: rf"\sum_{{k<{count}}} {{{terms}}}_k",
    "geometric": lambda ratio, count: rf"\sum_{{k<{count}}} {{\left({ratio}\right)}}^{{k}}",
    "combination": lambda a, f, b, g: rf"\left({a}\, {f} + {b}\, {g}\right)",
    "spike": lambda value, at: rf"\left({value}\right) 1_{{\cdot = {at}}}",
}
_OPERATIONS: dict[int, Any] = {
    z3.Z3_OP_ADD: lambda a, b: sp.Add(a, b, evaluate=False),
    z3.Z3_OP_SUB: lambda a, b: sp.Add(a, -b, evaluate=False),
    z3.Z3_OP_MUL: lambda a, b: a * b,
    z3.Z3_OP_DIV: lambda a, b: a / b,
}


#: Sequences that are named by their entries get a number within one proof.
_numbers: ContextVar[dict[str, int] | None] = ContextVar("_numbers", default=None)


def _name(name: str) -> str:
    """A symbol's name: letters of mathematics as such, anything else as upright text."""
    numbers = _numbers.get()
    if name.startswith("[") and numbers is not None:
        return rf"f^{{({numbers.setdefault(name, len(numbers) + 1)})}}"
    name = name.split("~")[0]
    if re.fullmatch(r"[A-Za-z]+([_^](\w+|\*))*", name):
        head, *rest = re.split(r"(?=[_^])", name)
        symbol = (
            f"\\{head}" if head in _GREEK else head if len(head) == 1 else rf"\mathrm{{{head}}}"
        )
        marks = {mark[0]: mark[1:] for mark in rest}
        return symbol + "".join(f"{key}{{{value}}}" for key, value in marks.items())
    text = name.replace("\\", "").replace("_", r"\_").replace("^", r"\^{}").replace("||", r"$\|$")
    return rf"\text{{{text}}}"


#: How each rule is printed; instances and cuts are not, they count as what they come from.
_ENVIRONMENTS = {
    "definition": "definition",
    "hypothesis": "assumption",
    "axiom": "axiom",
    "lemma": "lemma",
    "induction": "lemma",
}


def proof_latex(*proofs: Proof) -> str:
    """Definitions, assumptions and lemmas in order, the theorem last, and what each follows from.

    Of several proofs the last is that of the theorem.

    The text needs amsmath, amsthm and the environments definition, assumption, axiom, lemma and
    theorem.
    """
    token = _numbers.set({})
    try:
        return "\n".join(_lines(*proofs))
    finally:
        _numbers.reset(token)


def _lines(*proofs: Proof) -> list[str]:
    labels: dict[int, str] = {}
    lines: list[str] = []
    for item in steps(*proofs):
        environment = "theorem" if item is proofs[-1] else _ENVIRONMENTS[item.rule]
        label = labels[id(item)] = f"{environment}:{len(labels) + 1}"
        title = "" if environment == "definition" else f"[{{{_escaped(item.name)}}}]"
        lines += [
            rf"\begin{{{environment}}}{title}\label{{{label}}}",
            rf"\[ {_displayed(item.formula)} \]",
            rf"\end{{{environment}}}",
        ]
        if environment in ("lemma", "theorem"):
            cited = ", ".join(rf"\ref{{{labels[id(p)]}}}" for p in direct_premises(item))
            how = "By induction" if item.rule == "induction" else "Real arithmetic"
            lines.append(rf"\begin{{proof}}{how}{', from ' + cited if cited else ''}.\end{{proof}}")
    return lines


def _displayed(formula: z3.BoolRef) -> str:
    """A formula for display: each condition and each claim of several on a line of its own."""
    rows: list[str] = []
    while formula.decl().kind() == z3.Z3_OP_IMPLIES:
        given, formula = formula.children()
        rows.append(rf"{formula_latex(given)} \;\Rightarrow")
    claims = formula.children() if formula.decl().kind() == z3.Z3_OP_AND else [formula]
    *several, last = map(formula_latex, claims)
    rows += [rf"{claim} \;\wedge" for claim in several] + [last]
    if len(rows) == 1:
        return rows[0]
    return "\\begin{gathered} " + " \\\\ ".join(rows) + " \\end{gathered}"


def _escaped(text: str) -> str:
    return (
        re.sub(r"([_^&%#$])", r"\\\1", text)
        .replace(r"\^", r"\^{}")
        .replace("<=", r"$\le$")
        .replace(">=", r"$\ge$")
    )
