"""This module looks up admins and API keys, which follow their topics."""

from collections import defaultdict

from streams.access import Admin, ApiKey
from streams.control_records import RecordFault
from streams.kafka.unfit_records import UnfitError


class Principals:
    def __init__(self) -> None:
        self._admins: dict[str, Admin] = {}
        self._keys: dict[str, ApiKey] = {}
        self._by_digest: dict[str, ApiKey] = {}
        self._of_admin: defaultdict[str, dict[str, ApiKey]] = defaultdict(dict)

    def __len__(self) -> int:
        return len(self._admins) + len(self._keys)

    def put_admin(self, admin_id: str, admin: Admin | None) -> None:
        if admin is None:
            self._admins.pop(admin_id, None)
        else:
            self._admins[admin_id] = admin

    def put_key(self, api_key_id: str, key: ApiKey | None) -> None:
        """Raises Unfit for one with the digest of another: nobody could say whose key it is."""
        other = self._by_digest.get(key.digest) if key else None
        if other and other.api_key_id != api_key_id:
            raise UnfitError(api_key_id, RecordFault("digest", f"is that of API key {other.api_key_id} too"))
        gone = self._keys.pop(api_key_id, None)
        if gone:
            del self._by_digest[gone.digest]
            del self._of_admin[gone.admin_id][api_key_id]
        if key:
            self._keys[api_key_id] = self._by_digest[key.digest] = key
            self._of_admin[key.admin_id][api_key_id] = key

    def admin(self, admin_id: str) -> Admin | None:
        return self._admins.get(admin_id)

    def admins(self) -> list[Admin]:
        return sorted(self._admins.values(), key=lambda a: a.username)

    def named(self, username: str) -> Admin | None:
        """Names are few: there is no index of them."""
        return next((a for a in self._admins.values() if a.username == username), None)

    def key(self, api_key_id: str) -> ApiKey | None:
        return self._keys.get(api_key_id)

    def key_of(self, digest: str) -> ApiKey | None:
        """By the SHA-256 of what was sent. Nobody can guess their way to a digest by the time this takes."""
        return self._by_digest.get(digest)

    def keys_of(self, admin_id: str) -> list[ApiKey]:
        return sorted(self._of_admin[admin_id].values(), key=lambda k: (k.created_at, k.api_key_id))
