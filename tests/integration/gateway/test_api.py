"""The tenants' API: what it shows, and what it refuses."""

import hashlib

import pytest

from callfunnel.auth.permissions import Role
from callfunnel.domain.ids import CallId
from callfunnel.events.requests import Accepted, DecideApproval, PutRulebook, RulebookStored
from callfunnel.infra.bus import Received
from tests.integration.gateway.conftest import AGENT, Running
from tests.integration.gateway.stored_calls import SOUND, StoredCalls

PROBLEM = "application/problem+json"
NO_CALL, NO_APPROVAL = "c_" + "a" * 26, "apr_" + "a" * 26


async def test_calls_are_listed_newest_first_page_by_page(
    gateway: Running, calls: StoredCalls
) -> None:
    made = [await calls.call() for _ in range(5)]
    head = gateway.people.headers(gateway.tenant, Role.VIEWER)
    seen, cursor = [], ""
    for _ in range(3):
        page = (
            await gateway.http.get(f"{gateway.url}/v1/calls?limit=2&cursor={cursor}", headers=head)
        ).json()
        seen += [each["call"] for each in page["items"]]
        cursor = page["next"]
    assert seen == made[::-1]
    assert cursor is None


async def test_one_call_with_its_timeline_and_bill(gateway: Running, calls: StoredCalls) -> None:
    call = await calls.call(facts=3)
    await calls.bill(call, 1200, 3000)
    head = gateway.people.headers(gateway.tenant)
    shown = (await gateway.http.get(f"{gateway.url}/v1/calls/{call}", headers=head)).json()
    assert (shown["from"], shown["duration_ms"], shown["amount_micros"]) == (
        "+15550100123",
        61_000,
        4200,
    )
    items = (await gateway.http.get(f"{gateway.url}/v1/calls/{call}/timeline", headers=head)).json()
    names = [each["name"] for each in items["items"]]
    assert names == [
        "offered",
        "caller_spoke",
        "caller_spoke",
        "ended",
        "recording_stored",
        "settled",
    ]
    bill = (await gateway.http.get(f"{gateway.url}/v1/calls/{call}/bill", headers=head)).json()
    assert (bill["total_micros"], bill["currency"], len(bill["lines"])) == (4200, "USD", 2)


async def test_a_recording_is_played_whole_or_in_ranges(
    gateway: Running, calls: StoredCalls
) -> None:
    call = await calls.call()
    await calls.recording(call)
    url = f"{gateway.url}/v1/calls/{call}/recording"
    head = gateway.people.headers(gateway.tenant, Role.LISTENER)
    whole = await gateway.http.get(url, headers=head)
    assert (whole.status_code, whole.content) == (200, SOUND)
    assert whole.headers["content-type"] == "audio/flac"
    assert whole.headers["accept-ranges"] == "bytes"
    part = await gateway.http.get(url, headers={**head, "Range": "bytes=300-1299"})
    assert (part.status_code, part.content) == (206, SOUND[300:1300])
    assert part.headers["content-range"] == f"bytes 300-1299/{len(SOUND)}"
    tail = await gateway.http.get(url, headers={**head, "Range": "bytes=-7"})
    assert tail.content == SOUND[-7:]
    beyond = await gateway.http.get(url, headers={**head, "Range": "bytes=999999-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(SOUND)}")
    etag = f'"{hashlib.sha256(SOUND).hexdigest()}"'
    same = await gateway.http.get(url, headers={**head, "If-None-Match": etag})
    assert (same.status_code, same.content) == (304, b"")


async def test_playing_a_recording_leaves_a_line_of_audit(
    gateway: Running, calls: StoredCalls, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "gateway.audit")
    call = await calls.call()
    await calls.recording(call)
    head = gateway.people.headers(gateway.tenant, Role.LISTENER)
    await gateway.http.get(f"{gateway.url}/v1/calls/{call}/recording", headers=head)
    (line,) = [each for each in caplog.records if each.name == "gateway.audit"]
    assert (line.call, line.tenant, line.bytes) == (call, gateway.tenant, len(SOUND))
    assert line.who


async def test_a_hang_up_reaches_the_worker_that_has_the_call(
    gateway: Running, calls: StoredCalls
) -> None:
    worker = await gateway.worker()
    call = await calls.call(ended=False)
    head = gateway.people.headers(gateway.tenant, Role.OPERATOR)
    answer = await gateway.http.post(f"{gateway.url}/v1/calls/{call}/hangup", headers=head)
    assert answer.status_code == 202
    ((hung_up, _),) = worker.hung_up
    assert hung_up == call


async def test_a_decision_is_passed_on_and_a_late_one_is_a_conflict(
    gateway: Running, calls: StoredCalls
) -> None:
    approval = await calls.approval()
    decisions: list[DecideApproval] = []

    async def answer(asked: Received[DecideApproval]) -> Accepted:
        decisions.append(asked.data)
        first = len(decisions) == 1
        return Accepted(ok=first, reason="" if first else "late", detail="decided already")

    await gateway.conductor.serve(DecideApproval, answer)
    head = gateway.people.headers(gateway.tenant, Role.APPROVER)
    listed = (await gateway.http.get(f"{gateway.url}/v1/approvals?state=open", headers=head)).json()
    assert [each["approval"] for each in listed["items"]] == [approval]
    assert listed["items"][0]["arguments"] == {"percent": 25}
    url = f"{gateway.url}/v1/approvals/{approval}/decision"
    first = await gateway.http.post(url, json={"decision": "approved"}, headers=head)
    assert first.json() == {"approval": approval, "decision": "approved"}
    late = await gateway.http.post(url, json={"decision": "refused"}, headers=head)
    assert (late.status_code, late.json()["detail"]) == (409, "decided already")
    assert (decisions[0].decision, decisions[0].via) == ("approved", "api")


async def test_an_invalid_rule_book_is_refused_line_by_line(
    gateway: Running, calls: StoredCalls
) -> None:
    errors = [{"line": 7, "pointer": "/greeting", "detail": "is missing"}]

    async def answer(asked: Received[PutRulebook]) -> RulebookStored:
        good = asked.data.document.startswith("agent:")
        return RulebookStored(ok=good, version=4 if good else 0, errors=[] if good else errors)

    await gateway.conductor.serve(PutRulebook, answer)
    await calls.rulebook(AGENT, "agent: old # and a comment\n")
    head = gateway.people.headers(gateway.tenant)
    url = f"{gateway.url}/v1/rulebooks/{AGENT}"
    shown = (await gateway.http.get(url, headers=head)).json()
    assert (shown["version"], shown["document"]) == (3, "agent: old # and a comment\n")
    assert shown["file"].endswith("/rulebooks/home-internet.yaml")
    yaml = {**head, "Content-Type": "application/yaml"}
    good = await gateway.http.put(url, content="agent: new", headers=yaml)
    assert good.json() == {"agent": AGENT, "version": 4}
    bad = await gateway.http.put(url, content="nonsense", headers=yaml)
    assert bad.status_code == 422
    assert bad.json()["type"] == "urn:callfunnel:problem:rulebook-invalid"
    assert bad.json()["errors"] == errors


async def test_a_browser_call_is_admitted_and_pinned(gateway: Running) -> None:
    worker = await gateway.worker()
    head = gateway.people.headers(gateway.tenant, Role.OPERATOR)
    url = f"{gateway.url}/v1/phone-tokens"
    placed = await gateway.http.post(url, json={"agent": AGENT}, headers=head)
    assert placed.status_code == 201
    spec = worker.reserved[CallId(placed.json()["call"])]
    assert (spec.channel, spec.caller, spec.callee) == ("browser", "browser", AGENT)
    assert placed.json()["media_url"].endswith(f"/media/{worker.name}/{placed.json()['token']}")
    worker.refuses = "full"
    busy = await gateway.http.post(url, json={"agent": AGENT}, headers=head)
    assert (busy.status_code, busy.json()["type"]) == (503, "urn:callfunnel:problem:lines-busy")
    assert int(busy.headers["retry-after"]) > 0
    unknown = await gateway.http.post(url, json={"agent": "nobody"}, headers=head)
    assert unknown.status_code == 404


async def test_a_browser_that_knows_the_gateway_by_another_name_is_answered_with_that(
    gateway: Running,
) -> None:
    await gateway.worker()
    head = gateway.people.headers(gateway.tenant)
    url = gateway.url.replace("127.0.0.1", "localhost")
    placed = await gateway.http.post(f"{url}/v1/phone-tokens", json={"agent": AGENT}, headers=head)
    assert placed.json()["media_url"].startswith(url.replace("http", "ws") + "/media/")


async def test_usage_is_summed_by_day(gateway: Running) -> None:
    head = gateway.people.headers(gateway.tenant, Role.BILLING)
    answer = await gateway.http.get(f"{gateway.url}/v1/usage", headers=head)
    assert (answer.status_code, answer.json()["items"]) == (200, [])
    wrong = f"{gateway.url}/v1/usage?since=2026-02-01&until=2026-01-01"
    assert (await gateway.http.get(wrong, headers=head)).status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("DELETE", "/v1/calls", 405),
        ("GET", "/v1/calls?limit=0", 422),
        ("GET", "/v1/calls/not-an-id", 422),
        ("GET", "/v1/usage?until=0.0", 422),
        ("GET", "/v1/usage?since=20260101", 422),
        ("POST", "/v1/phone-tokens", 422),
        ("GET", f"/v1/calls/{NO_CALL}", 404),
        ("GET", f"/v1/calls/{NO_CALL}/events", 404),
        ("GET", f"/v1/calls/{NO_CALL}/recording", 404),
        ("POST", f"/v1/approvals/{NO_APPROVAL}/decision", 422),
    ],
)
async def test_every_error_is_a_problem_that_says_what_to_do(
    gateway: Running, method: str, path: str, status: int
) -> None:
    head = gateway.people.headers(gateway.tenant)
    answer = await gateway.http.request(method, gateway.url + path, headers=head)
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    problem = answer.json()
    assert problem["type"].startswith("urn:callfunnel:problem:")
    assert all(problem[name] for name in ("title", "detail", "fix", "instance"))
    assert problem["status"] == status


async def test_a_wrong_method_is_told_the_right_ones(gateway: Running) -> None:
    answer = await gateway.http.delete(f"{gateway.url}/v1/rulebooks/{AGENT}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PUT")


async def test_a_body_that_is_no_json_is_malformed(gateway: Running) -> None:
    head = {**gateway.people.headers(gateway.tenant), "Content-Type": "application/json"}
    url = f"{gateway.url}/v1/phone-tokens"
    answer = await gateway.http.post(url, content=b"\xff{", headers=head)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:callfunnel:problem:malformed")


async def test_a_body_that_is_too_large_is_refused(gateway: Running) -> None:
    head = {**gateway.people.headers(gateway.tenant), "Content-Type": "application/yaml"}
    url = f"{gateway.url}/v1/rulebooks/{AGENT}"
    answer = await gateway.http.put(url, content="x" * 600_000, headers=head)
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)

    async def endless():
        for _ in range(20):
            yield b"x" * 65_536

    answer = await gateway.http.put(url, content=endless(), headers=head)
    assert answer.status_code == 413


async def test_every_answer_tells_the_tenants_budget(gateway: Running) -> None:
    head = gateway.people.headers(gateway.tenant)
    answer = await gateway.http.get(f"{gateway.url}/v1/calls", headers=head)
    assert answer.headers["ratelimit-policy"] == '"tenant";q=6000;w=60'
    assert answer.headers["ratelimit"] == '"tenant";r=5999;t=0'


async def test_every_answer_protects_the_page(gateway: Running) -> None:
    for path in ("/", "/v1/calls", "/console/app.js"):
        answer = await gateway.http.get(gateway.url + path)
        policy = answer.headers["content-security-policy"]
        assert "'unsafe" not in policy
        assert "default-src 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-request-id"]


async def test_probes_show_no_tenant(gateway: Running) -> None:
    for path in ("/healthz", "/readyz"):
        answer = await gateway.http.get(gateway.url + path)
        assert answer.status_code == 200
        assert gateway.tenant not in answer.text


async def test_the_public_port_shows_no_metrics(gateway: Running) -> None:
    assert (await gateway.http.get(f"{gateway.url}/metrics")).status_code == 404
    assert gateway.tenant not in gateway.door.telemetry.render().decode()


async def test_a_database_that_is_down_is_said_with_when_to_come_back(
    gateway: Running,
) -> None:
    head = gateway.people.headers(gateway.tenant)
    gateway.stack.kill("postgres")
    try:
        answer = await gateway.http.get(f"{gateway.url}/v1/calls", headers=head, timeout=20)
        ready = await gateway.http.get(f"{gateway.url}/readyz")
    finally:
        gateway.stack.restart("postgres")
    assert (answer.status_code, answer.json()["type"]) == (
        503,
        "urn:callfunnel:problem:unavailable",
    )
    assert int(answer.headers["retry-after"]) > 0
    assert ready.status_code == 503
