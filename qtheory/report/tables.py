"""Tables for the terminal, made to be read at 80 columns."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from qtheory.checks import CheckResult, Finding, Ledger
from qtheory.model import Problem
from qtheory.numbers.display import shown
from qtheory.risk import Risk
from qtheory.theory import Bound

__all__ = ["ledger_view", "plain_table", "problem_view", "risk_view"]

_STYLES = {"passed": "green", "failed": "bold red", "unknown": "yellow"}
_VERDICTS = {
    "supported": "green",
    "not supported": "bold red",
    "about the bound only": "bold yellow",
    "open": "yellow",
}


def ledger_view(ledger: Ledger) -> RenderableType:
    """The whole result of ``qtheory verify``."""
    return Group(
        _instances(ledger),
        _others(ledger, "proof", "Proofs, replayed by the kernel"),
        _others(ledger, "rate", "Rates: the derived order of the bound against the exact risk"),
        _others(ledger, "constant", "Sharp constants (T9) against the exact risk"),
        _others(ledger, "simulation", "Monte-Carlo runs of the real update (d = 200)"),
        _failures(ledger),
        _findings(ledger.findings),
        _summary(ledger),
    )


def plain_table(title: str) -> Table:
    """A table without vertical lines, its title on the left."""
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )


def _status(check: CheckResult) -> Text:
    return Text(check.status, style=_STYLES[check.status])


def _instances(ledger: Ledger) -> RenderableType:
    table = plain_table(
        "Certified: lower <= exact <= upper, and T1 as an identity to 30 digits\n"
        "(lambda_i = i^-2, w* = 1, sigma^2 = 1, gamma = 0.1; errors on all five targets)"
    )
    for name in ("errors", "eps"):
        table.add_column(name)
    for name in ("d", "B", "lower", "exact", "upper", "up/ex", "ex/low", "T1"):
        table.add_column(name, justify="right")
    table.add_column("")
    identities = {check.id.removeprefix("T1/"): check for check in ledger.checks}
    for check in ledger.checks:
        if not check.id.startswith("bounds/"):
            continue
        experiment = check.id.removeprefix("bounds/")
        scheme, eps, dim, batch = experiment.split("/")
        numbers = [part.split("=")[1] for part in (eps, dim, batch)]
        identity = identities.get(experiment, check)
        v = check.values
        columns = (
            [f"{v[k]:.5f}" for k in ("lower", "exact", "upper")]
            + [f"{v['upper'] / v['exact']:.2f}", f"{v['exact'] / v['lower']:.2f}"]
            if v
            else ["-"] * 5
        )
        digits = f"{identity.values['digits']:.0f}" if "digits" in identity.values else "-"
        both = identity if check.status == "passed" else check
        table.add_row(scheme, *numbers, *columns, digits, _mark(both))
    note = Text(
        "up/ex, ex/low: distance of the bounds from the exact risk; 1 is tight.\n"
        "T1: digits to which both sides of the decomposition agree.\n"
        "shared: multiplicative errors with one factor per vector, as in the paper.",
        style="dim",
    )
    return Group(table, note, Text(""))


def _mark(check: CheckResult) -> Text:
    return Text(
        {"passed": "ok", "failed": "FAIL", "unknown": "?"}[check.status],
        style=_STYLES[check.status],
    )


def _others(ledger: Ledger, group: str, title: str) -> RenderableType:
    table = plain_table(title)
    table.add_column("check")
    table.add_column("result")
    table.add_column("")
    for check in ledger.checks:
        first, _, rest = check.id.partition("/")
        if first == group:
            table.add_row(rest, check.detail, _mark(check))
    return Group(table, Text(""))


def _failures(ledger: Ledger) -> RenderableType:
    lines = [
        Text(f"{check.status.upper()} {check.id}: {check.detail}", style=_STYLES[check.status])
        for status in ("unknown", "failed")
        for check in ledger.checks
        if check.status == status
    ]
    return Group(*lines)


def _findings(found: tuple[Finding, ...]) -> RenderableType:
    parts: list[RenderableType] = [Text("The paper's claims beside the exact numbers", "bold")]
    for finding in found:
        claim = Text(finding.claim + " ")
        claim.append(finding.verdict, style=_VERDICTS[finding.verdict])
        entry = Table.grid(padding=(0, 1, 0, 0))
        entry.add_row("*", claim)
        entry.add_row("", Text(finding.explained, style="dim"))
        parts.append(entry)
    return Group(*parts, Text(""))


def _summary(ledger: Ledger) -> RenderableType:
    passed, failed = ledger.count("passed"), ledger.count("failed")
    unknown = ledger.count("unknown")
    style = "bold red" if failed else "bold yellow" if unknown else "bold green"
    rest = f", {unknown} unknown" if unknown else ""
    return Text(f"{passed} checks passed, {failed} failed{rest}", style=style)


def problem_view(problem: Problem) -> RenderableType:
    """What is assumed of a problem that was made from data."""
    return Group(*(Text(f"- {line}") for line in problem.assumptions))


def risk_view(risk: Risk, parts: dict[str, Any], bounds: dict[str, Bound | str]) -> RenderableType:
    """The exact risk, its parts, and the bounds beside it (or why there is none)."""
    table = plain_table("Exact excess risk")
    table.add_column("part")
    table.add_column("value", justify="right")
    names = {"bias": "bias (no noise, no quantization)", "variance": "variance (label noise)"}
    exact = {target for target, quantizer in risk.run.quantization.items() if quantizer.is_exact}
    for part, value in parts.items():
        if part not in exact and not isinstance(value, str):
            name = names.get(part, f"added by {part} quantization")
            table.add_row(name, shown(value, risk.digits))
    table.add_section()
    table.add_row(Text("total", "bold"), Text(shown(risk.total, risk.digits), "bold"))
    if risk.saturation != 0:
        table.add_row("signal bias by overflow", shown(risk.saturation, risk.digits))
    for name, bound in bounds.items():
        if not isinstance(bound, str):
            table.add_row(f"{name} ({bound.form})", shown(bound.total, risk.digits))
    missing = {"parts": parts["bias"], **bounds}
    notes = [Text(f"{name}: {why}", "dim") for name, why in missing.items() if isinstance(why, str)]
    return Group(table, *notes)
