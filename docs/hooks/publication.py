"""The series: for each post its part, date, reading time and author below its title, and a picture for links to it.

At its end is how to cite it, and beside each link to it with the class `post` are its time and its verdict.
"""

from __future__ import annotations

import re
import subprocess
import textwrap
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

from fonts import slim  # MkDocs imports a hook from its folder
from mkdocs.plugins import event_priority

WORDS = 200
"""The words that a reader reads in a minute."""
FORMULA = 12
"""The words that take as long as a formula."""

_state = {"serves": False}


def on_startup(command: str, dirty: bool) -> None:
    """Note that an author need not wait for pictures and fonts."""
    _state["serves"] = command == "serve"


def on_files(files: Any, config: Any) -> None:
    """Put search.js before the theme's search, which runs in a worker."""
    for file in files:
        if re.fullmatch(r"assets/javascripts/workers/search\..*\.js", file.src_uri):
            file.content_string = Path(__file__).with_name("search.js").read_text("utf-8") + file.content_string


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> None:
    """Find out how long it takes to read a post, and when it was last changed."""
    if "date" not in page.meta:
        return
    # What is folded is for those who open it.
    markdown = re.sub(r"^\?\?\? .*\n(?:\n|    .*\n)*", "", markdown, flags=re.MULTILINE)
    text = re.sub(r"```.*?```", "", markdown, flags=re.DOTALL)
    formulas = len(re.findall(r"\\\(.*?\\\)|\$\$.*?\$\$", text, re.DOTALL))
    derived = len(re.findall(r"\\\\$", markdown, re.MULTILINE))
    page.meta["minutes"] = max(1, round((len(text.split()) + FORMULA * (formulas // 4 + derived)) / WORDS))
    page.meta["updated"] = max(_changed(page.file.abs_src_path), page.meta["date"])
    page.meta["card"] = f"assets/cards/{Path(page.file.src_uri).stem}.png"


@event_priority(-200)  # after the builder has put its stamp below the title: this stands between them
def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Put these below the title of a post. On all pages, keep options such as `--json` on one line."""
    html = re.sub(r"<code>(-[^<\s]{1,20})</code>", r'<code class="whole">\1</code>', html)
    if "date" not in page.meta:
        return html
    siblings = page.parent.children if page.parent else [page]
    posts = [each for each in siblings if each.is_page and each.file.src_uri.startswith("posts/")]
    published, updated = page.meta["date"], page.meta["updated"]
    parts = [
        f"Part {posts.index(page) + 1} of {len(posts)}",
        f"{page.meta['minutes']} minutes",
        f'<time datetime="{published}">{_spelled(published)}</time>',
        *([f'updated <time datetime="{updated}">{_spelled(updated)}</time>'] if updated != published else []),
        f"by {config.site_author}",
    ]
    line = f'<p class="byline" data-search-exclude>{" · ".join(parts)}</p>'
    return _with_links(html.replace("</h1>", f"</h1>\n{line}", 1), page.file, files) + _citation(page, config)


@event_priority(-200)  # when the pages are as they will be
def on_env(env: Any, config: Any, files: Any) -> None:
    """Note what a feed shows of each post: formulas as MathML, which needs no style sheet. Complete links to posts."""
    pages = [file.page for file in files.documentation_pages() if file.page]
    posts = {page.url: page for page in pages if "date" in page.meta}
    for post in posts.values():
        formula = r"<mjx-container.*?(<math.*?</math>).*?</mjx-container>"
        post.meta["feed"] = re.sub(formula, r"\1", post.content, flags=re.DOTALL)

    def with_facts(link: re.Match[str]) -> str:
        """Return a link to a post with its facts; MkDocs itself warns of one that leads nowhere."""
        return link[0] + (_about(posts[link[1]]) if link[1] in posts else "")

    for page in pages:
        page.content = re.sub(r'<a class="post" href="([^"]*)">.*?</a>', with_facts, page.content)


def on_post_page(output: str, page: Any, config: Any) -> None:
    """Draw the picture of a post."""
    if "card" in page.meta and not _state["serves"]:
        _draw(re.sub("<.*?>", "", page.title), config.site_name, Path(config.site_dir, page.meta["card"]))


def on_post_build(config: Any) -> None:
    """Make the fonts smaller."""
    if not _state["serves"]:
        slim(Path(config.site_dir))


def _about(post: Any) -> str:
    """Return the reading time of a post, and how much of it has held."""
    held = re.search(r'<div class="stamp".*?>(\d+ derivation lines?[^<]*)<', post.content)
    said = [f"{post.meta['minutes']} minutes", *([f"✓ {held[1]}"] if held else [])]
    return f' <span class="byline">{" · ".join(said)}</span>'


def _citation(post: Any, config: Any) -> str:
    """Return how to cite a post, as BibTeX."""
    entry = {
        "author": f"{{{config.site_author}}}",
        "title": post.meta["title"],
        "howpublished": config.site_name,
        "year": post.meta["date"].year,
        "url": post.canonical_url,
    }
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in entry.items())
    text = f"@misc{{{Path(post.file.src_uri).stem}{post.meta['date'].year},\n{lines}\n}}"
    code = f'<div class="highlight"><pre><code>{escape(text, quote=False)}</code></pre></div>'
    return f'<details class="cite" data-search-exclude><summary>Cite this post</summary>{code}</details>'


def _with_links(html: str, post: Any, files: Any) -> str:
    """Link the names that code imports from the library to their entries in the reference."""
    address = files.get_file_from_path("reference/library.md").url_relative_to(post)
    link = rf'<a href="{address}#einsum_doc.\1">\g<0></a>'
    imports = r'<span class="nn">einsum_doc</span>.*<span class="kn">import</span>.*'
    return re.sub(imports, lambda line: re.sub(r'<span class="n">(\w+)</span>', link, line[0]), html)


def _changed(path: str) -> date:
    """Return the day of the last commit that changed a file; the first day of all, if there is none."""
    command = ["git", "log", "-1", "--format=%cs", "--", path]
    try:
        day = subprocess.run(command, cwd=Path(path).parent, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:  # git is not installed
        day = ""
    return date.fromisoformat(day) if day else date.min


def _spelled(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _draw(title: str, series: str, path: Path) -> None:
    """Draw a title on paper, 1200 by 630 pixels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor="#fbfaf6")
    text = {"family": "STIXGeneral", "color": "#1c1b1a"}
    figure.text(0.08, 0.86, series, size=24, color="#5c5955", family="STIXGeneral")
    figure.text(0.08, 0.52, "\n".join(textwrap.wrap(title, 28)), size=58, va="center", linespacing=1.25, **text)
    figure.text(
        0.08, 0.1, "✓  checked when it was built", size=24, color="#1e6b45", family=["STIXGeneral", "DejaVu Sans"]
    )
    figure.text(0.93, 0.07, "$\\sum$", size=70, ha="right", color="#1257b5", math_fontfamily="stix")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})
