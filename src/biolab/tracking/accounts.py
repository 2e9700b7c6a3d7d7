"""Users, workspaces and permissions of a joint server, each made so that making it again changes nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from biolab.core import TrackingError

from . import conventions as names
from .session import explain
from .store import Account, Store

if TYPE_CHECKING:
    from requests import Response

_USERS = "/api/2.0/mlflow/users"
_ROLES = "/api/3.0/mlflow/roles"
_USER_ROLES = "/api/3.0/mlflow/users/roles/list"
_WORKSPACES = "/api/3.0/mlflow/workspaces"
Level = Literal["READ", "USE", "EDIT", "MANAGE"]


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What a role may do: to ``which`` of a kind (an experiment's id, a model's name) or, with ``*``, to all."""

    kind: Literal["workspace", "experiment", "registered_model"]
    which: str
    level: Level


def ensure_workspace(server: Store, name: str, description: str) -> bool:
    """Make a workspace unless it is there; say whether it was made.

    Raises
    ------
    TrackingError
        If the server does not answer or this account may not.
    """
    if _ask(server, "GET", f"{_WORKSPACES}/{name}", accept={404}) is not None:
        return False
    _ask(server, "POST", _WORKSPACES, {"name": name, "description": description})
    return True


def ensure_user(server: Store, account: Account) -> bool:
    """Make a user, or give one that is there this password; say whether it was made.

    Raises
    ------
    TrackingError
        If the server does not answer or this account may not.
    """
    content = {"username": account.name, "password": account.password}
    if _ask(server, "GET", f"{_USERS}/get", {"username": account.name}, accept={404}) is None:
        _ask(server, "POST", f"{_USERS}/create", content)
        return True
    _ask(server, "PATCH", f"{_USERS}/update-password", content)
    return False


def remove_user(server: Store, name: str) -> bool:
    """Delete a user, whose password then opens nothing; say whether there was one.

    Raises
    ------
    TrackingError
        If the server does not answer or this account may not.
    """
    return _ask(server, "DELETE", f"{_USERS}/delete", {"username": name}, accept={404}) is not None


def ensure_role(server: Store, workspace: str, name: str, grants: Iterable[Grant], members: Iterable[str]) -> None:
    """Make a role of a workspace have exactly these grants and at least these members.

    Raises
    ------
    TrackingError
        If the server does not answer or this account may not.
    """
    role = _role(server, workspace, name)
    wanted = {(grant.kind, grant.which): grant.level for grant in grants}
    for held in _get(server, f"{_ROLES}/permissions/list", {"role_id": str(role)}, "role_permissions"):
        place = (held["resource_type"], held["resource_pattern"])
        if wanted.get(place) == held["permission"]:
            del wanted[place]
        else:
            _ask(server, "DELETE", f"{_ROLES}/permissions/remove", {"role_permission_id": held["id"]})
    for (kind, which), level in wanted.items():
        content = {"role_id": role, "resource_type": kind, "resource_pattern": which, "permission": level}
        _ask(server, "POST", f"{_ROLES}/permissions/add", content)
    for member in members:
        roles = _get(server, _USER_ROLES, {"username": member}, "roles")
        if role not in {each["id"] for each in roles}:
            _ask(server, "POST", f"{_ROLES}/assign", {"username": member, "role_id": role})


def ensure_experiment(server: Store, name: str, note: str) -> str:
    """Return the id of an experiment of the store's workspace, made if it is not there.

    Raises
    ------
    TrackingError
        If it was deleted, the server does not answer, or this account may not.
    """
    with server.session() as client:
        found = client.get_experiment_by_name(name)
        if found is None:
            return str(client.create_experiment(name, tags={**names.EXPERIMENT_TAGS, names.NOTE: note}))
    if found.lifecycle_stage != "active":
        raise TrackingError(
            f"The experiment {name!r} of {server.label} was deleted. Restore it with: "
            f"mlflow experiments restore --experiment-id {found.experiment_id}"
        )
    return str(found.experiment_id)


def _role(server: Store, workspace: str, name: str) -> int:
    for role in _get(server, f"{_ROLES}/list", {"workspace": workspace}, "roles"):
        if role["name"] == name:
            return int(role["id"])
    made = _ask(server, "POST", f"{_ROLES}/create", {"workspace": workspace, "name": name})
    return int((made or {})["role"]["id"])


def _get(server: Store, path: str, query: Mapping[str, object], part: str) -> list[dict[str, Any]]:
    return list((_ask(server, "GET", path, query) or {})[part])


def _ask(
    server: Store,
    method: str,
    path: str,
    content: Mapping[str, object] | None = None,
    *,
    accept: Iterable[int] = (),
) -> dict[str, Any] | None:
    """Ask the server; return its answer, or ``None`` where it is one of the statuses to accept."""
    with server.session():
        from mlflow.utils.rest_utils import MlflowHostCreds, http_request  # after the session has turned telemetry off

        account = server.account
        credentials = MlflowHostCreds(
            server.tracking_uri,
            username=None if account is None else account.name,
            password=None if account is None else account.password,
        )
        sent = {} if content is None else {"params" if method == "GET" else "json": dict(content)}
        answer = http_request(credentials, path, method, raise_on_status=False, **sent)
    if answer.status_code in set(accept):
        return None
    if not answer.ok:
        raise TrackingError(explain(_Refused(answer, path), server.label))
    return dict(answer.json()) if answer.content else {}


class _Refused(Exception):
    """An answer that is not what was asked for, in the words that ``explain`` knows."""

    def __init__(self, answer: "Response", path: str) -> None:
        said = answer.text.strip()[:200]
        super().__init__(f"the request to {path} failed with error code {answer.status_code}: {said}")
