"""What a misspelled name may mean, for the messages that refuse it."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches


def find_similar(name: str, known: Collection[str]) -> str | None:
    """The one of `known` that begins with `name` or is most like it, upper and lower case alike; None if none
    is."""
    if len(name) > 1 and (longer := [k for k in known if k.casefold().startswith(name.casefold())]):
        return min(longer)
    folded = {each.casefold(): each for each in sorted(known, reverse=True)}
    close = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def suggest(name: str, known: Iterable[str], most: int = 20) -> str:
    """How a message goes on that has refused `name`: `did you mean 'tier_sets'?`, or else what is valid, of
    which `most` names are listed."""
    names = sorted(set(known))
    similar = find_similar(name, names)
    if similar is not None:
        return f"did you mean {similar!r}?"
    if not names:
        return "there are none"
    return f"valid: {', '.join(names[:most])}{', …' if len(names) > most else ''}"
