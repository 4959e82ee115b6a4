"""Permissions and the roles that hold them."""

from __future__ import annotations

from tools.reference.text import code, table

from procession.services.access import PERMISSIONS, PLATFORM_RESOURCES, ROLES


def page() -> str:
    """The whole page."""
    roles = [(code(role), ", ".join(code(each) for each in PERMISSIONS if each in held) or "all of them")
             for role, held in ROLES.items()]  # fmt: skip
    rows = [(code(name), what, _holders(name)) for name, what in PERMISSIONS.items()]
    return "\n\n".join(
        (
            "A caller of the server acts for one tenant, with the roles that a key, a member's record or the settings "
            "give them there: for all processes, or for those that are named.",
            "## Permissions",
            table(("permission", "allows to", "roles"), rows),
            "## Roles",
            table(("role", "permissions"), roles),
        )
    )


def _holders(permission: str) -> str:
    if permission.partition(":")[0] in PLATFORM_RESOURCES:
        return "`admin` of the tenant `<platform>`"
    return ", ".join(code(role) for role, held in ROLES.items() if permission in held or "*" in held)
