"""Shows texts from outside safely: in one line, with every character visible, in bounded length.

A line feed in a name forges a log line, an escape sequence repaints a terminal, a bidirectional override
disguises a name. Names with such characters are rejected, and output escapes them.
"""

import re
from collections.abc import Iterator

MAX_SHOWN_CHARACTERS = 200
_UNSAFE_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters (C0, DEL, C1), line and paragraph separators, bidirectional controls and lone
surrogates."""
_LINE_BREAKS = {"\n", "\r", "\t"}


def escape_text(text: str) -> str:
    r"""`text` in one line, every character to be seen: `\u000a` for a line feed, as in JSON."""
    return _UNSAFE_CHARACTERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def quote_text(text: str, most: int = MAX_SHOWN_CHARACTERS) -> str:
    """`text` in quotes, escaped, and truncated if it is long."""
    if len(text) <= most:
        return escape_text(repr(text))
    return f"{escape_text(repr(text[:most]))}… ({len(text):,} characters)"


def find_text_flaw(text: str, *, lines: bool = False) -> str | None:
    """Why `text` is not allowed as a name or, with `lines`, as a text of several lines; None if it is
    allowed."""
    unfit = next(
        (found[0] for found in _UNSAFE_CHARACTERS.finditer(text) if not (lines and found[0] in _LINE_BREAKS)),
        None,
    )
    if unfit is None:
        return None
    what = "half of a character" if "\ud800" <= unfit <= "\udfff" else "the control character"
    return f"must not contain {what} U+{ord(unfit):04X}"


def find_tree_flaws(tree: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yields the paths and reasons of values in a JSON tree that cannot be written again: lone surrogates and
    NaN."""
    match tree:
        case str() if not tree.isascii() and any("\ud800" <= each <= "\udfff" for each in tree):
            yield path, "must not contain half of a character (U+D800 to U+DFFF)"
        case float() if tree != tree or abs(tree) == float("inf"):  # noqa: PLR0124 - only NaN is not itself
            yield path, "must not be NaN or infinite"
        case dict():
            for name, part in tree.items():
                yield from find_tree_flaws(name, path)
                yield from find_tree_flaws(part, f"{path}.{escape_text(name)}" if path else escape_text(name))
        case list():
            for index, part in enumerate(tree):
                yield from find_tree_flaws(part, f"{path}.{index}")
