"""The value of a block's last expression is shown by its richest form, and is part of the verdict."""

from __future__ import annotations

import re

import pytest

from ..conftest import SHOWN, Build, Built, NewProject, Project, block, text_of

CONFIG = SHOWN.replace(
    "pymdownx.superfences]",
    "tables, pymdownx.superfences, {pymdownx.tabbed: {alternate_style: true}}, {toc: {}}]",
)
CLASSES = """\
class Shown:
    def __init__(self, **forms):
        self.forms = forms
    def __repr__(self):
        return "plain" if type(self) in (Declines, Jpeg) else "as text"

class Html(Shown):
    def _repr_html_(self):
        return self.forms["html"]

class Svg(Shown):
    def _repr_svg_(self):
        return '<?xml version="1.0"?>\\n<svg><linearGradient id="g"/><rect fill="url(#g)"/><use href="#g"/></svg>'

class Latex(Shown):
    def _repr_latex_(self):
        return self.forms["latex"]

class Markdown(Shown):
    def _repr_markdown_(self):
        return self.forms["markdown"]

class All(Markdown, Latex, Svg, Html):
    pass

class Bundle(Shown):
    def _repr_mimebundle_(self, include, exclude):
        return self.forms

class Both(Bundle, Html):
    pass

class Declines(Html):
    def _repr_html_(self):
        raise NotImplementedError

class Png(Shown):
    def _repr_png_(self):
        return b"png", {"width": 3, "alt": 'a "b"'}

class Jpeg(Shown):
    def _repr_jpeg_(self):
        return b"jpeg"

class Displays(Html):
    def _ipython_display_(self):
        print("by itself")

class Wraps(Shown):
    def __getattr__(self, name):
        return getattr(self.forms["wrapped"], name)

class Plain:
    def method(self):
        pass
"""

# What a block ends with, and what is on the page of it.
VALUES = {
    "text": ("[1, 2] * 2", r'<pre class="value">\[1, 2, 1, 2\]</pre>'),
    "text is escaped": ("'a < b'", '<pre class="value">&#x27;a &lt; b&#x27;</pre>'),
    "html": ("Html(html='<i>as it is</i>')", '<div class="value"><i>as it is</i></div>'),
    "svg": (
        "Svg()",
        r'<figure class="value" data-search-exclude><svg><linearGradient id="(v\w+-\d+-1-g)"/>'
        r'<rect fill="url\(#\1\)"/><use href="#\1"/></svg></figure>',
    ),
    "latex": (
        r"Latex(latex=r'$\displaystyle a < b$')",
        r'<div class="value" data-search-exclude><div class="arithmatex">\\\[\\displaystyle a &lt; b\\\]</div></div>',
    ),
    "latex without dollars": (r"Latex(latex='x^2')", r'<div class="arithmatex">\\\[x\^2\\\]</div>'),
    "latex of an environment": (
        r"Latex(latex=r'\begin{align*} a &= b \end{align*}')",
        r'<div class="arithmatex">\\\[\\begin\{aligned\} a &amp;= b \\end\{aligned\}\\\]</div>',
    ),
    "markdown": (
        r"Markdown(markdown='Some **bold** text.\n\n| a |\n|---|\n| b |')",
        r'<div class="value"><p>Some <strong>bold</strong> text\.</p>\s*<table>.*?<td>b</td>.*?</table></div>',
    ),
    "the richest": ("All(html='<i>rich</i>')", '<div class="value"><i>rich</i></div>'),
    "the next if it declines": ("All(html=None, markdown='*m*')", '<div class="value"><p><em>m</em></p></div>'),
    "the next if it is not implemented": ("Declines()", '<pre class="value">plain</pre>'),
    "a bundle": ("Bundle(**{'text/plain': 'no', 'text/html': '<i>b</i>'})", '<div class="value"><i>b</i></div>'),
    "a bundle with metadata": (
        "type('B', (), {'_repr_mimebundle_': lambda *_, **__: ({'image/gif': 'R0\\nlG'}, {'image/gif': {'height': 5}}),"
        " '__repr__': lambda _: '<b>'})()",
        '<div class="value"><img src="data:image/gif;base64,R0lG" alt="&lt;b&gt;" height="5"></div>',
    ),
    "a bundle of nothing known": (
        "Bundle(**{'text/plain': 'known', 'application/x': {}})",
        '<pre class="value">known</pre>',
    ),
    "a bundle, and a richer form beside it": (
        "type('B', (Both,), {'_repr_mimebundle_': lambda *_, **__: {'image/png': b''}})(html='<i>r</i>')",
        '<div class="value"><i>r</i></div>',
    ),
    "png": ("Png()", r'<img src="data:image/png;base64,cG5n" alt="a &quot;b&quot;" width="3">'),
    "jpeg": ("Jpeg()", r'<img src="data:image/jpeg;base64,anBlZw==" alt="plain">'),
    "a picture of PIL": (
        "from PIL import Image\nImage.new('RGB', (2, 2))",
        r'<img src="data:image/png;base64,iVBOR[^"]+" alt="&lt;PIL.Image.Image image mode=RGB size=2x2&gt;">',
    ),
    "one that displays itself": ("Displays(html='no')", "<p>by itself</p>"),
    "one that declines to display itself": (
        "type('D', (Html,), {'_ipython_display_': Declines._repr_html_})(html='<i>d</i>')",
        '<div class="value"><i>d</i></div>',
    ),
    "one that fails for any name": (
        "type('F', (), {'__getattr__': lambda *_: 1 / 0, '__repr__': lambda _: 'fails'})()",
        '<pre class="value">fails</pre>',
    ),
    "one that wraps another": ("Wraps(wrapped=Html(html='<i>w</i>'))", '<div class="value"><i>w</i></div>'),
    "displayed": (
        "from IPython.display import HTML, Markdown as M, display\ndisplay(HTML('<i>1</i>'), M('*2*'))\n"
        "for x in (None, 3): display(x, display_id='x')\n4",
        r'<div class="value"><i>1</i></div><div class="value"><p><em>2</em></p></div>'
        + "".join(f'<pre class="value">{text}</pre>' for text in ("None", 3, 4)),
    ),
    "updated": (
        "from IPython.display import display, update_display\nlater = display(display_id=True)\n"
        "for x in 1, 2, 3: handle = display(x, display_id='x' if x < 3 else True)\n"
        "update_display(Html(html='<i>u</i>'), display_id='x')\nhandle.update(4)\nhandle.display(5)\nlater.update(0)",
        r'>\s*<pre class="value">0</pre>(<div class="value"><i>u</i></div>){2}'
        r'<pre class="value">4</pre><pre class="value">5</pre>',
    ),
    "an updated figure": (
        "import matplotlib.pyplot as plt\nfrom IPython.display import display\nfigure, axes = plt.subplots()\n"
        "handle = display(figure, display_id=True)\nfor x in 1, 2: axes.set_title(f'drawn {x}'); handle.update(figure)",
        r'^((?!<svg).)*<svg[^>]*aria-label="drawn 2"((?!<svg).)*$',
    ),
    "without a repr of its own": ("Plain()", '<pre class="value">&lt;Plain object&gt;</pre>'),
    "among others": ("[Plain(), Plain().method]", "&lt;bound method Plain.method of &lt;Plain object&gt;&gt;]</pre>"),
    "a function": ("lambda: 0", '<pre class="value">&lt;function &lt;lambda&gt;&gt;</pre>'),
    "a class shows nothing of its objects": ("Html", '<pre class="value">&lt;class'),
    "an object that answers to any name": (
        "type('Any', (), {'__getattr__': lambda *_: str, '__repr__': lambda _: 'any'})()",
        '<pre class="value">any</pre>',
    ),
    "a tensor": ("__import__('numpy').eye(2)", '<div class="value"><figure class="tensor">.*<td>1</td><td>0</td>'),
    "two tensors": ("import numpy\nnumpy.eye(1), numpy.ones(2)", "(?s)<td>1</td>.*shape.*<td>1</td><td>1</td>"),
    "a lambda's body is a value": ("(lambda: 7)()", '<pre class="value">7</pre>'),
    "within brackets": ("(\n    6 *\n    7\n)  # with a comment;", '<pre class="value">42</pre>'),
    "after an assertion": ("assert True\n8", '<pre class="value">8</pre>'),
}
NOTHING = {
    "none": "None",
    "a semicolon": "x = 5\nx;",
    "a semicolon and a comment": "5 ;  # not this",
    "a semicolon after text": "'…'; ",
    "printed": "print('')",
    "assigned": "y = 5",
    "not the last": "5\ny = 6",
    "in a compound statement": "for i in range(3):\n    i",
}


@pytest.fixture(scope="module")
def forms(new_project: NewProject) -> dict[str, str]:
    """Of each of `VALUES` and `NOTHING`, what is on the page of its block."""
    cases = {name: code for name, (code, _) in VALUES.items()} | NOTHING
    fences = [CLASSES, *cases.values()]
    page = "".join(f'Block.\n\n```python exec="on"\n{code}\n```\n\n' for code in fences)
    built = new_project({"index": page}, CONFIG).build()
    assert built.status == 0, built.console
    parts = built.page().split("<p>Block.</p>")[2:]
    return dict(zip(cases, parts, strict=True))


@pytest.mark.parametrize("case", VALUES)
def test_a_value_is_shown_by_its_richest_form(case: str, forms: dict[str, str]) -> None:
    assert re.search(VALUES[case][1], forms[case], re.S), forms[case]
    assert not re.search(r"as text|at 0x", forms[case])


@pytest.mark.parametrize("case", NOTHING)
def test_nothing_is_shown(case: str, forms: dict[str, str]) -> None:
    assert re.match(r"\s*(<p></p>)?\s*(</div>|$)", forms[case]), forms[case]


# The options of a fence, and what a reader sees of its source, its output and its value, in order.
PLACES = {
    'source="above"': 'print("*said*") 7 said 7',
    'source="below"': 'said 7 print("*said*") 7',
    'source="block"': 'print("*said*") 7 said 7',
    'source="tabbed-left" tabs="S|R"': 'SR print("*said*") 7 said 7',
    'source="tabbed-right" tabs="S|R"': 'RS said 7 print("*said*") 7',
    'source="console"': 'print("*said*") 7 *said* 7',
    'source="above" result="text"': 'print("*said*") 7 *said* 7',
    'source="below" result="text"': '*said* 7 print("*said*") 7',
    'source="above" html="on"': 'print("*said*") 7 *said* 7',
    'result="text"': "*said* 7",
    'html="on"': "*said* 7",
    "": "said 7",
}


def test_it_stands_after_the_output(build: Build) -> None:
    blocks = "".join(f'Block.\n\n```python exec="on" {options}\nprint("*said*")\n7\n```\n\n' for options in PLACES)
    built = build({"index": blocks}, config=CONFIG)
    assert built.status == 0, built.console
    parts = built.page().split("<p>Block.</p>")[1:]
    for (options, seen), part in zip(PLACES.items(), parts, strict=True):
        assert text_of(part).split(" ✓ held")[0].split("✓ held")[0].strip() == seen, options
        assert part.count('<pre class="value">7</pre>') == 1, options
        assert part.count('class="run held"') == bool("source" in options or "result" in options), options
    in_result = re.search(r'<div class="result">(.*?)</div>', parts[2], re.S)
    assert in_result
    assert "<pre" in in_result[1]
    in_tab = re.search(r'<div class="tabbed-block">\s*<p><em>said</em></p>(.*?)</div>', parts[3], re.S)
    assert in_tab
    assert in_tab[1].strip() == '<pre class="value">7</pre>'


def test_headings_of_a_value_are_in_the_table_of_contents(build: Build) -> None:
    code = f"{CLASSES}\nprint('## Printed')\nMarkdown(markdown='## Of the value')"
    built = build({"index": f'# Title\n\n```python exec="on" id="own"\n{code}\n```\n'}, config=CONFIG)
    assert built.status == 0, built.console
    page = built.page()
    assert '<h2 id="own-of-the-value">' in page
    assert page.index('href="#own-printed"') < page.index('href="#own-of-the-value"')
    quiet = build({"index": f'# Title\n\n```python exec="on" updatetoc="off"\n{code}\n```\n'}, config=CONFIG)
    assert "Of the value</h2>" in quiet.page()
    assert not re.search(r'href="#[^"]*of-the-value"', quiet.page())


BAD = """\
class Bad:
    def _repr_html_(self):
        return 1 / 0

x = Bad()
x
"""


SESSION = ">>> x = 3\n>>> x\n>>> for i in range(2):\n...     i\n>>> None\n>>> print('said')\n>>> 'text'"
EXPECTED = block('print("said")\n[0.25]', 'python exec="on" source="above"')
HOLDING = {
    "ids": block(f"{CLASSES}\nSvg()") * 2,
    "more_ids": block(f"{CLASSES}\nSvg()"),
    "session": block(SESSION, 'pycon exec="on" source="console"') + block("3\n0\n1\nsaid\n'text'", "expected"),
    "expected": EXPECTED + block("said\n[0.2500001]", "expected"),
    "raises": block(BAD, 'python exec="on" raises="ZeroDivisionError"'),
    "displayed": block(
        'from IPython.display import HTML, display\ndisplay(HTML("<i>i</i>"))\nprint("said")\nobject()',
        'python exec="on" source="above"',
    )
    + block("said\n<IPython.core.display.HTML object>\n<object object>", "expected"),
    "no_value": block('raise ValueError("no")\n7', 'python exec="on" raises="ValueError"'),
}
CHECK = (
    "import einsum_doc.compute.checking.gradients as v\n"
    "v.check.__wrapped__.__code__ = (lambda: []).__code__\n"
    "v.check.__wrapped__.__kwdefaults__ = None\n{}"
)
PROMPTED = ">>> " + CHECK.replace("\n", "\n>>> ")
CHECKED = ":5: AssertionError: what check found is false"
FAILING = {
    "session": (
        block(">>> 2 + 2", 'pycon exec="on"') + block("5", "expected"),
        ":5: OutputError: the output is not what is expected\n  - 5\n  + 4",
    ),
    "expected": (
        EXPECTED + block("said\n[0.5]", "expected"),
        "OutputError: the output is not what is expected\n    said\n  - [0.5]\n  + [0.25]\n",
    ),
    "raises": (block(BAD), ":4: ZeroDivisionError: division by zero"),
    "large": (
        block(f'{CLASSES}\nHtml(html="é" * 2**20)', 'python exec="on" source="above" output_limit="1.5"'),
        "ShownError: values take 2.0 MiB, and at most 1.5 MiB are shown: show a part of them, or set output_limit",
    ),
    # A check that is false is not merely shown.
    "check": (block(CHECK.format("v.check()")), CHECKED),
    "check_in_brackets": (block(CHECK.format("(v.check())")), CHECKED),
    "check_before_a_comment": (block(CHECK.format("v.check()  # last")), CHECKED),
    "prompted": (block(PROMPTED.format("v.check()"), 'pycon exec="on"'), CHECKED),
    "prompted_in_brackets": (block(PROMPTED.format("(v.check())"), 'pycon exec="on"'), CHECKED),
    "prompted_before_a_comment": (block(PROMPTED.format("v.check()  # last"), 'pycon exec="on"'), CHECKED),
}


@pytest.fixture(scope="module")
def held(new_project: NewProject) -> Built:
    """One build of the pages that hold."""
    built = new_project(HOLDING).build()
    assert built.status == 0, built.console  # and so the console writes the value of each command
    return built


@pytest.fixture(scope="module")
def failed(new_project: NewProject) -> Built:
    """One build of the pages that fail."""
    return new_project({name: text for name, (text, _) in FAILING.items()}).build("-q")


@pytest.mark.torch(*(page for page, (_, said) in FAILING.items() if said == CHECKED))
@pytest.mark.parametrize(("page", "said"), [(page, said) for page, (_, said) in FAILING.items()], ids=FAILING)
def test_a_value_that_is_wrong_is_a_failure(failed: Built, page: str, said: str) -> None:
    assert failed.status == 1
    found = re.search(rf"^docs/{page}\.md:\d+: (.+\n)+", failed.console, re.M)
    assert found, failed.console
    assert said in found[0]


def test_what_a_value_raises_names_where_it_was_shown(failed: Built) -> None:
    assert "docs/raises.md:7" in failed.console


def test_no_id_is_there_twice(held: Built) -> None:
    ids = re.findall(r' id="(v[^"]+)"', held.page("ids") + held.page("more_ids"))
    assert len(ids) == len(set(ids)) == 3


def test_an_expected_fence_holds_the_value_too(held: Built) -> None:
    assert text_of(held.page("expected")).count("said") == 2  # in the source and in the fence
    assert 'class="value"' not in held.page("expected")


@pytest.mark.parametrize("page", ["no_value", "raises"])
def test_a_block_that_raises_shows_no_value(held: Built, page: str) -> None:
    assert 'class="value"' not in held.page(page)


def test_a_value_says_no_secret_and_no_path(build: Build, project: Project) -> None:
    code = f"{CLASSES}\nimport os\nvalue = os.environ['A_TOKEN'] + ' in ' + os.getcwd() + '/docs'\n"
    blocks = [f"{code}\nvalue", "Html(html=value)"]
    built = build({"index": "".join(map(block, blocks))}, A_TOKEN="correct-horse")
    assert built.status == 0, built.console
    assert "correct-horse" not in built.page()
    assert str(project.folder) not in built.page()
    assert built.page().count("[A_TOKEN] in docs") == 2


def test_a_value_is_kept_in_the_cache(build: Build) -> None:
    page = {"index": f'```python exec="on" source="above"\n{CLASSES}\nSvg()\n```\n\n```python exec="on"\n[1]\n```\n'}
    first, second = build(page), build(page)
    assert "1 page from the cache" in second.console
    values = [
        re.findall(r'<(?:pre|figure) class="value".*?</(?:pre|figure)>', each.page(), re.S) for each in (first, second)
    ]
    assert len(values[0]) == 2
    assert values[0] == values[1]


@pytest.mark.torch
def test_the_library_shows_its_own_values(build: Build) -> None:
    calls = {
        "gradient('ij->i', wrt=0)": '<div class="value"><code>i-&gt;ij</code></div>',
        "derive('ij->i', wrt=0)": r'<div class="derivation".*?<div class="step".*?\\\[z_\{i\} = x_\{ij\}.*?Chain rule',
        "check('ij->i', {'i': 2, 'j': 3})": r"<code>ij-&gt;i</code>.*?i=2 j=3  float64.*?<td>held</td>",
        "cost('ij->i', {'i': 2, 'j': 3})": "<code>ij-&gt;i</code> i=2 j=3</th><th>multiply-adds</th>.*?output",
        "verify(r'y_i = 2 x_i \\\\ y_i = x_i + x_i')": r'\\\[y_i = 2 x_i\\\].*?<details class="mark proved".*?>✓✓<',
    }
    page = "".join(f'Block.\n\n```python exec="on"\nfrom einsum_doc import *\n{call}\n```\n\n' for call in calls)
    built = build({"index": page})
    assert built.status == 0, built.console
    parts = built.page().split("<p>Block.</p>")[1:]
    for pattern, part in zip(calls.values(), parts, strict=True):
        assert re.search(pattern, part, re.S), part
