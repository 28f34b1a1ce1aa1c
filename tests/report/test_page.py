"""The page: whole, well formed, by itself, and read in a real browser.

Everything is asked of a small page (three theorems, one experiment) on every run, and of the whole
page, which takes a minute, in the slow run.
"""

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import qtheory as qt
from qtheory.errors import ProofError, UndecidedError
from qtheory.paper.experiments import Experiment
from qtheory.paper.findings import findings
from qtheory.report import page as page_room
from qtheory.report.line_breaks import pieces
from qtheory.theory import theorems
from tests.report.pages import Page

SECTIONS = ("theorems", "rates", "experiments", "tightness", "formats", "figures")
SMALL = ("decomposition", "spectral_floor", "noise_limit")
STEPS = 60


@cache
def small_findings():
    return findings(STEPS)


def small_formats():
    rows = [
        ["fp4", "unstable", "0.1", "0.01", "differ", "data underflows (99%); " * 6],
        ["tf32", "0.1", "0.1", "0.01", "agree", ""],
    ]
    head = ("format", "theory", "simulated", "std. error", "verdict", "what the run met")
    return page_room._table(head, rows, text=(0, 4, 5))


class Here:
    """A pool without processes, which would know nothing of what is patched here."""

    def __init__(self, method):
        assert method == "spawn"

    @contextmanager
    def Pool(self, processes):
        yield self

    def apply_async(self, function):
        content = function()
        return SimpleNamespace(get=lambda: content)


@pytest.fixture(scope="module")
def small_parts():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page_room, "get_context", Here)
        patch.setattr(page_room, "theorems", {name: theorems[name] for name in SMALL})
        patch.setattr(
            page_room, "experiments", lambda: [Experiment("additive", "1e-2", 20, 1, steps=STEPS)]
        )
        patch.setattr(page_room, "findings", small_findings)
        patch.setattr(page_room, "_formats", small_formats)
        sample = page_room.tightness.__globals__["tightness_sample"](count=20)
        patch.setattr(page_room, "tightness", lambda draw=page_room.tightness: draw(sample))
        yield


@pytest.fixture(scope="module", params=["small", pytest.param("whole", marks=pytest.mark.long)])
def which(request):
    return request.param


@pytest.fixture(scope="module")
def html(which, request):
    if which == "small":
        request.getfixturevalue("small_parts")
    return page_room.report_page()


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


@pytest.fixture
def names(which):
    return SMALL if which == "small" else tuple(theorems)


# --- structure ---------------------------------------------------------------------------------


def test_it_is_well_formed(page):
    assert page.faults == []


def test_identifiers_are_unique(page):
    assert page.collisions == []


def test_every_link_leads_somewhere(page, names):
    assert page.dangling == []
    assert {*SECTIONS, *names} <= set(page.targets) & set(page.ids)


def test_nothing_is_fetched_and_nothing_runs(html, page):
    assert page.fetched == []
    assert not {"script", "iframe", "object", "embed", "link"} & set(page.tags)
    assert not re.search(r"\son\w+\s*=", re.sub(r">[^<]*<", "><", html))


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("<p><b>x</p></b>", "faults"),
        ("<p>x", "faults"),
        ("<p id='a'></p><p id='a'></p>", "collisions"),
        ("<a href='#nowhere'>x</a>", "dangling"),
        ("<svg><use xlink:href='#nowhere'/></svg>", "dangling"),
        ("<svg><path clip-path='url(#nowhere)'/></svg>", "dangling"),
        ("<img src='https://example.org/a.png'>", "fetched"),
        ("<link rel='stylesheet' href='//example.org/a.css'>", "fetched"),
        ("<style>@import 'a.css';</style>", "fetched"),
        ("<p style='background: url(http://example.org/a.png)'></p>", "fetched"),
    ],
)
def test_a_planted_fault_is_seen(planted, found):
    assert getattr(Page(planted), found)


def test_two_figures_would_collide_without_their_marks():
    figure = '<svg><g id="figure_1"><use xlink:href="#figure_1" fill="url(#figure_1)"/></g></svg>'
    assert Page(figure * 2).collisions == ["figure_1"]
    marked = Page(page_room._own(figure, "a") + page_room._own(figure, "b"))
    assert (marked.collisions, marked.dangling) == ([], [])
    assert sorted(set(marked.targets)) == ["a-figure_1", "b-figure_1"]


def section(html, name):
    """The part of a theorem, from its heading to the next one."""
    return re.split(r"<h[23] ", html.split(f'<h3 id="{name}">')[1])[0]


def test_every_theorem_is_there_with_its_formulas_and_its_proof(html, names):
    for name in names:
        part, theorem = section(html, name), theorems[name]
        assert part.startswith(page_room._heading(theorem))
        assert page_room.mathml(theorem.relation_latex(theorem.statement), "block") in part
        assert part.count('<li class="scroll">') == len(theorem.definitions)
        for hypothesis in theorem.hypotheses:
            assert page_room.mathml(theorem.relation_latex(hypothesis.relation)) in part
        assert '<span class="good">proved</span>' in part
        assert "not proved" not in part
        assert 'class="leaf"' in part
    assert html.count('<span class="good">proved</span>') == len(names)


LEFT = re.compile(r"[&\\]")


def test_no_formula_is_left_in_latex(html):
    formulas = re.findall(r"<math.*?</math>", html, flags=re.DOTALL)
    assert len(formulas) > 50
    # the converter passes on what it does not know: an alignment mark, a command
    assert [formula for formula in formulas if LEFT.search(unescape(formula))] == []
    assert LEFT.search(unescape(page_room.mathml("a & b")))
    assert LEFT.search(unescape(page_room.mathml(theorems["upper_bound"].latex(), "block")))


def test_a_proof_that_fails_is_not_called_proved(monkeypatch, small_parts):
    replay = page_room.Replay()
    record = replay.prove("spectral_floor")
    assert "not proved" not in page_room._verdict(replay, "spectral_floor")
    monkeypatch.setattr(type(record), "checked", False)
    assert '<span class="bad">not proved</span>' in page_room._verdict(replay, "spectral_floor")


@pytest.mark.parametrize(
    ("error", "mark"),
    [
        (ProofError("refused: 1 < 0"), '<span class="bad">not proved</span>: refused: 1 &lt; 0'),
        (UndecidedError("unknown: x > 1"), '<span class="soft">unknown</span>: unknown: x &gt; 1'),
    ],
)
def test_a_step_without_proof_leaves_a_page(monkeypatch, small_parts, error, mark):
    def refuse(self, name):
        raise error

    monkeypatch.setattr(page_room.Replay, "prove", refuse)
    text = page_room._theorems()
    assert text.count(mark) == len(SMALL)
    assert "proved</span>: 2 lemmas" not in text


def test_the_verdicts_of_the_findings(html, which):
    found = small_findings() if which == "small" else findings()
    kinds = {"supported": "good", "not supported": "bad", "about the bound only": "between"}
    for finding in found:
        kind = kinds.get(finding.verdict, "between")
        claim, explained = map(page_room.escape, (finding.claim, finding.explained))
        assert f'<li>{claim} <span class="{kind}">{finding.verdict}</span>' in html
        assert f'<span class="soft">{explained}</span>' in html


def test_the_experiments_are_certified(html, which):
    rows = html.count("<td>certified</td>")
    assert rows == (1 if which == "small" else len(page_room.experiments()))
    assert "FAILED" not in html


def test_an_experiment_that_fails_is_marked(monkeypatch, small_parts):
    certify = page_room.certify_experiment

    def failing(experiment):
        return replace(certify(experiment), not_certified=("lower <= R",))

    monkeypatch.setattr(page_room, "certify_experiment", failing)
    assert "<td>FAILED</td>" in page_room._experiments()


def test_it_is_small(html):
    assert len(html.encode()) < 3_000_000


def test_no_times_and_no_places_are_on_it(html):
    assert not re.search(r"\d (s|seconds)\b[<,.)]", html)
    assert not re.search(r"20\d\d-\d\d-\d\d", html)
    assert str(Path(__file__).parent.parent.parent) not in html
    assert re.search(r"\d (s|seconds)\b[<,.)]", "12 questions, 3.1 s</p>")


def test_it_is_the_same_when_built_again(html, which, tmp_path):
    if which == "small":
        assert page_room.report_page() == html
        return
    # another process, with another order of hashes, through the command line
    out = tmp_path / "again.html"
    start = time.perf_counter()
    environment = {**os.environ, "PYTHONHASHSEED": "17"}
    subprocess.run(
        [sys.executable, "-m", "qtheory", "report", str(out)], env=environment, check=True
    )
    assert time.perf_counter() - start < 60
    assert out.read_text(encoding="utf-8") == html


def test_the_table_of_rates_says_what_it_assumes():
    a, b, N = qt.symbols("a b N")
    problem = qt.Problem(qt.oo, qt.PowerLaw(a), qt.SourceCondition(b))
    html = page_room._rate_table(qt.rates(problem, qt.Quantization(), qt.SGD("0.1", steps=N)))
    words = re.sub(r"<[^>]*>", "", unescape(html))
    assert words.startswith("Assumed: a>1, b>1.Held fixed: a, b.")


def test_titles_and_claims_are_escaped(monkeypatch):
    table = page_room._table(("a<b",), [["<i>&"]])
    assert "a&lt;b" in table
    assert "&lt;i&gt;&amp;" in table
    theorem = theorems["spectral_floor"]
    heading = page_room._heading(type(theorem)(**{**vars(theorem), "title": "<script>"}))
    assert heading == "T6, additive: &lt;script&gt;"


def test_progress_is_told(monkeypatch):
    told = []
    monkeypatch.setattr(page_room, "get_context", Here)
    for name in ("theorems", "rates", "experiments", "tightness", "formats", "figures"):
        monkeypatch.setattr(page_room, f"_{name}", lambda: "")
    page_room.report_page(lambda done, total: told.append((done, total)))
    assert told == [(done, 6) for done in range(7)]


def test_pieces_put_together_are_the_formula():
    for theorem in theorems.values():
        for relation in (theorem.statement, *theorem.definitions):
            latex = theorem.relation_latex(relation)
            assert " ".join(" ".join(pieces(latex)).split()) == " ".join(latex.split())
    assert pieces("- a + b") == ["- a", "+ b"]
    assert pieces("x = - a") == ["x = - a"]
    assert pieces(r"\left(a + b\right) c - \begin{cases} 1 - a \end{cases}") == [
        r"\left(a + b\right) c",
        r"- \begin{cases} 1 - a \end{cases}",
    ]


# --- in a browser ------------------------------------------------------------------------------

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # names are not looked up: a page that needs the network cannot get it here
    "--host-resolver-rules=MAP * ~NOTFOUND",
]
browsing = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="needs chromium and chromedriver"
)


_TALLEST = 16_000  # pixels of one picture; the browser draws no more than 16384


class Browser:
    """A headless Chromium at one page."""

    def __init__(self, profile):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))

    def show(self, path, width=1000, scheme="light", media="screen"):
        """Load a page at a width, and forget what was logged before."""
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=900, deviceScaleFactor=1, mobile=width < 500,
        )  # fmt: skip
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.cdp("Emulation.setEmulatedMedia", media=media, features=features)
        self.driver.get("about:blank")
        for log in ("browser", "performance"):
            self.driver.get_log(log)
        self.driver.get(path.as_uri())

    def cdp(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def ask(self, script):
        return self.driver.execute_script(f"return {script}")

    def console(self):
        return self.driver.get_log("browser")

    def requested(self):
        """Addresses the browser asked for, the page itself among them."""
        events = [
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        ]
        return [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]

    def picture(self):
        """The whole page as an array of pixels, (height, width, 3)."""
        from PIL import Image

        width, height = self.ask("[innerWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, _TALLEST), "scale": 1}
        shot = self.cdp(
            "Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip
        )
        with Image.open(io.BytesIO(base64.b64decode(shot["data"]))) as image:
            return np.asarray(image.convert("RGB"))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.driver.quit()


@pytest.fixture(scope="module")
def path(html, tmp_path_factory):
    place = tmp_path_factory.mktemp("page") / "theory.html"
    place.write_text(html, encoding="utf-8")
    return place


@pytest.fixture
def planted(tmp_path):
    """A page with a fault in its body."""

    def write(body):
        place = tmp_path / "planted.html"
        head = '<!DOCTYPE html><meta name="viewport" content="width=device-width">'
        place.write_text(f"{head}<title>x</title>{body}", encoding="utf-8")
        return place

    return write


# on a phone innerWidth grows with what sticks out, so this is held against the width asked for
WIDE = "document.documentElement.scrollWidth"
UNFOLD = "document.querySelectorAll('details').forEach(each => each.open = true)"


@browsing
@pytest.mark.parametrize("width", [1000, 400])
def test_nothing_sticks_out_at_the_side(browser, path, width):
    browser.show(path, width)
    assert browser.ask(WIDE) == width
    browser.ask(UNFOLD)
    assert browser.ask(WIDE) == width


@browsing
def test_what_sticks_out_is_seen(browser, planted):
    browser.show(planted("<div style='width: 600px'>x</div>"), 400)
    assert browser.ask(WIDE) >= 600


FLAT = (
    "[...document.querySelectorAll('math')].filter("
    "each => !each.checkVisibility() || each.getBoundingClientRect().height < 5).length"
)


@browsing
def test_formulas_are_drawn(browser, path):
    browser.show(path)
    browser.ask(UNFOLD)
    assert browser.ask("document.querySelectorAll('math').length") > 50
    assert browser.ask(FLAT) == 0
    # a browser that knows no MathML would put numerator and denominator side by side
    stacked = (
        "[...document.querySelectorAll('mfrac')].every(f => f.children[0].getBoundingClientRect()"
        ".bottom <= f.children[1].getBoundingClientRect().top + 1)"
    )
    assert browser.ask(stacked)


@browsing
def test_a_formula_that_is_not_drawn_is_seen(browser, planted):
    browser.show(planted("<math style='display: none'><mi>x</mi></math><math><mi>y</mi></math>"))
    assert browser.ask(FLAT) == 1


@browsing
def test_links_lead_to_their_place(browser, path, names):
    browser.show(path)
    for name in ("figures", names[-1], "rates", names[0]):
        browser.ask(f"document.querySelector('nav a[href=\"#{name}\"]').click()")
        below = browser.ask(f"document.getElementById('{name}').getBoundingClientRect().top")
        end = browser.ask(
            "document.documentElement.scrollHeight - innerHeight - Math.ceil(scrollY) <= 1"
        )
        assert abs(below) < 2 or (end and 0 < below < 900)
        assert browser.ask("scrollY") > 0


@browsing
def test_proofs_unfold(browser, path, names):
    browser.show(path)
    assert browser.ask("document.querySelectorAll('details[open]').length") == 0
    leaves = "[...document.querySelectorAll('.leaf')].filter(e => e.checkVisibility()).length"
    assert browser.ask(leaves) == 0
    browser.ask("document.querySelectorAll('summary').forEach(summary => summary.click())")
    assert browser.ask("document.querySelectorAll('details:not([open])').length") == 0
    assert browser.ask(leaves) >= len(names)


@browsing
def test_nothing_is_logged_and_nothing_requested(browser, path):
    browser.show(path)
    assert browser.console() == []
    assert browser.ask("performance.getEntriesByType('resource')") == []
    assert [url for url in browser.requested() if url != path.as_uri()] == []


@browsing
def test_an_error_and_a_request_are_seen(browser, planted):
    place = planted("<script>undefined.x</script><img src='http://example.invalid/a.png'>")
    browser.show(place)
    assert browser.console() != []
    assert "http://example.invalid/a.png" in browser.requested()


BACKGROUND = "getComputedStyle(document.body).backgroundColor"
# contrast of the text with what lies behind it, as WCAG defines it
CONTRAST = """(() => {
  const light = (css) => css.match(/\\d+/g).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const paper = light(getComputedStyle(document.body).backgroundColor);
  return Math.min(...['body', 'a', '.soft', '.good', '.bad', 'summary', 'figcaption']
    .flatMap(s => [...document.querySelectorAll(s)])
    .map(e => light(getComputedStyle(e).color))
    .map(ink => (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)));
})()"""


@browsing
def test_light_and_dark_can_be_read(browser, path):
    found = {}
    for scheme in ("light", "dark"):
        browser.show(path, scheme=scheme)
        found[scheme] = browser.ask(BACKGROUND)
        assert browser.ask(CONTRAST) >= 4.5
    assert found == {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 25, 29)"}


@browsing
def test_grey_on_white_is_seen(browser, planted):
    grey = "<p class='soft' style='color: #aaaaaa'>x</p>"
    browser.show(planted(f"<body style='background: #ffffff; color: #000000'>{grey}"))
    assert browser.ask(CONTRAST) < 4.5


@browsing
def test_paper(browser, path):
    browser.show(path, scheme="dark", media="print")
    assert browser.ask(BACKGROUND) == "rgb(255, 255, 255)"
    # folded parts are printed, though nobody has opened them
    seen = "document.querySelector('.definitions li').checkVisibility()"
    assert browser.ask(seen)
    browser.show(path)
    assert not browser.ask(seen)
    printed = browser.cdp("Page.printToPDF")["data"]
    pages = len(re.findall(rb"/Type\s*/Page\b", base64.b64decode(printed)))
    assert pages > 3
    # a blank page is one
    browser.driver.get("about:blank")
    blank = base64.b64decode(browser.cdp("Page.printToPDF")["data"])
    assert len(re.findall(rb"/Type\s*/Page\b", blank)) == 1


def inked(pixels):
    """The share of pixels unlike the corner, and the number of colours."""
    flat = pixels.reshape(-1, 3).astype(np.int64) @ [65536, 256, 1]
    return float(np.mean(flat != flat[0])), len(np.unique(flat))


@browsing
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1000, 400])
def test_a_picture_of_it(browser, path, width, scheme):
    browser.show(path, width, scheme)
    pixels = browser.picture()
    assert pixels.shape[1] == width
    assert pixels.shape[0] > 3000
    assert tuple(pixels[0, 0]) == ((255, 255, 255) if scheme == "light" else (22, 25, 29))
    share, colours = inked(pixels)
    assert 0.03 < share < 0.5
    assert colours > 200
    # no part as high as a screen is empty: nothing fell out of the page
    shares = [inked(part)[0] for part in np.array_split(pixels, pixels.shape[0] // 900)]
    assert min(shares) > 0.01
    # the blue and the orange of the plots are there, in dark too
    for colour in ((0, 114, 178), (213, 94, 0)):
        assert np.any(np.all(pixels == colour, axis=-1))


@browsing
def test_a_picture_of_nothing_is_seen(browser, planted):
    browser.show(planted("<p style='color: white'>nothing</p>"))
    share, colours = inked(browser.picture())
    assert (share, colours) == (0.0, 1)
