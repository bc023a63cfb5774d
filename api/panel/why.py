"""“Why didn’t I get it?”: of one event, or of what a member did at a time, what became of it for each webhook."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from api.access import requires
from api.desk import Desk
from api.errors import Invalid
from api.fields import UUID
from api.panel import typed
from api.panel.door import StoreOf
from api.panel.pages import Pages
from api.panel.ports import Kind, Told, Whys
from api.subscriptions import Webhooks
from streams.domain.store import StoreSettings
from streams.uuids import is_uuid

FIELDS = {"webhookEventId": "event", "memberId": "member", "at": "at", "within": "within"}
WITHIN: Mapping[str, str] = {
    "5": "5 minutes before and after",
    "60": "an hour before and after",
    "720": "12 hours before and after",
    "1440": "a day before and after",
}
"""By minutes."""
Class = Literal["delivered", "pending", "dead", "filtered", "paused", "failing"]
