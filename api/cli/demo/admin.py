"""Who signs in to the demo's panel: an admin of this run's own, whose password is drawn and told once."""

import secrets
import uuid
from datetime import UTC, datetime

from api.auth import passwords
from streams.access import Admin

USERNAME = "demo"
_BYTES = 9


def make_demo_admin() -> tuple[Admin, str]:
    """The admin and the password, which is kept nowhere."""
    password, now = secrets.token_urlsafe(_BYTES), datetime.now(UTC)
    admin = Admin(
        admin_id=str(uuid.uuid4()),
        username=USERNAME,
        password=passwords.hash_password(password),
        created_at=now,
        tokens_since=now,
    )
    return admin, password
