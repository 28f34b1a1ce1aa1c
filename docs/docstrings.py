"""An extension of griffe: the roles in our docstrings as Markdown, mathematics as MathML."""

from __future__ import annotations

import re
from inspect import cleandoc
from typing import Any

from griffe import Extension, Object

from qtheory.report.mathml import mathml

_ROLE = re.compile(r":(\w+):`([^`]+)`")
_DISPLAY = re.compile(r"^\.\. math::((?:.*\n?)(?:\n*(?: {3,}.*(?:\n|$)))*)", re.MULTILINE)
_SESSION = re.compile(r"(?:(?<=\n\n)|\A)(>>> (?:.+\n?)+)")
_CODE = re.compile(r"^\.\. code-block:: *(\w+)\n\n((?: {3,}.*(?:\n|$)|\n)+)", re.MULTILINE)


def as_markdown(text: str) -> str:
    """Text with mathematics as MathML, blocks of code fenced, and every other role as code.

    >>> as_markdown("see :func:`attack`")
    'see `attack`'
    """
    head, *examples = re.split(r"(?m)^(?=Examples\n-)", text)  # griffe knows what is in these
    text = "".join([_SESSION.sub(r"```pycon\n\1\n```\n", head), *examples])
    text = _CODE.sub(lambda found: f"```{found[1]}\n{cleandoc(found[2])}\n```\n", text)
    text = _DISPLAY.sub(lambda found: f"\n<div>{_element(found[1], 'block')}</div>\n\n", text)
    return _ROLE.sub(_replaced, text)


def _element(latex: str, display: str) -> str:
    # a star or an underscore inside must not become emphasis
    element = mathml(" ".join(latex.split()).removesuffix("."), display)
    return element.replace("*", "&#42;").replace("_", "&#95;")


def _replaced(match: re.Match[str]) -> str:
    role, content = match.groups()
    if role != "math":
        return f"`{content}`"
    return f"<span>{_element(content, 'inline')}</span>"


class Docstrings(Extension):
    """Rewrites the docstrings of all objects before they are parsed."""

    def on_object(self, *, obj: Object, **options: Any) -> None:
        """Rewrite one docstring."""
        _rewrite(obj)

    def on_package(self, *, pkg: Object, **options: Any) -> None:
        """Rewrite the docstring of the package itself, which is no object of the above."""
        _rewrite(pkg)


def _rewrite(obj: Object) -> None:
    if obj.docstring is not None:
        obj.docstring.value = as_markdown(obj.docstring.value)
