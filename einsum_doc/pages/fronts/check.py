"""`einsum-doc check`: pages run without a site being built; the exit status is the verdict.

Pages are read as `mkdocs build` reads them, by the same plugins, and their blocks run from the
same cache. Nothing is rendered or written.
"""

from __future__ import annotations

import argparse
import pdb
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click
from mkdocs.exceptions import MkDocsException
from mkdocs.structure.files import File

from einsum_doc.pages.build.build import Build, tell_failures
from einsum_doc.pages.build.page import Page
from einsum_doc.pages.fronts.debugger import raised_by
from einsum_doc.pages.fronts.mkdocs import load
from einsum_doc.pages.fronts.site import Site, collect_less
from einsum_doc.pages.reading import scan
from einsum_doc.pages.record.files import write
from einsum_doc.pages.verdict.export import as_json, junit
from einsum_doc.pages.verdict.report import PageReport, summary


class UsageError(Exception):
    """A page that is asked for is not there."""


def check(options: argparse.Namespace) -> int:
    """Run the chosen pages and report failures; return 0 if everything held, 1 if not, 2 for a wrong command."""
    collect_less()
    checker = _Checker(options)
    try:
        while True:
            try:
                status = checker.check()
            except (UsageError, MkDocsException) as error:
                click.echo(f"einsum-doc check: {error}", err=True)
                status = 2
            if not options.watch:
                return status
            click.echo("waiting for a change", err=True)
            checker.wait()
    except KeyboardInterrupt:
        return 130
    finally:
        if checker.site is not None:
            checker.site.build.runner.close()


class _Checker:
    """Checks the pages of a site, once or again and again."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        given = {"device": options.device, "jobs": options.jobs, "require_gpu": options.require_gpu or None}
        given["explain"] = options.explain or None
        given["cache"] = "" if options.no_cache else None
        self.settings = {name: value for name, value in given.items() if value is not None}
        """The options that take the place of those in mkdocs.yml."""
        self.site: Site | None = None
        self.watched = [options.config_file or "mkdocs.yml"]
        """The files and folders of the site, as far as they are known."""
        self.seen: dict[str, float] = {}

    def check(self) -> int:
        """Run the chosen pages once; return the exit status."""
        wanted = dict(_page_and_line(page) for page in self.options.pages)
        missing = set(wanted)

        def choose(name: str, file: File) -> bool:
            path = Path(file.abs_src_path or "")
            asked = {each for each in wanted if each in (name, file.src_uri) or Path(each).absolute() == path}
            missing.difference_update(asked)
            line = max((wanted[each] for each in asked), default=0)
            if line:
                file.content_string = _up_to(file.content_string, line)
                file.abs_src_path = str(path)  # setting the content has removed it
            return bool(asked or (not wanted and file.inclusion.is_included()))

        self.seen = _dates(self.watched)
        site, pages = load(self.options.config_file, choose, self.settings)
        if self.site is not None:
            site.build.runner.follow(self.site.build.runner)  # whose fork server has imported torch already
        self.site, self.watched = site, [site.config.config_file_path, site.config.docs_dir, *site.config.watch]
        self.seen = _dates(self.watched)
        if missing:
            raise UsageError(f"there is no page {', '.join(sorted(missing))} in {site.config.docs_dir}")
        site.run(pages.values())
        return self._verdict(site.build, [*pages.values()])

    def _verdict(self, build: Build, pages: Sequence[Page]) -> int:
        reports = list[PageReport]()
        for page in pages:
            reports += build.reports(page)
            if self.options.pdb and any(report.failures for report in reports):
                break
        if self.options.junit:
            write(Path(self.options.junit), junit(reports))
        if self.options.json:
            write(Path(self.options.json), as_json(reports, build.commit))
        for note in build.cache_notes(reports) + build.reasons():
            click.echo(note, err=True)
        unknown = build.found.unknown(pages)
        if unknown:
            click.echo(f"docstrings on {', '.join(unknown)}: not checked, as no build has rendered them", err=True)
        if not any(page.blocks or page.failures for page in reports):
            raise UsageError("none of these pages has a block that runs" if reports else "no page was chosen")
        failed = [page for page in reports if page.failures]
        if failed:
            tell_failures(reports)
        click.echo(summary(reports))
        if failed and self.options.pdb:
            error = raised_by(build, page)
            if error:
                click.echo(f"{type(error).__name__}: {error}", err=True)
                pdb.post_mortem(error.__traceback__)
        return 1 if failed else 0

    def wait(self) -> None:
        """Wait until a file of the site has changed."""
        while _dates(self.watched) == self.seen:
            time.sleep(0.3)


def _dates(watched: Sequence[str]) -> dict[str, float]:
    """Return the files among files and folders, each with the time of its last change."""
    dates = {}
    for root in map(Path, watched):
        for path in [root] if root.is_file() else sorted(root.rglob("*")):
            with suppress(OSError):  # an editor may be replacing it
                if path.is_file():
                    dates[str(path)] = path.stat().st_mtime
    return dates


def _page_and_line(text: str) -> tuple[str, int]:
    """Return a page, and the line up to which it is to be checked; 0 for all of it.

    >>> _page_and_line("docs/posts/einsum.md:41"), _page_and_line("index.md")
    (('docs/posts/einsum.md', 41), ('index.md', 0))
    """
    name, colon, line = text.rpartition(":")
    return (name, int(line)) if colon and line.isdecimal() else (text, 0)


def _up_to(text: str, line: int) -> str:
    """Return the text up to the end of the fence or paragraph that a line stands in, or of the last fence before it."""
    lines = text.replace("\r\n", "\n").split("\n")
    fences = scan.scan(scan.normalize(text))
    begun = [found.end for found in fences if found.line < line]
    end = max(line, *begun[-1:])
    while end < len(lines) and lines[end - 1].strip() and all(end != found.line for found in fences):
        end += 1  # a formula, which has several lines
    return "\n".join(lines[:end]) + "\n"


def _jobs(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, not {text!r}")
    return int(text)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("pages", nargs="*", metavar="PAGE[:LINE]", help="all pages without it; a page up to a line")
    parser.add_argument("--pdb", action="store_true", help="stop in the debugger where the first failing block raises")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), help="in place of what mkdocs.yml says")
    parser.add_argument("--require-gpu", action="store_true", help="fail if a block needs a GPU that is not there")
    parser.add_argument("--jobs", type=_jobs, metavar="N", help="how many pages may run at a time")
    parser.add_argument("--watch", action="store_true", help="check again whenever a file changes")
    parser.add_argument("--explain", action="store_true", help="say for each page why it ran, or did not")
    parser.add_argument("--no-cache", action="store_true", help="run everything, and keep nothing")
    parser.add_argument("--junit", metavar="FILE", help="write the results as JUnit XML")
    parser.add_argument("--json", metavar="FILE", help="write the results as JSON")
    parser.add_argument("-f", "--config-file", metavar="FILE", default=None, help="mkdocs.yml, if it is elsewhere")
