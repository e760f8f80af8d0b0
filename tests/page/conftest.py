"""A headless browser; without one these tests are skipped and say so."""

import os
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

CONSOLE = Path(__file__).parents[2] / "console"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]


def chromium() -> str | None:
    """The path of a Chromium on this machine. CALLFUNNEL_CHROMIUM names another one."""
    named = os.environ.get("CALLFUNNEL_CHROMIUM", "")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="module")
def chromium_path() -> str:
    path = chromium()
    if path is None:
        pytest.skip("no Chromium here: install one, or name it in CALLFUNNEL_CHROMIUM")
    return path


@pytest.fixture(scope="module")
def browser_flags() -> list[str]:
    """Flags of the browser; a module may override this to add some."""
    return own_flags()


def own_flags() -> list[str]:
    """What every page test needs: a microphone that is allowed and a sound that may start."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    return [*FLAGS, *sandbox]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium_path: str, browser_flags: list[str]) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=chromium_path, args=browser_flags
        )
        yield started
        await started.close()


class _Files(SimpleHTTPRequestHandler):
    def translate_path(self, path: str) -> str:
        return super().translate_path(path.removeprefix("/console"))

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def console_url() -> Iterator[str]:
    """The console's files alone, without a gateway behind them."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(CONSOLE)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
