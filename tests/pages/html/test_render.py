"""The stamp under a title."""

from __future__ import annotations

from einsum_doc.pages.html.render import block_html, failure_html, outcome_html, stamp_html, under_title, without_marks
from einsum_doc.pages.record.block import Block, Location
from einsum_doc.pages.record.result import Failure, Result
from einsum_doc.pages.verdict.report import PageReport


def test_the_stamp_of_a_page_that_failed_leads_to_its_first_failure() -> None:
    failures = [Failure(Location("docs/a.md", line), "ValueError", str(line)) for line in (3, 8)]
    stamp = stamp_html(PageReport([Result("failed", failures=(failures[1],))], faults=[failures[0]]), "")
    page = under_title("<h1>A</h1>" + "".join(map(failure_html, failures)), stamp)
    assert '<a href="#einsum-doc-failure"><b>✗ 2 failures on this page</b></a>' in page
    assert page.count("einsum-doc-failure") == 2
    assert '<pre class="failure" id="einsum-doc-failure">docs/a.md:3: ' in page


def test_the_mark_of_a_block_leaves_its_output_alone() -> None:
    output = '<i data-block="9"></i>'
    shown = block_html(
        output, Block(Location("docs/a.md", 1), 1, "py", ""), Result("held"), "said", mark="data-x-block"
    )
    assert shown == f'{output}<span data-x-block="1" hidden></span>'
    assert without_marks(shown) == output


def test_a_block_that_raised_as_expected_and_failed_is_called_failed() -> None:
    location = Location("docs/a.md", 1)
    result = Result("failed", raised="KeyError: 1", failures=(Failure(location, "ValueError", "in a thread"),))
    for shown in (block_html("", Block(location, 1, "py", ""), result, "run"), outcome_html(result)):
        assert "✗ failed" in shown
        assert "as expected" not in shown
