"""The demo page's session: a token that works, for this machine's browser alone."""

from pathlib import Path

import pytest

from callfunnel.infra.sealed import SealedFolder
from callfunnel.local.demo.people import ensure_people
from callfunnel.local.identities import Identities
from tests.integration.gateway.conftest import Running


@pytest.fixture
def people(gateway: Running) -> None:
    store = SealedFolder.open(Path(gateway.settings.secrets.removeprefix("local:")))
    ensure_people(Identities(store), store)


async def test_the_page_gets_a_token_that_opens_the_api(gateway: Running, people: None) -> None:
    answer = await gateway.http.post(f"{gateway.url}/demo/session", headers={"Origin": gateway.url})
    session = answer.json()
    assert (session["tenant"], session["model"], session["expires_in"]) == ("demo", "demo", 3600)
    head = {"Authorization": f"Bearer {session['access_token']}"}
    assert (await gateway.http.get(f"{gateway.url}/v1/calls", headers=head)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
        {"X-Forwarded-For": "203.0.113.9"},
    ],
)
async def test_nobody_else_does(gateway: Running, people: None, headers: dict[str, str]) -> None:
    sent = headers if not headers or "Origin" in headers else {"Origin": gateway.url, **headers}
    answer = await gateway.http.post(f"{gateway.url}/demo/session", headers=sent)
    assert answer.status_code == 403
    assert "access_token" not in answer.text
