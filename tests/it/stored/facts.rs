//! Recorded provider events and their decoded facts (R4.7, R4.8).

use std::path::PathBuf;

use shared::payment::gateway::stripe::event::{OrderNames, RefundFact, SessionFact, StripeFact, parse};
use shared::payment::gateway::zpay::notify::verify;

/// Merchant id (pid) of the gateway's golden notifications, which are signed with [`KEY`].
const PID: &str = "20220726190052";
const KEY: &str = "89unJUB8HZ54Hj7x4nUj56HN4nUzUJ8i";

const ORDER: &str = "ord_01k9zq4r7x8m2v5b3n6c1d0fgh";
const INTENT: &str = "pi_3SVbQ2LkdIwHu7ix0a1B2c3D";

fn fixture(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn named(names: &OrderNames) -> String {
    names.order().map_or_else(|| "no order".to_owned(), |order| order.to_string())
}

fn intent(id: &Option<String>) -> &str {
    id.as_deref().unwrap_or("no payment")
}

fn session(what: &str, fact: &SessionFact) -> String {
    let amount = fact.amount.map_or_else(|| "nothing".to_owned(), |amount| amount.to_string());
    let payment = intent(&fact.payment_intent);
    format!("{what}: {payment} of {amount} for {}, {:?}", named(&fact.names), fact.payment_status)
}

fn refund(fact: &RefundFact) -> String {
    format!("refund {} of {} from {}, {:?}", fact.id, fact.amount, intent(&fact.payment_intent), fact.status)
}

/// One-line form of a fact.
fn told(fact: &StripeFact) -> String {
    match fact {
        StripeFact::SessionCompleted(fact) => session("completed", fact),
        StripeFact::SessionPaidLater(fact) => session("paid later", fact),
        StripeFact::SessionFailed(fact) => session("failed", fact),
        StripeFact::SessionExpired(fact) => session("expired", fact),
        StripeFact::ChargeRefunded(fact) => {
            let (payment, order) = (intent(&fact.payment_intent), named(&fact.names));
            format!("charge of {payment} for {order}: {} of {} back", fact.refunded, fact.captured)
        }
        StripeFact::Refund(fact) => refund(fact),
        StripeFact::Dispute(fact) => {
            let payment = intent(&fact.payment_intent);
            format!("dispute {} of {} in {payment}, {:?}, closed {}", fact.id, fact.amount, fact.status, fact.closed)
        }
        StripeFact::Charged(fact) => format!("charged by {:?}", fact.fingerprint),
        StripeFact::Other(_) => "other".to_owned(),
    }
}

/// R4.7, R4.11: recorded events of every handled type decode to the same facts.
#[test]
fn golden_events_of_stripe_tell_the_same_facts() {
    let refunded = |status: &str| format!("refund re_3SVbQ2LkdIwHu7ix0RefundA1 of 30.00 CNY from {INTENT}, {status}");
    let disputed = |status: &str, closed: bool| {
        format!("dispute du_1SVcA0LkdIwHu7ixDispute1 of 100.00 CNY in {INTENT}, {status}, closed {closed}")
    };
    let rows = [
        ("checkout.session.completed", format!("completed: {INTENT} of 100.00 CNY for {ORDER}, Paid")),
        ("checkout.session.async_payment_succeeded", format!("paid later: {INTENT} of 100.00 CNY for {ORDER}, Paid")),
        ("checkout.session.async_payment_failed", format!("failed: {INTENT} of 100.00 CNY for {ORDER}, Unpaid")),
        ("checkout.session.expired", format!("expired: no payment of 100.00 CNY for {ORDER}, Unpaid")),
        ("charge.refunded", format!("charge of {INTENT} for {ORDER}: 30.00 CNY of 100.00 CNY back")),
        ("refund.created", refunded("Pending")),
        ("refund.updated", refunded("Succeeded")),
        ("refund.failed", refunded("Failed")),
        ("charge.dispute.created", disputed("Open", false)),
        ("charge.dispute.updated", disputed("Open", false)),
        ("charge.dispute.funds_withdrawn", disputed("Open", false)),
        ("charge.dispute.funds_reinstated", disputed("Won", false)),
        ("charge.dispute.closed", disputed("Lost", true)),
        ("charge.succeeded", r#"charged by Some("Xt5EWLLDS7FJjR1c")"#.to_owned()),
        ("payment_intent.succeeded", "other".to_owned()),
    ];
    for (kind, expected) in rows {
        let event = parse(fixture(&format!("stripe/{kind}.json")).as_bytes(), false).unwrap();
        assert_eq!((event.kind.as_str(), event.livemode), (kind, false));
        assert!(event.id.starts_with("evt_"), "{}", event.id);
        assert_eq!(told(&event.fact), expected, "{kind}");
    }
}

/// R4.8: recorded notifications of the gateway verify and decode to the same values.
#[test]
fn golden_notifications_of_the_gateway_tell_the_same_facts() {
    for (name, status, success) in [
        ("notify.success", "TRADE_SUCCESS", true),
        ("notify.upper_case_sign", "TRADE_SUCCESS", true),
        ("notify.closed", "TRADE_CLOSED", false),
    ] {
        let notice = verify(fixture(&format!("zpay/{name}.txt")).trim_end().as_bytes(), PID, KEY).unwrap();
        assert_eq!(notice.order().unwrap().to_string(), ORDER, "{name}");
        assert_eq!(
            (notice.read.unwrap().to_string().as_str(), notice.method.as_str()),
            ("100.00 CNY", "alipay"),
            "{name}"
        );
        assert_eq!((notice.trade_status.as_str(), notice.is_success()), (status, success), "{name}");
        assert_eq!(notice.trade_no, "2026112022001412341234123412", "{name}");
    }
}
