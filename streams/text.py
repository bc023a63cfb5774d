"""Texts that came from outside, in lines that people read: one line each, in plain sight, of bounded length.

Pure. A name with a line feed forges a line of the log, one with an escape sequence repaints a terminal, one
with a bidirectional override reads as another name: names are refused with these, and lines escape them.
"""

import json
import re

LONGEST_SHOWN = 200
_HIDDEN = "\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""Control characters (C0, DEL, C1), what turns the direction of writing, what ends a line or a paragraph, and
halves of characters."""
_UNFIT = re.compile(f"[{_HIDDEN}]")
VISIBLE = rf"^[^{_HIDDEN}]*\Z"
"""What a name must match."""


def escaped(text: str) -> str:
    """`text` in one line, every character to be seen: `\\n` for a line feed, `\\u202e` for an override."""
    return _UNFIT.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1] if found[0] < " " else f"\\u{ord(found[0]):04x}"


def hidden(text: str) -> str | None:
    """The first character that no name may have, as `U+000A`; None where there is none."""
    found = _UNFIT.search(text)
    return found and f"U+{ord(found[0]):04X}"


def shown(text: str, most: int = LONGEST_SHOWN) -> str:
    """`text` as Python writes it, fit for a sentence whatever it holds: the beginning of a long one."""
    if len(text) <= most:
        return escaped(repr(text))
    return f"{escaped(repr(text[:most]))}… ({len(text):,} characters)"
