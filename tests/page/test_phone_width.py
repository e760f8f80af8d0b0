"""On a phone's narrow screen: what has to be decided in time is seen without scrolling."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="module")

WIDTH, HEIGHT = 390, 844
ASKED = """async () => {
  const { Approvals } = await import("/console/views/approvals.js");
  document.body.dataset.state = "live";
  for (const id of ["controls", "latency"]) document.getElementById(id).hidden = false;
  new Approvals(() => {}, () => {}).take({ name: "approval_requested", data: {
    approval: "apr_1", expires_at: new Date(Date.now() + 90000).toISOString(),
    what: "25 percent off for 12 months, to keep a customer who wants to cancel" } });
}"""
TOLD = """async () => {
  const { Timeline } = await import("/console/views/timeline.js");
  document.getElementById("aftermath").hidden = false;
  const timeline = new Timeline();
  timeline.clear();
  timeline.take({ seq: 1, at: "2026-01-01T00:00:00Z", name: "offered",
    data: { carrier_call_id: "x".repeat(34), caller: "browser", agent: "home-internet" } });
}"""


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, console_url: str) -> AsyncIterator[Page]:
    page = await browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    await page.goto(f"{console_url}/index.html")
    yield page
    await page.close()


async def test_an_approval_is_decided_without_scrolling(page: Page) -> None:
    await expect(page.locator("#notice")).to_be_visible()  # no gateway answers here
    await page.locator("#notice").evaluate("notice => { notice.hidden = true; }")
    await page.evaluate(ASKED)
    await expect(page.get_by_role("button", name="Refuse")).to_be_in_viewport(ratio=1)
    await expect(page.get_by_role("button", name="Hang up")).to_be_in_viewport(ratio=1)


async def test_a_fact_has_room_and_nothing_runs_out_of_the_screen(page: Page) -> None:
    await page.evaluate(TOLD)
    assert (await box(page, "#timeline .details"))["width"] > WIDTH / 2
    assert await page.evaluate("document.documentElement.scrollWidth") == WIDTH


async def test_a_mistake_is_seen_wherever_one_has_scrolled_to(page: Page) -> None:
    await expect(page.locator("#notice")).to_be_visible()
    await page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    await expect(page.locator("#notice")).to_be_in_viewport(ratio=1)


async def box(page: Page, selector: str) -> dict[str, Any]:
    found = await page.locator(selector).bounding_box()
    assert found is not None
    return dict(found)
