"""What the joint server answers at all: runs, models and users; nothing that runs a program or calls another server.

MLflow also carries an assistant that can run shell commands for whoever asks from the server's own address, a gateway
to language models, webhooks, jobs and traces. A study needs none of them, so they are refused before any password is
looked at, to administrators too.
"""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.datastructures import Authorization

FUNCTION = f"{__name__}:authenticate"
_CLOSED = re.compile(
    r"/gateway/|/v1/traces|/signup|/(ajax-)?api/\d\.\d/"
    r"(jobs|mcp|mlflow/(assistant|gateway|webhooks|scorers?|jobs|demo|mcp|issues|genai|traces|ui-telemetry|"
    r"users/create-ui|prompt-optimization|runs/create-promptlab-run))"
)


def is_closed(path: str) -> bool:
    """Say whether a path belongs to a part of MLflow that a joint server does not offer.

    >>> is_closed("/ajax-api/3.0/mlflow/assistant/message"), is_closed("/api/2.0/mlflow/runs/search")
    (True, False)
    """
    return _CLOSED.match(path) is not None


def authenticate() -> "Authorization | Response":
    """Refuse what is closed, then ask for a password as MLflow does; MLflow calls this at each request."""
    from flask import make_response, request
    from mlflow.server.auth import authenticate_request_basic_auth

    if is_closed(request.path):
        return make_response("This joint server does not offer that.", 403)
    return authenticate_request_basic_auth()
