import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from callfunnel.domain.errors import UserError
from callfunnel.local.home.ports import ADMIN_GRPC_OFFSET, SERVICE_PORTS, is_free, settle


@contextmanager
def taken(port: int) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", port)):
        yield


def test_ports_are_chosen_once_and_kept(tmp_path: Path) -> None:
    first = settle(tmp_path / "ports.json", 0)
    assert settle(tmp_path / "ports.json", 0) == first
    assert set(first) == {*SERVICE_PORTS, "gateway"}
    assert len(set(first.values())) == len(first)


def test_a_port_that_somebody_took_is_chosen_again_and_the_others_stay(tmp_path: Path) -> None:
    first = settle(tmp_path / "ports.json", 0)
    with taken(first["nats"]):
        second = settle(tmp_path / "ports.json", 0)
    changed = {name for name in first if first[name] != second[name]}
    assert changed == {"nats"}


def test_a_port_that_was_asked_for_and_is_taken_is_refused(tmp_path: Path) -> None:
    port = settle(tmp_path / "ports.json", 0)["gateway"]
    with taken(port), pytest.raises(UserError, match=f"port {port} is in use"):
        settle(tmp_path / "ports.json", port)


def test_the_port_asked_for_is_kept_for_the_next_start(tmp_path: Path) -> None:
    port = settle(tmp_path / "other.json", 0)["gateway"]
    assert settle(tmp_path / "ports.json", port)["gateway"] == port
    assert settle(tmp_path / "ports.json", None)["gateway"] == port


@pytest.mark.parametrize("content", ["", "{", "[]", '{"nats": "4222"}', '{"nats": 22.5}'])
def test_a_damaged_file_is_written_anew(tmp_path: Path, content: str) -> None:
    file = tmp_path / "ports.json"
    file.write_text(content)
    ports = settle(file, 0)
    assert json.loads(file.read_text()) == ports


def test_the_object_stores_admin_has_its_second_port_free(tmp_path: Path) -> None:
    admin = settle(tmp_path / "ports.json", 0)["admin"]
    assert is_free(admin + ADMIN_GRPC_OFFSET)
