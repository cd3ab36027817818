import html
import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mmgraph.viz
from mmgraph.viz.page_code import SCRIPTS, assemble, script_json, squeeze

PARTS = Path(mmgraph.viz.__file__).parent / "page_parts"


class Elements(HTMLParser):
    """Tags with their attributes, and the text of each script and style."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] in ("script", "style", "title"):
            self.texts.append(data)


def test_the_code_takes_at_most_60_kilobytes():
    assert len(assemble("", None).encode()) <= 60_000


def test_only_the_two_scripts_and_the_style_of_the_page_may_run_and_nothing_may_be_loaded():
    page = assemble("t", {})
    policy = next(a["content"] for tag, a in Elements(page).found if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy and "http" not in policy
    style, script = re.findall(r"<(?:style|script)>(.*?)</(?:style|script)>", page, re.DOTALL)
    for kind, code in (("style", style), ("script", script)):
        assert f"{kind}-src 'sha256-{b64encode(sha256(code.encode()).digest()).decode()}'" in policy


def test_no_element_points_elsewhere_and_no_handler_stands_in_the_markup():
    for tag, attributes in Elements(assemble("t", {})).found:
        assert tag not in ("link", "iframe", "base", "object", "embed", "form")
        assert all(not name.startswith("on") and name not in ("src", "style") for name in attributes)
        assert attributes.get("href", "#")[0] == "#"


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_can_leave_its_place(title, text):
    ends = ["</script><script>alert(1)</script>", "</title>", "<!--<script>", "{{script}}", "]]>", "\u2028"]
    for end in ends:
        page = assemble(title + end, {"text": text + end})
        plain = assemble("t", {"text": "t"})
        shape = [tag for tag, _ in Elements(page).found]
        assert shape == [tag for tag, _ in Elements(plain).found]
        data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
        assert data["text"] == (text + end)


def test_a_title_is_shown_as_it_is():
    page = assemble("<b> & \"'", {})
    assert f"<title>{html.escape('<b> & ' + chr(34) + chr(39))}</title>" in page


def test_a_lone_surrogate_becomes_a_replacement_character():
    assert json.loads(script_json(["\ud800", "😀"])) == ["\ufffd", "😀"]


def test_numbers_that_json_has_not_are_refused():
    with pytest.raises(ValueError, match="JSON compliant"):
        script_json([float("nan")])


@pytest.mark.parametrize(
    ("code", "short"),
    [
        ("const a = 1; // one\nconst b = 'a  // b';", "const a=1;const b='a  // b';"),
        ("/* long\n text */ return  x;", "return x;"),
        ("a = b - -c + +d;", "a=b- -c+ +d;"),
        ("if (a) { b(); }\nelse c();", "if(a){b()}else c();"),
        ("const t = `a  ${ b }  'c'`;", "const t=`a  ${ b }  'c'`;"),
        ("x = 'it\\'s ; }';", "x='it\\'s ; }';"),
        ("y = 0.5 * a[0] + 10.25;", "y=.5*a[0]+10.25;"),
    ],
)
def test_squeezing_takes_white_space_and_comments_only(code, short):
    assert squeeze(code) == short


def test_every_script_of_the_folder_is_part_of_the_page_and_keeps_its_texts():
    assert {path.stem for path in PARTS.glob("*.js")} == set(SCRIPTS)
    for name in SCRIPTS:
        code = (PARTS / f"{name}.js").read_text("utf-8")
        plain = re.sub(r"//[^\n]*|/\*.*?\*/", "", code, flags=re.DOTALL)
        short = squeeze(code)
        assert all(text in short for text in re.findall(r"'[^'\n]*'", plain))
        assert [w for w in re.findall(r"\w+", plain) if w != "0"] == [w for w in re.findall(r"\w+", short) if w != "0"]


def test_the_scripts_use_nothing_that_reads_text_as_markup_or_code():
    code = "".join(path.read_text("utf-8") for path in PARTS.glob("*.js"))
    for name in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "DOMParser"):
        assert name not in code
    assert "fetch(" not in code and "XMLHttpRequest" not in code and "http" not in code
