"""Faust services that log nothing by themselves."""

import logging

from mode import Service

QUIET_LOG = logging.getLogger("mode.ours")
"""Below `mode`, which a process silences: a crash is told of once, in a line, by the process that it ends."""


class QuietService(Service):
    """A supervised service that logs neither its start and stop nor the stack of its crash."""

    abstract = True
    mundane_level = "debug"
    logger = QUIET_LOG
