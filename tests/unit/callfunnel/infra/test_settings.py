from pathlib import Path

import pytest

from callfunnel.domain.ids import TenantId
from callfunnel.infra.origin import is_origin
from callfunnel.infra.settings import PlatformSettings

ENV = {
    "CALLFUNNEL_NATS_URL": "nats://127.0.0.1:4222",
    "CALLFUNNEL_POSTGRES_URL": "postgresql://127.0.0.1:5432/callfunnel",
    "CALLFUNNEL_OBJECTS_URL": "http://127.0.0.1:8333",
    "CALLFUNNEL_SECRETS": "local:/somewhere/secrets",
    "CALLFUNNEL_ISSUER": "http://127.0.0.1:8080/realms/callfunnel",
    "CALLFUNNEL_PUBLIC_URL": "https://voice.example",
    "CALLFUNNEL_SPOOL_DIR": "/somewhere/spool",
    "CALLFUNNEL_RUN_DIR": "/somewhere/run",
    "CALLFUNNEL_PROCESS": "media-1",
}


def test_settings_survive_being_passed_on() -> None:
    settings = PlatformSettings.from_env({**ENV, "CALLFUNNEL_MEDIA_RELAY": "1"})
    assert settings.media_relay
    assert settings.run_dir == Path("/somewhere/run")
    assert PlatformSettings.from_env(settings.to_env()) == settings


def test_every_missing_variable_is_named_at_once() -> None:
    with pytest.raises(ValueError, match=r"CALLFUNNEL_NATS_URL is not set.*CALLFUNNEL_PROCESS"):
        PlatformSettings.from_env({})


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("CALLFUNNEL_HTTP_PORT", "eighty", "whole number"),
        ("CALLFUNNEL_HTTP_PORT", "-1", "whole number"),
        ("CALLFUNNEL_MEDIA_RELAY", "perhaps", "1 or 0"),
        ("CALLFUNNEL_PUBLIC_URL", "ht!tp://x y", "must be like https://"),
        ("CALLFUNNEL_MODEL", "psychic", "demo or openai"),
        (
            "CALLFUNNEL_POSTGRES_URL",
            "postgresql://u:p@h/db",
            "CALLFUNNEL_POSTGRES_URL holds credentials",
        ),
    ],
)
def test_a_wrong_value_says_what_is_wrong(variable: str, value: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        PlatformSettings.from_env({**ENV, variable: value})


def test_the_models_key_is_not_in_the_settings_text() -> None:
    settings = PlatformSettings.from_env({**ENV, "OPENAI_API_KEY": "sk-very-secret"})
    assert "sk-very-secret" not in repr(settings)


def test_a_folder_of_rule_books_is_one_tenants() -> None:
    with pytest.raises(ValueError, match="CALLFUNNEL_RULEBOOK_TENANT"):
        PlatformSettings.from_env({**ENV, "CALLFUNNEL_RULEBOOK_DIR": "/books"})
    told = {"CALLFUNNEL_RULEBOOK_DIR": "/books", "CALLFUNNEL_RULEBOOK_TENANT": "acme"}
    settings = PlatformSettings.from_env({**ENV, **told})
    assert settings.rulebook_file(TenantId("acme"), "sales") == Path("/books/sales.yaml")
    assert settings.rulebook_file(TenantId("acme2"), "sales") is None


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("https://phone.example.com", True), ("http://127.0.0.1:8420", True),
        ("https://[::1]:8420/", True), ("phone.example.com", False), ("ftp://a", False),
        ("https://a/b", False), ("https://u:p@a", False), ("https://a?b", False),
        ("https://a:99999", False), ("https://a:0", False), ("https://a b", False),
        ("https://", False), ("", False), ("https://a\n", False), ("wss://a", False),
    ],
)  # fmt: skip
def test_carriers_are_told_scheme_and_host_and_nothing_else(text: str, is_one: bool) -> None:
    assert is_origin(text) is is_one
