"""How hard hypothesis tries: a little by default, long under HYPOTHESIS_PROFILE=soak. And Ctrl-C works."""

import os
import signal

from hypothesis import HealthCheck, settings

# The machine is shared with a broker at times: a slow example is no failure.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("default", _PATIENT, max_examples=25, stateful_step_count=30)
settings.register_profile("soak", _PATIENT, max_examples=1_000, stateful_step_count=100)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_configure() -> None:
    # A shell that starts the suite in its background lets it ignore Ctrl-C, and so all that the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
