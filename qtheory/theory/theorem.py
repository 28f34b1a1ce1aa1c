"""What a theorem is here: a relation, the definitions it uses, its hypotheses and its source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import sympy as sp

from qtheory.errors import HypothesisError
from qtheory.model.covariates import Covariates, FourthMoment, Gaussian
from qtheory.model.formats import NumberFormat
from qtheory.model.instance import Instance, instantiate
from qtheory.model.run import Run
from qtheory.numbers.arithmetic import Arithmetic, Balls, Symbolic
from qtheory.numbers.evaluate import Values, decide, evaluate
from qtheory.numbers.latex import latex_of, words
from qtheory.theory.valuation import Valuation

PAPER = "Zhang, Su, Zou, arXiv:2510.18259"
# Names that SymPy would break at their sub- and superscripts.
_LATEX = {
    sp.Symbol("tr(H^q)", nonnegative=True): r"\mathrm{tr}(H^q)",
    sp.Symbol("||w^*||_H^2", nonnegative=True): r"\|w^*\|_H^2",
    sp.Symbol("||w^q||_{H^q}^2", nonnegative=True): r"\|w^q\|_{H^q}^2",
    sp.Symbol("E[R(w)]", real=True): r"\mathbb{E} R(w)",
    sp.Symbol("E[R^q(w)]", real=True): r"\mathbb{E} R^q(w)",
    sp.Symbol("tr(Sigma^q)", nonnegative=True): r"\mathrm{tr}(\Sigma^q)",
    sp.Symbol("||v^*||_Sigma^2", nonnegative=True): r"\|v^*\|_\Sigma^2",
    sp.Symbol("||v^q||_{Sigma^q}^2", nonnegative=True): r"\|v^q\|_{\Sigma^q}^2",
    sp.Symbol("E[<w^*,x>^2]", nonnegative=True): r"\mathbb{E} \langle w^*, x\rangle^2",
    sp.Symbol("E[R_S(v)]", real=True): r"\mathbb{E} R_S(v)",
    sp.Symbol("perp", nonnegative=True): r"\mathrm{perp}",
    sp.Symbol("bias", nonnegative=True): r"\mathrm{bias}",
    sp.Symbol("variance", nonnegative=True): r"\mathrm{variance}",
    sp.Symbol("alpha_infinity", nonnegative=True): r"\alpha_{\infty}",
    sp.Symbol("s_infinity^2", nonnegative=True): r"s^{2}_{\infty}",
    sp.Symbol("s_same^2", nonnegative=True): r"s^{2}_{\mathrm{same}}",
    sp.Symbol("s_cross^2", nonnegative=True): r"s^{2}_{\mathrm{cross}}",
    sp.Symbol("S_bar", nonnegative=True): r"\bar{S}",
}

SEQUEL = "Zhang, Tang, Liang, Zou, arXiv:2602.19241"
BENIGN = "Zou, Wu, Braverman, Gu, Kakade, JMLR 24 (2023)"
_REFERENCES = {
    PAPER: "Zhang, Su, Zou: Learning under Quantization for High-Dimensional Linear Regression. "
    "ICLR 2026, arXiv:2510.18259.",
    BENIGN: "Zou, Wu, Braverman, Gu, Kakade: Benign Overfitting of Constant-Stepsize SGD for "
    "Linear Regression. Journal of Machine Learning Research 24 (2023).",
    SEQUEL: "Zhang, Tang, Liang, Zou: Scaling Laws for Precision in High-Dimensional Linear "
    "Regression. ICML 2026, arXiv:2602.19241.",
}


@dataclass(frozen=True)
class Hypothesis:
    """One condition of a theorem; a relation per coordinate must hold for every coordinate."""

    relation: sp.Basic
    meaning: str


@dataclass(frozen=True)
class Theorem:
    """A statement about SGD under quantization.

    Attributes
    ----------
    name, label, title
        The key in ``qtheory.theorems``, the number in the theory, and a short title.
    statement
        A SymPy relation. Its symbols are defined, in order, by ``definitions``.
    hypotheses
        Without them the statement may be false; evaluating it elsewhere raises
        HypothesisError.
    source
        The theorem and paper it follows, and what is different here.
    renamed
        Its own names for symbols of the model, each with that symbol.
    covariates
        The law of the covariates that it is for, or what is assumed of it.

    Examples
    --------
    >>> from qtheory import theorems
    >>> theorems["decomposition"].statement
    Eq(E[R(w)], A + E[R^q(w)] - W)
    """

    name: str
    label: str
    title: str
    statement: sp.Basic
    definitions: tuple[sp.Eq, ...]
    hypotheses: tuple[Hypothesis, ...]
    source: str
    renamed: tuple[tuple[sp.Basic, sp.Basic], ...] = ()
    covariates: type[Covariates] = Gaussian

    @property
    def in_the_model(self) -> Theorem:
        """The same in the symbols of the model, which numbers and proofs are about."""
        return self.with_names(dict(self.renamed), renamed=()) if self.renamed else self

    def with_names(
        self, names: Mapping[sp.Basic, sp.Basic], renamed: tuple[tuple[sp.Basic, sp.Basic], ...]
    ) -> Theorem:
        """The same with other symbols."""
        return replace(
            self,
            statement=self.statement.xreplace(names),
            definitions=tuple(each.xreplace(names) for each in self.definitions),
            hypotheses=tuple(
                replace(each, relation=each.relation.xreplace(names)) for each in self.hypotheses
            ),
            renamed=renamed,
        )

    @property
    def assumptions(self) -> tuple[sp.Basic, ...]:
        """The hypotheses as SymPy relations."""
        return tuple(hypothesis.relation for hypothesis in self.hypotheses)

    @property
    def sources(self) -> tuple[str, ...]:
        """The papers that ``source`` names, in full."""
        return tuple(full for short, full in _REFERENCES.items() if short in self.source)

    def latex(self) -> str:
        """The statement, its hypotheses and its definitions as a LaTeX ``aligned`` block."""
        rows = [_aligned(self.statement)]
        if self.hypotheses:
            rows.append(r"&\text{if}")
            rows += [
                rf"{_aligned(hypothesis.relation)} \quad {words(f'({hypothesis.meaning})')}"
                for hypothesis in self.hypotheses
            ]
        rows.append(r"&\text{where}")
        rows += [_aligned(definition) for definition in self.definitions]
        return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"

    def relation_latex(self, relation: sp.Basic) -> str:
        """A relation in the symbols of the theorem as LaTeX, in one line."""
        left, operator, right = _sides(relation)
        return f"{left} {operator} {right}"

    def _repr_latex_(self) -> str:
        return f"$${self.latex()}$$"

    def __repr__(self) -> str:
        return f"Theorem({self.label} {self.title}: {self.statement})"

    def require(self, run: Run) -> None:
        """Raise HypothesisError, naming the hypothesis and the value, if one does not hold.

        Decided with balls, and in exact arithmetic where a ball cannot tell (an equality).
        """
        if isinstance(run.quantization.data, NumberFormat):
            raise HypothesisError(
                f"{self.label} ({self.title}) needs error models, but data carries the number "
                f"format {run.quantization.data.name}"
            )
        law = run.problem.covariates
        if not isinstance(law, Covariates if self.covariates is FourthMoment else self.covariates):
            raise HypothesisError(
                f"{self.label} ({self.title}) is for {self.covariates.__name__} covariates, but "
                f"covariates is {law}"
            )
        for hypothesis in self.in_the_model.hypotheses:
            for arithmetic in (Balls(bits=128), Balls(bits=256), Symbolic()):
                with arithmetic.working():
                    values = self.values_of(run, arithmetic)
                    verdict = decide(hypothesis.relation, values, arithmetic)
                    if verdict is False:
                        self._refuse(hypothesis, values, arithmetic)
                if verdict is not None:
                    break

    def values(self, instance: Instance) -> Valuation:
        """The values of this theorem's symbols in an instance, computed as they are needed."""
        return Valuation(self.in_the_model.definitions, instance)

    def values_of(self, run: Run, arithmetic: Arithmetic) -> Valuation:
        """The values of this theorem's symbols in a run, whatever its dimension."""
        if run.problem.dim is sp.oo:
            from qtheory.theory.infinite import InfiniteValuation  # a proof needs none of it

            return InfiniteValuation(self.in_the_model.definitions, run, arithmetic)
        return self.values(instantiate(run, arithmetic))

    def _refuse(self, hypothesis: Hypothesis, values: Values, arithmetic: Arithmetic) -> None:
        left = np.ravel(evaluate(hypothesis.relation.lhs, values, arithmetic))
        extreme = (min if isinstance(hypothesis.relation, sp.Ge) else max)(map(float, left))
        raise HypothesisError(
            f"{self.label} ({self.title}) needs {hypothesis.relation} ({hypothesis.meaning}), "
            f"but {hypothesis.relation.lhs} is {extreme:.6g} here"
        )


def _aligned(relation: sp.Basic) -> str:
    left, operator, right = _sides(relation)
    return f"{left} &{operator} {right}"


def _sides(relation: sp.Basic) -> tuple[str, str, str]:
    operator = {sp.Eq: "=", sp.Le: r"\le", sp.Lt: "<", sp.Ge: r"\ge", sp.Gt: ">"}[type(relation)]
    left, right = (_upright(latex_of(side, _LATEX)) for side in relation.args[:2])
    return left, operator, right


def _upright(latex: str) -> str:
    """Words in an index stand upright, and infinity is its sign."""
    latex = latex.replace("infinity", r"\infty")
    return re.sub(r"(?<!mathrm\{)\b(same|cross|core|low)\b", r"\\mathrm{\1}", latex)
