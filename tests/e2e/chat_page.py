"""The chat page as a person uses it, in headless Chromium."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from socket import SO_REUSEADDR, SOL_SOCKET, socket
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from orchestrator.server import _server as make_server

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A microphone that hums, and a person who lets the page use it.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
PATIENCE_MS = 60_000


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """Chromium with CHROMIUM_ARGS and more of them."""
    with sync_playwright() as playwright:
        args = [*CHROMIUM_ARGS, *more]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=args)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def served(opened: AbstractAsyncContextManager[FastAPI], port: int = 0) -> Iterator[str]:
    """An app on a port of loopback, a free one by default, opened and served in a thread; gives
    its address.

    Nothing is cut short at the end: whatever is left open would be waited for.
    """
    ready = Event()
    servers: list[uvicorn.Server] = []

    async def work() -> None:
        async with opened as app:
            servers.append(make_server(app, ready.set, grace_s=3600))
            await servers[0].serve(sockets=[sock])

    with socket() as sock:
        sock.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        thread = Thread(target=lambda: asyncio.run(work()), daemon=True)
        thread.start()
        while not ready.wait(0.1):
            assert thread.is_alive(), "the server did not start"
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            servers[0].should_exit = True
            thread.join(120)
            assert not thread.is_alive(), "the server does not stop"


class ChatPage:
    """One tab. `hosts` are those that it has asked for anything."""

    def __init__(self, browser: Browser | BrowserContext, address: str, **context: Any) -> None:
        """`browser` may be the context of another tab."""
        self.context = browser.new_context(**context) if isinstance(browser, Browser) else browser
        self.context.set_default_timeout(PATIENCE_MS)
        self.page: Page = self.context.new_page()
        self.address = address
        self.patience_ms = PATIENCE_MS
        self.hosts: set[str] = set()
        self.errors: list[str] = []
        self.context.on("request", lambda request: self._note(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob"}:
            self.hosts.add(parts.hostname or parts.scheme)

    def open(self, query: str = "") -> ChatPage:
        self.page.goto(self.address + "/" + query)
        return self.ready()

    def reload(self) -> ChatPage:
        self.page.reload()
        return self.ready()

    def ready(self) -> ChatPage:
        expect(self.box).to_be_visible(timeout=PATIENCE_MS)
        # The list comes with the page's first answer from the server.
        listed = self.page.locator("#listed nav, #listed .empty")
        expect(listed).to_be_attached(timeout=PATIENCE_MS)
        return self

    @property
    def box(self) -> Locator:
        return self.page.locator("#ask textarea")

    @property
    def answers(self) -> Locator:
        return self.page.locator(".answer")

    @property
    def banner(self) -> Locator:
        """That a person has the conversation."""
        return self.page.locator("#handoff .handoff")

    @property
    def finished(self) -> Locator:
        """The box takes a request: none is running."""
        return self.page.locator("#ask .submit-button")

    @property
    def stop_button(self) -> Locator:
        return self.page.locator("#ask .stop-button")

    @property
    def thoughts(self) -> Locator:
        """The folds with the steps; the steps' own folds are inside."""
        return self.page.locator("#chat .thought-group")

    def unfold(self, title: str) -> None:
        """Open the last fold whose title holds these words."""
        fold = self.thoughts.locator("> .title", has_text=title).last
        expect(fold).not_to_have_class(re.compile("expanded"))
        fold.click()
        expect(fold).to_have_class(re.compile("expanded"))

    def open_side_bar(self) -> None:
        side = self.page.locator("#side")
        if "open" not in (side.get_attribute("class") or "").split():
            side.locator(".toggle-button").click()
        expect(side).to_have_class(re.compile(r"\bopen\b"))

    def listed(self, conversation: str | None) -> Locator:
        """The conversation's link in the side bar."""
        return self.page.locator(f'#listed a[data-conversation="{conversation}"]')

    def thumb(self, name: str, answer: int) -> Locator:
        """The button "Like" or "Dislike" of an answer."""
        return self.answers.nth(answer).get_by_role("button", name=name, exact=True)

    def thumbs(self) -> list[str]:
        """What each answer was given, as the page shows it."""
        script = """answers => answers.map(answer =>
            answer.querySelector(".thumb[aria-pressed=true]")?.title ?? "")"""
        return list(self.answers.evaluate_all(script))

    def say(self, words: str) -> None:
        """Send a request, and go on at once."""
        self.box.fill(words)
        self.box.press("Enter")

    def ask(self, words: str) -> Locator:
        """Send a request and wait for its whole answer."""
        expect(self.finished).to_be_visible()
        before = self.answers.count()
        self.say(words)
        expect(self.answers).to_have_count(before + 1, timeout=self.patience_ms)
        self.wait()
        return self.answers.last

    def wait(self) -> None:
        expect(self.finished).to_be_visible(timeout=self.patience_ms)

    def attach(self, *files: Path) -> None:
        self.page.locator("#ask input[type=file]").set_input_files([str(file) for file in files])
        thumbnails = self.page.locator("#ask").get_by_role("listitem")
        expect(thumbnails).to_have_count(len(files), timeout=PATIENCE_MS)

    @property
    def conversation(self) -> str | None:
        found = re.search(r"[?&]conversation=([^&]+)", self.page.url)
        return found[1] if found else None

    def record(self, seconds: int) -> None:
        """Speak into the microphone for so long; what was recorded is then ready to be sent."""
        self.page.get_by_role("button", name="Record audio").click()
        self.page.get_by_role("button", name="Start recording").click()
        clock = self.page.locator("#ask").get_by_text(f"0:{seconds:02}", exact=True)
        expect(clock).to_be_visible(timeout=self.patience_ms)
        self.page.get_by_role("button", name="Stop recording").click()
        self.page.get_by_role("button", name="Attach audio").click()
        recorded = self.page.locator("#ask").get_by_role("listitem")
        expect(recorded).to_have_count(1, timeout=self.patience_ms)

    def close(self) -> None:
        self.context.close()
