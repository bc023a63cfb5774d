"""What a member is, as the contract's `customer` says it, and the profile that the domain knows."""

from typing import Annotated, Any

from pydantic import Field

from api.contract.fields import AddressBody, AttributeBody, BodyModel, Day, Moment, Text
from api.problems import Complaint, Invalid, shorten_json
from streams.domain import identifiers
from streams.domain.calendar import Calendar
from streams.domain.identifiers import Rules
from streams.domain.values import Address, Attribute, Company, Profile
from streams.errors import Rejected
from streams.webhooks.parts import midnight

PROFILE_FIELDS = {
    "profile.email": "customer.email",
    "profile.phone": "customer.phone",
    "profile.loyalty_card_number": "customer.loyaltyCardNumber",
    "registered_at": "customer.registeredAt",
}
_CODES = {
    "customer.email": "invalid_email",
    "customer.phone": "invalid_phone",
    "customer.loyaltyCardNumber": "invalid_card",
}
_PLAIN = (
    "first_name",
    "last_name",
    "email",
    "phone",
    "loyalty_card_number",
    "gender",
    "birth_date",
    "referral_token",
    "agreement1",
    "agreement2",
    "agreement3",
)


class CompanyBody(BodyModel):
    name: Text | None = None
    nip: Text | None = None


class CustomerFields(BodyModel):
    first_name: Text | None = None
    last_name: Text | None = None
    email: Annotated[Text | None, Field(examples=["anna@example.com"])] = None
    phone: Annotated[Text | None, Field(examples=["+48600100200"])] = None
    loyalty_card_number: Text | None = None
    gender: Text | None = None
    birth_date: Day | None = None
    registered_at: Moment | None = None
    referral_token: Text | None = None
    address: AddressBody | None = None
    company: CompanyBody | None = None
    custom_attributes: Annotated[list[AttributeBody], Field(max_length=100)] = Field(default_factory=list)
    agreement1: bool = False
    agreement2: bool = False
    agreement3: bool = False


class CustomerBody(BodyModel):
    customer: CustomerFields


def profile_of(customer: CustomerFields, rules: Rules, before: Profile | None = None) -> Profile:
    """As it was typed: the stage keeps it in its one form. What has not changed since `before` is not judged.
    Raises Invalid for an identifier that is none."""
    profile = Profile(
        **{name: getattr(customer, name) for name in _PLAIN},
        address=Address(**customer.address.model_dump()) if customer.address else None,
        company=Company(**customer.company.model_dump()) if customer.company else None,
        custom_attributes=tuple(Attribute(**each.model_dump()) for each in customer.custom_attributes),
    )
    try:
        identifiers.profile_of(profile, rules, before)
    except Rejected as refusal:
        path = PROFILE_FIELDS[refusal.field]
        complaint = Complaint(
            path, f"{shorten_json(refusal.value)} {refusal.reason}.", _CODES[path], refusal.value
        )
        raise Invalid(complaint) from None
    return profile


def customer_of(profile: Profile, calendar: Calendar) -> dict[str, Any]:
    """The profile as it is read; days in the store's calendar."""
    return {
        "firstName": profile.first_name,
        "lastName": profile.last_name,
        "email": profile.email,
        "phone": profile.phone,
        "loyaltyCardNumber": profile.loyalty_card_number,
        "gender": profile.gender,
        "birthDate": midnight(profile.birth_date, calendar),
        "referralToken": profile.referral_token,
        "address": _parts(profile.address, AddressBody),
        "company": _parts(profile.company, CompanyBody),
        "customAttributes": [{"key": a.key, "value": a.value} for a in profile.custom_attributes],
        "agreement1": profile.agreement1,
        "agreement2": profile.agreement2,
        "agreement3": profile.agreement3,
    }


def address_of(address: Address | None) -> dict[str, Any] | None:
    return _parts(address, AddressBody)


def _parts(value: Address | Company | None, kind: type[BodyModel]) -> dict[str, Any] | None:
    return None if value is None else {name: getattr(value, name) for name in kind.model_fields}
