"""A figure shows in a fresh notebook, in a script and in a file, once each."""

import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

MODEL = """\
import qtheory as qt
problem, quantization = qt.Problem(dim=4), qt.Quantization(data=qt.Additive("0.1"))
sgd = qt.SGD("0.1", steps=50)
"""
PHASES = """\
N, d, eps, delta, e = qt.symbols("N d eps delta e")
power_law = qt.Problem(dim=d, spectrum=qt.PowerLaw(2), target=qt.SourceCondition(2))
noisy, run = qt.Quantization(data=qt.Additive(eps)), qt.SGD("0.1", steps=N)
table = qt.rates(power_law, noisy, run, regime={d: N**delta, eps: N**-e})
phases = table.phases(x=delta, y=e, window=((0, 1), (0, 2)))
"""
#: Cells and the number of pictures below each; pyplot is unknown to the first ones.
CELLS = (
    (MODEL + "qt.plots.risk(problem, quantization, sgd)", 1),
    ("figure = qt.plots.waterfall(qt.excess_risk(problem, quantization, sgd))", 1),
    ("figure", 1),
    ("figure.show()", 1),
    (PHASES + "phases.plot()", 1),
    ("phases.plot().get_figure()", 1),
    ("import matplotlib.pyplot as plt\nqt.plots.spectra(problem, quantization)", 1),
    ("figure = qt.plots.spectra(problem, quantization)\nplt.show()", 1),
    ("figure = qt.plots.spectra(problem, quantization)\nfigure.show()", 1),
    ("_, ax = plt.subplots()\nphases.plot(ax)", 1),
    ("problem.dim", 0),  # the count can tell a cell that shows nothing
)

# the oldest matplotlib uses what others have deprecated since
WARNINGS = ("-W", "error", "-W", "ignore::DeprecationWarning")


def test_a_fresh_notebook_shows_a_figure_once():
    cells = [nbformat.v4.new_code_cell(source) for source, _ in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    shown = [
        sum("image/png" in output.get("data", {}) for output in cell.outputs)
        for cell in notebook.cells
    ]
    assert shown == [pictures for _, pictures in CELLS]


#: A backend with windows, as far as matplotlib can tell, that notes which figures it shows.
BACKEND = """\
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg

class FigureManager(FigureManagerBase):
    def show(self):
        print("window", len(self.canvas.figure.axes))

    @classmethod
    def pyplot_show(cls, *, block=None):
        from matplotlib import pyplot
        for number in pyplot.get_fignums():
            pyplot.figure(number).canvas.manager.show()

class FigureCanvas(FigureCanvasAgg):
    manager_class = FigureManager
"""


def script(folder, lines, backend="module://windows"):
    (folder / "windows.py").write_text(BACKEND)
    file = folder / "script.py"
    file.write_text(MODEL + lines)
    environment = {"MPLBACKEND": backend, "PYTHONPATH": f".:{folder}", "PATH": "/usr/bin:/bin"}
    run = subprocess.run(
        [sys.executable, *WARNINGS, str(file)], capture_output=True, text=True, env=environment
    )
    assert run.stderr == ""
    return run.stdout


@pytest.mark.parametrize(
    ("lines", "windows"),
    [
        ("qt.plots.spectra(problem, quantization).show()", 1),
        ("import matplotlib.pyplot as plt\nqt.plots.spectra(problem, quantization)\nplt.show()", 1),
        (
            "import matplotlib.pyplot as plt\n"
            "figures = [qt.plots.spectra(problem, quantization) for _ in range(3)]\nplt.show()",
            3,
        ),
        ("qt.plots.spectra(problem, quantization)", 0),
    ],
)
def test_a_script_shows_a_figure_when_it_is_asked_to(tmp_path, lines, windows):
    assert script(tmp_path, lines).splitlines() == ["window 1"] * windows


def test_without_windows_a_figure_is_saved_and_asking_for_one_is_no_error(tmp_path):
    lines = (
        "import matplotlib.pyplot as plt\n"
        "for k in range(30):\n"
        "    figure = qt.plots.spectra(problem, quantization)\n"
        f"figure.show()\nfigure.savefig({str(tmp_path / 'spectra.png')!r})\n"
        "print(len(plt.get_fignums()))\n"
    )
    # not more are held than matplotlib itself would hold without a warning
    assert script(tmp_path, lines, "agg") == "20\n"
    assert (tmp_path / "spectra.png").stat().st_size > 3000


def test_a_window_system_that_is_not_there_leaves_a_figure_to_be_saved(tmp_path):
    place = tmp_path / "spectra.svg"
    lines = (
        "import matplotlib.pyplot as plt\n"
        f"qt.plots.spectra(problem, quantization).savefig({str(place)!r})\n"
    )
    script(tmp_path, lines, "qtagg")
    assert place.stat().st_size > 3000
