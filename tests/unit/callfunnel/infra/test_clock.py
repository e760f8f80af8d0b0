"""The wall clock, also when it jumps."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callfunnel.infra import clock


@pytest.fixture
def jumps(tmp_path: Path) -> Iterator[Path]:
    """The file that sets this process's clock."""
    clock.follow(tmp_path / "jumps.ms")
    yield tmp_path / "jumps.ms"
    clock.follow(None)


def off_by_s() -> float:
    return (datetime.fromisoformat(clock.utc_now()) - datetime.now(UTC)).total_seconds()


def test_it_is_the_machines_clock() -> None:
    assert abs(off_by_s()) < 1


def test_it_jumps_when_the_file_says_so_and_comes_back_when_it_is_gone(jumps: Path) -> None:
    jumps.write_text("3600000")
    assert 3599 < off_by_s() < 3601
    jumps.write_text("not a number")
    assert abs(off_by_s()) < 1
    jumps.write_text("-60000")
    assert -61 < off_by_s() < -59
    jumps.unlink()
    assert abs(off_by_s()) < 1
