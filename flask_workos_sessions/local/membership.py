"""A membership: who belongs where, and as what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .identifiers import iso


@dataclass
class LocalMembership:
    """A person's place in an organization: roles, of which the first is the primary one."""

    user_id: str
    organization_id: str
    roles: tuple[str, ...] = ("member",)
    active: bool = True
    id: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The membership object of WorkOS's API; ``roles`` only when there are several."""
        body: dict[str, Any] = {
            "object": "organization_membership",
            "id": self.id,
            "user_id": self.user_id,
            "organization_id": self.organization_id,
            "role": {"slug": self.roles[0]},
            "status": "active" if self.active else "inactive",
            "external_id": None,
            "metadata": {},
            "directory_managed": False,
            "custom_attributes": {},
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
        }
        if len(self.roles) > 1:
            body["roles"] = [{"slug": slug} for slug in self.roles]
        return body
