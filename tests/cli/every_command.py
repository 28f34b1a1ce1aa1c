"""Every command with --json once, in one process: ``python -m tests.cli.every_command THREADS``.

It prints one JSON object, from the name of a run to what the command wrote. The number of threads
is that of a machine of so many cores, and of the worker processes where a command has them.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

from typer.testing import CliRunner

GRID = '[grid]\ndim = [2, 4]\nsteps = 10\nquantize = ["none", "data=additive:0.1"]\n'
RUN = ["--dim", "8", "--steps", "60"]
SIMULATE = ["simulate", *RUN, "--replicates", "100", "--quantize", "all=format:fp8_e4m3:1/32"]
COMMANDS = {
    "risk": ["risk", *RUN, "--quantize", "all=additive:0.01"],
    "risk in balls": ["risk", *RUN, "--digits", "20", "--quantize", "data=multiplicative:0.1"],
    "risk of infinite dimension": [
        "risk",
        "--dim",
        "oo",
        "--spectrum",
        "exponential:1",
        "--steps",
        "50",
        "--digits",
        "5",
    ],
    "rates": ["rates", "--quantize", "label=additive:eps"],
    "formats": ["formats"],
    "formats simulated": ["formats", "int8", "--simulate", *RUN, "--replicates", "64"],
    "simulate": SIMULATE,
    "simulate with another seed": [*SIMULATE, "--seed", "1"],
    "falsify": ["falsify", "risk >= floor", "--max-examples", "20"],
    "prove": ["prove", "spectral_floor", "--audit", "--no-times"],
    "prove with times": ["prove", "spectral_floor"],
    "sweep": ["sweep", "grid.toml", "--out", "results.sqlite", "--workers", "THREADS"],
    "verify": ["verify", "--workers", "THREADS", "--no-times"],
}
#: The checks of ``qtheory verify`` that are made here: of each kind a quick one.
CHECKS = ("T1/symbolic", "T7/bounds", "risk/exact", "bounds/exact")
KINDS = ("bounds/additive", "simulation/none")


def few(jobs):
    def chosen(steps):
        found = jobs(60)
        kinds = [next(job for job in found if job.id.startswith(kind)) for kind in KINDS]
        return [job for job in found if job.id in CHECKS] + kinds

    return chosen


def main(threads):
    os.cpu_count = lambda: int(threads)
    from qtheory.checks import suite
    from qtheory.cli import app

    suite.jobs = few(suite.jobs)
    written = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("grid.toml").write_text(GRID + "[compute]\nreplicates = 32\n")
        for name, command in COMMANDS.items():
            arguments = [threads if part == "THREADS" else part for part in command]
            result = CliRunner().invoke(app, [*arguments, "--json", "out.json"])
            if result.exit_code not in (0, 1) or not Path("out.json").exists():
                raise SystemExit(f"{name}: {result.output}")
            written[name] = Path("out.json").read_text()
            Path("out.json").unlink()
        written["help"] = CliRunner().invoke(app, ["--help"]).stdout
        os.chdir("/")
    sys.stdout.write(json.dumps(written))


if __name__ == "__main__":
    main(sys.argv[1])
