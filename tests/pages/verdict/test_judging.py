"""Results as they count: compared with what is expected, and with the GPUs that are required."""

from __future__ import annotations

from einsum_doc.pages.reading.fence import NO_GPU
from einsum_doc.pages.record.block import Block, Expected, Location
from einsum_doc.pages.record.result import Failure, PageResults, Result
from einsum_doc.pages.verdict.judging import compared, judged, shortened

FENCE = Expected(Location("docs/a.md", 4), "1")
BLOCKS = [
    Block(Location("docs/a.md", 1), 1, "python", "print(1)", expected=FENCE),
    Block(Location("docs/a.md", 7), 2, "python", "x = 1", {"device": "cuda"}),
    Block(Location("docs/a.md", 9), 3, "python", "x = 2"),
]
ONE, TWO, HELD, SKIPPED = Result("held", "1\n"), Result("held", "2\n"), Result("held"), Result("skipped", reason=NO_GPU)


def outcomes(page: PageResults) -> list[str]:
    """The status of each block, with the locations of its failures."""
    return [" ".join([result.status, *(str(each.location) for each in result.failures)]) for result in page.results]


def test_an_output_is_compared_if_its_block_held() -> None:
    assert compared(BLOCKS[0], ONE) is ONE
    assert compared(BLOCKS[2], TWO) is TWO
    failed = Result("failed", failures=(Failure(BLOCKS[0].where, "ValueError", ""),))
    assert compared(BLOCKS[0], failed) is failed
    assert outcomes(PageResults([compared(BLOCKS[0], TWO)])) == ["failed docs/a.md:4"]
    assert compared(BLOCKS[0], Result("held", value="1")).status == "held"


def test_kept_results_are_compared_anew() -> None:
    kept = PageResults([TWO, HELD, HELD], cached=True)
    page = judged(BLOCKS, kept, compares=True, requires_gpu=False)
    assert outcomes(page) == ["failed docs/a.md:4", "not run", "not run"]
    assert page.results[2].reason == "block 1 failed at docs/a.md:4"
    assert page.cached
    assert judged(BLOCKS, kept, compares=False, requires_gpu=False) == kept


def test_blocks_after_a_failed_one_are_not_run() -> None:
    failed = Result("failed", failures=(Failure(BLOCKS[1].where, "ValueError", ""),))
    assert outcomes(judged(BLOCKS, PageResults([ONE, failed]), compares=True, requires_gpu=False))[2] == "not run"


def test_a_required_gpu_fails_the_block_that_needs_it_alone() -> None:
    ran = PageResults([ONE, SKIPPED, HELD])
    assert judged(BLOCKS, ran, compares=True, requires_gpu=False) == ran
    assert outcomes(judged(BLOCKS, ran, compares=True, requires_gpu=True)) == ["held", "failed docs/a.md:7", "held"]


def test_a_long_error_says_how_much_of_it_is_missing() -> None:
    failure = Failure(BLOCKS[0].where, "ValueError", "m" * 2345, ("d" * 2000, "\x1b[1md", *["d"] * 110))
    [short] = shortened(Result("failed", failures=(failure,))).failures
    assert short.message == "m" * 2000 + "… 345 more characters are not shown"
    assert short.details[:2] == ("d" * 2000, "d")
    assert short.details[-1] == "… 12 more lines are not shown"
    assert len(short.details) == 101
