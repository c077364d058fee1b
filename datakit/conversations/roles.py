"""The setting `roles` of stages that look at some of a conversation's messages only."""

from collections.abc import Sequence

from datakit.errors import SettingsError, did_you_mean
from datakit.records import ROLES


def check_roles(roles: Sequence[str], *, at_least_one: bool = False) -> None:
    """Raise SettingsError for a role that no message has, or for none where one must be named."""
    for role in roles:
        if role not in ROLES:
            raise SettingsError("roles", f"unknown role {role!r}", did_you_mean(role, ROLES))
    if at_least_one and not roles:
        raise SettingsError("roles", "name at least one", f"known: {', '.join(ROLES)}")
