//! Webhook invariant E1: a delivery has a committed cause and an endpoint, and a consistent state.

use crate::message::of_withdrawal;
use crate::operations::auditor::{Finding, Snapshot};
use crate::operations::model::alarm::Alarm;
use crate::redemption::model::redemption::Redemption;
use crate::risk::model::case::RiskCase;
use crate::webhooks::model::delivery::{Delivery, DeliveryState};
use crate::webhooks::model::endpoint::host_of;
use crate::webhooks::model::outbound_event::{EventKind, EventSubject};

/// Checks endpoints and deliveries.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    for endpoint in snapshot.endpoints.values() {
        let rotated = endpoint.secret > 1 || endpoint.former.is_some();
        let numbered = !(rotated && endpoint.format.is_chat())
            && endpoint.secret >= 1
            && endpoint.former.is_none_or(|former| former.number < endpoint.secret);
        if host_of(&endpoint.url).is_none() || endpoint.events.is_empty() || !numbered {
            findings.push(Finding::new("E1", endpoint.id, "is an endpoint of nothing"));
        }
    }
    for delivery in &snapshot.deliveries {
        let mut wrong = |detail: &str| findings.push(Finding::new("E1", delivery.id, detail));
        if !snapshot.endpoints.contains_key(&delivery.endpoint) {
            wrong("is on its way to no endpoint");
        }
        if !happened(delivery, snapshot) {
            wrong("tells of what was not committed");
        }
        if !stands(delivery) {
            wrong("stands where no attempt brings it");
        }
    }
    findings
}

/// Tests whether the effect of a delivery's event was committed, and is of that kind.
fn happened(of: &Delivery, all: &Snapshot) -> bool {
    use EventKind as Kind;
    match (of.event, of.about.clone()) {
        (Kind::UserRegistered, EventSubject::User(user)) => all.users.contains_key(&user),
        (Kind::UserReferred, EventSubject::User(user)) => all
            .users
            .get(&user)
            .is_some_and(|user| user.attribution.as_ref().is_some_and(|bond| bond.late || bond.reparented.is_some())),
        (Kind::OrderPaid | Kind::OrderRefunded | Kind::OrderReinstated, EventSubject::Order(order)) => {
            all.orders.get(&order).is_some_and(|order| order.status.is_captured())
        }
        (Kind::RewardGranted, EventSubject::Reward(reward)) => {
            all.rewards.get(&reward).is_some_and(|reward| reward.granted_at.is_some())
        }
        (Kind::RewardFailed, EventSubject::Reward(reward)) => all.rewards.contains_key(&reward),
        (Kind::ReviewOpened, EventSubject::Review(review)) => all.reviews.iter().any(|of| of.id == review),
        (Kind::AlarmRaised | Kind::AlarmCleared, EventSubject::Alarm(name)) => {
            all.all::<Alarm>().any(|alarm| alarm.name == name)
        }
        (Kind::CaseOpened, EventSubject::RiskCase(invitee)) => all.all::<RiskCase>().any(|of| of.invitee == invitee),
        (
            Kind::CommissionAccrued | Kind::CommissionAvailable | Kind::CommissionReversed,
            EventSubject::Commission(order),
        ) => all.commissions.contains_key(&order),
        (Kind::RedemptionCompleted, EventSubject::Redemption { user, code, number }) => {
            all.redemptions.contains_key(&Redemption::key(user, code, number).pk)
        }
        (
            Kind::WithdrawalRequested
            | Kind::WithdrawalCompleted
            | Kind::WithdrawalPaid
            | Kind::WithdrawalRejected
            | Kind::WithdrawalCancelled,
            EventSubject::Withdrawal(withdrawal),
        ) => all.withdrawals.get(&withdrawal).is_some_and(|withdrawal| {
            of.event == Kind::WithdrawalRequested || of.event == of_withdrawal(withdrawal.state)
        }),
        _ => false,
    }
}

/// Tests whether a delivery's state is consistent.
///
/// A delivered one has a delivery time, a pending one a next attempt, and a failed one an error.
fn stands(of: &Delivery) -> bool {
    let (delivered, due) = (of.delivered_at.is_some(), of.next_attempt_at.is_some());
    let state = match of.state {
        DeliveryState::Pending => !delivered && due,
        DeliveryState::Delivered => delivered && !due && of.last_error.is_none() && of.attempts >= 1,
        DeliveryState::Failed => !delivered && !due && of.last_error.is_some(),
    };
    state && of.tried <= of.attempts && of.created_at <= of.begun_at
}
