"""`bash`, `sh` and `console`: commands, which a shell runs."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from einsum_doc.pages.reading.language import Language, PageProcess, literal
from einsum_doc.pages.record.block import Block
from einsum_doc.pages.record.result import Result

_ENDS = {"if": "fi", "for": "done", "while": "done", "until": "done", "case": "esac"}


class ExecutionError(Exception):
    """A command that did not end as its block says it should."""


@dataclass(frozen=True)
class ShellLanguage(Language):
    """A language that a shell runs. The first command that fails ends it, as an error ends a Python block."""

    shell: tuple[str, ...] = ("sh", "-e", "-c")
    """The program that runs it, and its arguments up to the code."""

    def run(self, block: Block, process: PageProcess) -> Result:
        """Run the commands.

        Raises: ExecutionError, for another exit status than the block's option `returncode` says.
        """
        expected = int(block.options.get("returncode", "0"))
        # Both streams into one, as markdown-exec shows them.
        ended = subprocess.run([*self.shell, self.program(block.code)], stderr=subprocess.STDOUT, check=False)
        if ended.returncode != expected:
            raise ExecutionError(f"the command ended with status {ended.returncode}, not {expected}")
        return Result("held")

    def setup(self, block: Block) -> Sequence[str]:
        return "import subprocess", ""

    def standalone(self, block: Block) -> Iterator[str]:
        command = ", ".join(map(repr, self.shell))
        # Through Python's own output, which is what `writes` and a notebook see.
        yield f"_ended = subprocess.run([{command}, {literal(self.program(block.code))}],"
        yield "    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)"
        yield 'print(_ended.stdout, end="")'
        yield f"assert _ended.returncode == {block.options.get('returncode', '0')}, _ended"


class ConsoleLanguage(ShellLanguage):
    """A session in a shell: commands after prompts, and their output."""

    def typed(self, code: str) -> Mapping[int, str]:
        r"""Return the commands; one that needs another line goes on there, with or without `>` before it.

        >>> ConsoleLanguage("console").typed("$ echo a \\\n>   b\na b\n$ true")
        {0: 'echo a \\', 1: '  b', 3: 'true'}
        """
        typed: dict[int, str] = {}
        command: list[str] = []
        lines = code.split("\n")
        for index, line in enumerate(lines):
            if command and _goes_on("\n".join(command), lines[index:]):
                typed[index] = line.removeprefix("> ")
                command.append(typed[index])
            elif line.startswith(("$ ", "% ")):
                typed[index] = line[2:]
                command = [typed[index]]
            else:
                command = []
        return typed


def _goes_on(command: str, rest: Sequence[str]) -> bool:
    """Return whether a shell would ask for another line of a command, given the lines that may follow it."""
    document = re.search(r"(?<!<)<<-?\s*(['\"]?)([A-Za-z_]\w*)\1(?!.*<<)", command.split("\n")[0])
    if document and document[2] in (line.strip() for line in command.split("\n")):
        return False
    if document and document[2] in (line.removeprefix("> ").strip() for line in rest):
        return True
    try:
        words = shlex.split(command, comments=True)
    except ValueError:  # within quotes, or after a backslash
        return True
    if words and words[0] in _ENDS and not any(word.rstrip(";") == _ENDS[words[0]] for word in words):
        return True
    return command.rstrip().endswith(("|", "&&"))


LANGUAGES = (
    ShellLanguage("bash", shell=("bash", "-eo", "pipefail", "-c")),
    ShellLanguage("sh"),
    ConsoleLanguage("console", prompt="$ "),
)
