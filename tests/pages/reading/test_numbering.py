"""Fences by number, where other plugins render a page too, or quote its Markdown."""

from __future__ import annotations

from einsum_doc.pages.reading.numbering import named, unnamed

from ..conftest import PLAIN, SHOWN, Build, block

RENDERS = """\
from markdown import Markdown

def render(text, config):
    return Markdown(extensions=config.markdown_extensions, extension_configs=config.mdx_configs).convert(text)

def on_page_markdown(markdown, page, config, files):
    page.meta["before"] = render(markdown, config)

def on_page_content(html, page, config, files):
    quoted = page.markdown.splitlines()[0]
    return f"{html}<aside>{quoted}</aside>" + page.meta["before"] + render(page.markdown, config)
"""
TAKES_OUT_COMMENTS = """\
import re

from mkdocs.plugins import event_priority

@event_priority(-100)
def on_page_markdown(markdown, page, config, files):
    return re.sub("<!--.*?-->", "", markdown)
"""


def test_the_name_of_a_page() -> None:
    assert unnamed(named("docs/a--b %.md", "# Title\n\n<!-- more -->\n")) == "# Title\n\n<!-- more -->\n"


def test_a_page_that_another_plugin_renders_before_and_after(build: Build) -> None:
    page = "# Title\n\n" + block("print('once')") * 2
    built = build({"index": page, "other": page}, config=SHOWN + "hooks: [hook.py]\n", files={"hook.py": RENDERS})
    assert built.status == 0, built.console
    for name in "index", "other":
        html = built.page(name)
        assert html.count("<p>once</p>") == 6
        assert html.count('data-block="2"') == 3
        assert "<aside># Title</aside>" in html
        assert "<!-- einsum-doc" not in html


def test_a_plugin_that_takes_out_comments_last(build: Build) -> None:
    page = "<!-- A note. -->\n\n" + block("print('once')")
    built = build({"index": page}, config=PLAIN + "hooks: [hook.py]\n", files={"hook.py": TAKES_OUT_COMMENTS})
    assert built.status == 0, built.console
    assert "<p>once</p>" in built.page()
    assert "A note." not in built.page()
