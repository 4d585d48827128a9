"""How the chat page is laid out and mounted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI
from starlette.middleware import Middleware

from orchestrator.api.facade import Service
from orchestrator.page.chat import Chat
from orchestrator.page.headers import PageHeaders

FILE_TYPES = [".md", ".txt", ".html", ".pdf", ".docx", ".csv", "image", "audio", "video"]
UPLOADS_KEPT_S = 3600

EXAMPLES = (
    ("answer_question", "How long do I have to send a laptop back?"),
    ("answer_question", "运动鞋可以退货吗？"),
    (
        "classify_text",
        "Is this review good or bad? The zip broke after two days and nobody answers my mails.",
    ),
    (
        "extract_entities",
        "List the people and places in this: Maria Silva flew from Lisbon to Paris on Tuesday "
        "to meet Dr. Chen.",
    ),
    ("translate_text", "Translate into French and Portuguese: Your parcel arrives tomorrow."),
    (
        "summarize_text",
        "Sum this up in one sentence: The courier rang once, left the tent in the rain and took "
        "a photo of my neighbour's door. When I called, I was told to wait five days. On the "
        "sixth day a new one came, with a voucher and an apology.",
    ),
    ("recommend_items", "Three gifts under 50 € for a runner"),
)
"""Requests to click, each with the tool that it needs."""

_HERE = Path(__file__).parent
_HEADER = """
<header class="masthead">
  <h1>Switchboard</h1>
  <p>Ask in plain language. It reads, looks, listens, and answers.</p>
</header>
"""
_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def build_page(service: Service) -> Any:
    """The page as `gradio.Blocks`, not yet mounted."""
    offered: list[Any] = [{"text": words} for tool, words in EXAMPLES if tool in service.registry]
    with gr.Blocks(
        title="Switchboard",
        analytics_enabled=False,
        fill_height=True,
        delete_cache=(UPLOADS_KEPT_S, UPLOADS_KEPT_S),
    ) as page:
        current = gr.Textbox(visible=False)
        with gr.Sidebar(open=False, width=280, elem_id="side") as side:
            new = gr.Button("New conversation", variant="secondary", elem_id="new")
            listed = gr.HTML("", html_template="", js_on_load=_script("list.js"), elem_id="listed")
        gr.HTML(_HEADER)
        chatbot = gr.Chatbot(
            show_label=False,
            container=False,
            layout="bubble",
            buttons=[],
            latex_delimiters=[],
            allow_tags=False,
            scale=1,
            height="auto",
            examples=offered,
            placeholder="What can I do for you?",
            elem_id="chat",
        )
        banner = gr.HTML("", html_template="", js_on_load=_script("handoff.js"), elem_id="handoff")
        box = gr.MultimodalTextbox(
            show_label=False,
            container=False,
            placeholder="Ask, add a file, or speak",
            sources=["upload", "microphone"],
            file_types=FILE_TYPES,
            file_count="multiple",
            max_plain_text_length=service.settings.max_prompt_chars,
            autofocus=True,
            elem_id="ask",
        )
        chat = Chat(service)
        view = [chatbot, banner, listed, box, current]

        queued: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        # What is asked and answered at once goes past Gradio's queue, whose one stream of events
        # for a tab may close between a click and its answer. Each click counts: by itself Gradio
        # drops those that come while the same one is on its way.
        private = {**queued, "queue": False, "trigger_mode": "multiple"}
        for asked in (box.submit, chatbot.example_select(_example, None, box, **private).then):
            answered = asked(
                chat.respond, [box, chatbot, current], [chatbot, box, current], **queued
            )
            # Only now would another request be taken.
            answered.then(None, None, box, js=_script("idle.js"), **private)
            answered.then(chat.settle, current, [chatbot, banner, listed], **private)
        box.stop(chat.stop, None, box, **private)
        new.click(chat.fresh, None, view, **private)
        listed.click(chat.choose, None, view, **private)
        banner.click(chat.refresh, current, [chatbot, banner], **private)
        current.change(None, current, None, js=_script("remember.js"), **private)
        page.load(None, None, side, js=_script("side.js"), **private)
        page.load(chat.open, current, view, js=_script("recall.js"), **private)
    # Requests wait for models, which see to their own limits: the page adds none.
    page.queue(default_concurrency_limit=None, api_open=False)
    return page


def mount(app: FastAPI, service: Service) -> FastAPI:
    page = build_page(service)
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        ssr_mode=False,
        footer_links=[],
        run_history=False,
        show_error=False,
        enable_monitoring=False,
        mcp_server=False,
        max_file_size=service.settings.max_request_bytes,
        theme=_theme(),
        css_paths=_HERE / "style.css",
        head=f"<script>{_script('page.js')}</script>",
        app_kwargs={
            "middleware": [Middleware(PageHeaders)],
            "docs_url": None,
            "redoc_url": None,
            "openapi_url": None,
        },
    )
    mounted: Any = app.router.routes[-1]
    app.state.page = mounted.app
    return app


def _theme() -> Any:
    return gr.themes.Base(
        primary_hue="teal",
        secondary_hue="slate",
        neutral_hue="slate",
        radius_size="lg",
        font=_FONTS,
        font_mono=_MONO,
    )


def _example(data: gr.SelectData) -> dict[str, Any]:
    return {"text": data.value["text"], "files": []}


def _script(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
