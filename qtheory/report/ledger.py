"""What ``qtheory verify`` prints: the theory first, then the package's check of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from qtheory.checks import CheckResult, Finding, Ledger
from qtheory.checks.check import ROOMS
from qtheory.paper.experiments import STEPS

_STYLES = {"passed": "green", "failed": "bold red", "unknown": "yellow"}
_MARKS = {"passed": "ok", "failed": "FAIL", "unknown": "?"}
_VERDICTS = {
    "supported": "green",
    "not supported": "bold red",
    "about the bound only": "bold yellow",
    "open": "yellow",
}

Checks = Sequence[CheckResult]


def ledger_view(ledger: Ledger, everything: bool = False) -> RenderableType:
    """The result of ``qtheory verify``; with ``everything`` each check by its name.

    Without, some are shown as a count. What failed or is unknown is always shown in full.
    """
    rooms: dict[tuple[str, str], list[CheckResult]] = {}
    for check in ledger.checks:
        rooms.setdefault((check.part, check.room), []).append(check)
    parts: list[RenderableType] = []
    for (part, room), checks in rooms.items():
        if part == "theory":
            views = _BY_NAME if everything else _AT_A_GLANCE
            parts.append(views.get(room, _listed)(checks))
    if ledger.findings:
        parts.append(_claims(ledger.findings, everything))
    of_package = {room: checks for (part, room), checks in rooms.items() if part == "package"}
    if of_package:
        parts.append(_package(of_package, everything))
    parts += [_problem(check) for check in ledger.checks if check.status != "passed"]
    return Group(*parts, _summary(ledger, everything))


# --- the theory --------------------------------------------------------------------------------


def _bounds(checks: Checks, everything: bool = False) -> RenderableType:
    """A row for each experiment; those of a larger batch as one line."""
    identities = {_experiment(c): c for c in checks if c.kind == "identity" and _experiment(c)}
    rows = [check for check in checks if check.kind == "instance"]
    shown = rows if everything else [check for check in rows if _is_shown(check)]
    table = _table()
    for name in ("errors", "eps"):
        table.add_column(name)
    for name in ("d", "B", "lower", "exact", "upper", "up/ex", "ex/low", "T1"):
        table.add_column(name, justify="right")
    table.add_column("")
    for check in shown:
        _add_experiment(table, check, identities.get(_experiment(check), check))
    rest = [check for check in rows if check not in shown]
    lines = []
    if rest:
        passed = _passed([*rest, *(identities.get(_experiment(c), c) for c in rest)])
        lines.append(f"{_others(rest)}: {passed}; {_tightness(rest)}.")
    alone = [check for check in checks if not _experiment(check)]
    lines += [f"{check.id}: {check.detail}." for check in alone if check.status == "passed"]
    lines.append("up/ex, ex/low: how far the bounds are from the exact risk; 1 is tight.")
    return Group(_BOUNDS, table, Text("\n".join(lines), style="dim"), Text(""))


_BOUNDS = Text.assemble(
    ("lower <= exact risk <= upper, certified, and T1 as an identity to 30 digits\n", "bold"),
    ("lambda_i = i^-2, w* = 1, sigma^2 = 1, gamma = 0.1, N = 2000; errors everywhere", "dim"),
)


def _is_shown(check: CheckResult) -> bool:
    """One row for each experiment of the paper: one sample a step, its number of steps."""
    return check.values.get("batch", 1) == 1 and check.values.get("steps", STEPS) == STEPS


def _others(checks: Checks) -> str:
    """How many there are, for which larger batches and longer runs."""
    batches = {check.values.get("batch", 1) for check in checks} - {1}
    steps = {check.values.get("steps", STEPS) for check in checks} - {STEPS}
    for_batches = [f"B = {', '.join(map(str, sorted(batches)))}"] if batches else []
    for_steps = [f"N to {max(steps):.0e}"] if steps else []
    return f"{len(checks)} more for {' and '.join(for_batches + for_steps)}"


def _table() -> Table:
    """Columns under their names, and nothing around them."""
    return Table(box=box.SIMPLE_HEAD, show_edge=False, header_style="bold", padding=(0, 1, 0, 0))


def _experiment(check: CheckResult) -> tuple[object, ...]:
    """What tells experiments apart, if the check is of one."""
    names = ("scheme", "epsilon", "dim", "batch", "steps")
    return tuple(check.values[name] for name in names if name in check.values)


def _add_experiment(table: Table, check: CheckResult, identity: CheckResult) -> None:
    v = check.values
    columns = ["-"] * 5
    if "exact" in v:
        columns = [f"{v[name]:.5f}" for name in ("lower", "exact", "upper")]
        columns += [f"{v['upper'] / v['exact']:.2f}", f"{v['exact'] / v['lower']:.2f}"]
    what = [str(v.get(name, "-")) for name in ("scheme", "epsilon", "dim", "batch")]
    digits = f"{identity.values['digits']:.0f}" if "digits" in identity.values else "-"
    both = identity if check.status == "passed" else check
    if not _experiment(check):
        what[0] = check.id
    table.add_row(*what, *columns, digits, _mark(both))


def _tightness(checks: Checks) -> str:
    known = [check.values for check in checks if "exact" in check.values]
    if not known:
        return "no numbers"
    above = max(v["upper"] / v["exact"] for v in known)
    below = max(v["exact"] / v["lower"] for v in known)
    return f"up/ex at most {above:.2f}, ex/low {below:.2f}"


def _rates(checks: Checks) -> RenderableType:
    table = _table()
    for name in ("rate", "order"):
        table.add_column(name, no_wrap=True)
    for name in ("derived", "measured", "N to"):
        table.add_column(name, justify="right")
    table.add_column("")
    for check in checks:
        v = check.values
        if "order" not in v:
            table.add_row(check.id, "-", "-", "-", "-", _mark(check))
            continue
        numbers = f"{v['predicted']:.4f}", f"{v['measured']:.4f}", f"{v['steps']:.0e}"
        table.add_row(v["case"], v["order"], *numbers, _mark(check))
    title = Text("Rates: the derived order of the bound, and the slope of the exact risk", "bold")
    note = Text("step by step: by the recursion itself in mpmath, 30 digits, d = 100.", "dim")
    return Group(title, table, note, Text(""))


def _constants(checks: Checks) -> RenderableType:
    worst = max((abs(c.values["ratio"] - 1) for c in checks if "ratio" in c.values), default=None)
    found = "" if worst is None else f": ratio to the exact risk 1 within {worst:.0e}"
    return _line("Sharp constants (T9)", f"{_passed(checks)}{found}")


def _proofs(checks: Checks) -> RenderableType:
    known = [check.values for check in checks if "label" in check.values]
    names = "; ".join(v["label"] for v in known)
    lemmas = sum(v["lemmas"] for v in known)
    return _line("Proofs", f"{_passed(checks)}, {lemmas} lemmas: {names}")


def _simulation(checks: Checks) -> RenderableType:
    known = [check.values["distance"] for check in checks if "distance" in check.values]
    found = ""
    if known:
        found = f": mean within {max(map(abs, known)):.1f} standard errors of the risk"
    return _line("Simulation", f"{_passed(checks)}{found}")


def _line(name: str, text: str) -> RenderableType:
    """A name in bold, and what is said of it beside it."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=_NAME)
    grid.add_column()
    grid.add_row(Text(name, "bold"), Text(text))
    return grid


_NAME = 20


def _claims(found: Sequence[Finding], everything: bool) -> RenderableType:
    parts: list[RenderableType] = [Text("\nThe paper's claims beside the exact numbers", "bold")]
    for finding in found:
        claim = Text(finding.claim + " ")
        claim.append(finding.verdict, style=_VERDICTS[finding.verdict])
        entry = Table.grid(padding=(0, 1, 0, 0))
        entry.add_row("*", claim)
        explained = finding.explained if everything else finding.summary
        entry.add_row("", Text(explained, style="dim"))
        parts.append(entry)
    return Group(*parts, Text(""))


# --- the package -------------------------------------------------------------------------------


def _package(rooms: Mapping[str, Checks], everything: bool) -> RenderableType:
    title = Text("The package's check of itself", "bold")
    if everything:
        return Group(title, Text(""), *(_listed(checks) for checks in rooms.values()))
    grid = Table.grid(padding=(0, 2, 0, 0))
    for room, checks in rooms.items():
        about = ROOMS["package"].get(room, "")
        grid.add_row(room, _passed(checks), Text(about, style="dim"))
    return Group(title, grid, Text(""))


def _listed(checks: Checks) -> RenderableType:
    """Every check by its name."""
    table = _table()
    table.add_column(checks[0].room)
    table.add_column("result")
    table.add_column("")
    for check in checks:
        table.add_row(check.id, check.detail, _mark(check))
    return Group(table, Text(""))


_View = Callable[[Checks], RenderableType]
_AT_A_GLANCE: Mapping[str, _View] = {
    "bounds": _bounds,
    "rates": _rates,
    "constants": _constants,
    "proofs": _proofs,
    "simulation": _simulation,
}
_BY_NAME: Mapping[str, _View] = {
    "bounds": lambda checks: _bounds(checks, everything=True),
    "rates": _rates,
}


# --- what is common to both --------------------------------------------------------------------


def _passed(checks: Checks) -> str:
    """How many there are, or how many of them passed."""
    passed = sum(check.status == "passed" for check in checks)
    return f"{passed} of {len(checks)} passed"


def _mark(check: CheckResult) -> Text:
    return Text(_MARKS[check.status], style=_STYLES[check.status])


def _problem(check: CheckResult) -> Text:
    return Text(f"{check.status.upper()} {check.id}: {check.detail}", _STYLES[check.status])


def _summary(ledger: Ledger, everything: bool) -> RenderableType:
    passed, failed = ledger.count("passed"), ledger.count("failed")
    unknown = ledger.count("unknown")
    style = "bold red" if failed else "bold yellow" if unknown else "bold green"
    rest = f", {unknown} unknown" if unknown else ""
    found = Text(f"{passed} checks passed, {failed} failed{rest}", style)
    return found if everything else Group(found, Text("--all names each of them", "dim"))
