"""The API's description as it is committed: api/openapi.json, made by `loyalty openapi`."""

import json
from typing import Any, cast

from api.auth.principals import Callers
from api.process.app import create_app
from api.services.replays import ReplayPorts
from streams.delivery.replay_jobs import ReplayJobs
from streams.delivery.subscription import Subscriptions

NOBODY = cast(Any, None)
"""Stands for ports that no description needs."""


def described() -> str:
    """The document as text."""
    app = create_app(
        subscriptions=Subscriptions(),
        log=NOBODY,
        authenticator=NOBODY,
        targets=NOBODY,
        now=NOBODY,
        caught_up=NOBODY,
        outcomes=NOBODY,
        book=NOBODY,
        past=NOBODY,
        stores=NOBODY,
        settings_log=NOBODY,
        attempt_sender=NOBODY,
        callers=Callers(),
        key_log=NOBODY,
        audit=NOBODY,
        store_codes=NOBODY,
        conditions={},
        forecasts=NOBODY,
        replaying=ReplayPorts(ReplayJobs(), NOBODY, NOBODY, NOBODY, process=""),
        box=NOBODY,
        journal=NOBODY,
        published=NOBODY,
        flow=NOBODY,
        aside=NOBODY,
    )
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"
