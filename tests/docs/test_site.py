"""The site: a page for each theorem, every page in the navigation, every name in the reference."""

import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
import yaml

import qtheory as qt
from qtheory.report.theorems import needed_definitions, theorem_page, tightness_rows
from tests.docs.test_pages import PAGES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
BOUNDS = ("upper_bound", "refined_upper_bound", "risk_lower_bound")
LOADING = re.compile(
    r"<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc=[\"']?(?:https?:)?//"
    r"|<link\b(?![^>]*rel=[\"']?canonical)[^>]*\bhref=[\"']?(?:https?:)?//"
    r"|url\([\"']?(?:https?:)?//|@import [\"'](?:https?:)?//"
)


def pages_of(nav):
    for item in nav:
        if isinstance(item, str):
            yield item
        else:
            for value in item.values():
                yield from [value] if isinstance(value, str) else pages_of(value)


def settings():
    return yaml.safe_load((ROOT / "mkdocs.yml").read_text())


def test_the_navigation_has_every_page_once():
    listed = [*pages_of(settings()["nav"]), *(f"theorems/{name}.md" for name in qt.theorems)]
    assert sorted(listed) == sorted(path.relative_to(DOCS).as_posix() for path in PAGES)


def test_every_theorem_has_a_page_with_an_example():
    pages = {path.stem: path for path in (DOCS / "theorems").glob("*.md")}
    pages.pop("index")
    assert set(pages) == set(qt.theorems)
    for path in pages.values():
        assert re.search(r"```python\n.*?```\n\n```text\n", path.read_text(), re.DOTALL)


@pytest.mark.parametrize("name", qt.theorems)
def test_a_page_holds_what_the_registry_holds(name):
    theorem = qt.theorems[name]
    page = theorem_page(theorem, (DOCS / "tightness.md").read_text())
    formulas = 1 + len(theorem.hypotheses) + len(needed_definitions(theorem))
    assert page.count("<math") == formulas
    assert f"qtheory prove {name}\n" in page
    assert all(hypothesis.meaning in unescape(page) for hypothesis in theorem.hypotheses)
    assert all(source in page for source in theorem.sources)
    assert ("## How tight it is" in page) == (name in BOUNDS)


def test_needed_definitions_leave_nothing_undefined_that_the_theorem_defines():
    for theorem in qt.theorems.values():
        found = needed_definitions(theorem)
        shown = {str(getattr(each.lhs, "base", each.lhs)) for each in found}
        used = {str(atom) for each in found for atom in each.rhs.free_symbols}
        defined = {str(getattr(each.lhs, "base", each.lhs)) for each in theorem.definitions}
        assert used & defined <= shown


def test_measured_ratios_are_those_of_the_page_on_tightness():
    text = (DOCS / "tightness.md").read_text()
    rows = tightness_rows(text, "refined_upper_bound")
    assert rows[2].startswith("| all of these |")
    assert rows[2] in text
    assert tightness_rows(text, "decomposition") == []


def test_the_benchmarks_are_all_on_their_page():
    page = (DOCS / "benchmarks.md").read_text()
    scripts = [
        path for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text()
    ]
    assert len(scripts) > 12
    for script in scripts:
        assert f"python benchmarks/{script.name}" in page


def test_what_is_loaded_from_elsewhere_is_seen():
    assert LOADING.search('<link rel="stylesheet" href="https://fonts.example/css">')
    assert LOADING.search('<script src="//cdn.example/x.js"></script>')
    assert not LOADING.search('<a href="https://example.org">a link may lead elsewhere</a>')


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("mkdocs")
    pytest.importorskip("mkdocstrings_handlers.python")
    pytest.importorskip("material")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(folder)]
    # no proxy answers at this port: a build that asks the network fails
    nowhere = "http://127.0.0.1:9"
    environment = {**os.environ, "HTTP_PROXY": nowhere, "HTTPS_PROXY": nowhere}
    environment |= {"http_proxy": nowhere, "https_proxy": nowhere, "NO_MKDOCS_2_WARNING": "1"}
    subprocess.run(command, check=True, cwd=ROOT, env=environment, timeout=120)
    return folder


@pytest.mark.slow
def test_the_built_pages_load_nothing_from_elsewhere(site):
    files = [path for path in site.rglob("*") if path.suffix in (".html", ".css")]
    assert len(files) > len(PAGES)
    for path in files:
        assert LOADING.search(path.read_text()) is None, path


@pytest.mark.slow
def test_every_public_name_is_in_the_reference(site):
    texts = {path: path.read_text() for path in (site / "api").rglob("*.html")}
    everything = "".join(texts.values())
    index = texts[site / "api" / "index.html"]
    entries = set(re.findall(r'id="(qtheory\.[\w.]+)"', everything))
    for name in qt.__all__:
        assert f"<code>{name}</code>" in index
        if name not in ("oo", "formats", "theorems"):  # no function or class: in the table only
            assert any(entry.endswith(f".{name}") for entry in entries), name
    for name in qt.plots.__all__:
        assert any(re.fullmatch(rf"qtheory\.plots\.(\w+\.)?{name}", entry) for entry in entries)


@pytest.mark.slow
def test_no_markup_of_docstrings_is_left(site):
    for path in (site / "api").rglob("*.html"):
        text = path.read_text()
        assert re.search(r":(math|func|class|mod|meth):|\.\. \w+::", text) is None, path
        assert "<blockquote>" not in text, path  # what Markdown makes of >>>


@pytest.mark.slow
def test_every_built_theorem_page_shows_mathematics(site):
    for name in qt.theorems:
        page = (site / "theorems" / name / "index.html").read_text()
        assert "<math" in page
        assert f"qtheory prove {name}" in page
