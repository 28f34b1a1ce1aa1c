"""The report: one HTML page with everything on it, read without a network and without scripts."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from html import escape
from importlib.resources import files
from multiprocessing import get_context
from typing import Any

import sympy as sp

import qtheory.asymptotics as rates_room
from qtheory.asymptotics import Rates
from qtheory.errors import ProofError, UndecidedError
from qtheory.measure import compare_formats
from qtheory.model import SGD, Additive, Constant, PowerLaw, Problem, Quantization, SourceCondition
from qtheory.numbers.latex import latex_of
from qtheory.orders.display import UNKNOWN
from qtheory.paper.certified import certify_experiment
from qtheory.paper.experiments import experiments
from qtheory.paper.findings import findings
from qtheory.plots import break_even, risk, spectra, tightness
from qtheory.proof.kernel import Proof
from qtheory.proof.tree import direct_premises
from qtheory.report.line_breaks import pieces
from qtheory.report.mathml import mathml
from qtheory.report.proofs import SHOWN_RULES
from qtheory.report.theorems import hypotheses_html
from qtheory.theory import Theorem, theorems
from qtheory.theory.replay import ProofRecord, Replay
from qtheory.versions import SIMULATED, versions

_DEPTH = 3  # of the folded trees of lemmas
_LONG = 30  # letters in a cell that is given room on a narrow screen
_RUN = SGD("0.1", steps=2000)
_VERDICTS = {"supported": "good", "not supported": "bad"}  # the class of the others is "between"


def report_page(progress: Callable[[int, int], None] = lambda done, total: None) -> str:
    """The whole page as HTML (about half a minute on two cores).

    Every theorem with its statement in MathML, its assumptions, its proof with the lemmas folded;
    rates with a phase diagram; the paper's experiments beside exact numbers; how tight the bounds
    are; number formats beside their error models.

    Parameters
    ----------
    progress
        Called with the parts done and all of them.

    Notes
    -----
    The proofs are replayed in a process of their own, so that a script that calls this needs the
    usual ``if __name__ == "__main__":``.
    """
    sections: list[tuple[str, str, Callable[[], str]]] = [
        ("theorems", "Theorems", _theorems),
        ("rates", "Rates and phases", _rates),
        ("experiments", "The paper beside exact numbers", _experiments),
        ("tightness", "How tight the bounds are", _tightness),
        ("formats", "Number formats", _formats),
        ("figures", "Spectra, risks and bits", _figures),
    ]
    # The proofs take as long as all the rest: they are replayed beside it. Leaving such a pool ends
    # its process, so that after Ctrl-C nobody waits for the proofs.
    with get_context("spawn").Pool(1) as pool:
        proved = pool.apply_async(sections[0][2])
        contents = [""]
        for done, (_, _, content) in enumerate(sections[1:]):
            progress(done, len(sections))
            contents.append(content())
        progress(len(contents) - 1, len(sections))
        contents[0] = proved.get()
    progress(len(sections), len(sections))
    parts = [
        f'<h2 id="{identifier}">{title}</h2>\n{content}'
        for (identifier, title, _), content in zip(sections, contents, strict=True)
    ]
    return _page(sections, parts)


def _page(sections: Sequence[tuple[str, str, Any]], parts: Iterable[str]) -> str:
    found = versions(*SIMULATED, "matplotlib", "z3-solver", machine=True)
    rests_on = ", ".join(f"{name} {number}" for name, number in found.items())
    style = files("qtheory.report").joinpath("page.css").read_text(encoding="utf-8")
    links = "".join(f'<li><a href="#{name}">{title}</a></li>' for name, title, _ in sections)
    links += "".join(
        f'<li><a href="#{name}">{_heading(theorem)}</a></li>' for name, theorem in theorems.items()
    )
    body = "\n".join(parts)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The theory of learning under quantization</title>
<style>{style}</style>
</head>
<body>
<h1>The theory of learning under quantization</h1>
<p>Written by {rests_on}. Statements are those of <code>qtheory.theorems</code>;
"proved" means replayed by the kernel while this page was written, "certified" decided by ball
arithmetic, "simulated" sampled.</p>
<nav><ul>{links}</ul></nav>
{body}
</body>
</html>
"""


# --- mathematics -------------------------------------------------------------------------------


def _inline(latex: str) -> str:
    """A formula that may be long: one element for each summand, so that a line can break."""
    first, *rest = pieces(latex)
    # after an empty group a sign is one between two summands, not that of a number
    return " ".join((mathml(first), *(mathml(f"{{}} {piece}") for piece in rest)))


def _formula(expression: sp.Basic) -> str:
    return mathml(latex_of(expression))


# --- theorems ----------------------------------------------------------------------------------


def _theorems() -> str:
    replay = Replay()
    return "\n".join(
        _theorem(theorem, _verdict(replay, name)) for name, theorem in theorems.items()
    )


def _verdict(replay: Replay, name: str) -> str:
    """The proof of a theorem, or why there is none: a page with a gap is still a page."""
    try:
        record = replay.prove(name)
    except UndecidedError as error:
        return f'<p><span class="soft">unknown</span>: {escape(str(error))}</p>'
    except ProofError as error:
        return f'<p><span class="bad">not proved</span>: {escape(str(error))}</p>'
    style, verdict = ("good", "proved") if record.checked else ("bad", "not proved")
    identities = f"{len(record.identities)} identities of polynomials, " * bool(record.identities)
    return (
        f'<p><span class="{style}">{verdict}</span>: {record.steps} lemmas, {identities}'
        f"{escape(record.resting_on)}</p>"
        f"<details><summary>the proof</summary>{_proof(record)}</details>"
    )


def _heading(theorem: Theorem) -> str:
    return f"{escape(theorem.label)}: {escape(theorem.title)}"


def _theorem(theorem: Theorem, verdict: str) -> str:
    assumptions = hypotheses_html(theorem)
    definitions = "".join(
        f'<li class="scroll">{_inline(theorem.relation_latex(definition))}</li>'
        for definition in theorem.definitions
    )
    return (
        f'<h3 id="{theorem.name}">{_heading(theorem)}</h3>'
        f'<div class="scroll">{mathml(theorem.relation_latex(theorem.statement), "block")}</div>'
        + (f"<p>if</p>{assumptions}" if assumptions else "")
        + "<details><summary>where the symbols are defined</summary>"
        f'<ul class="definitions">{definitions}</ul></details>'
        f'{verdict}<p class="soft">{escape(theorem.source)}</p>'
    )


def _proof(record: ProofRecord) -> str:
    rows = [
        f'<div class="leaf">{escape(identity.name)}: an identity of polynomials</div>'
        for identity in record.identities
    ]
    seen: set[int] = set()
    *sums, root = record.proofs
    rows += [_lemma(lemma, _DEPTH, seen) for lemma in (*sums, *_lemmas(root))]
    return "".join(
        [
            *rows,
            _listed("under", record.hypotheses),
            _listed("where", [f"{each.says}; {each.standing}" for each in record.meanings]),
        ]
    )


def _listed(title: str, texts: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"<p>{title}</p><ul>{items}</ul>" if items else ""


def _lemmas(proof: Proof) -> list[Proof]:
    return [premise for premise in direct_premises(proof) if premise.rule in SHOWN_RULES]


def _lemma(proof: Proof, depth: int, seen: set[int]) -> str:
    name = escape(proof.name or "a step")
    below = [] if depth == 1 or id(proof) in seen else _lemmas(proof)
    above = " (above)" if id(proof) in seen else ""
    seen.add(id(proof))
    if not below:
        return f'<div class="leaf">{name}{above}</div>'
    inner = "".join(_lemma(premise, depth - 1, seen) for premise in below)
    return f"<details><summary>{name}</summary>{inner}</details>"


# --- rates -------------------------------------------------------------------------------------


def _rates() -> str:
    a, b, N, d, eps, delta, e = sp.symbols("a b N d eps delta e", positive=True, seq=True)
    run = SGD("0.1", steps=N)
    power_law = Problem(sp.oo, PowerLaw(a), SourceCondition(b))
    table = rates_room.rates(power_law, Quantization(), run)
    finite = Problem(d, PowerLaw(2), Constant(1))
    additive = rates_room.rates(
        finite, Quantization(data=Additive(eps)), run, {d: N**delta, eps: N**-e}
    )
    phases = additive.phases(x=delta, y=e, window=((0, 1), (0, sp.Rational(7, 4))))
    return (
        "<p>Derived from the statement of T4, for eigenvalues i<sup>-a</sup> and signal energy "
        f"i<sup>-b</sup> in infinite dimension, without quantization.</p>{_rate_table(table)}"
        "<p>With additive data errors eps = N<sup>-e</sup> in dimension d = N<sup>delta</sup> "
        "(a = b = 2): which terms dominate, and the exponent of the bound.</p>"
        + _figure("phases", phases.plot().get_figure(), "Phases of additive data quantization")
    )


def _rate_table(table: Rates) -> str:
    rows = []
    for name, rate in table.terms.items():
        for place, regime in enumerate(rate.regimes):
            parts = [_formula(condition) for condition in regime.conditions]
            where = ", ".join([*parts, *([] if regime.occurs else [UNKNOWN])])
            rows.append(
                f'<tr><th class="text" scope="row">{name if place == 0 else ""}</th>'
                f'<td class="text">{_formula(regime.order)}</td><td class="text">{where}</td></tr>'
            )
    head = "".join(f'<th class="text" scope="col">{name}</th>' for name in ("term", "order", "if"))
    given = ", ".join(_formula(condition) for condition in table.premises)
    fixed = ", ".join(_formula(symbol) for symbol in table.fixed)
    return (
        (f"<p>Assumed: {given}.</p>" if given else "")
        + (f"<p>Held fixed: {fixed}.</p>" if fixed else "")
        + _scrolled(head, "".join(rows))
    )


# --- numbers -----------------------------------------------------------------------------------


def _experiments() -> str:
    rows = []
    for each in experiments():
        found = certify_experiment(each)
        rows.append(
            [
                each.scheme,
                each.epsilon,
                str(each.dim),
                str(each.batch),
                f"{found.lower:.5f}",
                f"{found.exact:.5f}",
                f"{found.upper:.5f}",
                "certified" if found.holds else "FAILED",
            ]
        )
    head = ("errors", "eps", "d", "B", "lower bound", "exact risk", "upper bound", "status")
    claims = "".join(
        f'<li>{escape(finding.claim)} <span class="{_VERDICTS.get(finding.verdict, "between")}">'
        f'{finding.verdict}</span><br><span class="soft">{escape(finding.explained)}</span></li>'
        for finding in findings()
    )
    return (
        "<p>The paper's own experiments: eigenvalues i<sup>-2</sup>, target 1, noise 1, stepsize "
        "0.1, 2000 steps, errors on all five targets.</p>"
        f"{_table(head, rows)}<p>Claims of the paper and of its sequel, held against numbers:</p>"
        f"<ul>{claims}</ul>"
    )


def _tightness() -> str:
    return (
        "<p>Bound over exact risk at 200 random instances: power laws, up to 100 coordinates and "
        "10<sup>5</sup> steps, errors up to 0.1.</p>"
        + _figure(
            "ratios", tightness(), "The share of instances at which the ratio is at most this"
        )
    )


def _formats() -> str:
    problem = Problem(50, PowerLaw(2), Constant(1))
    rows = [
        [
            row.name,
            "none" if row.missing else _risk(row.theory),
            "" if row.estimate is None else f"{row.estimate.mean:.5f}",
            "" if row.estimate is None else f"{row.estimate.stderr:.5f}",
            row.verdict,
            "; ".join(row.reasons),
        ]
        for row in compare_formats(problem, SGD("0.1", steps=500), replicates=1000)
    ]
    head = ("format", "theory", "simulated", "std. error", "verdict", "what the run met")
    return (
        "<p>All five targets on a format, each scaled to the largest magnitude of a pilot run "
        "(d = 50, 500 steps): the exact risk of the error model beside 1000 simulated runs of the "
        f"format itself.</p>{_table(head, rows, text=(0, 4, 5))}"
    )


def _risk(value: float) -> str:
    return "unstable" if value == float("inf") else f"{value:.5f}"


def _figures() -> str:
    problem = Problem(200, PowerLaw(2), Constant(1))
    floor = Quantization(data=Additive("0.01"))
    return "".join(
        (
            _figure(
                "spectrum", spectra(problem, floor), "A floor under the spectrum (T6), eps = 0.01"
            ),
            _figure(
                "curve",
                risk(problem, Quantization.uniform(Additive("0.001")), _RUN),
                "The exact risk between its bounds, additive errors of 0.001 on all targets",
            ),
            _figure("bits", break_even(problem, _RUN), "Floating point against integers (T10)"),
        )
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], text: Sequence[int] = (0,)) -> str:
    def cells(row: Sequence[str], tag: str) -> str:
        found = []
        for place, cell in enumerate(row):
            kind = ""
            if place in text:
                kind = ' class="text long"' if len(cell) > _LONG else ' class="text"'
            found.append(f"<{tag}{kind}>{escape(cell)}</{tag.split()[0]}>")
        return "".join(found)

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    kind = "notes" if "text long" in body else "plain"
    return _scrolled(cells(head, 'th scope="col"'), body, kind)


def _scrolled(head: str, body: str, kind: str = "plain") -> str:
    """A table that scrolls by itself where it is wider than the screen."""
    return (
        f'<div class="scroll"><table class="{kind}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _figure(name: str, figure: Any, caption: str) -> str:
    """A matplotlib figure as SVG inside the page, letters as paths, without a date."""
    text = io.StringIO()
    import matplotlib

    # identifiers in the file are hashes of this, not random
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    label = escape(caption)
    return (
        f'<figure role="img" aria-label="{label}">{_own(text.getvalue(), name)}'
        f'<figcaption class="soft">{label}</figcaption></figure>'
    )


def _own(svg: str, name: str) -> str:
    """The drawing without its record of the program, its identifiers marked as this figure's.

    Figures share one page, and every one of them has a figure_1 and an axes_1.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    return re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
