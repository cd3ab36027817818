"""The code of the attention page: its HTML, style and scripts, put together under a strict content policy."""

import base64
import hashlib
import html
import json
import re
from functools import cache
from importlib import resources
from typing import Any

from mmgraph import __version__

SCRIPTS = ("data", "state", "picture", "colours", "panels", "time", "routes", "view", "details", "controls", "main")
"""In the order in which they need each other."""
_TOKEN = re.compile(
    r"""(?P<text>'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)|//[^\n]*|/\*.*?\*/|\s+""", re.DOTALL
)


def assemble(title: str, data: Any) -> str:
    """The page: every text of the caller escaped, scripts and style allowed by their hash alone, no request possible.

    Example:
        >>> page = assemble("a < b", {"text": "</script>"})
        >>> "<title>a &lt; b</title>" in page, page.count("</script>"), "default-src 'none'" in page
        (True, 2, True)
    """
    style, script = _style(), _script()
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data:; media-src blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "generator": f"mmgraph {__version__}",
        "title": html.escape(title),
        "style": style,
        "script": script,
        "data": script_json(data),
    }
    # In one pass: a text that looks like a place for another part stays a text.
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], re.sub(r"\n +", "\n", _read("page.html")))


def script_json(data: Any) -> str:
    r"""JSON that ends no script element and begins no comment, whatever its texts are.

    Raises:
        ValueError: if it holds a number that is not finite.

    Example:
        >>> script_json(["</script>", "<!--"])
        '["\\u003c/script\\u003e","\\u003c!--"]'
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # a lone surrogate is no text of a file


def squeeze(script: str) -> str:
    r"""A script without comments and without the white space that it does not need; texts stay as they are.

    Knows what the page's own scripts use: every statement ends with a semicolon, no template stands within another,
    and no pattern holds a quote.

    Example:
        >>> squeeze("const a = 'x  y';  // a text\nreturn   (b) => a + +1;")
        "const a='x  y';return(b)=>a+ +1;"
        >>> squeeze("f((b) => b + 0.5);")
        'f(b=>b+.5);'
    """
    texts: list[str] = []

    def stash(token: re.Match[str]) -> str:
        if not token["text"]:
            return " "
        texts.append(token["text"])
        return f"\0{len(texts) - 1}\0"

    def join(gap: re.Match[str]) -> str:
        before, after = gap[1], gap[2]
        return before + " " * ((_in_word(before) and _in_word(after)) or (before == after and before in "+-"))

    code = re.sub(r" +", " ", _TOKEN.sub(stash, script)).strip()
    code = re.sub(r"(.) (?=(.))", join, code).replace(";}", "}")
    code = re.sub(r"(?<![\w.$\0])0(\.\d)", r"\1", code)
    code = re.sub(r"(?<![\w$])\(([\w$]+)\)=>", r"\1=>", code)  # (x)=> is x=>
    return re.sub(r"\0(\d+)\0", lambda place: texts[int(place[1])], code)


def _in_word(character: str) -> bool:
    return character.isalnum() or character in "_$"


@cache
def _script() -> str:
    return "\n".join(squeeze(_read(f"{name}.js")) for name in SCRIPTS)


@cache
def _style() -> str:
    rules = re.sub(r"/\*.*?\*/|\s+", " ", _read("page.css"))
    return re.sub(r" ?([{};,>]) ?", r"\1", rules).replace(": ", ":").replace(";}", "}").strip()


def _read(name: str) -> str:
    return (resources.files("mmgraph.viz") / "page_parts" / name).read_text("utf-8")


def _hash(code: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"
