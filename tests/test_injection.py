"""Text from users is never run: an attack on every place that takes an expression or a name."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

import qtheory as qt
from qtheory.cli import app
from qtheory.measure import load_grid
from qtheory.model import parse
from qtheory.numbers.grammar import parse_formula, parse_relation

RUN = "__import__('pathlib').Path({witness!r}).touch()"
#: The same call, dressed so as to get past a reader that looks at the outside only.
DRESSES = (
    "{0}",
    "1 + {0}",
    "{0} <= 1",
    "min(1, {0})",
    "risk <= {0}",
    "i**({0})",
    "[{0}]",
    "{0} or 1",
)

PROBLEM, EXACT, SGD = qt.Problem(dim=3), qt.Quantization(), qt.SGD("0.1", steps=5)
N, d = qt.symbols("N d")
SYMBOLIC = qt.Problem(dim=d), EXACT, qt.SGD("0.1", steps=N)

PLACES = {
    "dim": lambda text: qt.Problem(dim=text),
    "noise": lambda text: qt.Problem(dim=3, noise=text),
    "PowerLaw": lambda text: qt.PowerLaw(text),
    "PowerLaw scale": lambda text: qt.PowerLaw(2, text),
    "Exponential": lambda text: qt.Exponential(text),
    "Logarithmic": lambda text: qt.Logarithmic(text),
    "SpectrumFormula": lambda text: qt.SpectrumFormula(text),
    "SignalFormula": lambda text: qt.SignalFormula(text),
    "Constant": lambda text: qt.Constant(text),
    "SourceCondition": lambda text: qt.SourceCondition(text),
    "Explicit": lambda text: qt.Explicit([text]),
    "Additive": lambda text: qt.Additive(text),
    "Multiplicative": lambda text: qt.Multiplicative(text),
    "coupling": lambda text: qt.Multiplicative(1, coupling=text),
    "stepsize": lambda text: qt.SGD(text, steps=1),
    "batch": lambda text: qt.SGD(1, text, steps=1),
    "steps": lambda text: qt.SGD(1, steps=text),
    "output": lambda text: qt.SGD(1, steps=1, output=text),
    "tail": lambda text: qt.SGD(1, steps=1, output="tail", tail=text),
    "format": lambda text: qt.formats.get(text),
    "format scale": lambda text: qt.formats.get("int8", scale=text),
    "rounding": lambda text: qt.formats.Rounding(qt.formats.get("int8"), text),
    "error_model scale": lambda text: qt.formats.get("int8").error_model(scale=text),
    "bias": lambda text: qt.formats.get("int8").bias(text),
    "risk_curve": lambda text: qt.risk_curve(PROBLEM, EXACT, SGD, [text]),
    "form": lambda text: qt.upper_bound(PROBLEM, EXACT, SGD, form=text),
    "prove": lambda text: qt.prove(text),
    "rates regime": lambda text: qt.rates(*SYMBOLIC, regime={"d": text}),
    "rates regime name": lambda text: qt.rates(*SYMBOLIC, regime={text: N}),
    "rates assumptions": lambda text: qt.rates(*SYMBOLIC, assumptions=[text]),
    "asymptotic_sum": lambda text: qt.asymptotic_sum(text, "i", 1, qt.oo),
    "asymptotic_sum index": lambda text: qt.asymptotic_sum("i**-2", text, 1, qt.oo),
    "asymptotic_sum end": lambda text: qt.asymptotic_sum("i**-2", "i", 1, text),
    "asymptotic_sum assumptions": lambda text: qt.asymptotic_sum("i**-a", "i", 1, "n", [text]),
    "compare_orders": lambda text: qt.compare_orders(text, "N"),
    "compare_orders assumptions": lambda text: qt.compare_orders("N", "d", [text]),
    "falsify": lambda text: qt.falsify(text, max_examples=2),
    "falsify theorem": lambda text: qt.falsify("risk >= floor", theorem=text),
    "break_even bits": lambda text: qt.break_even(PROBLEM, SGD, bits=text),
    "compare_formats": lambda text: qt.compare_formats(PROBLEM, SGD, [text]),
    "compare_formats targets": lambda text: qt.compare_formats(PROBLEM, SGD, ["int8"], [text]),
    **{f"grid {axis}": lambda text, axis=axis: qt.Grid({axis: text}) for axis in qt.Grid({}).axes},
    "grid file": load_grid,
    "shorthand spectrum": lambda text: parse.parse_spectrum(f"formula:{text}"),
    "shorthand target": lambda text: parse.parse_target(f"signal:{text}"),
    "shorthand quantizer": lambda text: parse.parse_quantizer(f"additive:{text}"),
    "shorthand format": lambda text: parse.parse_quantizer(f"format:{text}"),
    "shorthand bits": lambda text: parse.parse_quantizer(f"fp:{text}"),
    "shorthand symbols": parse.with_symbols,
    "grammar formula": lambda text: parse_formula(text, {}, "formula"),
    "grammar relation": lambda text: parse_relation(text, {}, "relation"),
}

OPTIONS = {
    "risk": ("--dim", "--spectrum", "--target", "--noise", "--quantize", "--stepsize", "--batch",
             "--steps", "--output", "--digits"),
    "rates": ("--dim", "--spectrum", "--target", "--noise", "--quantize", "--stepsize", "--batch",
              "--steps", "--regime", "--assume", "--compare"),
    "simulate": ("--dim", "--spectrum", "--target", "--quantize", "--steps", "--replicates",
                 "--relative-error", "--data", "--labels"),
    "formats": ("", "--dim"),
    "prove": ("",),
    "falsify": ("", "--theorem"),
    "sweep": ("",),
}  # fmt: skip
EXTRA = {"sweep": ["--out", "results.sqlite"], "formats": ["--simulate"]}
COMMANDS = [(command, option) for command, options in OPTIONS.items() for option in options]


@pytest.fixture
def attacks(tmp_path):
    """The attacks, and the file that one that is run leaves behind."""
    witness = tmp_path / "witness"
    run = RUN.format(witness=str(witness))
    yield [dress.format(run) for dress in DRESSES]
    assert not witness.exists()


@pytest.mark.parametrize("place", PLACES)
def test_a_place_in_the_library_runs_nothing(place, attacks):
    for text in attacks:
        with pytest.raises(qt.QTheoryError):
            PLACES[place](text)


@pytest.mark.parametrize(("command", "option"), COMMANDS)
def test_an_option_runs_nothing(command, option, attacks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for text in (attacks[0], f"formula:{attacks[0]}", f"all=additive:{attacks[0]}"):
        given = [option, text] if option else [text]
        extra = EXTRA.get(command, [])
        result = CliRunner().invoke(app, [command, *given, *extra])
        assert result.exit_code == 2
        assert result.exception is None or isinstance(result.exception, SystemExit)


def test_the_attack_works_where_text_is_run(tmp_path):
    witness = tmp_path / "witness"
    eval(RUN.format(witness=str(witness)))
    assert witness.exists()
    assert Path(witness).read_text() == ""
