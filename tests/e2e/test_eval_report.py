"""The report of a run, opened in headless Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from evals.report import write_report
from tests.made_run import hostile_run, made_run

pytestmark = pytest.mark.browser


class Opened:
    """A report in a tab. `asked` are the addresses that it asked for, its own left out."""

    def __init__(self, browser: Browser, report: Path, width: int, scheme: str) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        self.page: Page = self.context.new_page()
        self.asked: list[str] = []
        self.told: list[str] = []
        self.context.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.told.append(message.text))
        self.page.on("pageerror", lambda error: self.told.append(str(error)))
        self.page.on("dialog", lambda dialog: self.told.append(dialog.message))
        self.page.goto(report.as_uri())
        self.asked.remove(report.as_uri())


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    ours = made_run(folder / "ours", 300, seed=1, skill=0.78)
    return write_report(ours, made_run(folder / "before", 300, seed=1, skill=0.6))


@pytest.fixture(params=[(1200, "light"), (1200, "dark"), (390, "light")])
def opened(request: pytest.FixtureRequest, browser: Browser, report: Path) -> Iterator[Opened]:
    opened = Opened(browser, report, *request.param)
    yield opened
    opened.context.close()


def test_plots_are_seen(opened: Opened) -> None:
    plots = opened.page.locator("svg.plot")
    assert plots.count() == 3
    for plot in plots.all():
        box = plot.bounding_box()
        assert box is not None
        assert box["width"] > 250
        assert box["height"] > 150
        drawn = plot.locator("path.run, rect.bar").first.bounding_box()
        assert drawn is not None
        assert drawn["width"] > 3
        assert drawn["height"] > 3
    cell = opened.page.locator(".heat td.right").first
    ground = cell.evaluate("cell => getComputedStyle(cell).backgroundColor")
    beside = opened.page.locator(".heat td.wrong").first
    assert ground != beside.evaluate("cell => getComputedStyle(cell).backgroundColor")


def test_page_asks_nobody_for_anything(opened: Opened) -> None:
    opened.page.wait_for_load_state("networkidle")
    assert opened.asked == []
    assert opened.told == []


def test_page_is_no_wider_than_the_window(opened: Opened) -> None:
    assert opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_sample_opens_without_a_script(opened: Opened) -> None:
    sample = opened.page.locator("details.sample").first
    gold = sample.get_by_text("gold", exact=True)
    assert not gold.is_visible()
    sample.locator("> summary").click()
    assert gold.is_visible()
    assert sample.get_by_text("The model server went away.").is_visible()


def test_text_can_be_read_on_its_ground(opened: Opened) -> None:
    """By WCAG 2's contrast of at least 4.5, of body, faint text and links' colour."""
    ratios = opened.page.evaluate(
        """() => {
            const light = text => {
                const canvas = document.createElement("canvas").getContext("2d");
                canvas.fillStyle = text;
                canvas.fillRect(0, 0, 1, 1);
                const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
                    .map(v => v / 255)
                    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const named = name => getComputedStyle(document.documentElement)
                .getPropertyValue(name).trim();
            const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            return ["--ink", "--faint", "--accent", "--good", "--bad"].flatMap(text =>
                ["--paper", "--card"].map(ground =>
                    ratio(light(named(text)), light(named(ground)))));
        }"""
    )
    assert min(ratios) >= 4.5


def test_hostile_run_runs_nothing(browser: Browser, tmp_path: Path) -> None:
    opened = Opened(browser, write_report(hostile_run(tmp_path / "hostile")), 1200, "light")
    for summary in opened.page.locator("details.sample > summary").all()[:5]:
        summary.click()
    assert opened.told == []
    assert opened.asked == []
    assert opened.page.locator("script, img").count() == 0
    opened.context.close()
