"""Hooks of mkdocs: what is generated from the package while the site is built."""

from __future__ import annotations

import inspect
import re
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.exceptions import PluginError

import qtheory
from qtheory.report.mathml import mathml
from qtheory.report.theorems import theorem_list, theorem_page
from qtheory.theory import theorems

THEOREMS, NAMES = "<!-- theorems -->", "<!-- names -->"


def on_config(config: Any) -> Any:
    """Put the page of each theorem into the navigation, in the order of the theory."""
    for section in config["nav"]:
        if "Theorems" in section:
            section["Theorems"] += [f"theorems/{name}.md" for name in theorems]
    return config


def on_files(files: Any, config: Any) -> None:
    """Refuse to build a gallery that lacks a theorem, or has a page for none."""
    pages = {PurePosixPath(file.src_uri) for file in files.documentation_pages()}
    found = {path.stem for path in pages if str(path.parent) == "theorems"} - {"index"}
    if found != set(theorems):
        raise PluginError(f"docs/theorems and qtheory.theorems differ: {found ^ set(theorems)}")


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Put the generated part in front of a theorem's example, and the tables where they go."""
    path = PurePosixPath(page.file.src_uri)
    if str(path.parent) == "theorems" and path.stem in theorems:
        tightness = Path(config.docs_dir, "tightness.md").read_text(encoding="utf-8")
        return theorem_page(theorems[path.stem], tightness) + markdown
    return markdown.replace(THEOREMS, theorem_list()).replace(NAMES, names_table())


def names_table() -> str:
    """Every public name of qtheory, with a link to its reference and the first line of its text."""
    rows = [f"| {_link(name)} | {_first_line(name)} |" for name in qtheory.__all__]
    return "\n".join(["| name | what it is |", "| --- | --- |", *rows])


def _link(name: str) -> str:
    if name == "theorems":
        return "[`theorems`](../theorems/index.md)"
    if name == "oo":
        return "`oo`"
    value = getattr(qtheory, name)
    if inspect.ismodule(value):
        return f"[`{name}`]({name}.md)"
    return f"[`{name}`][{value.__module__}.{value.__qualname__}]"


def _first_line(name: str) -> str:
    if name == "theorems":
        return "Every theorem by its name."
    if name == "oo":
        return "Infinity, for `dim=oo`."
    text = (inspect.getdoc(getattr(qtheory, name)) or "").split("\n\n")[0].replace("\n", " ")
    text = re.sub(r":math:`([^`]+)`", _formula, text)
    text = re.sub(r":\w+:`([^`]+)`", r"`\1`", text).replace("``", "`")
    return text.replace("|", "\\|")


def _formula(role: re.Match[str]) -> str:
    # letters that Markdown would read are written as entities
    element = mathml(role[1])
    for letter in "*_|":
        element = element.replace(letter, f"&#{ord(letter)};")
    return f"<span>{element}</span>"
