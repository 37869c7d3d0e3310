//! Items that the scene has none of: transient and rare ones.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use shared::affiliate::model::commission::CommissionMonth;
use shared::affiliate::model::withdrawal::Withdrawal;
use shared::agency::model::grant::Grant;
use shared::agency::model::series::Series;
use shared::payment::model::order::Order;
use shared::payment::model::payment::Payment;
use shared::payment::model::review::Review;
use shared::redemption::model::redemption::Redemption;
use shared::risk::model::case::{HeldCommission, RiskCase};
use shared::risk::model::signal::Sightings;
use shared::table::item::{Entity, Item, fresh};
use shared::table::outbox::Outbox;
use shared::webhooks::model::delivery::Delivery;
use shared::webhooks::model::endpoint::Endpoint;

use super::messages;

const ORDER: &str = "ord_01k9zq4r7x8m2v5b3n6c1d0fgh";
const USER: &str = "usr_01k9zq4r7x8m2v5b3n6c1d0fgj";
const AT: &str = "2026-11-20T10:00:00Z";

/// All rare items, as stored.
pub fn items() -> Vec<Value> {
    vec![
        stored::<Outbox>(json!({"id": "obx_01k9zq4r7x8m2v5b3n6c1d0fgk", "at": AT, "messages": messages::all()})),
        stored::<Payment>(disputed_payment()),
        stored::<Review>(resolved_review()),
        stored::<Order>(failed_order()),
        stored::<Endpoint>(failing_endpoint()),
        stored::<Endpoint>(deleted_endpoint()),
        stored::<Delivery>(delivery(
            "pending",
            json!({"next_attempt_at": "2026-11-20T10:05:00Z", "last_error": "not reached"}),
        )),
        stored::<Delivery>(delivery("failed", json!({"last_status": 500, "last_error": "answered 500"}))),
        stored::<Order>(partly_refunded_order()),
        stored::<Order>(lapsed_coupon_order()),
        stored::<Redemption>(undone_redemption()),
        stored::<Series>(closing_series()),
        stored::<Grant>(closing_grant()),
        stored::<CommissionMonth>(ended_month()),
        stored::<Withdrawal>(approved_once()),
        stored::<Sightings>(json!({
            "inviter": USER, "rule": "network", "signal_hash": "00112233445566778899aabbccddeeff",
            "seen": [{"user": USER, "at": AT}],
        })),
        stored::<RiskCase>(json!({
            "invitee": USER, "inviter": "usr_01k9zq4r7x8m2v5b3n6c1d0fgm", "state": "rejected",
            "evidence": [{"rule": "email_alias", "action": "hold", "other": "usr_01k9zq4r7x8m2v5b3n6c1d0fgn"}, {"rule": "disposable_email", "action": "flag"}],
            "opened_at": AT, "decision": {"admin": USER, "reason": "one person", "at": AT},
        })),
        stored::<HeldCommission>(json!({"invitee": USER, "order": ORDER})),
    ]
}

fn money(amount: &str, currency: &str) -> Value {
    json!({"amount": amount, "currency": currency})
}

/// An order whose coupon was given back before its payment came.
fn lapsed_coupon_order() -> Value {
    let mut order = partly_refunded_order();
    order["coupon"] = json!({
        "code": "TEN", "discount": money("10.00", "CNY"), "bonus": money("2.5", "USD"), "state": "lapsed",
        "is_counted": true, "promised": {"credit": money("13.88888888", "USD")},
    });
    order
}

/// A cash withdrawal that a second admin has to approve, too.
fn approved_once() -> Value {
    json!({
        "id": "wdr_01k9zq4r7x8m2v5b3n6c1d0fgz", "user": USER, "amount": money("600", "USD"), "to": "cash",
        "state": "requested", "payout": {"method": "bank", "account": "DE02120300000000202053", "name": "Kim"},
        "first_approval": {"admin": "usr_01k9zq4r7x8m2v5b3n6c1d0fh0", "at": AT, "reference": "SEPA 21"},
        "created_at": AT, "last": {"id": "jrn_01k9zq4r7x8m2v5b3n6c1d0fh1"},
    })
}

/// A commission account as November left it.
fn ended_month() -> Value {
    json!({
        "user": USER, "month": "2026-11", "postings": 7, "pending": money("1.5", "USD"),
        "available": money("0.25", "USD"), "held": money("0.75", "USD"), "debt": money("0", "USD"),
    })
}

/// A payment with a failed refund, a completed one, and a lost dispute.
fn disputed_payment() -> Value {
    json!({
        "provider": "stripe", "id": "pi_rare", "order": ORDER,
        "captured": {"amount": money("100.00", "CNY"), "at": AT},
        "refunds": {
            "re_1": {"amount": money("30.00", "CNY"), "failed": true},
            "re_2": {"amount": money("20.00", "CNY"), "failed": false, "request": "rfd_01k9zq4r7x8m2v5b3n6c1d0fgm"},
        },
        "requests": {
            "rfd_01k9zq4r7x8m2v5b3n6c1d0fgm": {"amount": money("20.00", "CNY"), "reason": "sorry", "admin": USER, "at": AT},
            "rfd_01k9zq4r7x8m2v5b3n6c1d0fgn": {
                "amount": money("1.00", "CNY"), "reason": "sorry", "admin": USER, "at": AT, "failure": "no",
            },
        },
        "cumulative": money("50.00", "CNY"),
        "disputes": {"du_1": {"amount": money("80.00", "CNY"), "state": "lost", "at": AT}},
    })
}

const ENDPOINT: &str = "whe_01k9zq4r7x8m2v5b3n6c1d0fgh";

/// An endpoint that failed too long, after its secret was rotated.
fn failing_endpoint() -> Value {
    json!({
        "id": ENDPOINT, "url": "https://product.example.com/hook?tenant=7", "events": ["order.paid", "user.registered"],
        "secret": 2, "former": {"number": 1, "until": "2026-11-21T10:00:00Z"}, "failing_since": "2026-11-15T10:00:00Z",
        "disabled": {"because": "failing", "at": AT}, "made_by": USER, "created_at": AT,
    })
}

fn deleted_endpoint() -> Value {
    json!({
        "id": "whe_01k9zq4r7x8m2v5b3n6c1d0fgj", "url": "https://product.example.com/hook", "events": ["reward.granted"],
        "secret": 1, "disabled": {"because": "by_admin", "at": AT}, "made_by": USER, "created_at": AT, "deleted_at": AT,
    })
}

/// A webhook delivery that is not delivered yet.
fn delivery(state: &str, more: Value) -> Value {
    let code = json!({"batch": "bat_01k9zq4r7x8m2v5b3n6c1d0fgh", "ordinal": 7});
    let mut delivery = json!({
        "endpoint": ENDPOINT, "id": "evt_01k9zq4r7x8m2v5b3n6c1d0fgh", "event": "redemption.completed",
        "about": {"redemption": {"user": USER, "code": code, "number": 2}}, "body": "{}", "state": state, "attempts": 12,
        "tried": 1, "begun_at": AT, "created_at": AT,
    });
    delivery.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    delivery
}

/// Money in review that a person credited.
fn resolved_review() -> Value {
    json!({
        "id": "rvw_01k9zq4r7x8m2v5b3n6c1d0fgp", "provider": "zpay", "payment_id": "2026112018000000000000000001",
        "order_id": ORDER, "reason": "amount_mismatch", "received": money("60.00", "CNY"), "left": money("36.00", "CNY"),
        "state": "credited", "created_at": AT, "resolution": {"reason": "theirs", "admin": USER, "at": AT, "order": ORDER},
    })
}

fn order(status: &str, more: Value) -> Value {
    let mut order = json!({
        "id": ORDER, "user": USER, "status": status, "provider": "stripe", "method": "card",
        "amount": money("100.00", "CNY"), "charge": money("95.00", "CNY"), "credit": money("13.88888888", "USD"),
        "exchange_rate": "7.2", "discount_rate": "0.95", "created_at": AT, "expires_at": "2026-11-20T10:30:00Z",
        "client_ip": "203.0.113.7", "user_agent": "browser/1.0",
    });
    order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    order
}

fn failed_order() -> Value {
    let failure = json!({"code": "provider_refused", "detail": "The provider said no."});
    let request =
        json!({"fingerprint": "5acb258f3cf9654132ed73e71b5732cebd82ded47bb8b75d59aca4ae79539f73", "failure": failure});
    order("failed", json!({"failure": failure, "request": request, "return_url": "https://shop.example.com/back"}))
}

/// An order of an affiliate's invitee, paid late, with a bonus, and partly refunded.
fn partly_refunded_order() -> Value {
    let affiliate = json!({
        "rate": "0.1", "trigger_limit": 3, "hold_hours": 168, "cap": money("50", "USD"), "valid_until": AT,
    });
    order(
        "partially_refunded",
        json!({
            "promotion": {"index": 0, "percent": "30"}, "inviter": "usr_01k9zq4r7x8m2v5b3n6c1d0fgm",
            "affiliate": affiliate, "pay_url": "https://pay.example.com/1", "qr_content": "https://pay.example.com/qr",
            "paid_at": "2026-11-20T11:00:00Z", "late": true, "provider_ref": "cs_1", "payment_id": "pi_rare",
            "bonus": money("4.16666666", "USD"), "left": money("45.00", "CNY"),
        }),
    )
}

/// An undone redemption for plan time.
fn undone_redemption() -> Value {
    let step = |step: u64, before: Option<&str>, end: &str| {
        let mut step = json!({
            "id": "sub_01k9zq4r7x8m2v5b3n6c1d0fgx", "plan": "pln_01k9zq4r7x8m2v5b3n6c1d0fgy", "plan_name": "Pro",
            "step": step, "starts_at": AT, "expires_at": end,
        });
        if let Some(before) = before {
            step["previous_expires_at"] = json!(before);
        }
        step
    };
    let (end, undone_at) = ("2026-12-20T10:00:00Z", "2026-11-25T10:00:00Z");
    let undone = json!({"admin": USER, "reason": "sorry", "at": undone_at, "extension": step(2, Some(end), undone_at)});
    json!({
        "id": "rdm_01k9zq4r7x8m2v5b3n6c1d0fgz", "user": USER, "of": {"batch": "bat_01k9zq4r7x8m2v5b3n6c1d0fgw", "ordinal": 7}, "code": "00112233445566778899aabbccddeeff", "masked": "ABCD-****-****-NPQR",
        "number": 1, "per_user_limit": 1, "edition": 1, "counted": {"shard": 3}, "extension": step(1, None, end),
        "benefit": {"kind": "plan", "plan": "pln_01k9zq4r7x8m2v5b3n6c1d0fgy", "unit": "month", "quantity": 1},
        "redeemed_at": AT, "undone": undone,
    })
}

const SERIES: &str = "ser_01k9zq4r7x8m2v5b3n6c1d0fgq";
const PACKAGE: &str = "pkg_01k9zq4r7x8m2v5b3n6c1d0fgr";

/// A series whose commission is being tightened below grants made from it.
fn closing_series() -> Value {
    let terms = |amount: &str| {
        json!({
            "commission": {"kind": "fixed", "amount": amount, "tiers": []},
            "packages": [{"id": PACKAGE, "version": 1, "name": "Month", "code": "MONTH", "price": "10", "cost_price": "4"}],
        })
    };
    json!({
        "id": SERIES, "version": 2, "name": "Cards", "code": "CARDS", "forced": {"enabled": true, "amount": "20"},
        "trigger": {"kind": "first_recharge", "threshold": "10"}, "terms": terms("100"), "closing": terms("90"),
        "grants": 120, "created_at": AT,
    })
}

/// A grant whose package cost is being raised, with its previous cost.
fn closing_grant() -> Value {
    let terms = |cost: &str, history: Value| {
        let package =
            json!({"id": PACKAGE, "cost_price": cost, "retail_price": "10", "on_shelf": true, "history": history});
        let own = json!({"amount": "80", "tiers": []});
        json!({"own": own, "forced": {"enabled": false, "amount": "0"}, "packages": [package], "status": "active"})
    };
    let before = json!([{"cost_price": "5", "until": AT}]);
    json!({
        "id": "grt_01k9zq4r7x8m2v5b3n6c1d0fgs", "version": 3, "series": SERIES,
        "path": "shp_01k9zq4r7x8m2v5b3n6c1d0fgt/shp_01k9zq4r7x8m2v5b3n6c1d0fgv", "terms": terms("6", before.clone()),
        "closing": terms("7", before), "children": 2, "created_at": AT, "updated_at": AT,
    })
}

fn stored<T: Entity>(noun: Value) -> Value {
    let noun: T = serde_json::from_value(noun).unwrap();
    json(&fresh(&noun, "01K9ZQ4R7X8M2V5B3N6C1D0FGN", 1).unwrap())
}

fn json(item: &Item) -> Value {
    let sorted: BTreeMap<&String, &AttributeValue> = item.iter().collect();
    Value::Object(sorted.into_iter().map(|(name, value)| (name.clone(), attribute(value))).collect())
}

fn attribute(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(digits) => json!({"N": digits}),
        AttributeValue::Bool(bool) => json!({"BOOL": bool}),
        AttributeValue::L(list) => json!({"L": list.iter().map(attribute).collect::<Vec<_>>()}),
        AttributeValue::M(map) => json!({"M": json(map)}),
        other => panic!("never written: {other:?}"),
    }
}
