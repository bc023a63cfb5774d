"""Masks secrets in texts from outside, and escapes control characters. Pure.

An endpoint may return a secret as it was sent, or escaped for JSON, a URL or HTML, or in base64 or
hexadecimal, even nested. So a text is searched twice: as it is, and with all escapes undone.
"""

import base64
import re
from collections.abc import Iterable, Iterator
from html.entities import html5

MASK = "***"
_SHORT = 6
"""A secret of fewer bytes is masked only as a whole word, or the password `a` would mask every text."""
_FEWEST_CUT = 4
"""Bytes of a secret from which its beginning is masked at the end of a text that is cut off."""

_ESCAPE = re.compile(
    r"\\\\*u(?P<high>d[89ab][0-9a-f]{2})\\+u(?P<low>d[c-f][0-9a-f]{2})"
    r"|\\\\*u(?P<u>[0-9a-f]{4})"
    r"|\\\\*x(?P<x>[0-9a-f]{2})"
    r"|%(?:25)*(?P<percent>[0-9a-f]{2})"
    r"|&(?:amp;)*#(?P<decimal>[0-9]{1,7});"
    r"|&(?:amp;)*#x(?P<hex>[0-9a-f]{1,6});"
    r"|&(?:amp;)*(?P<name>[a-z]{2,8});"
    r"|\\\\*(?P<letter>[\"'/bfnrt\\])",
    re.IGNORECASE,
)
_ESCAPING = set("\\%&+")
_CUT_ESCAPE = re.compile(
    r"(?:(?:\\+ud[89ab][0-9a-f]{2})?\\+(?:u[0-9a-f]{0,3}|x[0-9a-f]?)?|\\+ud[89ab][0-9a-f]{2}"
    r"|%(?:25)*[0-9a-f]?|&#?[0-9a-z]{0,8}|\ufffd)\Z",
    re.IGNORECASE,
)
_LAST_CHARACTER = 0x10FFFF
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ACTING = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")

Span = tuple[int, int]


def escape_controls(text: str) -> str:
    """The text in one line: control characters, marks of direction and lone surrogates are written as
    escapes."""
    return _ACTING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class SecretMask:
    """Replaces secrets in texts by `***`."""

    def __init__(self, secrets: Iterable[str]) -> None:
        given = {secret for secret in secrets if secret.strip()}
        forms = given | {form for secret in given for form in _encodings(secret)}
        # A secret that contains an escape is found only with that escape undone too.
        self._secrets = {_octets(form) for form in forms} | {_undo(form)[0] for form in forms}
        self._shortest = min(map(len, self._secrets), default=0)

    def blanked(self, text: str) -> str:
        """The text with each secret masked, including one that the end of the text cuts off."""
        if not self._shortest or len(text) < min(self._shortest, _FEWEST_CUT):
            return text
        cut = _CUT_ESCAPE.search(text)
        whole = text[: cut.start()] if cut else text
        readings = [_as_it_is(whole)]
        if not _ESCAPING.isdisjoint(whole):
            readings.append(_undo(whole))
        spans = [
            (start, len(text) if end == len(whole) else end)
            for octets, places in readings
            for start, end in _find_secrets(octets, places, self._secrets)
        ]
        return _mask_spans(text, spans)


def _find_secrets(octets: bytes, places: list[int], secrets: Iterable[bytes]) -> Iterator[Span]:
    """Where secrets are in the original text."""
    for secret in secrets:
        if secret[:_FEWEST_CUT] not in octets:
            continue
        for start, end in (
            _find_anywhere(secret, octets) if len(secret) >= _SHORT else _as_word(secret, octets)
        ):
            yield places[start], places[end]


def _find_anywhere(secret: bytes, octets: bytes) -> Iterator[Span]:
    start = octets.find(secret)
    while start >= 0:
        yield start, start + len(secret)
        start = octets.find(secret, start + 1)
    start = octets.find(secret[:_FEWEST_CUT], max(0, len(octets) - len(secret) + 1))
    while start >= 0:
        if secret.startswith(octets[start:]):
            yield start, len(octets)
        start = octets.find(secret[:_FEWEST_CUT], start + 1)


def _as_word(secret: bytes, octets: bytes) -> Iterator[Span]:
    for found in re.finditer(rb"(?<![0-9A-Za-z_])" + re.escape(secret) + rb"(?![0-9A-Za-z_])", octets):
        yield found.span()


def _mask_spans(text: str, spans: Iterable[Span]) -> str:
    """The text without the spans. Spans that touch or overlap become one mask."""
    kept: list[str] = []
    at = 0
    for start, end in sorted(spans):
        if start > at or not kept:
            kept += [text[at:start], MASK]
        at = max(at, end)
    return "".join([*kept, text[at:]])


def _as_it_is(text: str) -> tuple[bytes, list[int]]:
    octets: list[bytes] = []
    places: list[int] = []
    _add(octets, places, text, 0)
    return b"".join(octets), [*places, len(text)]


def _undo(text: str) -> tuple[bytes, list[int]]:
    """The text's bytes with every escape undone, and the place of each in the text. A plus becomes a blank,
    as in forms."""
    octets: list[bytes] = []
    places: list[int] = []
    at = 0
    for found in _ESCAPE.finditer(text):
        _add(octets, places, text[at : found.start()], at)
        meant = _meant(found)
        octets.append(meant)
        places += [found.start()] * len(meant)
        at = found.end()
    _add(octets, places, text[at:], at)
    return b"".join(octets).replace(b"+", b" "), [*places, len(text)]


def _add(octets: list[bytes], places: list[int], text: str, at: int) -> None:
    if text.isascii():
        octets.append(text.encode())
        places += range(at, at + len(text))
        return
    for place, character in enumerate(text, at):
        octets.append(_octets(character))
        places += [place] * len(octets[-1])


def _octets(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _meant(escape: re.Match[str]) -> bytes:
    """The bytes that an escape stands for, or the escape itself if it stands for none."""
    kind = escape.lastgroup or ""
    value = escape[kind]
    match kind:
        case "percent":
            return bytes([int(value, 16)])
        case "name":
            return _octets(html5.get(f"{value};", escape[0]))
        case "letter":
            return _octets(_LETTERS.get(value, value))
        case "low":
            return bytes.fromhex(escape["high"] + value).decode("utf-16-be").encode()
    number = int(value, 10 if kind == "decimal" else 16)
    return _octets(chr(number) if number <= _LAST_CHARACTER else escape[0])


def _encodings(secret: str) -> Iterator[str]:
    """The secret in base64, alone or within a longer text, and in hexadecimal."""
    octets = _octets(secret)
    for before in range(3):
        # Characters that also encode neighbouring bytes are left out.
        first, last = (0, 2, 3)[before], (before + len(octets)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            form = encode(bytes(before) + octets + bytes(2))[first:last].decode()
            if len(form) >= _SHORT:
                yield form
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        alone = encode(octets).decode()
        if len(alone) >= _SHORT:
            yield from (alone, alone.rstrip("="))
    if len(octets) * 2 >= _SHORT:
        yield octets.hex()
        yield octets.hex().upper()
