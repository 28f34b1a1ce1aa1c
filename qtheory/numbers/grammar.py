"""Formulas written as text, read by a fixed grammar; nothing is evaluated.

Python's own parser gives the tree, and only these nodes of it are known: numbers, names, ``+``,
``-``, ``*``, ``/``, ``**``, and calls of min, max, exp, log and sqrt. Relations are two such
formulas with ``<=``, ``>=``, ``<``, ``>`` or ``==`` between them.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Mapping

import sympy as sp

from qtheory.errors import InvalidArgumentError, QTheoryError
from qtheory.numbers.exact import exact, is_writable

_LONGEST = 2000
_LARGEST_POWER = 1000
# What SymPy simplifies on the way takes time: a second with so many numbers, names and operations,
# or with so many different arguments of all min and max, each of which it compares with each.
_MOST_PARTS = 600
_MOST_COMPARED = 20
# The exponential of a larger number is no longer compared with others in reasonable time.
_LARGEST_EXPONENT = 10**6
_FUNCTIONS: dict[str, Callable[..., sp.Expr]] = {
    "min": sp.Min,
    "max": sp.Max,
    "exp": sp.exp,
    "log": sp.log,
    "sqrt": sp.sqrt,
}
# What SymPy or Python reads as a constant would be a surprise as a parameter.
_NO_NAMES = frozenset({"oo", "inf", "nan", "zoo", "I"})
_ARGUMENTS = {"exp": 1, "log": 1, "sqrt": 1}
_RELATIONS: dict[type[ast.cmpop], type] = {
    ast.LtE: sp.Le,
    ast.GtE: sp.Ge,
    ast.Lt: sp.Lt,
    ast.Gt: sp.Gt,
    ast.Eq: sp.Eq,
}
_GRAMMAR = "numbers, names, + - * / **, parentheses, min, max, exp, log and sqrt"


def parse_formula(text: str, names: Mapping[str, sp.Expr], argument: str) -> sp.Expr:
    """A formula from text.

    Parameters
    ----------
    text
        At most 2000 characters and 600 numbers, names and operations.
    names
        What known names stand for; any other name becomes a positive symbol.
    argument
        The argument's name, for the error message.

    Raises
    ------
    InvalidArgumentError
        Naming the part of the text that is not in the grammar.

    Examples
    --------
    >>> parse_formula("min(1, (x*i**-a)**2)", {}, "summand")
    Min(1, x**2/i**(2*a))
    >>> parse_formula("x.real", {}, "summand")
    Traceback (most recent call last):
    ...
    qtheory.errors.InvalidArgumentError: summand is 'x.real', but must be numbers, names, ...
    """
    return _Reader(text, names, argument).formula(_tree(text, argument))


def parse_relation(text: str, names: Mapping[str, sp.Expr], argument: str) -> sp.Basic:
    """A relation between two formulas from text, as it is written.

    SymPy decides a relation that follows from the signs of its symbols; here it stays a relation.

    >>> parse_relation("N*eps <= 1", {}, "assumption")
    N*eps <= 1
    >>> parse_relation("N > 0", {}, "assumption")
    N > 0
    """
    tree = _tree(text, argument)
    reader = _Reader(text, names, argument)
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
        raise InvalidArgumentError(argument, text, "one relation such as 'N*eps <= 1'")
    if type(tree.ops[0]) not in _RELATIONS:
        raise InvalidArgumentError(argument, text, "a relation with <=, >=, <, > or ==")
    left, right = reader.formula(tree.left), reader.formula(tree.comparators[0])
    return _RELATIONS[type(tree.ops[0])](left, right, evaluate=False)


def _tree(text: str, argument: str) -> ast.expr:
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise InvalidArgumentError(argument, text, f"text of at most {_LONGEST} characters")
    try:
        with warnings.catch_warnings():
            # what Python's parser warns of, such as "1if x else y", is not in the grammar
            warnings.simplefilter("error", SyntaxWarning)
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or type(error).__name__
        raise InvalidArgumentError(argument, text, f"{_GRAMMAR} ({reason})") from None


class _Reader:
    """The walk over the tree of one text."""

    def __init__(self, text: str, names: Mapping[str, sp.Expr], argument: str) -> None:
        self._text, self._names, self._argument = text.strip(), names, argument
        self._compared = 0

    def formula(self, node: ast.expr) -> sp.Expr:
        if sum(isinstance(part, ast.expr) for part in ast.walk(node)) > _MOST_PARTS:
            raise self._refused(node, f"at most {_MOST_PARTS} numbers, names and operations")
        try:
            return self._formula(node)
        except RecursionError:
            raise self._refused(node, "it is nested too deeply") from None
        except QTheoryError:
            raise
        except (ArithmeticError, TypeError, ValueError):  # SymPy's, of numbers it cannot compare
            raise self._refused(node, "it has no value that can be computed") from None

    def _formula(self, node: ast.expr) -> sp.Expr:
        match node:
            case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
                return exact(self._source(node), self._argument)
            case ast.Name() if node.id in _NO_NAMES:
                raise self._refused(node, "it is no number and no parameter")
            case ast.Name():
                return self._names.get(node.id, sp.Symbol(node.id, positive=True))
            case ast.UnaryOp(op=ast.USub()):
                return -self._formula(node.operand)
            case ast.UnaryOp(op=ast.UAdd()):
                return self._formula(node.operand)
            case ast.BinOp():
                return self._sized(node, self._operation(node))
            case ast.Call(func=ast.Name(id=name)) if name in _FUNCTIONS and not node.keywords:
                return self._call(name, node)
        raise self._refused(node, "not in the grammar")

    def _sized(self, node: ast.BinOp, result: sp.Expr) -> sp.Expr:
        if is_writable(result.as_coeff_Mul()[0]) and is_writable(result.as_coeff_Add()[0]):
            return result
        raise self._refused(node, "the number is too large")

    def _operation(self, node: ast.BinOp) -> sp.Expr:
        left, right = self._formula(node.left), self._formula(node.right)
        match node.op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.Div():
                if right == 0:
                    raise self._refused(node, "a division by zero")
                return left / right
            case ast.Pow():
                return self._power(node, left, right)
        raise self._refused(node, "write ** for a power" if isinstance(node.op, ast.BitXor) else "")

    def _power(self, node: ast.BinOp, base: sp.Expr, exponent: sp.Expr) -> sp.Expr:
        if exponent.is_number and abs(exponent) > _LARGEST_POWER:
            raise self._refused(node, f"powers go up to {_LARGEST_POWER}")
        if base.is_Rational and exponent.is_number:
            bits = max(abs(base.p).bit_length(), base.q.bit_length())
            if bits * abs(exponent) > 10 * _LARGEST_POWER:
                raise self._refused(node, "the number is too large")
        if base == 0 and not exponent.is_positive:
            raise self._refused(node, "zero to such a power")
        if base.is_negative and not exponent.is_integer:
            raise self._refused(node, "a root of a negative number")
        return base**exponent

    def _call(self, name: str, node: ast.Call) -> sp.Expr:
        wanted = _ARGUMENTS.get(name)
        if not node.args or (wanted is not None and len(node.args) != wanted):
            raise self._refused(node, f"{name} takes {wanted or 'one or more'} argument(s)")
        arguments = [self._formula(argument) for argument in node.args]
        if name == "log" and arguments[0].is_number and not arguments[0] > 0:
            raise self._refused(node, "the logarithm of a number that is not positive")
        if name == "sqrt" and arguments[0].is_negative:
            raise self._refused(node, "a root of a negative number")
        if name == "exp" and arguments[0].is_number and abs(arguments[0]) > _LARGEST_EXPONENT:
            raise self._refused(node, f"numbers of usual size, exp up to exp({_LARGEST_EXPONENT})")
        if name in ("min", "max"):
            self._compared += len(arguments)
            if self._compared > _MOST_COMPARED:
                raise self._refused(node, f"at most {_MOST_COMPARED} arguments of min and max")
        return _FUNCTIONS[name](*arguments)

    def _source(self, node: ast.expr) -> str:
        return ast.get_source_segment(self._text, node) or self._text

    def _refused(self, node: ast.expr, why: str) -> InvalidArgumentError:
        return InvalidArgumentError(
            self._argument, self._source(node), f"{_GRAMMAR}{f' ({why})' if why else ''}"
        )
