"""What people, tills and spreadsheets write where an identifier belongs: junk, and the same in many forms.

The store of these tests is Polish (`PL`), and reads cards as it pleases.
"""

from msgspec.structs import replace

from streams.domain.identifiers import Rules
from streams.domain.values import IdentifierKind
from tests.samples import SETTINGS

RULES = Rules("PL", None)
POLISH = replace(SETTINGS, phone_region="PL")

_PLACEHOLDERS = (
    *("N/A", "n/a", "NULL", "none", "brak", "nil", "-", "–"),
    *("#N/A", "#REF!", "?", "....", "NaN", "Brak danych"),
)
_MANGLED_NUMBERS = ("4.86001E+10", "1.23E+05", "4,86001E+10", "4.86E10", "48600100203.0", "600100203,00")
_PHONES = (
    "0000000000",
    "1111111111",
    "000-000-000",
    "1234567890",
    "123456789",
    "+48 000 000 000",
    "call me",
    "600100200x",
    "600 100 200 wew. 12",
    "600100200 600100201",
    "600100200, 600100201",
    "600100200;600100201",
    "600100200/600100201",
    "600100200\n600100201",
    "600100200\t12",
    "+48600100200+48600100201",
    "600100",
    "4860010020",
    "+48 600",
    "+999 600100200",
    "tel:+48600100203",
    "anna@example.com",
    "48,600,100,203",
    "\u216b" * 9,
    "9" * 200,
)
_EMAILS = (
    "mailto:anna@example.com",
    "anna@example",
    "none@none",
    "anna",
    "anna@",
    "@example.com",
    "anna@example.com, boris@example.com",
    "anna@example.com;boris@example.com",
    "anna\u200b@example.com",
    "anna@exa\u202emple.com",
    "anna @example.com",
    "anna@example..com",
    "Anna <anna@example.com>",
    '="anna@example.com"',
    "anna@example.com\x00x",
    "a" * 250 + "@example.com",
    "anna@" + "xn--" * 20 + ".com",
    "anna@\u2488com.example",
)
_CARDS = (
    "'2600000000017",
    '="2600000000017"',
    "2.6E+12",
    "2600000000017.0",
    "000000",
    "0000000000",
    "1111111111",
    "26\u200b00",
    "\u0662\u0666\u0660\u0660\u0660\u0660",
    "\uff12\uff16\uff10\uff10",
    "2600\n2601",
    "2600,2601",
    "2600; 2601",
    "C" * 65,
    "#DIV/0!",
)
JUNK: list[tuple[IdentifierKind, str]] = [
    *(("phone", text) for text in (*_PLACEHOLDERS, *_MANGLED_NUMBERS, *_PHONES)),
    *(("email", text) for text in (*_PLACEHOLDERS, *_EMAILS)),
    *(("loyaltyCardNumber", text) for text in (*_PLACEHOLDERS, *_MANGLED_NUMBERS, *_CARDS)),
]
_ONE_PHONE = (
    "+48600100203",
    "+48 600-100-203",
    "(+48) 600.100.203",
    "+48 (0) 600 100 203",
    "0048600100203",
    "48600100203",
    "600100203",
    "600 100 203",
    "600\u2011100\u2013203",
    "600\u2212100\u2212203",
    "\u202a+48600100203\u202c",
    "+48\u00a0600\u2009100\u202f203",
    "\u200e600100203\ufeff",
    "'+48600100203",
    '="0048600100203"',
    "\uff0b\uff14\uff18\uff16\uff10\uff10\uff11\uff10\uff10\uff12\uff10\uff13",
    "\u0666\u0660\u0660\u0661\u0660\u0660\u0662\u0660\u0663",
    " 600100203\t",
)
_ONE_EMAIL = (
    "anna@example.com",
    "Anna@Example.COM",
    " anna@example.com ",
    "anna@example.com\u200b",
    "\ufeffanna@example.com",
    "\u202aanna@example.com\u202c",
)
_ONE_IDN = ("zosia@żółw.pl", "ZOSIA@ŻÓŁW.PL", "zosia@z\u0307o\u0301łw.pl", "zosia@xn--w-uga1v8h.pl")
SAME: list[tuple[IdentifierKind, str, str]] = [
    *(("phone", text, "+48600100203") for text in _ONE_PHONE),
    *(("email", text, "anna@example.com") for text in _ONE_EMAIL),
    *(("email", text, "zosia@żółw.pl") for text in _ONE_IDN),
    ("email", "straße@example.com", "strasse@example.com"),
    ("email", "ΝΙΚΟΣ@example.com", "νικοσ@example.com"),
    ("loyaltyCardNumber", " 2600 0000 17\u200b", "2600 0000 17"),
]
"""Each with the key under which its member is known."""
REAL: list[tuple[IdentifierKind, str]] = [
    ("email", "none@example.com"),
    ("email", "test@gmail.com"),
    ("email", "o'brien+shop@example.co.uk"),
    ("email", "x@y.io"),
    ("email", "1234567890@example.com"),
    ("email", "用户@例子.广告"),
    ("phone", "+44 (0)20 7946 0958"),
    ("phone", "+48 777 777 777"),
    ("phone", "+48123456789"),
    ("phone", "+39 06 1234567"),
    ("phone", "+48000000001"),
    ("loyaltyCardNumber", "C-1"),
    ("loyaltyCardNumber", "12E5"),
    ("loyaltyCardNumber", "CD10"),
    ("loyaltyCardNumber", "7"),
    ("loyaltyCardNumber", "KARTA/2026/Ł7"),
]
"""May look odd, and belong to somebody."""
