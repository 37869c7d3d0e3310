//! Payloads of outbound events.
//!
//! A payload is the event's subject as the API shows it when the event is first sent. It holds no e-mail
//! address, no payout account, no code.

use jiff::Timestamp;
use serde_json::{Value, json};
use shared::account::model::user::User;
use shared::affiliate::model::commission::Commission;
use shared::affiliate::model::withdrawal::Withdrawal;
use shared::app::App;
use shared::edge::view::Amount;
use shared::kernel::fault::Fault;
use shared::kernel::id::EventId;
use shared::message::ReceivedMessage;
use shared::operations::model::alarm::Alarm;
use shared::payment::model::order::Order;
use shared::payment::model::review::Review;
use shared::payment::payments_of::payments_of;
use shared::payment::view;
use shared::redemption::model::redemption::Redemption;
use shared::redemption::view::{BenefitView, ExtendedSubscription};
use shared::referral::model::referral::Reward;
use shared::risk::model::case::{Evidence, RiskCase};
use shared::table::item::{Item, Versioned};
use shared::table::key::Key;
use shared::webhooks::deliver::OutboundEvent;
use shared::webhooks::model::outbound_event::{EventKind, EventSubject, event_id_of};

/// An event that a message announces, before its payload is read.
#[derive(Debug, Clone)]
pub struct Promised {
    /// Position of the message in the batch.
    pub record: usize,
    pub id: EventId,
    pub kind: EventKind,
    /// Subject of the event.
    pub about: EventSubject,
}

/// The events that a batch of messages announces.
pub fn promised(records: &[ReceivedMessage]) -> Vec<Promised> {
    let of_record = |(record, told): (usize, &ReceivedMessage)| {
        let id = told.envelope.id.clone();
        let events = told.envelope.message.events().into_iter().enumerate();
        events
            .filter_map(move |(nth, (kind, about))| Some(Promised { record, id: event_id_of(&id, nth)?, kind, about }))
    };
    records.iter().enumerate().flat_map(of_record).collect()
}

/// Read the payloads of the events, each with its `data`.
///
/// # Errors
/// Fails if the database cannot be reached, or a subject does not exist.
pub async fn told(app: &App, events: &[Promised]) -> Result<Vec<(OutboundEvent, Value)>, Fault> {
    let subjects = app.store.read(events.iter().map(|event| key(&event.about)).collect::<Vec<_>>()).await?;
    let mut all = Vec::new();
    for (event, subject) in events.iter().zip(subjects) {
        let missing = || Fault::item(key(&event.about).pk, "an event is about it, but it is not there");
        let subject = subject.ok_or_else(missing)?;
        let data = data(app, &event.about, subject).await?;
        let at = event.id.made_at().unwrap_or_default();
        let body = json!({"type": event.kind.as_str(), "timestamp": at, "data": data}).to_string();
        all.push((OutboundEvent { id: event.id, kind: event.kind, about: event.about.clone(), body }, data));
    }
    Ok(all)
}

fn key(about: &EventSubject) -> Key {
    match *about {
        EventSubject::User(user) => User::key(user).into(),
        EventSubject::Order(order) => Order::key(order).into(),
        EventSubject::Reward(reward) => Reward::key(reward).into(),
        EventSubject::Commission(order) => Commission::key(Commission::id_of(order)).into(),
        EventSubject::Withdrawal(withdrawal) => Withdrawal::key(withdrawal).into(),
        EventSubject::Redemption { user, code, number } => Redemption::key(user, code, number).into(),
        EventSubject::Review(review) => Review::key(review).into(),
        EventSubject::RiskCase(invitee) => RiskCase::key(invitee).into(),
        EventSubject::Alarm(ref name) => Alarm::key(name).into(),
    }
}

async fn data(app: &App, about: &EventSubject, subject: Item) -> Result<Value, Fault> {
    Ok(match about {
        EventSubject::User(_) => of_user(&*Versioned::read(subject)?),
        EventSubject::Order(_) => of_order(app, &*Versioned::read(subject)?).await?,
        EventSubject::Reward(_) => of_reward(&*Versioned::read(subject)?),
        EventSubject::Commission(_) => of_commission(&*Versioned::read(subject)?, app.clock.now()),
        EventSubject::Withdrawal(_) => of_withdrawal(&*Versioned::read(subject)?),
        EventSubject::Redemption { .. } => of_redemption(&*Versioned::read(subject)?),
        EventSubject::Review(_) => of_review(&*Versioned::read(subject)?),
        EventSubject::RiskCase(_) => of_case(&*Versioned::read(subject)?),
        EventSubject::Alarm(_) => of_alarm(&*Versioned::read(subject)?),
    })
}

fn of_user(user: &User) -> Value {
    json!({
        "id": user.id,
        "invited_by": user.attribution.as_ref().map(|bond| bond.inviter),
        "created_at": user.created_at,
    })
}

async fn of_order(app: &App, of: &Order) -> Result<Value, Fault> {
    let payment = payments_of(app, [of]).await?.remove(&of.id);
    let view = view::OrderView::try_from(of).map_err(Fault::bug)?;
    let view = view.with_refunds(payment.as_ref());
    let mut data = serde_json::to_value(view).map_err(Fault::bug)?;
    if let Some(fields) = data.as_object_mut() {
        // The pay URL is for the payer only, and no longer of use.
        fields.retain(|name, _| !matches!(name.as_str(), "pay_url" | "qr_content" | "failure"));
        fields.insert("user_id".to_owned(), json!(of.user));
    }
    Ok(data)
}

fn of_reward(of: &Reward) -> Value {
    json!({
        "id": of.id,
        "user_id": of.beneficiary,
        "invitee_id": of.invitee,
        "trigger": of.trigger.as_str(),
        "side": of.side.as_str(),
        "amount": Amount::from(of.amount),
        "state": of.state.as_str(),
        "created_at": of.created_at,
        "granted_at": of.granted_at,
    })
}

fn of_commission(of: &Commission, now: Timestamp) -> Value {
    json!({
        "id": of.id,
        "user_id": of.beneficiary,
        "invitee_id": of.payer(),
        "order_id": of.about(),
        "amount": Amount::from(of.amount),
        "remaining": Amount::from(of.left()),
        "state": of.state(now).as_str(),
        "available_at": of.available_at,
        "created_at": of.created_at,
    })
}

fn of_withdrawal(of: &Withdrawal) -> Value {
    json!({
        "id": of.id,
        "user_id": of.user,
        "shop_id": of.shop,
        "amount": Amount::from(of.amount),
        "to": of.to.as_str(),
        "state": of.state.as_str(),
        "created_at": of.created_at,
        "settled_at": of.settled_at,
    })
}

fn of_redemption(of: &Redemption) -> Value {
    json!({
        "id": of.id,
        "user_id": of.user,
        "batch_id": of.of.batch,
        "benefit": BenefitView::from(of.benefit),
        "subscription": of.extension.clone().map(ExtendedSubscription::from),
        "credit": of.credit.map(Amount::from),
        "redeemed_at": of.redeemed_at,
    })
}

fn of_review(of: &Review) -> Value {
    json!({
        "id": of.id,
        "provider": of.provider.as_str(),
        "payment_id": of.payment_id,
        "order_id": of.order_id,
        "reason": of.reason.as_str(),
        "received": Amount::from(of.received),
        "state": of.state.as_str(),
        "created_at": of.created_at,
    })
}

fn of_case(of: &RiskCase) -> Value {
    let evidence = |one: &Evidence| json!({"rule": one.rule, "class": one.rule.class(), "effect": one.action});
    json!({
        "invitee_id": of.invitee,
        "inviter_id": of.inviter,
        "state": of.state.as_str(),
        "evidence": of.evidence.iter().map(evidence).collect::<Vec<_>>(),
        "opened_at": of.opened_at,
    })
}

fn of_alarm(of: &Alarm) -> Value {
    json!({
        "name": of.name,
        "state": of.state.as_str(),
        "since": of.since,
        "reason": of.reason,
    })
}
