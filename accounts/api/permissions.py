"""Which credentials may call a view: default deny for tokens, scopes opened per view."""

from __future__ import annotations

from functools import cache
from typing import Any

from rest_framework import permissions
from rest_framework.request import Request

from accounts.choices import Scope
from accounts.models import ApiToken
from accounts.sudo import sudo_require
from ops.errors import Code, Forbidden


class SignedIn(permissions.BasePermission):
    """A signed-in person. A token is refused unless the view names a scope.

    This is the API's default: a view that says nothing is closed to tokens.
    """

    read_scope: Scope | None = None
    write_scope: Scope | None = None

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        if not isinstance(request.auth, ApiToken):
            return True
        safe = request.method in permissions.SAFE_METHODS
        needed = self.read_scope if safe else self.write_scope
        if needed is None:
            raise Forbidden(Code.TOKEN_NOT_ACCEPTED, "This address does not accept tokens.")
        if needed not in request.auth.scopes:
            raise Forbidden(Code.SCOPE_MISSING, scope=needed.value)
        return True


@cache
def require_scope(scope: str, *, write: str | None = None) -> type[SignedIn]:
    """A permission class that lets tokens with `scope` in.

    Parameters
    ----------
    scope
        Needed by the reading methods; by the writing ones too, unless it is a
        ``…:read`` scope, which never writes.
    write
        Needed by POST, PUT, PATCH and DELETE instead of `scope`.
    """
    read_scope = Scope(scope)
    if write is not None:
        write_scope: Scope | None = Scope(write)
    else:
        write_scope = None if read_scope.value.endswith(":read") else read_scope
    return type(
        f"Scope_{read_scope.name}_{write_scope.name if write_scope else 'READ'}",
        (SignedIn,),
        {"read_scope": read_scope, "write_scope": write_scope},
    )


def require_confirmed(request: Request, *, scope: Scope | None = None) -> None:
    """Let a browser's person on only if they proved again who they are; a token's scope is its proof.

    Parameters
    ----------
    scope
        Which one, where the view is open to tokens with less.

    Raises
    ------
    Forbidden
        SUDO_REQUIRED, SCOPE_MISSING.
    """
    if not isinstance(request.auth, ApiToken):
        sudo_require(request._request)
    elif scope is not None and scope not in request.auth.scopes:
        raise Forbidden(Code.SCOPE_MISSING, scope=scope.value)
