"""A person on the page: one button, a talk with an approval, and all that the call leaves behind.

The microphone is a recording that runs by itself from the moment it is opened, as a person who
knows what to say: wish to cancel, yes to the offer, no to anything else.
"""

import json
import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, Route, WebSocketRoute, expect

from tests.page.conftest import own_flags
from tests.page.microphone import record
from tests.simulators.running_stack import RunningStack
from tests.simulators.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SPEECH = (
    (7.0, "I want to cancel my contract"),
    (18.5, "yes please"),
    (36.0, "no thank you"),
)
SECONDS = 90.0
SOON, TURN, WHOLE_CALL = 10_000, 30_000, 90_000


@pytest.fixture(scope="module")
def stack(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Everything, started as a user would; only where there is a browser to look at it."""
    started = RunningStack.start(tmp_path_factory.mktemp("stack"))
    yield started
    started.stop()


@pytest.fixture(scope="module")
def browser_flags(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    file = tmp_path_factory.mktemp("microphone") / "caller.wav"
    record(file, SPEECH, SECONDS)
    return [*own_flags(), f"--use-file-for-fake-audio-capture={file}%noloop"]


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, stack: RunningStack) -> AsyncIterator[Page]:
    page = await browser.new_page(viewport={"width": 1280, "height": 1000})
    wrong: list[str] = []
    page.on("console", lambda line: wrong.append(line.text) if is_wrong(line) else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    await page.goto(stack.ready["page"])
    yield page
    await page.close()
    assert wrong == []


def is_wrong(line: ConsoleMessage) -> bool:
    """An error of the page itself; a refused request is the browser's own remark."""
    return line.type == "error" and "Failed to load resource" not in line.text


def pictures() -> Path | None:
    """Where to leave screenshots: a folder named in CALLFUNNEL_PICTURES, or nowhere."""
    named = os.environ.get("CALLFUNNEL_PICTURES", "")
    return Path(named) if named else None


async def picture(page: Page, name: str) -> None:
    folder = pictures()
    if folder is not None:
        await page.screenshot(path=folder / f"{name}.png", full_page=True)


async def test_a_person_talks_decides_hangs_up_and_sees_what_is_left(page: Page) -> None:
    await expect(page.locator("#model")).to_contain_text("Demo model")
    await expect(page.locator("#rulebook .path")).to_contain_text("home-internet.yaml")
    await picture(page, "1-ready")

    await page.click("#talk")
    await expect(page.locator("#state")).to_have_attribute("data-state", "live", timeout=SOON)
    turns = page.locator("#conversation .turn")
    await expect(turns.first).to_contain_text("Nova from Brightline", timeout=TURN)
    await expect(page.locator(".turn.caller").first).to_contain_text("cancel", timeout=TURN)

    card = page.locator("#approvals .approval")
    await expect(card).to_contain_text("25 percent off for 12 months", timeout=TURN)
    await expect(page.locator(".tool").first).to_contain_text("offer discount")
    await picture(page, "2-approval")
    await card.get_by_role("button", name="Approve").click()
    await expect(page.locator(".decided .approval.approved")).to_be_visible(timeout=SOON)
    await expect(turns.last).to_contain_text("my colleague agreed", timeout=TURN)
    await expect(page.locator("#latency-last")).to_contain_text(re.compile(r"\d+(\.\d+)? m?s"))
    await picture(page, "3-approved")

    await expect(page.locator("#state")).to_have_attribute("data-state", "idle", timeout=WHOLE_CALL)
    await expect(page.locator("#state")).to_contain_text("The agent said goodbye")
    await expect(page.locator("#sealed")).to_have_text("Sealed: nothing is missing", timeout=TURN)
    await expect(page.locator("#bill-total")).to_contain_text("$")
    await expect(page.locator("#timeline tbody tr").first).to_contain_text("offered")
    assert await page.locator("#timeline tbody tr").count() > 15
    await plays(page)
    await picture(page, "4-left")


async def plays(page: Page) -> None:
    """The recording is there, as long as the call, and plays."""
    player = page.locator("#player")
    await expect(player).to_be_visible(timeout=SOON)
    await player.evaluate("player => player.play()")

    async def advances() -> bool:
        return bool(await player.evaluate("player => player.currentTime > 0.5"))

    await until(advances, "the recording plays")
    assert await player.evaluate("player => player.duration") > 20
    await player.evaluate("player => player.pause()")
    assert await page.locator("#recording canvas").count() == 1


async def test_a_blocked_microphone_is_explained(browser: Browser, stack: RunningStack) -> None:
    page = await browser.new_page()
    await page.add_init_script(
        "navigator.mediaDevices.getUserMedia = async () => {"
        " throw new DOMException('denied', 'NotAllowedError'); };"
    )
    await page.goto(stack.ready["page"])
    await page.click("#talk")
    await expect(page.locator("#notice")).to_contain_text("The microphone is blocked")
    await expect(page.locator("#talk")).to_be_enabled()
    await page.close()


async def test_hanging_up_ends_the_call(page: Page) -> None:
    await page.click("#talk")
    await expect(page.locator("#state")).to_have_attribute("data-state", "live", timeout=SOON)
    await page.click("#keys")
    await page.get_by_role("button", name="Key 5").click()
    await expect(page.locator(".note")).to_contain_text("You pressed 5", timeout=SOON)
    await page.click("#hangup")
    await expect(page.locator("#state")).to_contain_text("You hung up", timeout=SOON)
    await expect(page.locator("#sealed")).to_have_text("Sealed: nothing is missing", timeout=TURN)


async def test_busy_lines_are_said(page: Page) -> None:
    busy = {"title": "No line is free", "detail": "All our lines are busy.", "fix": "Call again."}

    async def refuse(route: Route) -> None:
        await route.fulfill(
            status=503, body=json.dumps(busy), content_type="application/problem+json"
        )

    await page.route("**/v1/phone-tokens", refuse)
    await page.click("#talk")
    await expect(page.locator("#notice")).to_have_text("All our lines are busy. Call again.")
    await expect(page.locator("#talk")).to_be_enabled()


async def test_a_connection_that_breaks_is_said(page: Page) -> None:
    await page.route_web_socket("**/media/**", break_off)
    await page.click("#talk")
    await expect(page.locator("#notice")).to_contain_text("The connection", timeout=SOON)
    await expect(page.locator("#talk")).to_be_enabled()


async def break_off(socket: WebSocketRoute) -> None:
    await socket.close(code=1011, reason="gone")


async def test_an_earlier_call_is_shown_again(page: Page) -> None:
    await page.locator("#earlier .call", has_text="The agent said goodbye").click()
    await expect(page.locator("#sealed")).to_have_text("Sealed: nothing is missing", timeout=SOON)
    await expect(page.locator("#bill-total")).to_contain_text("$")
    await expect(page.locator(".turn.agent").first).to_contain_text("Nova")


async def test_without_a_demo_session_a_token_opens_the_page(
    page: Page, stack: RunningStack
) -> None:
    async def refuse(route: Route) -> None:
        await route.fulfill(status=403, body="{}", content_type="application/problem+json")

    await page.route("**/demo/session", refuse)
    await page.reload()
    await expect(page.locator("#talk")).to_be_disabled()
    await page.get_by_label("Access token").fill("nonsense")
    await page.get_by_role("button", name="Use it").click()
    await expect(page.locator("#notice")).to_contain_text("The token is not valid")
    await page.get_by_label("Access token").fill(stack.ready["api_token"])
    await page.get_by_role("button", name="Use it").click()
    await expect(page.locator("#talk")).to_be_enabled()
    await expect(page.locator("#sign-in")).to_be_hidden()


async def test_a_mistake_in_the_rule_book_is_shown_with_its_line(
    page: Page, stack: RunningStack
) -> None:
    file = stack.home / "rulebooks" / "home-internet.yaml"
    good = file.read_text()
    file.write_text(good.replace("greeting:", "greating:", 1))
    wrong = page.locator("#rulebook .wrong")

    async def told() -> bool:
        await page.reload()
        await expect(page.locator("#rulebook .path")).to_be_visible()
        return await wrong.count() == 1

    await until(told, "the page tells of the mistake")
    await expect(wrong).to_contain_text(re.compile(r"line \d+"))
    file.write_text(good)


async def test_everything_is_reached_by_keyboard(page: Page) -> None:
    await expect(page.locator("#talk")).to_be_enabled()
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.locator("#talk")).to_be_focused()
