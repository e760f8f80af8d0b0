import json
from pathlib import Path

from callfunnel.local.home.folder import Home
from callfunnel.local.targets import targets


def test_what_a_process_left_in_an_earlier_life_is_no_target(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.run.mkdir()
    for name, pid, port in (("gateway", 1, 11), ("media-1", 2, 12)):
        (home.run / f"{name}.json").write_text(json.dumps({"pid": pid, "health_port": port}))
    state = {
        "services": {"issuer": "http://127.0.0.1:10/realms/callfunnel", "nats": "nats://x:1"},
        "processes": [
            {"name": "gateway", "pid": 1},
            {"name": "media-1", "pid": 99},
            {"name": "issuer", "pid": 4},
            {"name": "nats", "pid": 5},
        ],
    }
    assert list(targets(home, state)) == [
        {"targets": ["127.0.0.1:11"], "labels": {"process": "gateway"}},
        {"targets": ["127.0.0.1:10"], "labels": {"process": "issuer"}},
    ]
