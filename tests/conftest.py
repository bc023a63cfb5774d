"""How hard hypothesis tries: a little by default, long under HYPOTHESIS_PROFILE=soak."""

import os

from hypothesis import HealthCheck, settings

# The machine is shared with a broker at times: a slow example is no failure.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("default", _PATIENT, max_examples=25, stateful_step_count=30)
settings.register_profile("soak", _PATIENT, max_examples=1_000, stateful_step_count=100)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
