"""Real purchases of a CD shop, 1997-01 to 1998-06, as the commands of a loyalty programme.

reader         the file's lines to purchases (pure)
history        purchases to commands in the order of their days (pure)
store.json     the settings of the shop's programme, for `loyalty store put`
extract.txt    the purchases of the first 60 customers, used if the whole file is not there (ORIGIN.md)
"""

from pathlib import Path

STORE = Path(__file__).with_name("store.json")
EXTRACT = Path(__file__).with_name("extract.txt")
SAMPLE = Path(__file__).parents[2].parent / "shared" / "data" / "cdnow_sample.txt"
"""The whole file, if it lies beside the repository."""


def find_purchases_file() -> Path:
    """The whole file if it is there, else the extract."""
    return SAMPLE if SAMPLE.is_file() else EXTRACT
