"""Bodies of the webhooks that carry a code for a member, which had no legacy format of their own.

The receiver sends the code to the member, by e-mail or text message.
"""

from streams.webhooks.catalogue import webhook
from streams.webhooks.events import (
    CustomerEmailWasChanged,
    CustomerPhoneNumberWasChanged,
    CustomerRequestedPasswordReset,
    CustomerRequestedSendActivationCode,
    CustomerWasRegisteredWithoutActivation,
)
from streams.webhooks.parts import customer
from streams.webhooks.shapes import CodeBody

_CodeEvent = (
    CustomerWasRegisteredWithoutActivation
    | CustomerRequestedSendActivationCode
    | CustomerRequestedPasswordReset
    | CustomerPhoneNumberWasChanged
    | CustomerEmailWasChanged
)


def _code_body(event: _CodeEvent) -> CodeBody:
    return {"customer": customer(event.customer), "code": event.code, "codeNumber": event.code_number}


@webhook(
    CustomerWasRegisteredWithoutActivation,
    legacy_type="customer.registered_without_activation",
    triggers=("A member registers without activation: POST /api/{storeCode}/member/register.",),
)
def customer_was_registered_without_activation(event: CustomerWasRegisteredWithoutActivation) -> CodeBody:
    """A member registered and is to be activated; the code does that."""
    return _code_body(event)


@webhook(
    CustomerRequestedSendActivationCode,
    legacy_type="customer.requested_send_activation_code",
    triggers=(
        "A member asks for an activation code: POST /api/{storeCode}/member/{member}/send-code.",
        "A member asks to get the activation code again: POST /api/{storeCode}/member/resend-code.",
    ),
)
def customer_requested_send_activation_code(event: CustomerRequestedSendActivationCode) -> CodeBody:
    """A member asked for a code to activate the account with."""
    return _code_body(event)


@webhook(
    CustomerRequestedPasswordReset,
    legacy_type="customer.requested_password_reset",
    triggers=(
        "An active member who registered through POST /api/{storeCode}/member/register asks for a new "
        "password: POST /api/{storeCode}/member/password/reset/request.",
    ),
)
def customer_requested_password_reset(event: CustomerRequestedPasswordReset) -> CodeBody:
    """A member asked for a new password; the code allows to set one."""
    return _code_body(event)


@webhook(
    CustomerPhoneNumberWasChanged,
    legacy_type="customer.phone_number_was_changed",
    triggers=("A logged member updates the phone number on the own profile.",),
)
def customer_phone_number_was_changed(event: CustomerPhoneNumberWasChanged) -> CodeBody:
    """A member changed the own phone number; the code confirms the change."""
    return _code_body(event)


@webhook(
    CustomerEmailWasChanged,
    legacy_type="customer.email_was_changed",
    triggers=("A logged member updates the e-mail on the own profile.",),
)
def customer_email_was_changed(event: CustomerEmailWasChanged) -> CodeBody:
    """A member changed the own e-mail; the code confirms the change."""
    return _code_body(event)
