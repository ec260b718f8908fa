"""Who there is: people, organizations, roles, and who belongs where with which role."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .events import Events
from .flags import Flags
from .identifiers import new_id
from .membership import LocalMembership
from .organization import LocalOrganization
from .role import LocalRole
from .user import INTERACTIONS, LocalUser


class UnknownName(LookupError):
    """There is no such person, organization or role."""


class Directory:
    """The people and organizations of one LocalWorkOS; each change is noted in ``events``.

    Everywhere a person may be given as an object, an id or an e-mail address, an organization as
    an object, an id or a name.
    """

    def __init__(self, clock: Callable[[], float], events: Events) -> None:
        self._clock = clock
        self._events = events
        self.flags = Flags(clock, events)
        self.users: dict[str, LocalUser] = {}
        self.organizations: dict[str, LocalOrganization] = {}
        self.roles: dict[str, LocalRole] = {}
        self.memberships: dict[tuple[str, str], LocalMembership] = {}

    def user(self, who: LocalUser | str) -> LocalUser:
        """The person.

        :raises UnknownName: there is none, or not any more.
        """
        found = self.find_user(who.id if isinstance(who, LocalUser) else who)
        if found is None:
            raise UnknownName("There is no such person in this LocalWorkOS.")
        return found

    def find_user(self, id_or_email: str) -> LocalUser | None:
        """The person with this id or address (compared without case), or ``None``."""
        if id_or_email in self.users:
            return self.users[id_or_email]
        wanted = id_or_email.strip().casefold()
        return next((u for u in self.users.values() if u.email.casefold() == wanted), None)

    def organization(self, which: LocalOrganization | str) -> LocalOrganization:
        """The organization.

        :raises UnknownName: there is none.
        """
        name = which.id if isinstance(which, LocalOrganization) else which
        if name in self.organizations:
            return self.organizations[name]
        for organization in self.organizations.values():
            if organization.name == name:
                return organization
        raise UnknownName("There is no such organization in this LocalWorkOS.")

    def organizations_of(self, user: LocalUser) -> list[LocalOrganization]:
        """Where this person is an active member, in the order of joining."""
        return [
            self.organizations[membership.organization_id]
            for membership in self.memberships.values()
            if membership.user_id == user.id and membership.active
        ]

    def places_of(self, user: LocalUser) -> list[str]:
        """This person's places in words, such as ``Admin in Acme``."""
        places = []
        for organization in self.organizations_of(user):
            slug = self.memberships[user.id, organization.id].roles[0]
            places.append(f"{self.roles[slug].name} in {organization.name}")
        return places

    def membership(self, user_id: str, organization_id: str) -> LocalMembership | None:
        """The active membership, or ``None``."""
        found = self.memberships.get((user_id, organization_id))
        return found if found is not None and found.active else None

    def permissions_of(self, roles: Iterable[str]) -> list[str]:
        """All permissions that come with these roles, each once."""
        slugs = (
            slug for name in roles if name in self.roles for slug in self.roles[name].permissions
        )
        return list(dict.fromkeys(slugs))

    def add_user(self, email: str, **fields: Any) -> LocalUser:
        """A new person; ``fields`` are those of :class:`LocalUser`.

        :raises ValueError: the address is taken.
        """
        if self.find_user(email) is not None:
            raise ValueError("Somebody with this address is there already.")
        now = self._clock()
        fields.setdefault("id", new_id("user", now))
        user = LocalUser(email=email, created_at=now, updated_at=now, **fields)
        self.users[user.id] = user
        self._events.note("user.created", user.as_json())
        self.flags.switch(user, ())
        return user

    def change_user(self, who: LocalUser | str, changes: Mapping[str, Any]) -> LocalUser:
        """Set fields of a person.

        :raises ValueError: an unknown field, or an unknown ``required``.
        """
        user = self.user(who)
        if changes.get("required") not in INTERACTIONS | {None}:
            raise ValueError(f"required must be None or one of {sorted(INTERACTIONS)}")
        before, flags = user.as_json(), user.feature_flags
        _change(user, changes)
        user.updated_at = self._clock()
        self._events.note_update("user.updated", before, user.as_json())
        self.flags.switch(user, flags)
        return user

    def remove_user(self, who: LocalUser | str) -> LocalUser:
        """Delete a person with all memberships."""
        user = self.user(who)
        for key in [key for key in self.memberships if key[0] == user.id]:
            self._end_membership(key)
        del self.users[user.id]
        self.flags.forget(user)
        self._events.note("user.deleted", user.as_json())
        return user

    def add_organization(self, name: str, **fields: Any) -> LocalOrganization:
        """A new organization; ``fields`` are those of :class:`LocalOrganization`."""
        now = self._clock()
        fields.setdefault("id", new_id("org", now))
        fields.setdefault("connection_id", new_id("conn", now))
        organization = LocalOrganization(name=name, created_at=now, updated_at=now, **fields)
        self.organizations[organization.id] = organization
        self._events.note("organization.created", organization.as_json())
        self.flags.switch(organization, ())
        return organization

    def change_organization(
        self, which: LocalOrganization | str, changes: Mapping[str, Any]
    ) -> LocalOrganization:
        """Set fields of an organization."""
        organization = self.organization(which)
        before, flags = organization.as_json(), organization.feature_flags
        _change(organization, changes)
        organization.updated_at = self._clock()
        self._events.note_update("organization.updated", before, organization.as_json())
        self.flags.switch(organization, flags)
        return organization

    def remove_organization(self, which: LocalOrganization | str) -> LocalOrganization:
        """Delete an organization with all memberships. Its sessions are not revoked."""
        organization = self.organization(which)
        for key in [key for key in self.memberships if key[1] == organization.id]:
            self._end_membership(key)
        del self.organizations[organization.id]
        self.flags.forget(organization)
        self._events.note("organization.deleted", organization.as_json())
        return organization

    def add_role(
        self,
        slug: str,
        permissions: Iterable[str],
        name: str | None = None,
        organization: LocalOrganization | str | None = None,
    ) -> LocalRole:
        """A new role, or the same role with other permissions."""
        now, role = self._clock(), self.roles.get(slug)
        if role is None:
            named = name or slug.replace("-", " ").capitalize()
            where = None if organization is None else self.organization(organization).id
            role = LocalRole(slug, named, tuple(permissions), where, now, now)
            self.roles[slug] = role
            self._events.note(f"{role.kind}.created", role.as_json())
            return role
        before = role.as_json()
        role.permissions, role.name, role.updated_at = tuple(permissions), name or role.name, now
        self._events.note_update(f"{role.kind}.updated", before, role.as_json())
        return role

    def remove_role(self, slug: str) -> LocalRole:
        """Delete a role. Who has no other one becomes a ``member``.

        :raises UnknownName: one of the two is not there. :raises ValueError: ``member`` itself.
        """
        if slug == "member":
            raise ValueError("The default role cannot be deleted.")
        self._check_roles([slug, "member"])
        for membership in self.memberships.values():
            if slug in membership.roles:
                left = [each for each in membership.roles if each != slug]
                self._change_membership(membership, roles=left or ["member"])
        role = self.roles.pop(slug)
        self._events.note(f"{role.kind}.deleted", role.as_json())
        return role

    def add_membership(
        self, who: LocalUser | str, where: LocalOrganization | str, roles: Iterable[str]
    ) -> LocalMembership:
        """Make a person a member with these roles, or give a member other roles. A membership
        that was inactive is active again.

        :raises UnknownName: a role does not exist.
        :raises ValueError: no role.
        """
        user, organization = self.user(who), self.organization(where)
        wanted = self._check_roles(roles)
        found = self.memberships.get((user.id, organization.id))
        if found is not None:
            return self._change_membership(found, roles=wanted, active=True)
        now = self._clock()
        membership = LocalMembership(
            user.id, organization.id, wanted, True, new_id("om", now), now, now
        )
        self.memberships[user.id, organization.id] = membership
        self._events.note("organization_membership.created", membership.as_json())
        return membership

    def set_roles(
        self, who: LocalUser | str, where: LocalOrganization | str, roles: Iterable[str]
    ) -> LocalMembership:
        """As :meth:`add_membership`, but an inactive membership stays so."""
        found = self.memberships.get((self.user(who).id, self.organization(where).id))
        if found is None:
            return self.add_membership(who, where, roles)
        return self._change_membership(found, roles=self._check_roles(roles))

    def set_membership_active(
        self, who: LocalUser | str, where: LocalOrganization | str, active: bool
    ) -> LocalMembership:
        """Deactivate or reactivate a membership.

        :raises UnknownName: the person is no member.
        """
        found = self.memberships.get((self.user(who).id, self.organization(where).id))
        if found is None:
            raise UnknownName("This person is no member of the organization.")
        return self._change_membership(found, active=active)

    def remove_membership(self, who: LocalUser | str, where: LocalOrganization | str) -> None:
        """Take a person out of an organization."""
        key = self.user(who).id, self.organization(where).id
        if key in self.memberships:
            self._end_membership(key)

    def _change_membership(self, membership: LocalMembership, **changes: Any) -> LocalMembership:
        before = membership.as_json()
        _change(membership, changes)
        membership.updated_at = self._clock()
        self._events.note_update("organization_membership.updated", before, membership.as_json())
        return membership

    def _end_membership(self, key: tuple[str, str]) -> None:
        gone = self.memberships.pop(key)
        self._events.note("organization_membership.deleted", gone.as_json())

    def _check_roles(self, roles: Iterable[str]) -> tuple[str, ...]:
        wanted = tuple(roles)
        if not wanted:
            raise ValueError("A member has at least one role.")
        if unknown := [slug for slug in wanted if slug not in self.roles]:
            raise UnknownName(f"There is no role {unknown[0]!r}; add_role makes one.")
        return wanted


def _change(target: object, changes: Mapping[str, Any]) -> None:
    for name in changes:
        if name == "id" or not hasattr(target, name):
            raise ValueError(f"{type(target).__name__} has no field {name!r} to set.")
    for name, value in changes.items():
        setattr(target, name, tuple(value) if isinstance(value, list | set) else value)
