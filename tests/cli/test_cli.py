"""The command line: output, JSON, exit status, and errors without tracebacks."""

import json
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
import z3
from typer.testing import CliRunner

import qtheory as qt
from qtheory.checks import CheckResult, Ledger
from qtheory.cli import app

FAST = ["--dim", "8", "--steps", "60"]


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 3))
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", X @ [1.0, 2.0, 3.0] + rng.standard_normal(50))
    return tmp_path / "X.npy", tmp_path / "y.npy"


def test_risk_prints_the_reference_total():
    result = invoke("risk", *FAST, "--digits", 12)
    assert result.exit_code == 0
    assert "0.160463542794" in result.stdout


def test_risk_as_json_for_every_option():
    result = invoke(
        "risk", *FAST, "--batch", 4, "--quantize", "activation=additive:0.2+multiplicative:0.3",
        "--json", "-",
    )  # fmt: skip
    record = json.loads(result.stdout)
    assert f"{record['total']:.12f}" == "0.150116400484"
    parts = record["bias"] + record["variance"] + sum(record["by_target"].values())
    assert parts == pytest.approx(record["total"], rel=1e-12)
    assert record["bounds"]["lower bound"] < record["total"] < record["bounds"]["upper bound"]


def test_risk_in_infinite_dimension():
    endless = ["risk", "--dim", "oo", "--spectrum", "exponential:1", "--steps", 50, "--json", "-"]
    record = json.loads(invoke(*endless).stdout)
    assert record["bounds"]["lower bound"] < record["total"] < record["bounds"]["upper bound"]


def test_risk_with_a_number_format():
    result = invoke("risk", *FAST, "--quantize", "data=format:int4:1/8", "--json", "-")
    record = json.loads(result.stdout)
    assert record["saturation"] > 0
    assert "number format int4" in record["bounds"]["upper bound"].replace("\n", " ")


def test_risk_of_a_real_table_says_what_is_assumed(table):
    data, labels = table
    result = invoke("risk", "--data", data, "--labels", labels, "--steps", 100)
    assert result.exit_code == 0
    assert "Gaussian" in result.stdout
    assert "50 rows and 3 columns" in result.stdout


def test_simulate():
    result = invoke("simulate", *FAST, "--replicates", 500, "--json", "-")
    record = json.loads(result.stdout)
    assert abs(record["mean"] - record["exact"]) < 4 * record["stderr"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["risk", "--dim", "0"], "dim is '0'"),
        (["risk", "--dim", "2.5"], "dim is '2.5'"),
        (["risk", "--noise", "-1"], "noise is '-1'"),
        (["risk", "--noise", "nan"], "noise is 'nan'"),
        (["risk", "--batch", "0"], "batch is '0'"),
        (["risk", "--steps", "0"], "steps is '0'"),
        (["risk", *FAST, "--stepsize", "3"], "largest stable stepsize is"),
        (["risk", "--spectrum", "power"], "spectrum is 'power'"),
        (["risk", "--spectrum", "power-law:1,2,3"], "spectrum is"),
        (["risk", "--quantize", "data=additive:-1"], "epsilon is '-1'"),
        (["risk", "--quantize", "weights=additive:1"], "quantize is"),
        (["risk", "--quantize", "data=__import__('os')"], "quantize is"),
        (["risk", "--data", "nowhere.npy", "--labels", "nowhere.npy"], "nowhere.npy is not"),
        (["risk", "--data", "nowhere.npy"], "labels is None"),
        (["risk", *FAST, "--json", "/nowhere/at/all.json"], "json is"),
        (["simulate", *FAST, "--replicates", "1"], "replicates is 1"),
        (["verify", "--workers", "0"], "workers is 0"),
        (["verify", "--only", "rate"], "only is 'rate', but must be one of bounds, rates, "),
    ],
)
def test_a_wrong_argument_is_one_line_and_status_2(arguments, message):
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_mismatched_tables_name_the_files(table):
    data, labels = table
    np.save(labels, np.ones(7))
    result = invoke("risk", "--data", data, "--labels", labels)
    assert result.exit_code == 2
    assert "X.npy" in result.stderr
    assert "y has shape (7,)" in result.stderr


@pytest.mark.parametrize("status", ["passed", "failed"])
def test_verify_exits_1_only_if_a_check_failed(monkeypatch, tmp_path, status):
    check = CheckResult("T1/x", "identity", status, "a detail", 0.1)
    ledger = Ledger((check,), ())
    monkeypatch.setattr("qtheory.cli.verify.run_verification", lambda **options: ledger)
    out = tmp_path / "ledger.json"
    result = invoke("verify", "--json", out)
    assert result.exit_code == (status == "failed")
    record = json.loads(out.read_text())
    assert record[status] == 1
    assert record["checks"][0].keys() >= {"id", "kind", "status", "detail", "seconds"}
    if status == "failed":
        assert "FAILED T1/x: a detail" in result.stdout


def test_verify_runs_only_what_is_asked_for(tmp_path):
    out = tmp_path / "ledger.json"
    result = invoke("verify", "--only", "inputs", "--all", "--json", out)
    assert result.exit_code == 0
    checks = json.loads(out.read_text())["checks"]
    assert {(check["part"], check["room"]) for check in checks} == {("package", "inputs")}
    for check in checks:
        assert check["id"] in result.stdout


def test_version_and_help():
    assert qt.__version__ in invoke("--version").stdout
    for command in ("verify", "risk", "simulate"):
        assert "Example" in invoke(command, "--help").stdout


def test_prove_prints_the_lemmas_and_what_they_rest_on():
    result = invoke("prove", "spectral_floor")
    assert result.exit_code == 0
    assert "directions below the level look alike" in result.stdout
    assert "lambda[i] > 0" in result.stdout
    assert "No axioms" in result.stdout


def test_prove_says_what_the_symbols_stand_for_and_where_the_statement_is_from(tmp_path):
    out = tmp_path / "proof.json"
    result = invoke("prove", "decomposition", "--json", out)
    shown = " ".join(result.stdout.split())
    assert "in T1, m_i and v_i are E w_i and E w_i^2 of a random w: any two sequences" in shown
    (proof,) = json.loads(out.read_text())["proofs"]
    assert proof["statement_in"] == "qtheory.theorems"
    assert [meaning["tie"] for meaning in proof["meanings"]] == [[]]
    assert proof["identities"] == []


def test_prove_as_json_with_an_audit():
    result = invoke("prove", "feedback_limit", "--audit", "--json", "-")
    assert result.exit_code == 0
    record = json.loads(result.stdout)
    (proof,) = record["proofs"]
    assert proof["checked"]
    assert proof["hypotheses"] == []
    # every question, those of the corollaries included, and no disagreement
    assert proof["audit"]["agrees"] >= proof["questions"]
    assert record["refused"] == {}


def test_prove_says_what_was_refused(monkeypatch):
    from qtheory.theory import theorems
    from qtheory.theory.formal import stating

    true = theorems["spectral_shape"]
    false = replace(true, statement=sp.Eq(true.statement.lhs, 2 * true.statement.rhs))
    with stating(false):
        result = invoke("prove", "spectral_shape", "--json", "-")
    assert result.exit_code == 1
    assert "does not follow" in json.loads(result.stdout)["refused"]["spectral_shape"]


def test_prove_names_what_is_unknown_and_does_not_fail(monkeypatch):
    from qtheory.proof.certificates import CertificateFile

    monkeypatch.setattr(CertificateFile, "find", lambda *asked: None)  # as if there were none
    monkeypatch.setattr(z3.Solver, "check", lambda solver, *assumptions: z3.unknown)
    result = invoke("prove", "spectral_shape")
    assert result.exit_code == 0
    assert "unknown" in result.stdout
    assert "not decided by z3 within" in " ".join(result.stdout.split())
    record = json.loads(invoke("prove", "spectral_shape", "--json", "-").stdout)
    assert record["unknown"].keys() == {"spectral_shape"}
    assert (record["proved"], record["refused"]) == (0, {})


def test_prove_names_the_leaves_that_rest_on_a_solver(monkeypatch):
    certified = " ".join(invoke("prove", "spectral_shape").stdout.split())
    assert "solver-trusted" not in certified
    from qtheory.proof.certificates import CertificateFile

    monkeypatch.setattr(CertificateFile, "find", lambda *asked: None)  # as if there were none
    trusted = " ".join(invoke("prove", "spectral_shape").stdout.split())
    assert "spectral_shape: 2 leaves, 2 solver-trusted: T6, multiplicative" in trusted
    record = json.loads(invoke("prove", "spectral_shape", "--json", "-").stdout)["proofs"][0]
    assert (record["questions"], record["certificates"]) == (2, 0)
    assert record["checked"]


@pytest.mark.parametrize("option", [["--audit"], ["--depth", 2], ["--json", "-"]])
def test_a_file_of_lemmas_takes_no_option_of_theorems(tmp_path, option):
    file = tmp_path / "lemmas.py"
    file.write_text(
        "from qtheory.proof.kernel import lemma, variable as v\nsure = lemma(v('x') >= v('x'))\n"
    )
    assert invoke("prove", file).exit_code == 0
    result = invoke("prove", file, *option)
    assert result.exit_code == 2
    assert f"{option[0]} is" in result.stderr


def test_prove_names_the_theorems_there_are():
    result = invoke("prove", "nothing")
    assert result.exit_code == 2
    assert "refined_upper_bound" in result.stderr


def test_a_second_solver_that_disagrees_fails_the_audit(monkeypatch):
    from qtheory.proof import audit

    monkeypatch.setattr(audit.SecondSolver, "opinion", lambda self, leaf: "disagrees")
    assert invoke("prove", "feedback_limit", "--audit").exit_code == 1


def test_rates_are_derived_from_text():
    result = invoke("rates")
    assert result.exit_code == 0
    assert "N**(-1 + 1/a)" in result.stdout
    assert "b = 2*a + 1" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_what_the_rates_hold_fixed_and_assume_is_printed():
    result = invoke("rates", "--dim", "d", "--regime", "d=N**2", "--assume", "a > 0")
    assert result.exit_code == 0
    assert "assuming d = N**2, " in result.stdout
    assert "for fixed a, b" in result.stdout


def test_every_regime_is_printed_when_asked_for():
    result = invoke("rates", "--regimes")
    assert "b = 2*a + 1: bias * log(N)" in result.stdout
    assert "Held fixed: a, b" in result.stdout
    assert "log(N)/N**2" in result.stdout


def test_rates_in_a_sketch():
    square = ["rates", "--spectrum", "power-law:2", "--target", "source:2", "--size", "M"]
    result = invoke(*square, "--quantize", "data=additive:eps")
    assert result.exit_code == 0
    assert "in a random sketch of M features: equivalent (asymptotically)" in result.stdout
    assert "M_eff = min(M, 1/sqrt(eps)): effective model size" in result.stdout
    record = json.loads(invoke(*square, "--json", "-").stdout)
    assert (record["kind"], record["size"]) == ("equivalent", "M")
    assert [case["order"] for case in record["terms"]["approximation"]] == ["1/M"]
    both = invoke(*square, "--compare", "x=data=additive:eps")
    assert "size is 'M', but must be left out beside --compare" in both.output
    assert "size is 0, but must be a whole number" in invoke("rates", "--size", "0").output


def test_rates_of_two_schemes_are_compared():
    options = ["rates", "--dim", "d", "--spectrum", "power-law:2", "--target", "constant:1"]
    schemes = ["--compare", "int=data=additive:eps", "--compare", "fp=data=multiplicative:eps"]
    result = invoke(*options, *schemes)
    assert result.exit_code == 0
    assert "fp is nowhere larger than int, as orders" in result.stdout
    record = json.loads(invoke(*options, *schemes, "--json", "-").stdout)
    assert set(record["tables"]) == {"int", "fp"}
    formats = invoke("rates", "--compare", "a=all=fp:5,2", "--compare", "b=label=format:int8:1/16")
    assert formats.exit_code == 0
    assert "Number formats are taken as their error models" in formats.stdout


@pytest.mark.parametrize(
    "options",
    [["--compare", "int"], ["--compare", "a=b"], ["--compare", "a=data=additive:eps"],
     ["--compare", "a=data=additive:eps", "--quantize", "data=additive:eps"]],
)  # fmt: skip
def test_a_comparison_that_is_none_is_refused(options):
    result = invoke("rates", *options)
    assert result.exit_code == 2
    assert "compare" in result.output or "quantizations" in result.output


def test_rates_of_a_regime_as_json():
    result = invoke(
        "rates", "--dim", "d", "--spectrum", "power-law:2", "--target", "constant:1",
        "--quantize", "data=additive:eps", "--regime", "d=N**delta", "--regime", "eps=N**-e",
        "--assume", "e > 2", "--json", "-",
    )  # fmt: skip
    record = json.loads(result.stdout)
    assert record["fixed"] == ["delta", "e"]
    variance = {"terms": ["variance"], "order": "N**(delta - 1)", "where": ["delta <= 1/2"]}
    assert {**variance, "occurs": True} in record["dominating"]


def test_rates_of_a_formula():
    spectrum = "formula:i**-2*log(i+1)"
    result = invoke("rates", "--spectrum", spectrum, "--target", "signal:i**-2", "--json", "-")
    record = json.loads(result.stdout)
    assert record["terms"]["variance"][0]["order"] == "sqrt(log(N))/sqrt(N)"


@pytest.mark.parametrize(
    "option",
    [
        ("--spectrum", "formula:__import__('os').system('true')"),
        ("--spectrum", "power-law:__import__('os').system('true')"),
        ("--target", "signal:(lambda: i)()"),
        ("--dim", "[d for d in ()]"),
        ("--regime", "N=__import__('os')"),
        ("--regime", "N"),
        ("--assume", "a.b > 1"),
        ("--assume", "a > 1 > b"),
        ("--steps", "N if a else b"),
        ("--quantize", "data=additive:eval('1')"),
    ],
)
def test_text_in_a_formula_is_never_run(option):
    result = invoke("rates", *option)
    assert result.exit_code == 2
    assert result.output.startswith("error: ")


# What cannot be had is shown as that, and does not take the rest with it.


def test_a_bound_that_costs_too_much_is_shown_as_such():
    wide = ["risk", "--dim", 10**9, "--steps", 1000]
    result = invoke(*wide)
    assert result.exit_code == 0
    assert "upper bound: none: dim is 1000000000, but at most 10000000" in " ".join(
        result.stdout.split()
    )
    record = json.loads(invoke(*wide, "--json", "-").stdout)
    assert set(record["bounds"]) == {"lower bound", "upper bound"}
    for reason in record["bounds"].values():
        assert reason.startswith("none: dim is 1000000000")
    # the bulk of the risk is in the first coordinates, where a direct sum is possible
    near = qt.excess_risk(qt.Problem(20_000), qt.Quantization(), qt.SGD("0.1", steps=1000)).total
    assert near < record["total"] < near + 1e-4


def test_parts_that_cannot_be_had_are_shown_as_such(monkeypatch):
    def refuse(*arguments):
        raise qt.CostError("it would take weeks")

    monkeypatch.setattr("qtheory.risk.excess._parts_of", refuse)
    result = invoke("risk", *FAST)
    assert result.exit_code == 0
    assert "parts: none: it would take weeks" in result.stdout
    record = json.loads(invoke("risk", *FAST, "--json", "-").stdout)
    assert f"{record['total']:.12f}" == "0.160463542794"
    assert record["bias"] == record["by_target"]["data"] == "none: it would take weeks"
    risk = qt.excess_risk(qt.Problem(dim=8), qt.Quantization(), qt.SGD("0.1", steps=60))
    assert "none: it would take weeks" in risk._repr_html_()


def test_without_a_total_there_is_no_risk_to_show(monkeypatch):
    def refuse(*arguments, **options):
        raise qt.CostError("it would take weeks")

    monkeypatch.setattr("qtheory.cli.risk.excess_risk", refuse)
    assert invoke("risk", *FAST).exit_code == 2


# Number formats where the theory is asked.

FP8 = qt.Quantization.uniform(qt.formats.get("fp8_e4m3"))


def test_number_formats_are_taken_as_their_error_models_and_that_is_said():
    arguments = ["risk", *FAST, "--quantize", "all=format:fp8_e4m3"]
    result = invoke(*arguments)
    assert result.exit_code == 0
    assert "Number formats are taken as their error models" in result.stdout
    assert "gradient: formats.get('fp8_e4m3') as Multiplicative(" in result.stdout
    record = json.loads(invoke(*arguments, "--json", "-").stdout)
    run = qt.Problem(dim=8), FP8.error_models(), qt.SGD("0.1", steps=60)
    assert record["total"] == float(qt.excess_risk(*run).total)
    assert record["error_models"]["label"] == {
        "format": "formats.get('fp8_e4m3')",
        "error_model": repr(FP8.error_models().label),
    }
    assert record["bounds"]["lower bound"] < record["total"] < record["bounds"]["upper bound"]


def test_what_is_taken_as_it_is_needs_no_word():
    for model in ("all=additive:0.01", "data=format:int4:1/8"):
        result = invoke("risk", *FAST, "--quantize", model, "--json", "-")
        assert json.loads(result.stdout)["error_models"] == {}


def test_a_biased_rounding_has_no_error_model():
    result = invoke("risk", *FAST, "--quantize", "all=format:fp8_e4m3:nearest")
    assert result.exit_code == 2
    assert "is biased" in result.stderr


def test_rates_of_number_formats():
    result = invoke("rates", "--quantize", "label=format:int8:1/16", "--json", "-")
    record = json.loads(result.stdout)
    assert record["error_models"]["label"]["error_model"] == "Additive('1/1536')"
    assert record["terms"]["label"] == record["terms"]["variance"]


def test_rates_of_floating_point_on_every_target():
    """Their levels hold log(2); an order does not see which number a constant is."""
    orders = [
        json.loads(invoke("rates", "--quantize", quantize, "--json", "-").stdout)["terms"]
        for quantize in ("all=format:fp8_e4m3", "all=multiplicative:1/100")
    ]
    assert orders[0] == orders[1]


def test_the_tail_of_the_iterates():
    record = json.loads(
        invoke("risk", *FAST, "--output", "tail", "--tail", "1/4", "--json", "-").stdout
    )
    sgd = qt.SGD("0.1", steps=60, output="tail", tail="1/4")
    assert record["total"] == float(qt.excess_risk(qt.Problem(8), qt.Quantization(), sgd).total)
    for command in ("risk", "simulate"):
        result = invoke(command, *FAST, "--tail", "1/4")
        assert result.exit_code == 2
        assert "tail is '1/4', but must be left out without --output tail" in result.stderr


@pytest.mark.parametrize("dim", ["oo", "inf"])
def test_an_infinite_dimension_may_be_written_both_ways(dim):
    record = json.loads(invoke("risk", "--dim", dim, "--steps", 50, "--json", "-").stdout)
    exact = qt.excess_risk(qt.Problem(qt.oo), qt.Quantization(), qt.SGD("0.1", steps=50))
    assert record["total"] == float(exact.total)


@pytest.mark.parametrize(
    ("model", "meant"),
    [
        ("int8", "did you mean format:int8?"),
        ("int8:1/16", "did you mean format:int8:1/16?"),
        ("fp16", "did you mean format:float16?"),
        ("0.01", "did you mean additive:0.01 or multiplicative:0.01?"),
        ("aditive:0.1", "did you mean additive:0.1?"),
        ("additive:0.1+int8", "did you mean format:int8?"),
        ("nvfp4", "did you mean format:nvfp4?"),
        ("ieee754", "fixed:I,F\n"),
    ],
)
def test_a_quantizer_of_no_kind_is_told_what_may_be_meant(model, meant):
    result = invoke("risk", *FAST, "--quantize", f"data={model}")
    assert result.exit_code == 2
    assert meant in result.stderr


# Theorems by their numbers.


def test_prove_takes_the_numbers_of_the_theory():
    record = json.loads(invoke("prove", "T6", "--json", "-").stdout)
    assert [proof["name"] for proof in record["proofs"]] == ["spectral_floor", "spectral_shape"]
    record = json.loads(invoke("prove", "T1", "--json", "-").stdout)
    assert [proof["name"] for proof in record["proofs"]] == ["decomposition"]


def test_prove_suggests_what_is_near():
    result = invoke("prove", "T55")
    assert result.exit_code == 2
    assert "did you mean T5?" in result.stderr


def test_falsify_takes_the_numbers_of_the_theory():
    claim = ["falsify", "risk <= bias + variance", "--max-examples", 20]
    names = ("T4'", "refined_upper_bound")
    by_number, by_name = (invoke(*claim, "--theorem", name) for name in names)
    assert by_number.stdout == by_name.stdout
    assert invoke(*claim, "--theorem", "T77").exit_code == 2


def test_risk_of_a_sketch():
    options = ["--dim", 60, "--sketch", 8, "--sketch-seed", 1, "--steps", 100]
    record = json.loads(invoke("risk", *options, "--json", "-").stdout)
    problem = qt.Problem(dim=60).sketched(size=8, seed=1)
    exact = qt.excess_risk(problem, qt.Quantization(), qt.SGD("0.1", steps=100))
    assert record["total"] == exact.total
    assert record["sketching"] == exact.sketching > 0
    assert record["bounds"]["lower bound"] < record["total"] < record["bounds"]["upper bound"]
    assert "missed by the sketch" in invoke("risk", *options).stdout
    assert "carry no data" in invoke("risk", "--dim", 3, "--sketch", 5, "--steps", 9).stdout


def test_simulation_of_a_sketch():
    options = ["--dim", 20, "--sketch", 4, "--steps", 20, "--replicates", 500]
    result = invoke("simulate", *options, "--quantize", "data=format:fp8_e4m3", "--json", "-")
    record = json.loads(result.stdout)
    assert record["verdict"] == "agree"


@pytest.mark.parametrize("command", ["risk", "simulate"])
@pytest.mark.parametrize("options", [["--sketch", "0"], ["--sketch", "x"], ["--sketch-seed", "3"]])
def test_a_sketch_that_is_none_is_refused(command, options):
    result = invoke(command, *FAST, *options)
    assert result.exit_code == 2
    assert "sketch" in result.stderr
    assert "Traceback" not in result.stderr


def test_rows_of_a_table_are_not_sketched(table):
    X, y = table
    result = invoke("simulate", "--data", X, "--labels", y, "--sketch", 2)
    assert result.exit_code == 2
    assert "rows of a table" in result.stderr
    assert invoke("risk", "--data", X, "--labels", y, "--sketch", 2).exit_code == 0
