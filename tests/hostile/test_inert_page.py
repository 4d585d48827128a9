"""What models write is shown on the page and does nothing: no request leaves, no script runs."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest
from playwright.sync_api import expect

from tests.e2e.chat_page import ChatPage, chromium, served
from tests.e2e.scripted import ScriptedService, scripted_app
from tests.hostile.test_tricks import listening

pytestmark = [
    pytest.mark.browser,
    # From the statistics that Gradio 6.31 makes of its queue.
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),
]

# Each on lines of its own: in one paragraph, Markdown would take some for text.
HOSTILE = (
    "<script>window.broken = 1; fetch('{url}/script')</script>",
    "<img src='{url}/img' onerror='window.broken = 1'>",
    "![a]({url}/markdown)",
    "![a][ref]\n\n[ref]: {url}/reference",
    "<svg onload='window.broken = 1'><image href='{url}/svg'/><use href='{url}/use#a'/></svg>",
    "<iframe src='{url}/frame'></iframe>",
    "<iframe srcdoc='<script>parent.broken = 1</script>'></iframe>",
    "<object data='{url}/object'></object><embed src='{url}/embed'>",
    "<meta http-equiv='refresh' content='0; url={url}/refresh'>",
    "<link rel='stylesheet' href='{url}/link'><base href='{url}/'>",
    "<form action='{url}/form'><input name='a' autofocus onfocus='window.broken = 1'></form>",
    "<style>body {{ background: url({url}/style) }} @import '{url}/import';</style>",
    "<p style='background: url({url}/css)'>styled</p>",
    "<video poster='{url}/poster' src='{url}/video' autoplay></video><audio src='{url}/audio'>",
    "<details open ontoggle='window.broken = 1'>x</details>",
    "<math><mtext><style><img src=x onerror='window.broken = 1'></style></mtext></math>",
    "[a](javascript:window.broken=1) [b](data:text/html,<script>parent.broken=1</script>)",
    "[c](vbscript:x) [d]( java\tscript:window.broken=1 ) <javascript:window.broken=1>",
    "<a href='javascript:window.broken=1' id=trap>e</a> <{url}/autolink> [f]({url}/link)",
    "$$\\href{{javascript:window.broken=1}}{{g}} \\includegraphics{{{url}/tex}}$$",
    "```mermaid\nclick A href '{url}/mermaid'\n```",
    "```html\n<img src='{url}/code'>\n```",
)  # fmt: skip


@pytest.mark.parametrize("reloaded", [False, True])
def test_what_a_model_writes_does_nothing(tmp_path: Path, reloaded: bool) -> None:
    with listening() as (url, heard):
        text = "\n\n".join(HOSTILE).format(url=url)
        app = scripted_app(ScriptedService(tmp_path))
        with (
            patch("tests.e2e.scripted.HOSTILE", text),
            served(app) as address,
            chromium() as browser,
        ):
            chat = ChatPage(browser, address).open()
            chat.ask("hostile")
            if reloaded:
                chat.reload()
                expect(chat.answers).to_have_count(1)
            for fold in chat.page.locator("#chat summary").all():
                fold.click()
            expect(chat.answers.last).to_contain_text("styled")
            live = chat.page.locator(
                "#chat .md :is(script, img, iframe, object, embed, link, meta, base, form, style, "
                "video, audio, svg image, svg use, a[href], [style*='url'], [onload], [onerror])"
            )
            assert [element.evaluate("e => e.outerHTML") for element in live.all()] == []
            assert chat.page.evaluate("typeof window.broken") == "undefined"
            assert chat.hosts == {"127.0.0.1"}
            assert chat.page.url.startswith(address)
            chat.close()
        assert heard == []
