"""The part of LocalWorkOS that says who there is; a change shows at the next refresh."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .environment import Environment
from .membership import LocalMembership
from .organization import LocalOrganization
from .role import LocalRole
from .user import LocalUser

Who = LocalUser | str
Where = LocalOrganization | str


class Population:
    """``add_*``, ``set_*`` and ``remove_*`` of people, organizations, roles and memberships.

    All raise :class:`~flask_workos_sessions.local.directory.UnknownName` for somebody or
    something that is not there.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._directory = environment.directory
        self._lock = environment.lock

    @property
    def users(self) -> list[LocalUser]:
        """Everybody, in the order of joining."""
        with self._lock:
            return list(self._directory.users.values())

    @property
    def organizations(self) -> list[LocalOrganization]:
        """Every organization, in the order of founding."""
        with self._lock:
            return list(self._directory.organizations.values())

    def user(self, who: Who) -> LocalUser:
        """The person with this id or address."""
        with self._lock:
            return self._directory.user(who)

    def organization(self, which: Where) -> LocalOrganization:
        """The organization with this id or name."""
        with self._lock:
            return self._directory.organization(which)

    def places_of(self, who: Who) -> list[str]:
        """Where this person is a member, in words such as ``Admin in Acme``."""
        with self._lock:
            return self._directory.places_of(self._directory.user(who))

    def add_user(self, email: str, **fields: Any) -> LocalUser:
        """A new person; ``fields`` are those of :class:`LocalUser` (``first_name``, …).

        :raises ValueError: the address is taken.
        """
        with self._lock:
            return self._directory.add_user(email, **fields)

    def set_user(self, who: Who, **fields: Any) -> LocalUser:
        """Change fields of a person.

        ``email_verified=False`` or ``required="mfa_challenge"`` (any of
        :data:`~flask_workos_sessions.local.user.INTERACTIONS`) make their exchanges ask for
        one more step; ``required=None`` takes it back.

        :raises ValueError: an unknown field or interaction.
        """
        with self._lock:
            return self._directory.change_user(who, fields)

    def remove_user(self, who: Who) -> None:
        """Delete a person: their sessions end, with them their memberships."""
        with self._lock:
            self._environment.remove_user(who)

    def add_organization(self, name: str, **fields: Any) -> LocalOrganization:
        """A new organization; ``fields`` are those of :class:`LocalOrganization`."""
        with self._lock:
            return self._directory.add_organization(name, **fields)

    def set_organization(self, which: Where, **fields: Any) -> LocalOrganization:
        """Change fields: ``entitlements``, ``feature_flags``, ``sso_required``, ``mfa_required``.

        :raises ValueError: an unknown field.
        """
        with self._lock:
            return self._directory.change_organization(which, fields)

    def remove_organization(self, which: Where) -> None:
        """Delete an organization and its memberships."""
        with self._lock:
            self._directory.remove_organization(which)

    def add_role(
        self,
        slug: str,
        permissions: Iterable[str] = (),
        *,
        name: str | None = None,
        organization: Where | None = None,
    ) -> LocalRole:
        """A new role with its permissions, or other permissions for a role that is there.

        :param organization: a new role is this one's own; events call it an organization role.
        """
        with self._lock:
            return self._directory.add_role(slug, permissions, name, organization)

    def remove_role(self, slug: str) -> None:
        """Delete a role; who has no other one becomes a ``member``.

        :raises ValueError: ``member`` itself.
        """
        with self._lock:
            self._directory.remove_role(slug)

    def add_membership(self, who: Who, where: Where, *roles: str) -> LocalMembership:
        """Make a person a member, with these roles (``member`` when none is given)."""
        with self._lock:
            return self._directory.add_membership(who, where, roles or ("member",))

    def set_role(self, who: Who, where: Where, *roles: str) -> LocalMembership:
        """Give a member other roles; the first is the primary one."""
        with self._lock:
            return self._directory.set_roles(who, where, roles or ("member",))

    def set_membership_active(self, who: Who, where: Where, active: bool) -> LocalMembership:
        """Deactivate a membership, or reactivate it. While it is inactive, refreshing into it
        fails."""
        with self._lock:
            return self._directory.set_membership_active(who, where, active)

    def remove_membership(self, who: Who, where: Where) -> None:
        """Take a person out of an organization: refreshing into it fails from now on."""
        with self._lock:
            self._directory.remove_membership(who, where)

    def set_permissions(self, role: str, *permissions: str) -> LocalRole:
        """Give a role other permissions."""
        return self.add_role(role, permissions)

    def set_entitlements(self, which: Where, *entitlements: str) -> LocalOrganization:
        """Give an organization other entitlements."""
        return self.set_organization(which, entitlements=entitlements)

    def set_feature_flags(self, which: LocalUser | LocalOrganization | str, *flags: str) -> None:
        """Switch these flags on, and all others off, for a person or an organization."""
        with self._lock:
            is_user = isinstance(which, LocalUser) or (
                isinstance(which, str) and self._directory.find_user(which) is not None
            )
            if is_user:
                self.set_user(which, feature_flags=flags)  # type: ignore[arg-type]
            else:
                self.set_organization(which, feature_flags=flags)  # type: ignore[arg-type]

    def set_jwt_template(self, **claims: Any) -> None:
        """Merge these claims into every new access token; without any, take them back."""
        with self._lock:
            self._environment.jwt_template = claims
