"""What clients send and get about a subscription: the contract's names, checked."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from api.contract import subscription_options
from api.contract.endpoint_credentials import AuthBody, SecretVault, header_value
from api.contract.fields import BodyModel
from api.contract.subscription_options import ROOT, SubscriptionOptions
from api.contract.url_policy import TargetPolicy, target
from api.problems import Complaint, Invalid, shorten_json
from connectors.http.envelope import FRAMING_HEADERS
from streams.delivery.records import Header, Subscription
from streams.delivery.subscription import ANY_EVENT
from streams.delivery.subscription_options import Signing
from streams.webhooks.names import LEGACY_TYPES, resolve_event_name
from streams.webhooks.parts import iso_instant

MOST_HEADERS, LARGEST_HEADERS = 20, 16 << 10
"""Of one subscription; characters of names and values together."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,255}")
_TEXT = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?")
# Ours, or of the connection's: a subscriber may set neither.
_RESERVED = FRAMING_HEADERS | {
    "user-agent",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "expect",
}


class EndpointHeaderBody(BodyModel):
    header_name: Annotated[str, Field(examples=["X-Shop"])]
    header_value: Annotated[str, Field(examples=["blue"])]


class SubscriptionTarget(SubscriptionOptions):
    """The fields that POST and PUT share."""

    url: Annotated[str, Field(description="http or https, at most 2048 characters.")]
    destination_type: Literal["rest"] = "rest"
    headers: list[EndpointHeaderBody] | None = Field(None, description="At most 20, sent with every request.")
    header_name: str | None = Field(None, json_schema_extra={"deprecated": True}, description="Use headers.")
    header_value: str | None = Field(None, json_schema_extra={"deprecated": True}, description="Use headers.")
    signing: Literal["none", "standard", "original"] | None = Field(
        None, description="standard: Standard Webhooks; original: X-Webhook headers. Absent: as it is."
    )
    signing_key: Literal["hmac", "ed25519"] | None = Field(
        None, description="hmac: a shared secret; ed25519: told is a public key. Absent: hmac, or as it is."
    )
    auth: AuthBody | None = Field(
        None, description="How the endpoint is shown who sends; never told again. Absent: as it is."
    )
    hmac_enabled: bool | None = Field(None, description="true: signing `original`; false: `none`.")


class SubscriptionCreation(SubscriptionTarget):
    event_name: Annotated[str, Field(description="Either spelling; `*`: all of them.")]
    further_events: Annotated[list[str], Field(max_length=len(LEGACY_TYPES))] = Field(
        default_factory=list, description="Names of more events."
    )
    legacy: bool = Field(False, description="The old edition's body.")


class SubscriptionReplacement(SubscriptionTarget):
    event_name: str | None = Field(None, description="Cannot be changed: absent, or as it is.")
    further_events: list[str] | None = Field(None, description="Absent: as they are.")
    state: Literal["active", "paused", "disabled"] | None = Field(
        None, description="Absent: as it is; only the sender disables."
    )
    revision: int | None = Field(None, description="If given, it must be the present one: else 412.")
    legacy: bool | None = Field(None, description="Absent: as it is.")


SUBSCRIPTION_EXAMPLE: dict[str, Any] = {
    "eventName": "AvailablePointsAmountChanged",
    "url": "https://shop.example/webhooks",
    "headers": [{"headerName": "X-Shop", "headerValue": "blue"}],
}


class SubscriptionCreationBody(BodyModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{ROOT: SUBSCRIPTION_EXAMPLE}]})
    webhook_subscription: SubscriptionCreation


class SubscriptionReplacementBody(BodyModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{ROOT: {k: v for k, v in SUBSCRIPTION_EXAMPLE.items() if k != "eventName"}}]
        }
    )
    webhook_subscription: SubscriptionReplacement


def require_event_name(name: str, path: str = "eventName") -> str:
    """PascalCase for either spelling, or `*`. Raises Invalid listing what is valid."""
    found = ANY_EVENT if name == ANY_EVENT else resolve_event_name(name)
    if found is None:
        valid = ", ".join([*sorted(LEGACY_TYPES), ANY_EVENT])
        message = f"There is no event {shorten_json(name)}; valid: {valid}"
        raise Invalid(Complaint(f"{ROOT}.{path}", message, "unknown_event", shorten_json(name)))
    return found


def require_event_names(names: list[str]) -> tuple[str, ...]:
    return tuple(require_event_name(name, f"furtherEvents.{index}") for index, name in enumerate(names))


def requested_signing(body: SubscriptionTarget) -> Signing | None:
    """None: as it is. Raises Invalid where two ways of saying it differ."""
    if body.hmac_enabled is None:
        return body.signing
    said: Signing = "original" if body.hmac_enabled else "none"
    if body.signing not in (None, said):
        message = "hmacEnabled and signing do not agree: one is enough."
        raise Invalid(Complaint(f"{ROOT}.hmacEnabled", message, "conflict"))
    return said


def require_allowed_url(body: SubscriptionTarget, policy: TargetPolicy) -> str:
    """The URL to store. Raises Invalid with the reason."""
    try:
        return target(body.url, policy)
    except ValueError as error:
        raise Invalid(Complaint(f"{ROOT}.url", f"The URL {error}.", "invalid_url")) from None


def parse_headers(body: SubscriptionTarget) -> tuple[Header, ...]:
    """All headers, the deprecated pair among them. Raises Invalid; no complaint shows a value."""
    pairs = [(f"headers.{i}", h.header_name, h.header_value) for i, h in enumerate(body.headers or ())]
    if (body.header_name is None) != (body.header_value is None):
        raise Invalid(Complaint(ROOT, "headerName and headerValue must come together.", "incomplete"))
    if body.header_name is not None and body.header_value is not None:
        pair = body.header_name, body.header_value
        # A client that sends back what it was given has the first one in both places.
        if pair not in [(name, value) for _, name, value in pairs]:
            pairs.append(("", *pair))
    complaints = list(_header_complaints(pairs))
    if complaints:
        raise Invalid(*complaints)
    return tuple(Header(name=name, value=value) for _, name, value in pairs)


def _header_complaints(pairs: list[tuple[str, str, str]]) -> Iterator[Complaint]:
    if len(pairs) > MOST_HEADERS:
        yield Complaint(f"{ROOT}.headers", f"At most {MOST_HEADERS} headers, not {len(pairs)}.", "too_many")
    seen: set[str] = set()
    for place, name, value in pairs:
        path = f"{ROOT}.{place}." if place else f"{ROOT}."
        reason = _name_refusal(name, seen)
        if reason:
            yield Complaint(
                f"{path}headerName",
                f"Header {shorten_json(name)} {reason}.",
                "invalid_header",
                shorten_json(name),
            )
        if not _TEXT.fullmatch(value) or len(value) > 4096:
            message = "The value must be 1 to 4096 visible ASCII characters, blanks only between them."
            yield Complaint(f"{path}headerValue", message, "invalid_header")
        seen.add(name.lower())
    size = sum(len(name) + len(value) for _, name, value in pairs)
    if size > LARGEST_HEADERS:
        message = f"The headers have {size:,} characters; all together at most {LARGEST_HEADERS:,}."
        yield Complaint(f"{ROOT}.headers", message, "too_large")


def _name_refusal(name: str, seen: set[str]) -> str | None:
    lower = name.lower()
    if not _TOKEN.fullmatch(name):
        return "is no header's name: letters, digits and !#$%&'*+.^_`|~- only"
    if lower in _RESERVED or lower.startswith("content-"):
        return "is set by the sender"
    return "is given twice" if lower in seen else None


HIDDEN_VALUE = "********"
"""Stands for a header's value where the caller may not change the subscription; sent back, it stays."""


def displayed_value(header: Header, vault: SecretVault | None, *, whole: bool) -> str | None:
    return header_value(header, vault) if whole else HIDDEN_VALUE


def subscription_row(
    subscription: Subscription, vault: SecretVault | None, *, whole: bool = True
) -> dict[str, Any]:
    """One item of the list. Without `whole`, no header's value is shown."""
    first = subscription.headers[0] if subscription.headers else None
    return {
        "webhookSubscriptionId": subscription.subscription_id,
        "eventName": subscription.event_name,
        "url": subscription.url,
        "headerName": first.name if first else None,
        "headerValue": displayed_value(first, vault, whole=whole) if first else None,
        "furtherEvents": list(subscription.further_events),
        "legacy": subscription.legacy,
        "createdAt": iso_instant(subscription.created_at),
        "destinationType": "rest",
    }


def subscription_detail(
    subscription: Subscription, vault: SecretVault | None, *, whole: bool = True
) -> dict[str, Any]:
    """One subscription. Without `whole`, no header's value is shown."""
    headers = [
        {"headerName": h.name, "headerValue": displayed_value(h, vault, whole=whole)}
        for h in subscription.headers
    ]
    auth = {"kind": subscription.auth.kind if subscription.auth else "none"}
    return {
        **subscription_row(subscription, vault, whole=whole),
        "headers": headers,
        "auth": auth,
        **subscription_options.options_body(subscription),
    }
