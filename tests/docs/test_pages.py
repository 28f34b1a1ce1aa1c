"""The pages in docs/: blocks of Python run, and print what the block of text after them shows."""

import contextlib
import io
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))


def run(text):
    """Run the blocks of a page in one namespace; the pairs (printed, shown), and the namespace."""
    namespace, pairs = {}, []
    for code, shown in re.findall(
        r"```python\n(.*?)```(?:\n+```text\n(.*?)```)?", text, flags=re.DOTALL
    ):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "page", "exec"), namespace)
        pairs.append((printed.getvalue(), shown))
    return pairs, namespace


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_blocks_print_what_is_shown(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a page may write files
    pairs, _ = run(page.read_text())
    for printed, shown in pairs:
        assert printed == shown


def test_the_page_on_batch_size_is_among_them():
    assert "batch-size.md" in [page.name for page in PAGES]


def test_a_wrong_number_on_a_page_is_noticed():
    ((printed, shown),), _ = run("```python\nprint(1 / 4)\n```\n\n```text\n0.26\n```\n")
    assert printed != shown
