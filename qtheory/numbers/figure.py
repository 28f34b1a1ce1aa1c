"""A figure that shows wherever it is made: in a notebook, in a script, in a file."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from qtheory.errors import needs

with needs("plots", "a figure"):
    from matplotlib.figure import Figure

# How our figures are told from others that pyplot holds.
_LABEL = "qtheory"
# Backends of matplotlib that write files and open no windows, so that nobody closes a figure.
_FILES_ONLY = ("agg", "cairo", "pdf", "pgf", "ps", "svg", "template")
_MOST_OPEN = 20


class ShownFigure(Figure):
    """A figure that a notebook shows as it is, and that has a window once it is asked for one."""

    def show(self, warn: bool = True) -> None:
        """Show the figure: in the notebook, or in a window of its own."""
        if _in_notebook():
            from IPython.display import display

            display(self)  # type: ignore[no-untyped-call]
            return
        _hand_to_pyplot(self)
        super().show(warn)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        image = io.BytesIO()
        self.savefig(image, format="png")
        if _in_notebook() and "matplotlib.pyplot" in sys.modules:
            from matplotlib import pyplot

            pyplot.close(self)  # or the notebook would show it a second time below the cell
        return {"image/png": image.getvalue(), "text/plain": repr(self)}


def new_axes(width: float, height: float) -> Any:
    """Empty axes on a new figure of this size in inches."""
    figure = ShownFigure(figsize=(width, height), layout="constrained")
    figure.set_label(_LABEL)
    # whoever has imported pyplot may call its show, and a notebook shows what pyplot holds; nobody
    # else is in need of a window system
    wanted = _in_notebook() or "matplotlib.pyplot" in sys.modules
    if wanted and threading.current_thread() is threading.main_thread():
        _hand_to_pyplot(figure)
    return figure.subplots()


def svg_of(draw: Callable[[Any], Any], width: float, height: float) -> str:
    """What is drawn into empty axes, as SVG inside HTML; pyplot holds no figure of it."""
    figure = Figure(figsize=(width, height), layout="constrained")
    draw(figure.subplots())
    image = io.StringIO()
    figure.savefig(image, format="svg", metadata={"Date": None})
    return image.getvalue()[image.getvalue().index("<svg") :]


def _hand_to_pyplot(figure: ShownFigure) -> None:
    """Make the figure one of those that ``pyplot.show`` shows, if there is a way to show any."""
    from matplotlib import pyplot

    if figure.canvas.manager is not None:
        return
    if pyplot.get_backend().lower() in _FILES_ONLY:
        open_ = zip(pyplot.get_fignums(), pyplot.get_figlabels(), strict=True)
        ours = [number for number, label in open_ if label == _LABEL]
        for number in ours[: max(0, len(ours) + 1 - _MOST_OPEN)]:
            pyplot.close(number)
    made: Any = lambda *arguments, **options: figure  # noqa: E731
    # without a window system the figure can still be saved
    with suppress(ImportError):
        pyplot.figure(FigureClass=made)


def _in_notebook() -> bool:
    """Whether a Jupyter kernel runs this."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "kernel", None) is not None
