import importlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callfunnel.domain.errors import UserError
from callfunnel.local.lineup import DEPLOYABLES, FEATURES, SCALABLE, lineup, parse_scale


def hosted(argv: tuple[str, ...]) -> list[str]:
    """The features that a process of the host runs."""
    if "--only" in argv:
        return argv[argv.index("--only") + 1].split(",")
    return [name for package in argv[1:] for name in DEPLOYABLES[package]]


def test_the_table_names_the_features_that_there_are() -> None:
    there = {
        package: tuple(importlib.import_module(f"{package}.service").FEATURES)
        for package in DEPLOYABLES
    }
    assert there == DEPLOYABLES


def test_without_a_word_there_is_one_of_each_and_one_host() -> None:
    assert [each.name for each in lineup({})] == ["gateway", "media-1", "offpath"]


def test_a_scaled_consumer_leaves_the_host_and_runs_by_itself() -> None:
    started = {each.name: each.argv for each in lineup({"media": 2, "redaction": 2})}
    assert list(started) == [
        "gateway", "media-1", "media-2", "offpath", "redaction-1", "redaction-2",
    ]  # fmt: skip
    assert hosted(started["redaction-2"]) == ["redaction"]
    assert "redaction" not in hosted(started["offpath"])


def test_two_hosts_are_two_of_every_consumer() -> None:
    hosts = [each for each in lineup({"offpath": 2}) if each.name.startswith("offpath")]
    assert [each.name for each in hosts] == ["offpath-1", "offpath-2"]
    assert all(hosted(each.argv) == list(FEATURES) for each in hosts)


def test_a_host_without_anything_to_host_is_not_started() -> None:
    names = [each.name for each in lineup(dict.fromkeys(FEATURES, 1))]
    assert names == ["gateway", "media-1", *(f"{name}-1" for name in FEATURES)]


def test_apart_every_feature_has_a_process_of_its_own() -> None:
    started = {each.name: each.argv for each in lineup({"timeline": 2}, apart=True)}
    apart = [name for name in FEATURES if name != "timeline"]
    assert set(started) == {"gateway", "media-1", "timeline-1", "timeline-2", *apart}
    assert all(hosted(started[name]) == [name] for name in apart)


@given(st.dictionaries(st.sampled_from(FEATURES), st.integers(0, 3)))
def test_every_feature_runs_exactly_as_often_as_asked(scale: dict[str, int]) -> None:
    runs = [name for each in lineup(scale) if each.argv[0] != "gateway"
            and each.argv[0] != "workers.media" for name in hosted(each.argv)]  # fmt: skip
    assert {name: runs.count(name) for name in FEATURES} == {
        name: scale.get(name, 1) for name in FEATURES
    }


def test_scale_is_names_and_counts_in_one_word_or_several() -> None:
    assert parse_scale(["media=3,timeline=2", "offpath=2"]) == {
        "media": 3, "timeline": 2, "offpath": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    "word", ["media", "media=", "=3", "media=-1", "media=65", "media=x", "media=2,", "media=٣"]
)
def test_a_scale_that_is_none_is_refused(word: str) -> None:
    with pytest.raises(UserError, match="not understood"):
        parse_scale([word])


@pytest.mark.parametrize("name", ["gateway", "nats", "nothing", "media-1"])
def test_what_cannot_be_scaled_is_refused_with_what_can(name: str) -> None:
    with pytest.raises(UserError, match=f"{name} is no program; there are: {SCALABLE[0]}, "):
        parse_scale([f"{name}=2"])


def test_one_name_has_one_count() -> None:
    with pytest.raises(UserError, match="media twice"):
        parse_scale(["media=2", "media=3"])
