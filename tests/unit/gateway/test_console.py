"""The page keeps its own rules: nothing inline, nothing from elsewhere, text only as text."""

import re
from pathlib import Path

import pytest

CONSOLE = Path(__file__).parents[3] / "console"
SCRIPTS = sorted(CONSOLE.rglob("*.js"))
PAGE = (CONSOLE / "index.html").read_text()


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_text_is_never_read_as_markup_nor_as_code(file: Path) -> None:
    unsafe = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc"
    assert not re.search(unsafe, file.read_text())


@pytest.mark.parametrize("file", [*SCRIPTS, *CONSOLE.glob("*.css"), CONSOLE / "index.html"])
def test_nothing_comes_from_elsewhere(file: Path) -> None:
    hosts = re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}", file.read_text())
    assert hosts == []


def test_the_page_has_nothing_inline() -> None:
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*src=)|javascript:", PAGE)


def test_every_control_has_a_name_and_every_label_its_field() -> None:
    for button in re.findall(r"<button[^>]*>(.*?)</button>", PAGE, re.DOTALL):
        assert re.sub(r"<[^>]+>", "", button).strip()
    for target in re.findall(r'(?:for|aria-labelledby|aria-controls)="([^"]+)"', PAGE):
        assert f'id="{target}"' in PAGE


def test_every_element_a_script_asks_for_is_on_the_page() -> None:
    asked = {
        name for file in SCRIPTS for name in re.findall(r'byId\("([^"]+)"\)', file.read_text())
    }
    assert not [name for name in asked if f'id="{name}"' not in PAGE]
