r"""The kernel: the only place where a Proof is made.

A proof is a sequent: hypotheses |- formula. The formula has no quantifier; its constants are
variables, which hold for every value, except for parameters (fixed through a whole development)
and defined symbols. Everything rests on these rules, and on z3's answer "unsat":

- ``lemma``: the premises and the negated goal have no common model. Each such leaf can be written
  out in SMT-LIB for another solver.
- ``instantiate``: a term for a variable.
- ``induction``: from P(0), and from P(n) to P(n+1), to P(n) for every natural number n.
- ``define``, ``recursive``, ``sequence``: a new symbol by an explicit formula, by structural
  recursion on a natural number, by its value at every index. Only new symbols, and only in terms
  of older ones: a definition adds no consequence for the symbols there were.
- ``assume``: a hypothesis, which stays with everything derived from it.
- ``axiom``: one of the few facts in ``AXIOMS`` (see :mod:`qtheory.proof.axioms`).

Numbers are those of SMT-LIB: reals and integers; division by zero has an unknown value, so
x / x = 1 cannot be proved without x != 0.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import z3

from qtheory.errors import ProofError
from qtheory.proof.axioms import AXIOMS, VARIABLES, real_power
from qtheory.proof.leaves import WORK, Leaf, closed

REAL, INT = z3.RealSort(), z3.IntSort()
SEQUENCE = z3.ArraySort(INT, REAL)
_SORTS = (REAL, INT, SEQUENCE, z3.BoolSort())
#: What a formula may be built from besides declared symbols; no recursive function of z3's own, no
#: x^y (whose meaning at 0^0 is the solver's), no overflow, no string.
_OPERATIONS = frozenset(
    {
        *(z3.Z3_OP_TRUE, z3.Z3_OP_FALSE, z3.Z3_OP_AND, z3.Z3_OP_OR, z3.Z3_OP_NOT, z3.Z3_OP_IMPLIES),
        *(z3.Z3_OP_EQ, z3.Z3_OP_DISTINCT, z3.Z3_OP_ITE, z3.Z3_OP_ANUM, z3.Z3_OP_TO_REAL),
        *(z3.Z3_OP_ADD, z3.Z3_OP_SUB, z3.Z3_OP_UMINUS, z3.Z3_OP_MUL, z3.Z3_OP_DIV),
        *(z3.Z3_OP_LE, z3.Z3_OP_LT, z3.Z3_OP_GE, z3.Z3_OP_GT, z3.Z3_OP_SELECT),
    }
)

#: The definition of every symbol that has one, by its name.
_definitions: dict[str, Definition] = {}
#: What every minted proof says; a proof that is not in here was built by hand.
_minted: WeakKeyDictionary[Proof, tuple[z3.BoolRef, frozenset[Assumption]]] = WeakKeyDictionary()
#: What every hypothesis assumes, and for which variables it is assumed in general.
_assumed: WeakKeyDictionary[Assumption, tuple[z3.BoolRef, frozenset[str]]] = WeakKeyDictionary()
_defined: set[str] = {real_power.name()}
_parameters: set[str] = set()
_variables: set[str] = {str(variable) for variable in VARIABLES}
_TOKEN = object()


@dataclass(frozen=True, eq=False)
class Assumption:
    """An assumed formula, for all values of its variables ``generic``."""

    meaning: str

    @property
    def formula(self) -> z3.BoolRef:
        """What is assumed, as a reference of its own: z3 lets anyone change one in place."""
        return _reference(self._says()[0])

    @property
    def generic(self) -> frozenset[str]:
        """The names of the variables for all of whose values it is assumed."""
        return self._says()[1]

    def _says(self) -> tuple[z3.BoolRef, frozenset[str]]:
        if self not in _assumed:
            raise ProofError(f"a hypothesis is made by assume, not by hand: {self!r}")
        return _assumed[self]

    def __repr__(self) -> str:
        return self.meaning


class Proof:
    """hypotheses |- formula, for every value of the variables; made by the rules alone."""

    __slots__ = (
        "__weakref__",
        "details",
        "leaves",
        "name",
        "premises",
        "rule",
        "seconds",
    )
    rule: str
    name: str
    premises: tuple[Proof, ...]
    leaves: tuple[Leaf, ...]
    seconds: float
    #: What a rule was given besides proofs: terms of an instance, the claim of an induction, the
    #: hypothesis that was cut.
    details: Any

    def __init__(self, token: object = None, *says: Any, **parts: Any) -> None:
        if token is not _TOKEN:
            raise ProofError("a Proof is made by the rules of the kernel, not by hand")
        for key, value in parts.items():
            object.__setattr__(self, key, value)
        formula, hypotheses = says
        _minted[self] = (formula, hypotheses)

    def __init_subclass__(cls, **_: Any) -> None:
        raise ProofError("a Proof is made by the rules of the kernel, not by another class")

    @property
    def formula(self) -> z3.BoolRef:
        """What is proved, as a reference of its own: z3 lets anyone change one in place."""
        _require(self)
        return _reference(_minted[self][0])

    @property
    def hypotheses(self) -> frozenset[Assumption]:
        """What the formula is proved under."""
        _require(self)
        return _minted[self][1]

    def __setattr__(self, name: str, value: object) -> None:
        raise ProofError(f"a Proof cannot be changed (attribute {name})")

    def __delattr__(self, name: str) -> None:
        raise ProofError(f"a Proof cannot be changed (attribute {name})")

    def __reduce__(self) -> Any:
        raise ProofError("a Proof cannot be copied or stored: replay it")

    def __call__(self, **terms: Any) -> Proof:
        """Put terms for variables, by name."""
        return instantiate(self, terms)

    def __repr__(self) -> str:
        text = " ".join(str(self.formula).split())
        names = {name for name, _ in _constants(self.formula)}
        if len({name.split("~")[0] for name in names}) == len(names):
            text = re.sub(r"~\d+", "", text)  # numbers of names are shown where they tell apart
        return f"{self.name or self.rule}: {text}"


def _mint(
    rule: str,
    formula: z3.BoolRef,
    premises: Sequence[Proof] = (),
    name: str = "",
    leaves: tuple[Leaf, ...] = (),
    seconds: float = 0.0,
    hypotheses: frozenset[Assumption] | None = None,
    details: Any = None,
) -> Proof:
    for premise in premises:
        _require(premise)
    if hypotheses is None:
        hypotheses = frozenset().union(*(premise.hypotheses for premise in premises))
    return Proof(
        _TOKEN,
        _formula(formula),
        hypotheses,
        rule=rule,
        name=name,
        premises=tuple(premises),
        leaves=leaves,
        seconds=seconds,
        details=details,
    )


def is_proof(value: object) -> bool:
    """Whether the rules made this; what it says is kept here, where nothing changes it."""
    return type(value) is Proof and value in _minted


def _require(proof: object) -> None:
    """Refuse anything that the rules did not make."""
    if not is_proof(proof):
        shown = "one built by hand" if isinstance(proof, Proof) else repr(proof)
        raise ProofError(f"not a proof made by the kernel: {shown}")


def _reference(formula: Any) -> Any:
    """A new reference to a term: of no subclass, and in nobody else's hands."""
    return z3.z3._to_expr_ref(formula.ast, formula.ctx)


# --- terms -------------------------------------------------------------------------------------


def _spelling(name: object) -> None:
    """Refuse a name that z3 would spell otherwise, so that two names were one symbol."""
    if type(name) is not str or not name or not name.isprintable():
        raise ProofError(f"not a name: {name!r}; a name is a string of printable characters")


def _free_name(name: str, taken: set[str]) -> str:
    """The name, or the first numbered one that is not taken."""
    _spelling(name)
    stem, count = name.split("~")[0], 1
    while name in taken:
        count += 1
        name = f"{stem}~{count}"
    return name


def _name(term: Any) -> str:
    """The name of a constant; a compound term, which may be printed like one, has none."""
    if not z3.is_const(term) or term.decl().kind() != z3.Z3_OP_UNINTERPRETED:
        raise ProofError(f"{term} is no variable, but a compound term or a number")
    return term.decl().name()


def variable(name: str, sort: z3.SortRef = REAL) -> Any:
    """A constant that stands for every value of its sort.

    Where another development has a parameter or a definition of that name, it gets a number;
    terms are put for it under the name asked for all the same.
    """
    name = _free_name(name, _parameters | _defined)
    _variables.add(name)
    return z3.Const(name, sort)


def parameter(name: str, sort: z3.SortRef = REAL) -> Any:
    """A constant that is fixed in a development: definitions may use it, nothing replaces it.

    Where another development has a variable or a definition of that name, it gets a number, the
    same one for everybody who asks for this parameter.
    """
    name = _free_name(name, _defined | _variables)
    _parameters.add(name)
    return z3.Const(name, sort)


#: The symbols of every term that was looked at, by its number in z3; the term is kept, or z3 gives
#: its number to another.
_looked_at: dict[int, tuple[z3.ExprRef, dict[str, z3.ExprRef]]] = {}


def _constants(expression: z3.ExprRef) -> Iterator[tuple[str, z3.ExprRef]]:
    """The symbols of a term with their names: constants, and a value for each function."""
    if expression.ctx is not z3.main_ctx():  # its numbers are those of other terms
        raise ProofError(f"{expression} of another context is no number, truth value or sequence")
    todo = [expression]
    while todo:
        term = todo[-1]
        if term.get_id() in _looked_at:
            todo.pop()
            continue
        if not z3.is_app(term):
            raise ProofError(f"a formula must have no quantifier and no lambda: {expression}")
        children = term.children()
        missing = [child for child in children if child.get_id() not in _looked_at]
        todo += missing
        if not missing:
            _looked_at[term.get_id()] = _reference(term), _symbols(term, children, expression)
    for name, term in _looked_at[expression.get_id()][1].items():
        if term.decl().arity() and name in _variables:
            raise ProofError(f"{name} is a variable, not a function: {expression}")
        yield name, term


def _symbols(
    term: z3.ExprRef, children: Sequence[z3.ExprRef], expression: z3.ExprRef
) -> dict[str, z3.ExprRef]:
    """The symbols of a term, from those of its children."""
    symbol = term.decl()
    if term.sort() not in _SORTS:
        raise ProofError(f"{term} is no number, truth value or sequence of real numbers")
    own = symbol.kind() == z3.Z3_OP_UNINTERPRETED
    if not own and symbol.kind() not in _OPERATIONS:
        hint = " (write x * x, or use qtheory.proof.powers)" if symbol.name() == "^" else ""
        raise ProofError(f"a formula cannot use {symbol.name()}{hint}: {expression}")
    found: dict[str, z3.ExprRef] = {}
    parts = [_looked_at[child.get_id()][1] for child in children]
    if own:
        parts.append({symbol.name(): term})
    for part in sorted(parts, key=len, reverse=True):
        if not found:
            found = part
            continue
        for name, other in part.items():
            if name not in found:
                found = {**found, name: other}
            elif found[name] is not other and found[name].decl() != other.decl():
                raise ProofError(f"{name} is used with two sorts in {expression}")
    return found


def _free(expression: z3.ExprRef) -> dict[str, z3.ExprRef]:
    """The variables of a term."""
    return {name: term for name, term in _constants(expression) if name in _variables}


def _formula(value: object) -> z3.BoolRef:
    """The value as a formula in declared symbols, under a reference of the kernel's own."""
    if not z3.is_bool(value):
        raise ProofError(f"not a formula: {value!r}")
    value = _reference(value)
    for name, _ in _constants(value):
        if not (name in _variables or name in _parameters or name in _defined):
            raise ProofError(f"{name} is not declared: {value}")
    return value


def _same_sort(term: Any, sort: z3.SortRef, where: str) -> z3.ExprRef:
    """The term as an expression of this sort; an integer where a real is due is refused."""
    if isinstance(term, int) and not isinstance(term, bool):
        term = z3.RealVal(term) if sort == REAL else z3.IntVal(term)
    if not z3.is_expr(term) or term.sort() != sort:
        raise ProofError(f"{where} needs a term of sort {sort}, not {term!r}")
    return term


def _real(value: Any, where: str) -> z3.ExprRef:
    """A term as it is, a whole number as a real; a float or a ball is no exact number."""
    return value if z3.is_expr(value) else _same_sort(value, REAL, where)


def _fixed(proofs: Sequence[Proof]) -> set[str]:
    """The variables that hypotheses speak about, which nothing may generalise."""
    names: set[str] = set()
    for proof in proofs:
        for hypothesis in proof.hypotheses:
            names |= _free(hypothesis.formula).keys() - hypothesis.generic
    return names


# --- rules -------------------------------------------------------------------------------------


def lemma(goal: Any, *premises: Proof, name: str = "", work: int = WORK) -> Proof:
    """The goal, if the premises and its negation have no common model.

    UndecidedError if z3 does not tell within ``work`` units of its own.
    """
    goal = _formula(goal)
    for premise in premises:
        _require(premise)
    start = time.perf_counter()
    leaf = closed([p.formula for p in premises], goal, work, name, _free(goal))
    return _mint("lemma", goal, premises, name, (leaf,), time.perf_counter() - start)


def instantiate(proof: Proof, terms: dict[str, Any]) -> Proof:
    """The proof with terms for its variables, all at once."""
    _require(proof)
    free = _free(proof.formula)
    fixed = _fixed([proof])
    pairs = []
    for asked, term in terms.items():
        name = _meant(asked, free)
        if name not in free:
            raise ProofError(f"{name} is not a variable of {proof!r}")
        if name in fixed:
            raise ProofError(f"{name} is free in a hypothesis of {proof!r}")
        pairs.append((free[name], _same_sort(term, free[name].sort(), name)))
    formula = z3.substitute(proof.formula, *pairs)
    return _mint("instance", formula, [proof], proof.name, details=tuple(pairs))


def _meant(asked: str, names: Collection[str]) -> str:
    """The one name that is this or a numbered form of it; what was asked, if there is no one."""
    forms = [name for name in names if name.split("~")[0] == asked]
    return forms[0] if asked not in names and len(forms) == 1 else asked


def induction(
    n: z3.ArithRef,
    claim: Any,
    *premises: Proof,
    base: Sequence[Proof] = (),
    instances: Sequence[dict[str, Any]] = ({},),
    name: str = "",
    work: int = WORK,
) -> Proof:
    """n >= 0 implies the claim, by induction on the variable n.

    ``premises`` serve the step and ``base`` the case 0. The step may use the claim at n with terms
    for its other variables (``instances``).
    """
    claim = _formula(claim)
    for proof in (*premises, *base):
        _require(proof)
    index, free, fixed = _name(n), _free(claim), _fixed([*premises, *base])
    if index not in free or not free[index].eq(n) or n.sort() != INT:
        raise ProofError(f"induction needs an integer variable of the claim, not {n}")
    assumed, put = [], []
    for terms in instances:
        if index in terms or not terms.keys() <= free.keys():
            raise ProofError(f"the induction hypothesis has no variable of {sorted(terms)} to put")
        pairs = [(free[k], _same_sort(term, free[k].sort(), k)) for k, term in terms.items()]
        put.append(tuple(pairs))
        assumed.append(_formula(z3.substitute(claim, *pairs)))
        if fixed & terms.keys():
            raise ProofError(f"{sorted(fixed & terms.keys())} is free in a hypothesis")
    if index in fixed:
        raise ProofError(f"{n} is free in a hypothesis, so it is not arbitrary")
    start = time.perf_counter()
    zero = z3.substitute(claim, (n, z3.IntVal(0)))
    succ = z3.substitute(claim, (n, n + 1))
    leaves = (
        closed([p.formula for p in base], zero, work, f"{name} (base)", _free(zero)),
        closed(
            [*assumed, n >= 0, *(p.formula for p in premises)], succ, work, f"{name} (step)", free
        ),
    )
    took = time.perf_counter() - start
    details = n, claim, tuple(put), len(base)
    whole = z3.Implies(n >= 0, claim)
    return _mint("induction", whole, [*base, *premises], name, leaves, took, details=details)


def assume(formula: Any, *generic: z3.ExprRef, meaning: str = "") -> Proof:
    """A hypothesis: the formula, for all values of the ``generic`` variables."""
    formula = _formula(formula)
    names, free = [_name(term) for term in generic], _free(formula)
    for name, term in zip(names, generic, strict=True):
        if name not in free or not free[name].eq(term):
            raise ProofError(f"{term} is not a variable of {formula}")
    hypothesis = Assumption(meaning or " ".join(str(formula).split()))
    _assumed[hypothesis] = (formula, frozenset(names))
    return _mint("hypothesis", formula, name=meaning, hypotheses=frozenset([hypothesis]))


def cut(proof: Proof, assumed: Proof, evidence: Proof) -> Proof:
    """The proof without the hypothesis that ``assumed`` made, which ``evidence`` proves."""
    for given in (proof, assumed, evidence):
        _require(given)
    if assumed.rule != "hypothesis" or not assumed.hypotheses <= proof.hypotheses:
        raise ProofError(f"{proof!r} does not rest on the hypothesis {assumed!r}")
    (hypothesis,) = assumed.hypotheses
    if not evidence.formula.eq(hypothesis.formula):
        raise ProofError(f"{evidence!r} is not the hypothesis {hypothesis.formula}")
    fixed = _fixed([evidence]) & hypothesis.generic
    if fixed:
        raise ProofError(f"{sorted(fixed)} is free in a hypothesis of {evidence!r}")
    kept = (proof.hypotheses - {hypothesis}) | evidence.hypotheses
    premises = [proof, evidence]
    return _mint("cut", proof.formula, premises, proof.name, hypotheses=kept, details=hypothesis)


def axiom(name: str) -> Proof:
    """An axiom by its name; the list is fixed."""
    if name not in AXIOMS:
        raise ProofError(f"no axiom {name!r}; there are {', '.join(sorted(AXIOMS))}")
    return _mint("axiom", _formula(AXIOMS[name].formula), name=name)


# --- definitions -------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Definition:
    """How a symbol is defined: explicitly, as a sequence, or by recursion.

    ``arguments`` end with the index, for a sequence, and with n, for a recursion. ``bodies`` are
    the value, or the value at 0 and the one at n + 1, in which ``before`` stands for that at n.
    """

    kind: str
    symbol: z3.FuncDeclRef
    arguments: tuple[z3.ExprRef, ...]
    bodies: tuple[z3.ExprRef, ...]
    equations: Mapping[str, Proof]
    before: z3.ExprRef | None = None


def definition(name: str) -> Definition | None:
    """The definition of a symbol; None for one of which nothing is known, and for a parameter."""
    return _definitions.get(name)


def _function(
    kind: str,
    symbol: z3.FuncDeclRef,
    arguments: Sequence[z3.ExprRef],
    bodies: Sequence[z3.ExprRef],
    equations: dict[str, Proof],
    before: z3.ExprRef | None = None,
) -> Function:
    made = Definition(kind, symbol, tuple(arguments), tuple(bodies), equations, before)
    _definitions[symbol.name()] = made
    return Function(symbol, equations, [_name(argument) for argument in arguments])


class Function:
    """A defined symbol: call it for a term, ``at`` for its defining equation there."""

    def __init__(self, symbol: z3.FuncDeclRef, equations: dict[str, Proof], keys: list[str]):
        self.symbol, self._equations, self._keys = symbol, equations, keys

    def __call__(self, *arguments: Any) -> Any:
        """The symbol applied to terms."""
        sorts = [self.symbol.domain(k) for k in range(self.symbol.arity())]
        if len(sorts) != len(arguments):
            raise ProofError(f"{self.symbol} takes {len(sorts)} arguments, not {len(arguments)}")
        where = self.symbol.name()
        terms = [_same_sort(a, s, where) for a, s in zip(arguments, sorts, strict=True)]
        return self.symbol(*terms)

    def at(self, *arguments: Any, equation: str = "value") -> Proof:
        """The defining equation, at these arguments (an index last, for a sequence)."""
        proof = self._equations[equation]
        terms, free = dict(zip(self._keys, arguments, strict=True)), _free(proof.formula)
        return proof(**{k: t for k, t in terms.items() if k in free})

    def zero(self, *arguments: Any) -> Proof:
        """f(arguments, 0) = ..., for a recursive definition."""
        return self.at(*arguments, z3.IntVal(0), equation="zero")

    def next(self, *arguments: Any) -> Proof:
        """n >= 0 implies f(arguments, n + 1) = ..., with n the last argument given."""
        return self.at(*arguments, equation="next")


def _new_symbol(
    name: str,
    arguments: Sequence[z3.ExprRef],
    value: z3.SortRef,
    *bodies: Any,
    bound: Sequence[z3.ExprRef] = (),
) -> z3.FuncDeclRef:
    """A fresh symbol whose definition uses older symbols, its arguments and ``bound`` alone."""
    name = _free_name(name, _defined | _parameters | _variables)  # a replay defines anew
    own = {_name(term): term for term in (*arguments, *bound)}
    if len(own) != len(arguments) + len(bound) or not {_name(a) for a in arguments} <= _variables:
        raise ProofError(f"the arguments of {name} must be distinct variables, not {[*own]}")
    for body in bodies:
        for key, term in _constants(body):
            if key in own and not term.eq(own[key]):
                raise ProofError(f"the definition of {name} uses {key} with two sorts")
            if key == name or not (key in own or key in _defined or key in _parameters):
                raise ProofError(f"the definition of {name} uses {key}, which is not defined yet")
    _defined.add(name)
    return z3.Function(name, *(argument.sort() for argument in arguments), value)


def undefined(name: str, arguments: Sequence[z3.ExprRef], value: z3.SortRef) -> z3.FuncDeclRef:
    """A new function of which nothing is known; axioms may speak of it."""
    return _new_symbol(name, arguments, value)


def define(name: str, arguments: Sequence[z3.ExprRef], body: Any) -> Function:
    """A new function by an explicit formula in its arguments."""
    body = _real(body, name)
    symbol = _new_symbol(name, arguments, body.sort(), body)
    equation = _mint("definition", symbol(*arguments) == body, name=symbol.name())
    return _function("explicit", symbol, arguments, [body], {"value": equation})


def recursive(
    name: str,
    arguments: Sequence[z3.ExprRef],
    n: z3.ArithRef,
    zero: Any,
    successor: Callable[[Any], Any],
) -> Function:
    """A new function f(arguments, n) by structural recursion on the natural number n.

    ``zero`` is f(arguments, 0); ``successor`` makes f(arguments, n + 1) from f(arguments, n).
    """
    if n.sort() != INT:
        raise ProofError(f"{name}: recursion runs over an integer, not {n}")
    zero = _real(zero, name)
    hole = z3.Const(f"before {name}", zero.sort())
    body = _same_sort(successor(hole), zero.sort(), name)
    if any(key in (_name(n), _name(hole)) for key, _ in _constants(zero)):
        raise ProofError(f"{name}: the value at 0 must not depend on {n} or on {hole}")
    symbol = _new_symbol(name, [*arguments, n], zero.sort(), zero, body, bound=[hole])
    first = symbol(*arguments, z3.IntVal(0)) == zero
    step = symbol(*arguments, n + 1) == z3.substitute(body, (hole, symbol(*arguments, n)))
    equations = {
        "zero": _mint("definition", first, name=name),
        "next": _mint("definition", z3.Implies(n >= 0, step), name=name),
    }
    return _function("recursion", symbol, [*arguments, n], [zero, body], equations, hole)


def sequence(name: str, arguments: Sequence[z3.ExprRef], i: z3.ArithRef, body: Any) -> Function:
    """A new function whose values are sequences, by their entry at every index i."""
    if i.sort() != INT:
        raise ProofError(f"{name}: a sequence is indexed by an integer, not {i}")
    body = _same_sort(body, REAL, name)
    symbol = _new_symbol(name, arguments, SEQUENCE, body, bound=[i])
    equation = _mint("definition", symbol(*arguments)[i] == body, name=name)
    return _function("sequence", symbol, [*arguments, i], [body], {"value": equation})
