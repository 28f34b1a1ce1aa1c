"""Number formats, and theory beside simulation, as tables for the terminal."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from qtheory.measure import Comparison
from qtheory.model.block_format import BlockFormat
from qtheory.model.error_models import ErrorModel
from qtheory.model.number_format import NumberFormat
from qtheory.report.tables import plain_table, problem_view

_STYLES = {"agree": "green", "differ": "bold yellow", "unknown": "dim"}


def formats_view(formats: Sequence[NumberFormat]) -> RenderableType:
    """One line per format."""
    table = plain_table("Number formats at scale 1, rounded stochastically")
    for name in ("format", "bits", "step", "normal", "largest", "eps", "worst"):
        table.add_column(name, justify="left" if name == "format" else "right")
    table.add_column("model", no_wrap=True)
    for each in formats:
        if isinstance(each, BlockFormat):
            continue
        grid, estimate = each.grid, each.error_estimate()
        floating = grid.mantissa_bits is not None
        table.add_row(
            each.name,
            str(each.bits),
            f"{grid.least_step:.2g}",
            f"{grid.smallest_normal:.2g}" if floating else "",
            f"{float(each.largest):.4g}",
            f"{_epsilon(estimate.model):.3g}",
            f"{_epsilon(estimate.worst):.3g}",
            "multiplicative" if floating else "additive",
        )
    note = Text(
        "multiplicative: E[e^2|u] = eps u^2, elementwise, for normal numbers, averaged\n"
        "over log |u| uniform in a binade. additive: E[e^2|u] = eps, averaged over the\n"
        "position in a step; times scale^2. worst: what no u exceeds.\n"
        "How a model was derived: qtheory formats NAME. How good it is: --simulate.",
        style="dim",
    )
    blocks = [each for each in formats if isinstance(each, BlockFormat)]
    parts: list[RenderableType] = [table, note] if len(blocks) < len(formats) else []
    return Group(*parts, *([_blocks_view(blocks)] if blocks else []))


def _blocks_view(blocks: Sequence[BlockFormat]) -> RenderableType:
    """One line per block format."""
    table = plain_table("Block formats: numbers that share a scale, of 8 bits")
    for name in ("format", "bits", "numbers", "scale", "largest element", "elements"):
        left = name in ("format", "scale", "elements")
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    for each in blocks:
        table.add_row(
            each.name,
            f"{float(each.bits_per_number):g}",
            str(each.block),
            "E8M0" if each.scales is None else "E4M3, tensor",
            f"{each.grid.largest:.4g}",
            each.element.name,
        )
    note = Text(
        "bits: of an element and its part of the scale. The largest number of a block may\n"
        "saturate: the rounding is biased and has no error model.",
        style="dim",
    )
    return Group(table, note)


def format_view(number_format: NumberFormat) -> RenderableType:
    """One format: its range, its error model and how that was derived."""
    if isinstance(number_format, BlockFormat):
        return _block_view(number_format)
    estimate = number_format.error_estimate()
    lines = [
        ("bits", str(number_format.bits)),
        ("largest value", str(number_format.largest)),
        ("error model", f"{estimate.model}  (eps = {_epsilon(estimate.model):.6g})"),
        ("never more than", f"{estimate.worst}  (eps = {_epsilon(estimate.worst):.6g})"),
        ("exact", estimate.exact),
        ("averaged over", estimate.averaged),
        ("for |u| from, to", f"{estimate.valid[0]}, {estimate.valid[1]}"),
    ]
    return _described(number_format, lines)


def _block_view(block_format: BlockFormat) -> RenderableType:
    shared = block_format.scales
    scales = "E8M0, a power of two" if shared is None else f"{shared.name}, and one of the tensor"
    width = f"{float(block_format.bits_per_number):g}"
    lines = [
        ("bits", f"{width}: {block_format.bits} of the element, and 8 of the scale of a block"),
        ("elements", f"{block_format.element.name}, up to {block_format.element.largest}"),
        ("block", f"{block_format.block} numbers along the coordinates"),
        ("scale", scales),
        ("error model", "none: the largest number of a block may saturate, which is a bias"),
    ]
    return _described(block_format, lines)


def _described(number_format: NumberFormat, lines: list[tuple[str, str]]) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, value in lines:
        table.add_row(name, Text("\n".join(textwrap.wrap(value, 60))))
    return Group(Text(repr(number_format), style="bold"), table)


def comparisons_view(found: Sequence[Comparison]) -> RenderableType:
    """One line per format, with what may make its error model fail."""
    table = plain_table("The exact risk of the error model beside the simulated risk of the format")
    table.add_column("format")
    for name in ("theory", "sampled", "differ", "s.e."):
        table.add_column(name, justify="right")
    table.add_column("")
    for name in ("beyond", "below", "stagnant"):
        table.add_column(name, justify="right", style="dim")
    for each in found:
        met = each.ranges
        table.add_row(
            each.name,
            _shown(each.theory),
            "" if each.estimate is None else _shown(each.estimate.mean),
            f"{each.difference:+.1%}" if math.isfinite(each.theory) else "",
            f"{each.distance:+.1f}" if math.isfinite(each.theory) else "",
            Text(each.verdict, style=_STYLES[each.verdict]),
            _percent(max(met.beyond.values(), default=0)),
            _percent(max(met.below.values(), default=0)),
            _percent(met.stagnant),
        )
    note = Text(
        "They differ from 5 standard errors (s.e.) on; all formats see the same random\n"
        "data. The theory is exact for the error model, not for the format.\n"
        "beyond, below: values past the largest one, or below the smallest normal number\n"
        "or half a constant step, at the target that has most. stagnant: updates of a\n"
        "coordinate below half a step of the parameters.",
        style="dim",
    )
    return Group(table, note)


def _percent(part: float) -> str:
    return f"{part:.0%}" if part >= 0.005 else "-"


def comparison_view(found: Comparison) -> RenderableType:
    """One run."""
    estimate = found.estimate
    lines = []
    if estimate is not None:
        lines.append(
            f"simulated  {estimate.mean:.6g} +- {estimate.stderr:.2g}   "
            f"({estimate.replicates} runs, seed {estimate.seed})"
        )
    lines += [
        "exact      none" if found.missing else f"exact      {found.theory:.6g}",
    ]
    if math.isfinite(found.distance) and math.isfinite(found.theory):
        lines.append(
            f"           they differ by {found.difference:+.2%}, "
            f"{found.distance:+.1f} standard errors"
        )
    views: list[RenderableType] = [Text(line) for line in lines]
    if found.problem.assumptions:
        views.append(Text("The exact value is that of a Gaussian model:", style="dim"))
        views.append(problem_view(found.problem))
    if found.verdict != "agree" or found.quantization.biased:
        views += [Text(f"note: {reason}", style="yellow") for reason in found.reasons]
    return Group(*views)


def _epsilon(model: ErrorModel) -> float:
    return float(model.additive if model.elementwise == 0 else model.elementwise)


def _shown(value: float) -> str:
    if math.isnan(value):
        return "none"
    return "unstable" if math.isinf(value) else f"{value:.5g}"
