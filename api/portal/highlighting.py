"""JSON and code with colours, as HTML. Colours are classes: browsers get a policy without styles."""

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

_JSON = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*")(?=\s*:)|(?P<text>"(?:[^"\\]|\\.)*")'
    r"|(?P<word>\b(?:true|false|null)\b)|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
)
_WORDS = (
    "and|async|await|boolean|break|byte|catch|class|const|continue|def|else|export|false|final|for|from|func|function|"
    "if|import|in|int|lambda|new|nil|None|not|null|or|package|private|public|range|return|static|string|struct|"
    "throw|true|try|type|var|while"
)
_HASH = r"(?P<comment>#[^\n]*)"
_SLASHES = r"(?P<comment>//[^\n]*|/\*.*?\*/)"
_CODE = (
    r'|(?P<text>"""(?:.|\n)*?"""|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`[^`]*`)'
    rf"|(?P<word>\b(?:{_WORDS})\b)|(?P<number>\b\d[\d_]*\b)"
)


def colour_json(text: str) -> Markup:
    """The JSON text with its keys, texts, numbers and words marked. It stays as it is otherwise."""
    return _mark(text, _JSON)


def colour_code(text: str, *, hash_comments: bool) -> Markup:
    """Code with its comments, texts, numbers and words of the language marked."""
    return _mark(text, re.compile((_HASH if hash_comments else _SLASHES) + _CODE, re.DOTALL))


def break_name(name: str) -> Markup:
    """A long name that may be broken before each of its words."""
    return Markup("<wbr>").join(re.findall(r"[A-Z]?[^A-Z]+|[A-Z]+", name))


def mark_code(text: str) -> Markup:
    """A sentence whose parts in backticks are code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )


def _mark(text: str, pattern: re.Pattern[str]) -> Markup:
    return Markup("").join(_spans(text, pattern))


def _spans(text: str, pattern: re.Pattern[str]) -> Iterator[Markup]:
    end = 0
    for match in pattern.finditer(text):
        yield escape(text[end : match.start()])
        yield Markup('<span class="j-{}">{}</span>').format(match.lastgroup, match.group())
        end = match.end()
    yield escape(text[end:])
