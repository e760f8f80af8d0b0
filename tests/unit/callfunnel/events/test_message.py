"""A subject's template: what is left of it without ids."""

import subprocess
import sys

import pytest

from callfunnel.events import catalogue
from callfunnel.events.message import template_of


def test_a_subject_becomes_its_template() -> None:
    assert catalogue.definitions()
    assert template_of("cf.demo.call.c_1.ended") == "cf.<tenant>.call.<key>.ended"
    assert template_of("cf.demo.raw.c_1.ended") == "cf.<tenant>.raw.<key>.ended"


@pytest.mark.parametrize("subject", ["", "cf.demo.call.c_1", "cf.demo.call.c_1.nonsense", "a.b"])
def test_a_foreign_subject_is_other(subject: str) -> None:
    assert template_of(subject) == "other"


def test_a_message_that_is_defined_later_has_its_template_too() -> None:
    program = """
from callfunnel.events.message import template_of
from callfunnel.infra import bus, telemetry
import callfunnel.events.requests
print(template_of("cf.demo.worker.media-1.reserve"))
"""
    command = [sys.executable, "-c", program]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "cf.<tenant>.worker.<key>.reserve"
