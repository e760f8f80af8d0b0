"""Somebody of B, with every role there, tries every operation of the API on what is A's."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from callfunnel.auth.permissions import PERMISSIONS, Role
from callfunnel.auth.principal import group_path
from callfunnel.infra.clock import fresh_id
from tests.security.operations import CASES, Shape, documented, of_shape, parameters
from tests.security.two_tenants import A, B, Owned, TwoTenants
from tests.simulators.waiting import eventually

WITH_TOKEN = of_shape(Shape.THING, Shape.OWN, Shape.STREAM)
ODD = (
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e%2fx",
    "%00",
    "a%00b",
    "*",
    "%3e",
    "c_%2a",
    "c_" + "a" * 26 + "%0a",
    "c_" + "a" * 26 + ".x",
    "%0d%0aX-Injected:%20yes",
    "'%20or%20'1'='1",
    "%F0%9F%92%A9",
    "%ff%fe",
    "x" * 6000,
    "C_" + "A" * 26,
    "apr_*",
    "_platform",
    "$JS.API",
    "%24KV.cf_pins.%3e",
    "home-internet%0a",
)


def absent() -> Owned:
    """Ids that are nobody's."""
    return Owned(fresh_id("c"), fresh_id("apr"), "nobody-has-this")


def ask(
    attacked: TwoTenants, operation: str, ids: Owned, headers: dict[str, str]
) -> httpx.Response:
    method, path = operation.format(**vars(ids)).split(" ", 1)
    sent = CASES[operation].sent(vars(ids))
    sent["headers"] = {**sent.get("headers", {}), **headers}
    with attacked.door.stream(method, path, **sent) as answer:
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            return httpx.Response(answer.status_code, headers=answer.headers)
        answer.read()
        return answer


def told(answer: httpx.Response, ids: Owned) -> tuple[int, set[str], Any]:
    """What an answer tells, but for the ids that were asked for and the request's own id."""
    text = answer.text
    for each in vars(ids).values():
        text = text.replace(each, "<id>")
    text = re.sub(r"urn:callfunnel:request:\w+", "<request>", text)
    return answer.status_code, set(answer.headers), text


def test_every_operation_has_its_case() -> None:
    assert set(CASES) == documented()


@pytest.mark.parametrize(
    "operation", [each for each in of_shape(Shape.THING) if each.startswith("GET")]
)
def test_its_owner_finds_it(attacked: TwoTenants, operation: str) -> None:
    assert ask(attacked, operation, attacked.theirs, attacked.as_a).status_code == 200


@pytest.mark.parametrize("operation", of_shape(Shape.THING))
def test_what_is_anothers_is_answered_as_what_never_was(
    attacked: TwoTenants, operation: str
) -> None:
    nothing = absent()
    foreign = ask(attacked, operation, attacked.theirs, attacked.as_b)
    never = ask(attacked, operation, nothing, attacked.as_b)
    assert foreign.status_code == 404
    assert told(foreign, attacked.theirs) == told(never, nothing)


@pytest.mark.parametrize("operation", of_shape(Shape.OWN))
def test_a_list_holds_the_askers_own_alone(attacked: TwoTenants, operation: str) -> None:
    answer = ask(attacked, operation, attacked.theirs, attacked.as_b)
    assert attacked.theirs.call not in answer.text
    assert attacked.theirs.approval not in answer.text
    assert f"of {A}" not in answer.text
    assert str(attacked.stack.home) not in answer.text


@pytest.mark.parametrize("path", ["/v1/calls?cursor={call}", "/v1/approvals?cursor={approval}"])
def test_a_foreign_cursor_is_a_place_and_no_key(attacked: TwoTenants, path: str) -> None:
    asked = path.format(**vars(attacked.theirs))
    items = attacked.door.get(asked, headers=attacked.as_b).json()["items"]
    known = {attacked.mine.call, attacked.mine.approval}
    assert {each.get("approval", each["call"]) for each in items} <= known


def test_who_asks_at_the_same_time_over_shared_connections_is_told_of_their_own(
    attacked: TwoTenants,
) -> None:
    """Nothing that is remembered of one request is in the answer to another's."""
    people = ((attacked.as_a, attacked.theirs), (attacked.as_b, attacked.mine))
    reads = (
        "GET /v1/calls",
        "GET /v1/calls/{call}",
        "GET /v1/approvals",
        "GET /v1/rulebooks",
    )
    asked = [(each, *who) for _ in range(4) for each in reads for who in people]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda each: ask(attacked, each[0], each[2], each[1]), asked))
    for (operation, head, _), answer in zip(asked, answers, strict=True):
        other, name = (attacked.mine, B) if head is attacked.as_a else (attacked.theirs, A)
        assert answer.status_code == 200, operation
        assert not [
            each for each in (other.call, other.approval, f"of {name}") if each in answer.text
        ]


def test_nothing_of_a_has_changed_by_what_b_asked(attacked: TwoTenants) -> None:
    before = everything(attacked)
    for operation in WITH_TOKEN:
        ask(attacked, operation, attacked.theirs, attacked.as_b)
    assert everything(attacked) == before


def everything(attacked: TwoTenants) -> dict[str, Any]:
    """All that A can read of what it has."""
    reads = [each for each in WITH_TOKEN if each.startswith("GET") and each != "GET /v1/events"]
    answers = {each: ask(attacked, each, attacked.theirs, attacked.as_a) for each in reads}
    return {each: told(answer, attacked.theirs) for each, answer in answers.items()}


def test_a_rule_book_of_b_never_becomes_that_of_a(attacked: TwoTenants) -> None:
    """Both have an agent of the same name; A's is also a file that is watched."""
    file = attacked.stack.home / "rulebooks" / "home-internet.yaml"
    before, path = file.read_text(), "/v1/rulebooks/home-internet"
    stolen = before.replace("Nova", "Mallory")
    kind = {"Content-Type": "application/yaml"}
    put = attacked.door.put(path, content=stolen, headers={**attacked.as_b, **kind})
    assert put.status_code == 200
    assert file.read_text() == before
    assert attacked.door.get(path, headers=attacked.as_a).json()["document"] == before
    mine = attacked.door.get(path, headers=attacked.as_b).json()
    assert (mine["document"], mine["file"]) == (stolen, None)


@pytest.fixture
def live(attacked: TwoTenants) -> Any:
    """A call of A that is going on: (its id, its socket)."""
    asked = {"agent": "home-internet"}
    placed = attacked.door.post("/v1/phone-tokens", json=asked, headers=attacked.as_a).json()
    with connect(placed["media_url"]) as socket:
        socket.send(json.dumps({"type": "start", "rate": 8000}))
        yield placed["call"], socket
        attacked.door.post(f"/v1/calls/{placed['call']}/hangup", headers=attacked.as_a)


def test_nobody_hangs_up_the_call_of_another_tenant(
    attacked: TwoTenants, live: tuple[str, ClientConnection]
) -> None:
    call, socket = live
    path = f"/v1/calls/{call}"
    eventually(lambda: attacked.stack.get(path), "the call is known")
    socket.recv(timeout=10)
    foreign = attacked.door.post(f"{path}/hangup", headers=attacked.as_b)
    assert foreign.status_code == 404
    assert socket.recv(timeout=10)
    assert attacked.door.post(f"{path}/hangup", headers=attacked.as_a).status_code == 202


@pytest.mark.parametrize("operation", WITH_TOKEN)
def test_without_a_token_nothing_is_answered(attacked: TwoTenants, operation: str) -> None:
    for head in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eDp5"}):
        answer = ask(attacked, operation, attacked.theirs, head)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("role", Role)
def test_a_role_may_do_what_its_row_says_and_no_more(attacked: TwoTenants, role: Role) -> None:
    head = attacked.headers(B, role)
    for operation in WITH_TOKEN:
        answer = ask(attacked, operation, attacked.mine, head)
        allowed = CASES[operation].permission in PERMISSIONS[role]
        assert (answer.status_code != 403) == allowed, f"{operation}: {answer.status_code}"
        assert answer.status_code != 401


@pytest.mark.parametrize(
    "group",
    [
        f"/tenants/{A}2/viewer",
        f"/tenants/{A}",
        f"/tenants/{A}/",
        f"/tenants/{A}/viewer/x",
        f"tenants/{A}/viewer",
        f"/Tenants/{A}/viewer",
        f"/tenants/{A.upper()}/viewer",
        f"/tenants/{A}/VIEWER",
        f"/tenants/{A}/root",
        f"/x/tenants/{A}/viewer",
        f"/tenants//{A}/viewer",
        f"/tenants/{A}/viewer\n",
        f"/tenants/{A}%2Fviewer",
        "/tenants/*/viewer",
        "/tenants/_platform/viewer",
        "/platform/operator",
    ],
)
def test_only_the_exact_group_opens_a_tenant(attacked: TwoTenants, group: str) -> None:
    head = {"Authorization": f"Bearer {attacked.token(group)}"}
    path = f"/v1/calls/{attacked.theirs.call}"
    assert attacked.door.get(path, headers=head).status_code in (403, 404)
    named = {**head, "CallFunnel-Tenant": A}
    assert attacked.door.get(path, headers=named).status_code == 403


def test_naming_a_tenant_in_the_header_gives_nothing_that_the_token_does_not(
    attacked: TwoTenants,
) -> None:
    path = f"/v1/calls/{attacked.theirs.call}"
    for named in (A, f"{A},{B}", A.upper(), "_platform", "*", ""):
        answer = attacked.door.get(path, headers={**attacked.as_b, "CallFunnel-Tenant": named})
        assert answer.status_code == 403, named
        assert "ratelimit" not in answer.headers, "it was counted as somebody's request"
    both = f"Bearer {attacked.token(group_path(A, Role.BILLING), group_path(B, Role.VIEWER))}"
    asked = {"Authorization": both}
    assert attacked.door.get(path, headers=asked).status_code == 422
    # a role of one tenant is none in the other
    assert attacked.door.get(path, headers={**asked, "CallFunnel-Tenant": A}).status_code == 403
    assert attacked.door.get(path, headers={**asked, "CallFunnel-Tenant": B}).status_code == 404
    twice = [*asked.items(), ("CallFunnel-Tenant", B), ("CallFunnel-Tenant", A)]
    assert attacked.door.get(path, headers=twice).status_code in (403, 404)


@pytest.mark.parametrize("odd", ODD)
def test_an_id_of_odd_bytes_is_refused_and_nothing_worse(attacked: TwoTenants, odd: str) -> None:
    for operation in filter(parameters, WITH_TOKEN):
        ids = Owned(call=odd, approval=odd, agent=odd)
        answer = ask(attacked, operation, ids, attacked.as_b)
        assert answer.status_code in (404, 405, 422), f"{operation}: {answer.status_code}"
        assert "x-injected" not in answer.headers
        assert f"of {A}" not in answer.text


@pytest.mark.parametrize("odd", ["999999999999999999", "-1", "1e3", "0x1", "1 or 1=1", "9" * 40])
def test_a_cursor_that_is_none_of_the_feed_is_refused(attacked: TwoTenants, odd: str) -> None:
    answer = attacked.door.get("/v1/events", headers={**attacked.as_b, "Last-Event-ID": odd})
    assert answer.status_code == 422


@pytest.mark.parametrize("tag", ["1", "end", "settled"])
def test_an_event_id_of_anothers_call_resumes_nothing(attacked: TwoTenants, tag: str) -> None:
    last = {"Last-Event-ID": f"{attacked.theirs.call}-{tag}"}
    for call, status in ((attacked.mine.call, 422), (attacked.theirs.call, 404)):
        path = f"/v1/calls/{call}/events"
        assert attacked.door.get(path, headers={**attacked.as_b, **last}).status_code == status
