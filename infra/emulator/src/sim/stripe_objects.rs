//! Stripe's objects as JSON, with the fields of the API version that the events name.

use serde_json::{Value, json};

use super::SimConfig;
use super::book::{Dispute, DisputeStatus, PaymentStatus, Refund, Session, SessionStatus, StripePayment};

/// The API version of all events.
const API_VERSION: &str = "2026-08-26.dahlia";

/// A session with the URL of its payment page on this stack.
pub(super) fn session(session: &Session, config: &SimConfig) -> Value {
    let mut object = closed_session(session);
    if session.status == SessionStatus::Open
        && let Some(fields) = object.as_object_mut()
    {
        let url = format!("{}/_sim/stripe/pay/{}", config.base_url, session.id);
        fields.insert("url".to_owned(), json!(url));
    }
    object
}

/// A session without a payment URL.
pub(super) fn closed_session(session: &Session) -> Value {
    let paid = session.payment_intent.is_some() && !session.delayed;
    let object = json!({
        "id": session.id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": false},
        "amount_subtotal": session.units,
        "amount_total": session.units,
        "automatic_tax": {"enabled": false, "liability": null, "provider": null, "status": null},
        "cancel_url": session.cancel_url,
        "client_reference_id": session.reference,
        "created": session.created,
        "currency": session.currency,
        "custom_fields": [],
        "custom_text": {
            "after_submit": null, "shipping_address": null, "submit": null, "terms_of_service_acceptance": null
        },
        "customer_creation": "if_required",
        "customer_details": if paid { payer() } else { Value::Null },
        "discounts": [],
        "expires_at": session.expires_at,
        "livemode": false,
        "metadata": session.metadata,
        "mode": if session.subscription { "subscription" } else { "payment" },
        "payment_intent": session.payment_intent.as_ref().filter(|_| !session.subscription),
        "payment_method_collection": "if_required",
        "payment_method_options": {},
        "payment_method_types": session.methods,
        "payment_status": if paid { "paid" } else { "unpaid" },
        "phone_number_collection": {"enabled": false},
        "shipping_options": [],
        "status": session.status.as_str(),
        "success_url": session.success_url,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
    });
    with_nulls(
        object,
        &[
            "after_expiration",
            "allow_promotion_codes",
            "billing_address_collection",
            "client_secret",
            "collected_information",
            "consent",
            "consent_collection",
            "currency_conversion",
            "customer",
            "customer_email",
            "invoice",
            "locale",
            "payment_link",
            "payment_method_configuration_details",
            "recovered_from",
            "saved_payment_method_options",
            "setup_intent",
            "shipping_address_collection",
            "shipping_cost",
            "submit_type",
            "subscription",
            "url",
            "wallet_options",
        ],
    )
}

fn payer() -> Value {
    json!({
        "address": {
            "city": null, "country": "CN", "line1": null, "line2": null, "postal_code": null, "state": null
        },
        "email": "payer@example.com",
        "name": "Wei Zhang",
        "phone": null,
        "tax_exempt": "none",
        "tax_ids": []
    })
}

/// A payment intent.
pub(super) fn intent(payment: &StripePayment, expanded: bool) -> Value {
    let (status, received) = match payment.status {
        PaymentStatus::Processing => ("processing", 0),
        PaymentStatus::Succeeded => ("succeeded", payment.units),
        PaymentStatus::Failed => ("requires_payment_method", 0),
    };
    let object = json!({
        "id": payment.intent,
        "object": "payment_intent",
        "amount": payment.units,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": received,
        "capture_method": "automatic_async",
        "client_secret": format!("{}_secret_sim", payment.intent),
        "confirmation_method": "automatic",
        "created": payment.created,
        "currency": payment.currency,
        "latest_charge": if expanded { charge(payment) } else { json!(payment.charge) },
        "livemode": false,
        "metadata": payment.metadata,
        "payment_method": "pm_sim",
        "payment_method_options": {},
        "payment_method_types": [payment.method],
        "status": status,
    });
    with_nulls(
        object,
        &[
            "application",
            "application_fee_amount",
            "automatic_payment_methods",
            "canceled_at",
            "cancellation_reason",
            "customer",
            "description",
            "last_payment_error",
            "next_action",
            "on_behalf_of",
            "processing",
            "receipt_email",
            "review",
            "setup_future_usage",
            "shipping",
            "source",
            "statement_descriptor",
            "statement_descriptor_suffix",
            "transfer_data",
            "transfer_group",
        ],
    )
}

/// The method of a charge, with what is told of a card.
fn method_details(payment: &StripePayment) -> Value {
    let mut details = json!({"type": payment.method});
    if let (Some(fingerprint), Some(details)) = (&payment.card, details.as_object_mut()) {
        details.insert(payment.method.clone(), json!({"fingerprint": fingerprint, "last4": "4242"}));
    }
    details
}

/// The charge of a payment intent.
pub(super) fn charge(payment: &StripePayment) -> Value {
    let object = json!({
        "id": payment.charge,
        "object": "charge",
        "amount": payment.units,
        "amount_captured": payment.units,
        "amount_refunded": payment.refunded,
        "balance_transaction": "txn_sim",
        "billing_details": payer(),
        "calculated_statement_descriptor": "SIMULATED",
        "captured": true,
        "created": payment.created,
        "currency": payment.currency,
        "disputed": payment.disputed,
        "fraud_details": {},
        "livemode": false,
        "metadata": payment.metadata,
        "outcome": {
            "network_status": "approved_by_network", "reason": null, "risk_level": "normal", "risk_score": 1,
            "seller_message": "Payment complete.", "type": "authorized"
        },
        "paid": true,
        "payment_intent": payment.intent,
        "payment_method": "pm_sim",
        "payment_method_details": method_details(payment),
        "radar_options": {},
        "refunded": payment.refunded == payment.units,
        "status": "succeeded",
    });
    with_nulls(
        object,
        &[
            "application",
            "application_fee",
            "application_fee_amount",
            "customer",
            "description",
            "destination",
            "dispute",
            "failure_balance_transaction",
            "failure_code",
            "failure_message",
            "on_behalf_of",
            "receipt_email",
            "receipt_number",
            "receipt_url",
            "review",
            "shipping",
            "source",
            "source_transfer",
            "statement_descriptor",
            "statement_descriptor_suffix",
            "transfer_data",
            "transfer_group",
        ],
    )
}

/// A refund.
pub(super) fn refund(refund: &Refund) -> Value {
    json!({
        "id": refund.id,
        "object": "refund",
        "amount": refund.units,
        "balance_transaction": "txn_sim",
        "charge": refund.charge,
        "created": refund.created,
        "currency": refund.currency,
        "description": null,
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": refund.metadata,
        "payment_intent": refund.intent,
        "reason": refund.reason,
        "receipt_number": null,
        "source_transfer_reversal": null,
        "status": refund.status.as_str(),
        "transfer_reversal": null
    })
}

/// A dispute; it names no customer and no session.
pub(super) fn dispute(dispute: &Dispute) -> Value {
    json!({
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.units,
        "balance_transactions": [],
        "charge": dispute.charge,
        "created": dispute.created,
        "currency": dispute.currency,
        "enhanced_eligibility_types": [],
        "evidence": {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": dispute.created.saturating_add(8 * 24 * 60 * 60), "enhanced_eligibility": {},
            "has_evidence": dispute.status == DisputeStatus::UnderReview, "past_due": false, "submission_count": 0
        },
        "is_charge_refundable": dispute.status == DisputeStatus::WarningNeedsResponse,
        "livemode": false,
        "metadata": {},
        "payment_intent": dispute.intent,
        "payment_method_details": {
            "card": {"brand": "visa", "case_type": "chargeback", "network_reason_code": "10.4"}, "type": "card"
        },
        "reason": "fraudulent",
        "status": dispute.status.as_str()
    })
}

/// Adds fields that Stripe always includes, with null values.
fn with_nulls(mut object: Value, names: &[&str]) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.extend(names.iter().map(|name| ((*name).to_owned(), Value::Null)));
    }
    object
}

/// A page with all objects.
pub(super) fn list(url: &str, data: Vec<Value>) -> Value {
    json!({ "object": "list", "url": url, "has_more": false, "data": data })
}

/// A page of a list, newest first.
pub(super) fn page(url: &str, data: Vec<Value>, limit: usize) -> Value {
    let (more, mut data) = (data.len() > limit, data);
    data.truncate(limit);
    json!({ "object": "list", "url": url, "has_more": more, "data": data })
}

/// An event about `object`.
pub(super) fn event(id: &str, kind: &str, object: Value, created: i64) -> Value {
    json!({
        "id": id,
        "object": "event",
        "api_version": API_VERSION,
        "context": null,
        "created": created,
        "data": {"object": object},
        "livemode": false,
        "pending_webhooks": 1,
        "request": {"id": null, "idempotency_key": null},
        "type": kind
    })
}
