"""What strangers wrote is text on the page, and the page's own rules are kept by the browser."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Request, expect

from callfunnel.domain.ids import CallId
from callfunnel.events.call import (
    AgentSpoke,
    ApprovalDecided,
    ApprovalRequested,
    CallerSpoke,
    ToolCalled,
    ToolReturned,
)
from tests.integration.gateway.stored_calls import StoredCalls
from tests.security.two_tenants import A, TwoTenants

pytestmark = pytest.mark.asyncio(loop_scope="module")
SOON = 10_000


def hostile(spot: str) -> str:
    """Markup that sets a mark on the window if anything reads it as markup."""
    return (
        f"{spot} <img src=x onerror=\"window.owned='{spot}'\">"
        f"<script>window.owned='{spot}'</script><svg onload=window.owned='{spot}'>"
        f"\"'><iframe srcdoc='<script>parent.owned=1</script>'>javascript:owned=1"
    )


@pytest.fixture(scope="module")
def hostile_call(attacked: TwoTenants) -> str:
    """A call of A in which every text that somebody else chooses is hostile."""
    return asyncio.run(_told(attacked))


async def _told(attacked: TwoTenants) -> str:
    async with attacked.stored(A) as stored:
        call = await stored.call(facts=7)
        await _facts(stored, call)
        await stored._execute(
            "persistence",
            "update timeline.calls set caller = %s, agent = %s where call = %s",
            (hostile("number"), hostile("agent"), call),
        )
        await stored._execute(
            "billing",
            "insert into metering.bill_lines (tenant, call, line, round, meter, provider, model,"
            " unit, quantity, records, amount_micros, currency, price_book, explanation)"
            " values (%s, %s, 1, 1, %s, 'p', 'm', 'ms', 1, 1, 1, 'USD', 'b', %s)",
            (A, call, hostile("meter"), hostile("explanation")),
        )
    return call


async def _facts(stored: StoredCalls, call: CallId) -> None:
    until = "2030-01-01T00:00:00Z"
    facts = (
        CallerSpoke(turn=1, text=hostile("caller"), start_ms=1, end_ms=2),
        AgentSpoke(
            turn=1, text=hostile("said"), start_ms=2, heard_ms=3, generated_ms=3, interrupted=False
        ),
        ToolCalled(tool_call="tc_1", tool=hostile("tool"), arguments={"x": hostile("argument")}),
        ToolReturned(
            tool_call="tc_1", tool=hostile("tool"), outcome=hostile("outcome"),
            result={hostile("name"): hostile("result")}, duration_ms=1,
        ),
        ApprovalRequested(
            approval="apr_1", tool_call="tc_1", what=hostile("what"), limit="10", asked=until,
            expires_at=until,
        ),
        ApprovalDecided(
            approval="apr_1", tool_call="tc_1", decision="approved", by=hostile("by"), via="api",
        ),
    )  # fmt: skip
    for seq, fact in enumerate(facts, 2):
        await stored._execute(
            "persistence",
            "delete from timeline.events where call = %s and seq = %s",
            (call, seq),
        )
        await stored.store(call, str(seq), seq, fact)


@pytest.fixture
def rulebook(attacked: TwoTenants) -> Iterator[None]:
    """A's rule book ends with a hostile line."""
    path, kind = "/v1/rulebooks/home-internet", {"Content-Type": "application/yaml"}
    before = attacked.door.get(path, headers=attacked.as_a).json()["document"]
    written = f"{before}\n# {hostile('document')}\n"
    put = attacked.door.put(path, content=written, headers={**attacked.as_a, **kind})
    assert put.status_code == 200
    yield
    attacked.door.put(path, content=before, headers={**attacked.as_a, **kind})


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, attacked: TwoTenants) -> AsyncIterator[Page]:
    page = await browser.new_page()
    await page.goto(attacked.page)
    await expect(page.locator("#talk")).to_be_enabled()
    yield page
    await page.close()


async def untouched(page: Page) -> None:
    """Nothing that was written into a text has become part of the document."""
    made = "img[src='x'], iframe, svg[onload], script:not([src]), [onerror], [onload]"
    assert await page.evaluate("window.owned ?? null") is None
    assert await page.locator(made).count() == 0


async def test_what_strangers_wrote_is_shown_as_text(
    page: Page, hostile_call: str, rulebook: None
) -> None:
    await page.reload()
    await expect(page.locator("#rulebook pre")).to_contain_text(hostile("document"))
    await page.locator("#earlier .call", has_text="number <img").click()
    await expect(page.locator("#timeline")).to_contain_text("<img src=x onerror", timeout=SOON)
    await expect(page.locator("#conversation")).to_contain_text(hostile("caller"))
    await expect(page.locator("#conversation")).to_contain_text(hostile("said"))
    shown = await page.evaluate("document.body.textContent")
    spots = ("tool", "argument", "number")
    assert [spot for spot in spots if f"{spot} <img" not in shown] == []
    await untouched(page)


@pytest.mark.parametrize(
    "attempt",
    [
        "const s = document.createElement('script'); s.textContent = 'owned = 1';"
        " document.head.append(s)",
        "const b = document.createElement('button'); b.setAttribute('onclick', 'owned = 1');"
        " document.body.append(b); b.click()",
        "const a = document.createElement('a'); a.href = 'javascript:void(owned = 1)';"
        " document.body.append(a); a.click()",
        "const s = document.createElement('script'); s.src = 'data:text/javascript,owned=1';"
        " document.head.append(s)",
        "const s = document.createElement('script'); s.src = ELSEWHERE; document.head.append(s)",
        "const i = document.createElement('img'); i.src = ELSEWHERE; document.body.append(i)",
        "const f = document.createElement('iframe'); f.src = ELSEWHERE; document.body.append(f)",
        "const f = document.createElement('form'); f.action = ELSEWHERE; f.method = 'post';"
        " document.body.append(f); f.submit()",
        "fetch(ELSEWHERE).catch(() => {})",
        "navigator.sendBeacon(ELSEWHERE)",
        "try { new WebSocket(ELSEWHERE.replace('http', 'ws')) } catch {}",
        "const l = document.createElement('link'); l.rel = 'stylesheet'; l.href = ELSEWHERE;"
        " document.head.append(l)",
    ],
)
async def test_code_that_got_in_could_neither_run_nor_report(
    page: Page, attacked: TwoTenants, attempt: str
) -> None:
    script = """
    (elsewhere) => new Promise((done) => {
      document.addEventListener('securitypolicyviolation', (e) => done(e.effectiveDirective));
      setTimeout(() => done(''), 3000);
      const ELSEWHERE = elsewhere;
      ATTEMPT;
    })
    """.replace("ATTEMPT", attempt)
    where = f"{attacked.settings.issuer}/protocol/openid-connect/certs"
    assert await page.evaluate(script, where), "the browser's policy let it pass"
    assert await page.evaluate("window.owned ?? null") is None


async def test_no_other_page_shows_it_in_a_frame(browser: Browser, attacked: TwoTenants) -> None:
    page = await browser.new_page()
    await page.set_content(f'<iframe src="{attacked.page}"></iframe>')
    await expect(page.locator("iframe")).to_be_attached()
    frame = await (await page.query_selector("iframe")).content_frame()  # type: ignore[union-attr]
    await frame.wait_for_load_state()
    assert await frame.locator("#talk").count() == 0
    await page.close()


async def test_a_token_is_in_no_address_and_left_nowhere(
    browser: Browser, attacked: TwoTenants, hostile_call: str
) -> None:
    page = await browser.new_page()
    asked: list[Request] = []

    def note(request: Request) -> None:
        asked.append(request)

    page.on("request", note)
    async with page.expect_response("**/demo/session") as opened:
        await page.goto(attacked.page)
    token = (await (await opened.value).json())["access_token"]
    await page.locator("#earlier .call", has_text="number <img").click()
    await expect(page.locator("#timeline")).to_contain_text("offered", timeout=SOON)
    assert len(asked) > 10
    signed = token.rpartition(".")[2]
    for request in asked:
        headers = await request.all_headers()
        assert signed not in request.url
        assert "referer" not in headers
        assert "cookie" not in headers
    assert signed not in page.url
    assert await left(page) == {"local": 0, "session": 0, "cookies": "", "bases": 0, "caches": 0}
    assert await page.context.cookies() == []
    await page.close()


async def left(page: Page) -> dict[str, Any]:
    """What the browser keeps of the page."""
    found: dict[str, Any] = await page.evaluate(
        "(async () => ({ local: localStorage.length, session: sessionStorage.length,"
        " cookies: document.cookie, bases: (await indexedDB.databases()).length,"
        " caches: (await caches.keys()).length }))()"
    )
    return found
