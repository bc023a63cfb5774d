"""Both names of each webhook: as subscribed to, and as the legacy body's `type`."""

LEGACY_TYPES: dict[str, str] = {}
"""The legacy type by subscription name; filled by `webhook`, with the imports of `streams.webhooks`."""


def resolve_event_name(either: str) -> str | None:
    """The subscription name for either spelling, or None."""
    if either in LEGACY_TYPES:
        return either
    return next((name for name, legacy_type in LEGACY_TYPES.items() if legacy_type == either), None)
