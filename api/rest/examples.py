"""What a client asks for with an example: which event, and of whom."""

from dataclasses import dataclass

from pydantic import ConfigDict, Field

from api.contract.fields import BodyModel, MemberText
from api.problems import Complaint, Invalid, shorten_json
from api.services.command_service import CommandService
from api.services.sample_delivery import EXAMPLE_ROOT, SampleMember
from streams.domain.values import Profile
from streams.webhooks.names import LEGACY_TYPES, resolve_event_name


class ExampleFields(BodyModel):
    event_name: str | None = Field(None, description="In either spelling. Absent: the first one asked for.")
    customer: MemberText | None = Field(
        None, description="A member's UUID, `email=…`, `phone=…` or `loyaltyCardNumber=…`. Absent: nobody."
    )


class ExampleBody(BodyModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{EXAMPLE_ROOT: {"eventName": "CustomerUpdated"}}]}
    )
    example: ExampleFields


@dataclass(frozen=True, slots=True)
class ExampleRequest:
    event_name: str | None = None
    member: SampleMember | None = None


@dataclass(frozen=True, slots=True)
class ExampleReader:
    command_service: CommandService

    async def read(self, store: str, fields: ExampleFields) -> ExampleRequest:
        """Raises Invalid naming the field: no such event, or no such member."""
        member = None
        if fields.customer is not None:
            id_ = await self.command_service.member_in(store, fields.customer, f"{EXAMPLE_ROOT}.customer")
            profile = await self.command_service.profile(store, id_)
            member = SampleMember(id_, profile or Profile())
        return ExampleRequest(_event_name(fields.event_name), member)


def _event_name(name: str | None) -> str | None:
    found = name and resolve_event_name(name)
    if name is not None and not found:
        message = f"There is no event {shorten_json(name)}; valid: {', '.join(sorted(LEGACY_TYPES))}"
        raise Invalid(Complaint(f"{EXAMPLE_ROOT}.eventName", message, "unknown_event", shorten_json(name)))
    return found or None
