"""The demo page's session: a token that works, for this machine's browser alone."""

from pathlib import Path

import pytest

from callfunnel.infra.sealed import SealedFolder
from callfunnel.local.home.credentials import PAGE, credential
from callfunnel.local.identity.identities import Identities
from callfunnel.local.identity.people import ensure_people
from gateway.demo import PAGE_KEY
from tests.integration.gateway.conftest import Running


@pytest.fixture
def people(gateway: Running) -> None:
    store = SealedFolder.open(Path(gateway.settings.secrets.removeprefix("local:")))
    ensure_people(Identities(store), store)


def page_key(gateway: Running) -> str:
    """What the printed address holds: another user of this machine does not know it."""
    store = SealedFolder.open(Path(gateway.settings.secrets.removeprefix("local:")))
    return credential(store, PAGE)["key"]


async def test_the_page_gets_a_token_that_opens_the_api(gateway: Running, people: None) -> None:
    sent = {"Origin": gateway.url, PAGE_KEY: page_key(gateway)}
    answer = await gateway.http.post(f"{gateway.url}/demo/session", headers=sent)
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
        {PAGE_KEY: ""},
        {PAGE_KEY: "another"},
        {PAGE_KEY: b"\xff"},
    ],
)
async def test_nobody_else_does(gateway: Running, people: None, headers: dict[str, str]) -> None:
    good = {"Origin": gateway.url, PAGE_KEY: page_key(gateway)}
    sent = {**good, **headers} if headers else {PAGE_KEY: good[PAGE_KEY]}
    answer = await gateway.http.post(f"{gateway.url}/demo/session", headers=sent)
    assert answer.status_code == 403
    assert "access_token" not in answer.text
