"""The tour with the client of openapi-python-client: sign up, order, pay at the simulator, poll, redeem, refresh."""


import httpx

from guerdon_client.api.account import get_me
from guerdon_client.api.admin import change_settings, create_batch, get_settings
from guerdon_client.api.payment import create_order, get_order
from guerdon_client.api.public import refresh_session, register
from guerdon_client.api.redemption import redeem
from guerdon_client.client import AuthenticatedClient
from guerdon_client.models.batch import Batch
from guerdon_client.models.change_settings_area import ChangeSettingsArea
from guerdon_client.models.get_settings_area import GetSettingsArea
from guerdon_client.models.me import Me
from guerdon_client.models.new_account import NewAccount
from guerdon_client.models.new_batch import NewBatch
from guerdon_client.models.new_order import NewOrder
from guerdon_client.models.order import Order
from guerdon_client.models.order_status import OrderStatus
from guerdon_client.models.payment_settings import PaymentSettings
from guerdon_client.models.provider import Provider
from guerdon_client.models.redemption import Redemption
from guerdon_client.models.redemption_ask import RedemptionAsk
from guerdon_client.models.redeem_response_409 import RedeemResponse409
from guerdon_client.models.refresh_token import RefreshToken
from guerdon_client.models.registration import Registration
from guerdon_client.models.settings_document import SettingsDocument
from guerdon_client.models.signed_in import SignedIn
from session import BASE, given, key, nobody, operator, signed_in


def switch_on_payment(staff: AuthenticatedClient) -> None:
    read = get_settings.sync_detailed(GetSettingsArea.PAYMENT, client=staff)
    settings = given(given(read.parsed, SettingsDocument).settings, PaymentSettings)
    settings.enabled = True
    changed = change_settings.sync(
        ChangeSettingsArea.PAYMENT, client=staff, body=settings, if_match=read.headers["etag"]
    )
    assert given(given(changed, SettingsDocument).settings, PaymentSettings).enabled


def tour() -> None:
    staff = operator()
    switch_on_payment(staff)

    asked = Registration(email=f"py-{key()}@example.com", password="correct horse battery")
    made = given(register.sync(client=nobody(), body=asked), NewAccount)
    bob = signed_in(made.session.access_token)
    wanted = NewOrder(provider=Provider.ZPAY, offer_id="o100")
    order = given(create_order.sync(client=bob, body=wanted, idempotency_key=key()), Order)
    paying = {"provider": "zpay", "order_id": order.id, "action": "pay", "notify": "twice"}
    httpx.post(f"{BASE}/_sim/pay", json=paying).raise_for_status()
    for _ in range(100):
        order = given(get_order.sync(order.id, client=bob), Order)
        if order.status == OrderStatus.PAID:
            break
    assert order.status == OrderStatus.PAID, order

    terms = NewBatch(label="tour", count=1, credit="5", total_uses=1)
    batch = given(create_batch.sync(client=staff, body=terms, idempotency_key=key()), Batch)
    code = RedemptionAsk(code=given(batch.codes, list)[0])
    assert given(redeem.sync(client=bob, body=code, idempotency_key=key()), Redemption).credit
    refused = given(redeem.sync(client=bob, body=code, idempotency_key=key()), RedeemResponse409)
    assert refused.code.value == "already_redeemed", refused

    token = RefreshToken(refresh_token=made.session.refresh_token)
    following = given(refresh_session.sync(client=nobody(), body=token), SignedIn)
    assert given(get_me.sync(client=signed_in(following.access_token)), Me).id == made.user.id


tour()
