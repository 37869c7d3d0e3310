//! Comparison of the sign-ups of a batch within their inviter's tree (R10.1), by the reward worker.
//!
//! The tree is the inviter's own account and all that they invited. Who stands further away is compared when their own link is
//! made: a person who invites themselves twice over matches at one of both links. Each hash has one item per inviter, written
//! conditionally together with the case and with what the sign-up is rewarded with, so of simultaneous sign-ups each sees those
//! before it, and a repeated message compares nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::account::model::network::Network;
use crate::account::model::user::User;
use crate::app::App;
use crate::message::Message;
use crate::risk::model::case::{Evidence, RiskCase};
use crate::risk::model::settings::{RiskSettings, SignalAction};
use crate::risk::model::signal::{Sighting, Sightings, Signal, SignupSignals};
use crate::risk::sign_up::{mailbox_hash, network_hash};
use kernel::fault::Fault;
use kernel::id::UserId;
use table::item::Versioned;
use table::key::Key;
use table::tx::Tx;

/// Inviter, rule and hash of sightings.
type SightingsId = (UserId, Signal, String);

/// Sign-up of an invitee, as its message tells it.
struct SignUp<'a> {
    invitee: UserId,
    inviter: UserId,
    signals: &'a SignupSignals,
}

impl SignUp<'_> {
    fn of(message: &Message) -> Option<SignUp<'_>> {
        match message {
            Message::UserRegistered { user, inviter: Some(inviter), signals: Some(signals) }
            | Message::InviterNamed { user, inviter, signals: Some(signals) } => {
                Some(SignUp { invitee: *user, inviter: *inviter, signals })
            }
            _ => None,
        }
    }

    /// Returns the hashes to compare while their signals are on.
    fn hashes(&self, settings: &RiskSettings) -> impl Iterator<Item = (Signal, SightingsId)> {
        on(settings).filter_map(|signal| {
            let hash = self.signals.hash(signal)?;
            Some((signal, (self.inviter, signal, hash.to_owned())))
        })
    }
}

fn on(settings: &RiskSettings) -> impl Iterator<Item = Signal> {
    Signal::ALL.into_iter().filter(|signal| signal.action(settings) != SignalAction::Off)
}

/// Sign-ups of a batch that are to be compared.
pub struct SignupComparison<'a> {
    settings: Arc<RiskSettings>,
    sign_ups: Vec<SignUp<'a>>,
}

impl<'a> SignupComparison<'a> {
    /// Collects the sign-ups that messages report.
    ///
    /// # Errors
    /// A fault when the settings cannot be read.
    pub async fn of(app: &App, messages: impl Iterator<Item = &'a Message>) -> Result<Self, Fault> {
        let sign_ups = messages.filter_map(SignUp::of).collect();
        Ok(Self { settings: app.settings::<RiskSettings>().await?.settings, sign_ups })
    }

    /// Returns all keys to read for them.
    pub fn keys(&self) -> BTreeMap<SightingsId, Key<Sightings>> {
        let ids = self.sign_ups.iter().flat_map(|of| of.hashes(&self.settings));
        ids.map(|(_, id)| (id.clone(), Sightings::key(id.0, id.1, &id.2))).collect()
    }

    /// Compares those sign-ups that are new, in their order; `users` has each invitee, the owners of their devices, and the
    /// inviters whose mailboxes are compared.
    pub fn compare(
        &self,
        app: &App,
        found: BTreeMap<SightingsId, Versioned<Sightings>>,
        users: &BTreeMap<UserId, Versioned<User>>,
        is_new: impl Fn(UserId) -> bool,
    ) -> ComparedSignups {
        let mut compared = ComparedSignups { before: found, ..ComparedSignups::default() };
        for sign_up in self.sign_ups.iter().filter(|of| is_new(of.invitee)) {
            let user = |id: &UserId| users.get(id).map(|user| &**user);
            let own = user(&sign_up.invitee).and_then(|user| Sighting::in_tree(user, sign_up.inviter));
            let Some(own) = own else { continue };
            let (root, device) = (user(&sign_up.inviter), sign_up.signals.device_of.as_ref().and_then(user));
            let evidence = self.evidence(app, sign_up, (own, root, device), &mut compared);
            compared.opened.extend(RiskCase::open(sign_up.invitee, sign_up.inviter, evidence, app.clock.now()));
        }
        compared
    }

    /// Returns what a sign-up has in common with its tree, below `root`, and adds it to the sightings as `own`; `device` is the account that
    /// its device had signed in to.
    fn evidence(
        &self,
        app: &App,
        sign_up: &SignUp<'_>,
        (own, root, device): (Sighting, Option<&User>, Option<&User>),
        compared: &mut ComparedSignups,
    ) -> Vec<Evidence> {
        let is_near = |of: &&User| Sighting::in_tree(of, sign_up.inviter).is_some_and(|seen| own.is_near(seen));
        let device = device.filter(|of| of.id != own.user).filter(is_near);
        let mut others: BTreeMap<Signal, Option<UserId>> = BTreeMap::new();
        if sign_up.signals.disposable_email {
            others.insert(Signal::DisposableEmail, None);
        }
        for (signal, id) in sign_up.hashes(&self.settings) {
            let known = compared.sightings(&id);
            let device = device.filter(|_| signal == Signal::Device).map(|device| device.id);
            let has_mailbox = |root: &&User| root.email.as_ref().is_some_and(|email| mailbox_hash(app, email) == id.2);
            let root = root.filter(|_| signal == Signal::EmailAlias).filter(has_mailbox).filter(is_near);
            let other = root.map(|root| root.id).or(device).or_else(|| known.near(own));
            others.extend(other.map(|other| (signal, Some(other))));
            compared.after.insert(id, known.with(own));
        }
        let effect = |signal: Signal| signal.action(&self.settings);
        let known = on(&self.settings).filter_map(|signal| Some((signal, *others.get(&signal)?)));
        known.map(|(rule, other)| Evidence { rule, action: effect(rule), other }).collect()
    }
}

/// Result of a comparison.
#[derive(Debug, Default)]
pub struct ComparedSignups {
    before: BTreeMap<SightingsId, Versioned<Sightings>>,
    after: BTreeMap<SightingsId, Sightings>,
    /// Cases of the sign-ups that have something in common with their tree.
    pub opened: Vec<RiskCase>,
}

impl ComparedSignups {
    /// Returns the sightings of a hash as they are by now.
    fn sightings(&self, id: &SightingsId) -> Sightings {
        let known = self.after.get(id).or_else(|| self.before.get(id).map(|before| &**before));
        known.cloned().unwrap_or_else(|| Sightings::none(id.0, id.1, &id.2))
    }

    /// Adds the writes.
    pub fn write(&self, tx: &mut Tx) {
        for (id, sightings) in &self.after {
            tx.upsert(self.before.get(id), sightings);
        }
        for case in &self.opened {
            tx.insert(case).or_retry();
            tx.send(Message::RiskCaseOpened { invitee: case.invitee });
        }
    }
}

/// Adds the network from which an inviter asks for their first code to the sightings of their tree; nothing while that signal is off.
///
/// # Errors
/// A fault when the settings or the sightings cannot be read.
pub async fn see_inviter(app: &App, inviter: UserId, from: &Network, tx: &mut Tx) -> Result<(), Fault> {
    let settings = app.settings::<RiskSettings>().await?.settings;
    let hash = network_hash(app, from).filter(|_| settings.network != SignalAction::Off);
    let Some(hash) = hash else { return Ok(()) };
    let before = app.store.get::<Sightings>(&Sightings::key(inviter, Signal::Network, &hash)).await?;
    let known = before.as_deref().cloned().unwrap_or_else(|| Sightings::none(inviter, Signal::Network, &hash));
    tx.upsert(before.as_ref(), &known.with(Sighting { user: inviter, at: app.clock.now() }));
    Ok(())
}
