//! Signals that an account leaves after its sign-up: payout accounts and payment instruments (R10.1).
//!
//! The accounts that left the same before are known where it is left, at no read or write more unless there are any. The reward worker
//! then looks whether one of them stands in the same inviter's tree, and adds the evidence to the invitee's case. What is held from then
//! on is what comes later, and what has not matured yet.

use std::collections::BTreeMap;

use crate::account::model::user::User;
use crate::app::App;
use crate::message::{Message, ReceivedMessage};
use crate::referral::model::referral::Trigger;
use crate::risk::model::case::{Evidence, RiskCase};
use crate::risk::model::instrument::PaymentInstrument;
use crate::risk::model::settings::{RiskSettings, SignalAction};
use crate::risk::model::signal::{Sighting, Signal};
use crate::risk::sign_up::instrument_hash;
use kernel::fault::{Chain, Error, Fault};
use kernel::id::UserId;
use table::context::Ctx;
use table::item::Versioned;
use table::key::Key;
use table::tx::Tx;

/// Adds the message about what a user left that others had left before; nothing while the signal is off, or if nobody had.
///
/// # Errors
/// A fault when the settings cannot be read.
pub async fn leave(app: &App, user: UserId, rule: Signal, others: Vec<UserId>, tx: &mut Tx) -> Result<(), Fault> {
    if !others.is_empty() && is_on(app, rule).await? {
        tx.send(Message::SignalLeft { user, rule, others });
    }
    Ok(())
}

async fn is_on(app: &App, rule: Signal) -> Result<bool, Fault> {
    Ok(rule.action(&app.settings::<RiskSettings>().await?.settings) != SignalAction::Off)
}

/// Keeps that a user paid with an instrument, by the provider's fingerprint of it; a repeat changes nothing.
///
/// # Errors
/// A fault; nothing is written then.
pub async fn paid_with(app: &App, user: UserId, fingerprint: &str) -> Result<(), Error> {
    if !is_on(app, Signal::PaymentInstrument).await? {
        return Ok(());
    }
    let hash = instrument_hash(app, fingerprint);
    let plan = async || {
        let before = app.store.get::<PaymentInstrument>(&PaymentInstrument::key(&hash)).await?;
        let known = before.as_deref().cloned().unwrap_or_else(|| PaymentInstrument::none(&hash));
        let (own, mut tx) = (Sighting { user, at: app.clock.now() }, app.tx());
        if let Some(after) = known.with(own) {
            tx.upsert(before.as_ref(), &after);
            leave(app, user, Signal::PaymentInstrument, known.others(own), &mut tx).await?;
        }
        Ok(((), tx))
    };
    app.execute(&Ctx::system(), plan).await.map(|_| ())
}

/// Compares what users left after their sign-ups; returns the ids of the records to redeliver.
pub async fn compare_later(app: &App, ctx: &Ctx, records: &[ReceivedMessage]) -> Vec<String> {
    let mut failed = Vec::new();
    for record in records {
        let Message::SignalLeft { user, rule, others } = &record.envelope.message else { continue };
        let done = app.execute(&ctx.unkeyed(), || plan(app, *user, *rule, others)).await;
        if let Err(error) = done {
            tracing::error!(error = %Chain(&error), %user, "a signal is not compared");
            failed.push(record.id.clone());
        }
    }
    failed
}

async fn plan(app: &App, user: UserId, rule: Signal, others: &[UserId]) -> Result<((), Tx), Error> {
    let mut tx = app.tx();
    let action = rule.action(&app.settings::<RiskSettings>().await?.settings);
    if action == SignalAction::Off {
        return Ok(((), tx));
    }
    let keys: BTreeMap<UserId, Key<User>> = others.iter().chain([&user]).map(|id| (*id, User::key(*id))).collect();
    let users = app.store.read(keys).await?;
    let Some(own) = users.get(&user) else { return Ok(((), tx)) };
    let found = others.iter().filter_map(|other| Match::of(own, users.get(other)?, rule));
    let mut by_invitee: BTreeMap<UserId, Match> = BTreeMap::new();
    for one in found {
        let known = by_invitee.entry(one.invitee).or_insert(one);
        // The inviter goes before another invitee.
        if one.other == one.inviter {
            *known = one;
        }
    }
    let cases: BTreeMap<UserId, Key<RiskCase>> = by_invitee.keys().map(|id| (*id, RiskCase::key(*id))).collect();
    let cases = app.store.read(cases).await?;
    for one in by_invitee.values() {
        one.add(app, action, rule, cases.get(&one.invitee), &mut tx);
    }
    Ok(((), tx))
}

/// Two accounts of a tree that left the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Match {
    invitee: UserId,
    inviter: UserId,
    /// The other account: the inviter, or another invitee.
    other: UserId,
}

impl Match {
    /// Returns how two accounts stand in one tree; `None` if they don't.
    ///
    /// A payout account does not tell the time of its use: such accounts came into the tree within the time in which they are compared.
    fn of(own: &User, other: &User, rule: Signal) -> Option<Self> {
        let inviter = |of: &User| of.attribution.as_ref().map(|bond| bond.inviter_for(Trigger::Registration));
        let found = match (inviter(own), inviter(other)) {
            (Some(above), _) if above == other.id => Self { invitee: own.id, inviter: above, other: above },
            (_, Some(above)) if above == own.id => Self { invitee: other.id, inviter: above, other: above },
            (Some(above), Some(same)) if above == same => Self { invitee: own.id, inviter: above, other: other.id },
            _ => return None,
        };
        let seen = [own, other].map(|of| Sighting::in_tree(of, found.inviter));
        let is_near = matches!(seen, [Some(one), Some(other)] if one.is_near(other));
        (is_near || rule != Signal::PayoutAccount).then_some(found)
    }

    /// Adds the evidence to the invitee's case, or opens it.
    fn add(self, app: &App, action: SignalAction, rule: Signal, case: Option<&Versioned<RiskCase>>, tx: &mut Tx) {
        let evidence = Evidence { rule, action, other: Some(self.other) };
        match case {
            Some(case) => {
                if let Some(after) = case.with(evidence) {
                    tx.replace(case, &after).or_retry();
                }
            }
            None => {
                if let Some(case) = RiskCase::open(self.invitee, self.inviter, vec![evidence], app.clock.now()) {
                    tx.insert(&case).or_retry();
                    tx.send(Message::RiskCaseOpened { invitee: case.invitee });
                }
            }
        }
    }
}
