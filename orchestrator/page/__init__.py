"""The chat page. Gradio is imported only where the page is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from orchestrator.api.facade import Service


def mount_page(app: FastAPI, service: Service) -> FastAPI:
    """Serve the chat page at "/" of an app whose own routes are there already.

    Who may ask is the app's to decide (`orchestrator.api.auth.Gate`): the page takes the owner
    that was put into the request. Whoever serves the app sets `app.state.page.stop_event` when it
    stops: till then an open page keeps a connection.
    """
    from orchestrator.page.page import mount

    return mount(app, service)
