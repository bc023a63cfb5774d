"""One line is a member: an account to open. Pure."""

from connectors.imports.columns import (
    MEMBER,
    Column,
    Row,
    day,
    identifier_columns,
    instant,
    new_identifier,
    text,
    yes_or_no,
)
from connectors.imports.kind import FileKind, ImportRun, ReadyCommand, member_id_of, require_one_id_at_most
from streams.domain.commands import RegisterMember
from streams.domain.values import Address, Company, Profile
from streams.errors import Rejected

_ADDRESS = ("street", "address1", "address2", "postal", "city", "province", "country")


def _columns(run: ImportRun) -> tuple[Column, ...]:
    return (
        *MEMBER,
        *identifier_columns(new_identifier, run.rules),
        Column("firstName", text, "given name"),
        Column("lastName", text, "family name"),
        Column("gender", text, "as your programme writes it"),
        Column("birthDate", day, "a day such as 1990-05-31"),
        Column("registeredAt", instant(run.zone), "when the member joined; the import's time if empty"),
        Column("referralToken", text, "who recommended the programme"),
        *(Column(name, text, "of the postal address") for name in _ADDRESS),
        Column("companyName", text, "the member's company"),
        Column("companyNip", text, "its tax number"),
        *(Column(f"agreement{n}", yes_or_no, "true or false; false if empty") for n in (1, 2, 3)),
        Column("attribute:KEY", text, "the custom attribute KEY"),
    )


def _key(row: Row) -> str:
    return row.get("memberId") or row.get("memberExternalId") or ""


def _check(row: Row) -> None:
    require_one_id_at_most(row)
    if not _key(row):
        raise Rejected("memberId", "", "must be given, or memberExternalId instead")


def _make(rows: list[Row], run: ImportRun) -> ReadyCommand:
    (row,) = rows
    member_id = member_id_of(row, run) or ""
    command = RegisterMember(
        **run.head("members", member_id, member_id, row.content),
        profile=_profile(row),
        registered_at=row.get("registeredAt"),
    )
    return ReadyCommand(command.command_id, (row.line,), command)


def _profile(row: Row) -> Profile:
    address = Address(**{name: row.get(name) for name in _ADDRESS})
    company = Company(name=row.get("companyName"), nip=row.get("companyNip"))
    return Profile(
        first_name=row.get("firstName"),
        last_name=row.get("lastName"),
        email=row.get("email"),
        phone=row.get("phone"),
        loyalty_card_number=row.get("loyaltyCardNumber"),
        gender=row.get("gender"),
        birth_date=row.get("birthDate"),
        referral_token=row.get("referralToken"),
        address=address if address != Address() else None,
        company=company if company != Company() else None,
        custom_attributes=row.family("attribute:"),
        agreement1=row.get("agreement1") or False,
        agreement2=row.get("agreement2") or False,
        agreement3=row.get("agreement3") or False,
    )


MEMBERS = FileKind("members", "accounts to be opened", _columns, _key, _check, _make, timed=True)
