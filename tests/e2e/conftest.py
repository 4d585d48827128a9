"""One browser and one served page for each module of tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.chat_page import ChatPage, chromium, served
from tests.e2e.scripted import ScriptedService, scripted_app


# Playwright's loop counts as running in this thread: it must not outlive the module.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> ScriptedService:
    return ScriptedService(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def address(service: ScriptedService) -> Iterator[str]:
    with served(scripted_app(service)) as address:
        yield address


@pytest.fixture
def chat(browser: Browser, address: str) -> Iterator[ChatPage]:
    page = ChatPage(browser, address)
    yield page.open()
    page.close()


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    file = tmp_path / "notes.md"
    file.write_text("# Notes\n\nThe zip broke.\n")
    return file
