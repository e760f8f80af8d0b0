"""Secrets are planted in a call and searched for afterwards, everywhere.

RAW alone holds what was said before redaction, for hours, encrypted on the disk. A recording holds
the voice itself; a spool file holds facts until the bus has them, and overwrites them then.
"""

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx
import pytest

from callfunnel.domain.ids import PLATFORM
from callfunnel.events.streams import RAW, RULEBOOKS
from tests.security import places
from tests.security.two_tenants import MODEL_KEY, A, TwoTenants
from tests.simulators.openai_realtime import ToolCall, Turn
from tests.simulators.waiting import eventually

SPOKEN = ("4111 1111 1111 1111", "4111111111111111", "4111-1111-1111-1111")
IN_A_TOOL = ("5500 0055 5555 5559", "5500005555555559")
PRESSED = "4000056655665556"
PASSWORD = "Plantedhorse77"
SAID = (*SPOKEN, *IN_A_TOOL, PRESSED, PASSWORD)
LOOKED_UP = ("6011 0009 9013 9424", "6011000990139424", "Plantedmule88")
"""What a look-up told the agent; it stands in the rule book, which is kept as it was written."""
RULE_BOOK = "/v1/rulebooks/home-internet"
Found = Iterable[tuple[str, bytes]]


@pytest.fixture(scope="module")
def book(attacked: TwoTenants) -> Iterator[None]:
    """A's rule book, with a card and a password in what its look-up tells."""
    kind = {"Content-Type": "application/yaml"}
    before = attacked.door.get(RULE_BOOK, headers=attacked.as_a).json()["document"]
    reason = f"reason: the card {LOOKED_UP[0]} was declined, the password is {LOOKED_UP[2]}"
    for each in (re.sub(r"reason: the welcome .*", reason, before), before):
        asked = {"content": each, "headers": {**attacked.as_a, **kind}}
        assert attacked.door.put(RULE_BOOK, **asked).status_code == 200
        if each is not before:
            yield


@pytest.fixture(scope="module")
def call(attacked: TwoTenants, book: None) -> str:
    """A settled call in which a card is said, pressed, put into a tool and looked up by another,
    and a password told."""
    arguments = {"day": f"monday, card {IN_A_TOOL[0]}", "time": "noon"}
    attacked.script.turns = deque(
        [
            Turn(heard=f"My card number is {SPOKEN[0]}.", text="I do not need it."),
            Turn(
                heard="Call me back.",
                tools=[ToolCall("book_callback", arguments), ToolCall("find_customer", {})],
            ),
            Turn(text="What is your password? Please tell me."),
            Turn(heard=f"{PASSWORD}", text="Thank you."),
        ]
    )
    quick = ("--hangup-after", "1.5", "--answer-after", "0.5")
    report = attacked.stack.call(*("say:hello there",) * 3, f"key:{PRESSED}#", *quick)
    assert report["settled"]
    return str(report["call"])


@pytest.fixture(scope="module")
def secrets(attacked: TwoTenants) -> dict[str, str]:
    """What gives access to anything: keys, passwords, tokens."""
    store = attacked.store
    kept = {path: store.get(PLATFORM, path) for path in store.paths(PLATFORM)}
    wanted = ("password", "secret_key", "client_secret", "keys", "key", "kek", "passphrase")
    found = {
        f"{path} {name}": value
        for path, secret in kept.items()
        for name, value in secret.items()
        if name in wanted and "/issuer/user/" not in path
    }
    (signing,) = [
        json.loads(value) for name, value in found.items() if name.startswith("issuer/keys")
    ]
    del found["issuer/keys keys"]
    found["the issuer's private key"] = signing[0]["pem"].splitlines()[3]
    found["the model's key"] = MODEL_KEY
    found["the carrier's token"] = store.get(A, "carriers/twilio")["auth_token"]
    found["an access token"] = attacked.as_a["Authorization"].rpartition(".")[2]
    found["the printed token"] = str(attacked.stack.ready["api_token"]).rpartition(".")[2]
    return found


def hits(found: Found, wanted: Iterable[str], *, but: Iterable[str] = ()) -> list[str]:
    """Where one of the wanted texts lies, except in the places named."""
    needles = [(text, text.encode()) for text in wanted]
    kept = tuple(but)
    return [
        f"{text!r} in {place}"
        for place, content in found
        for text, needle in needles
        if needle in content and not place.startswith(kept or ("nowhere",))
    ]


def test_what_was_planted_did_come_in(attacked: TwoTenants, call: str) -> None:
    raw = b"".join(body for _, body in places.messages(attacked, RAW.name))
    planted = (SPOKEN[0], IN_A_TOOL[0], PASSWORD, LOOKED_UP[0], LOOKED_UP[2])
    assert [each for each in planted if each.encode() not in raw] == []
    keys = re.findall(rb'"digit":"(\d)"', raw)
    assert b"".join(keys).decode() == PRESSED


def test_no_table_holds_what_was_said(attacked: TwoTenants, call: str) -> None:
    rows = list(places.rows(attacked))
    assert any(call.encode() in row for _, row in rows)
    assert hits(rows, SAID) == []
    assert hits(rows, LOOKED_UP, but=["table rulebooks.versions"]) == []


@pytest.mark.parametrize("stream", [each for each in places.STREAM_NAMES if each != RAW.name])
def test_no_stream_after_redaction_holds_it(attacked: TwoTenants, call: str, stream: str) -> None:
    found = places.messages(attacked, stream)
    assert hits(found, SAID) == []
    assert hits(found, LOOKED_UP, but=[f"stream KV_{RULEBOOKS.name}"]) == []


def test_of_the_keys_pressed_at_most_three_are_shown(attacked: TwoTenants, call: str) -> None:
    told = [
        each["data"]["digit"]
        for each in attacked.stack.facts(call)
        if each["name"] == "key_pressed"
    ]
    assert re.fullmatch(r"\d{0,3}x+#", "".join(told))
    assert len(told) == len(PRESSED) + 1


def test_what_is_not_redacted_is_kept_for_hours_only() -> None:
    assert RAW.max_age_s <= 6 * 3600


def test_no_file_holds_it_nor_any_secret(
    attacked: TwoTenants, call: str, secrets: dict[str, str]
) -> None:
    """As the bytes lie on the disk: streams, tables, objects, spools, logs, what is running.

    Three files hold the services' own logins and key, readable by their owner alone.
    """
    eventually(lambda: not hits(spools(attacked), SAID), "what the bus has has left the spools")
    logins = ("file nats/nats.conf", "file objects/identities.json", "file objects/key.pem")
    everything = list(places.files(attacked))
    assert hits(everything, SAID) == []
    logs = [each for each in everything if each[0].endswith(".log")]
    assert len(logs) >= 3
    assert hits(logs, LOOKED_UP) == []
    assert hits(everything, secrets.values(), but=logins) == []
    for name in logins:
        path = attacked.stack.home / name.removeprefix("file ")
        assert path.stat().st_mode & 0o077 == 0


def spools(attacked: TwoTenants) -> Found:
    return [each for each in places.files(attacked) if each[0].startswith("file spool/")]


def test_no_store_holds_a_secret(attacked: TwoTenants, secrets: dict[str, str]) -> None:
    streams = [each for name in places.STREAM_NAMES for each in places.messages(attacked, name)]
    assert hits(places.rows(attacked), secrets.values()) == []
    assert hits(streams, secrets.values()) == []
    assert hits(places.objects(attacked), [*secrets.values(), *SAID, *LOOKED_UP]) == []


def test_no_metric_holds_any_of_it(
    attacked: TwoTenants, call: str, secrets: dict[str, str]
) -> None:
    shown = json.loads((attacked.stack.home / "run" / "targets.json").read_text())
    texts = [
        (address, httpx.get(f"http://{address}/metrics").raise_for_status().content)
        for each in shown
        for address in each["targets"]
    ]
    assert len(texts) >= 3
    planted = [*SAID, *LOOKED_UP, *secrets.values()]
    assert hits(texts, [*planted, call, attacked.theirs.call]) == []


def test_no_trace_holds_any_of_it(attacked: TwoTenants, call: str, secrets: dict[str, str]) -> None:
    eventually(lambda: attacked.collector.named(call, "seal record"), "the record's span")
    names = {span.name for span in attacked.collector.of_call(call)}
    assert {"call", "turn", "tool"} <= names
    exported = [("a trace", body) for body in attacked.collector.bodies]
    assert hits(exported, [*SAID, *LOOKED_UP, *secrets.values(), "+15550100"]) == []


def test_a_process_is_told_no_secret_but_the_models_key_where_it_is_used(
    attacked: TwoTenants, secrets: dict[str, str]
) -> None:
    """Arguments are for all to read, the environment for the owner: a service gets its own keys."""
    for name, pid in places.pids(attacked).items():
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
        assert hits([(name, line)], secrets.values()) == []
        if "python" in name and "workers.media" not in line.decode():
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            known = {MODEL_KEY} if name == "up" else set()
            assert hits([(name, environment)], set(secrets.values()) - known) == [], name


def test_no_process_leaves_its_memory_behind(attacked: TwoTenants) -> None:
    found = places.pids(attacked)
    assert len(found) > 6
    for name, pid in found.items():
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert re.search(r"Max core file size\s+0\s+0\s", limits), name
        assert int(Path(f"/proc/{pid}/coredump_filter").read_text(), 16) == 0, name


def test_everything_in_the_home_is_its_owners_alone(attacked: TwoTenants) -> None:
    assert attacked.stack.home.stat().st_mode & 0o077 == 0
    ready = attacked.stack.home.parent / "ready.json"
    assert ready.stat().st_mode & 0o077 == 0
