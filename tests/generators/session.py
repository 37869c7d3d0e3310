"""Parts of the tours with the client of openapi-python-client: who calls, and what an answer has to be."""

import os
import uuid
from typing import TypeVar

from guerdon_client.api.public import sign_in
from guerdon_client.client import AuthenticatedClient, Client
from guerdon_client.models.credentials import Credentials
from guerdon_client.models.signed_in import SignedIn

BASE = os.environ["BASE"]
T = TypeVar("T")


def given(answer: object, kind: type[T]) -> T:
    assert isinstance(answer, kind), answer
    return answer


def key() -> str:
    return str(uuid.uuid4())


def nobody() -> Client:
    return Client(base_url=BASE, raise_on_unexpected_status=True)


def signed_in(token: str) -> AuthenticatedClient:
    return AuthenticatedClient(base_url=BASE, token=token, raise_on_unexpected_status=True)


def operator() -> AuthenticatedClient:
    credentials = Credentials(email="admin@localhost", password=os.environ["ADMIN_PASSWORD"])
    return signed_in(given(sign_in.sync(client=nobody(), body=credentials), SignedIn).access_token)
