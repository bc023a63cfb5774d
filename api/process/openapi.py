"""The API's description as it is committed: api/openapi.json, made by `loyalty openapi`."""

import json
from typing import Any, cast

from api.auth.principals import Principals
from api.process.app import create_app
from api.process.http_metrics import HttpMetrics
from api.services.listeners import ListenerPorts
from api.services.replays import ReplayPorts
from streams.delivery.listeners import Listeners
from streams.delivery.replay_jobs import ReplayJobs
from streams.delivery.subscription import Subscriptions
from streams.runtime.metrics import Metrics
from streams.runtime.probes import Probes

UNUSED = cast(Any, None)
"""Stands for ports that no description needs."""


def openapi_document() -> str:
    """The document as text."""
    app = create_app(
        subscriptions=Subscriptions(),
        log=UNUSED,
        authenticator=UNUSED,
        targets=UNUSED,
        now=UNUSED,
        probes=Probes(),
        metrics=HttpMetrics(Metrics()),
        outcomes=UNUSED,
        book=UNUSED,
        past=UNUSED,
        stores=UNUSED,
        settings_log=UNUSED,
        attempt_sender=UNUSED,
        principals=Principals(),
        key_log=UNUSED,
        audit=UNUSED,
        store_codes=UNUSED,
        conditions={},
        forecasts=UNUSED,
        replaying=ReplayPorts(ReplayJobs(), UNUSED, UNUSED, UNUSED, process=""),
        listening=ListenerPorts(Listeners(), UNUSED, UNUSED, UNUSED, UNUSED),
        box=UNUSED,
        journal=UNUSED,
        published=UNUSED,
        failures=UNUSED,
        flow=UNUSED,
        aside=UNUSED,
    )
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"
