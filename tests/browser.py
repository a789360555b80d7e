"""A real browser for tests: Debian's Chromium, driven by Playwright; nothing is downloaded by either."""

import os
import shutil
from contextlib import contextmanager

import pytest

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
_BAD = ("error", "warning")


def chromium() -> str:
    """The path of Chromium; BEAM_KIE_CHROMIUM names another one. Skips the test where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("BEAM_KIE_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("no Chromium: apt-get install chromium, or name one in BEAM_KIE_CHROMIUM")
    return path


@contextmanager
def launched():
    """A running browser; its profile is a new, empty one."""
    api = pytest.importorskip("playwright.sync_api", reason="the dev extra is not installed")
    path = chromium()
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, headless=True, args=list(FLAGS))
        yield running
        running.close()


@contextmanager
def new_page(chrome, size=(1360, 850), scheme="light", expected=None):
    """An empty profile's only page; errors on the console fail the test at its end, but for ``expected``."""
    said = []
    viewport = {"width": size[0], "height": size[1]}
    context = chrome.new_context(viewport=viewport, color_scheme=scheme, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.on("console", lambda message: said.append(message.text) if message.type in _BAD else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if is_elsewhere(request.url) else None)
    try:
        yield page
    finally:
        context.close()
    said = [text for text in said if expected is None or expected not in text]
    assert not said, "\n".join(said)


def is_elsewhere(url: str) -> bool:
    """Whether a page fetches from anywhere but its own folder."""
    return not url.startswith(("file://", "http://127.0.0.1", "data:", "blob:"))


def check_accessibility(page) -> None:
    """axe-core finds nothing to complain of."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="the dev extra is not installed"
    )
    # Without preloading: axe would fetch the style sheets, which the page forbids.
    found = axe.Axe().run(page, options={"preload": False})
    assert found.violations_count == 0, found.generate_report()
