//! Accounts that move in (R13.1).
//!
//! An account is known by its external id, else by its address. Its password hash is kept as it came, and replaced at the first sign-in
//! (`session`); without one a reset sets a password. It joins no programme as a new user: no promotion, no reward, no event.

use jiff::Timestamp;

use crate::account::import::{ImportLine, Importer};
use crate::account::model::access::{EmailClaim, ExternalClaim};
use crate::account::model::external::ExternalId;
use crate::account::model::identity::{Email, Status};
use crate::account::model::import::{ImportOutcome, Imported, ImportedEmail, ImportedLine};
use crate::account::model::user::User;
use crate::account::register_external::external_hash;
use crate::account::session::email_hash;
use crate::affiliate::model::settings::AffiliateSettings;
use crate::app::App;
use crate::message::Message;
use crate::payment::model::settings::PaymentSettings;
use kernel::fault::Error;
use kernel::id::UserId;
use kernel::ledger::Accounts;
use table::context::Ctx;
use table::tx::Tx;

/// Account that moves in, with an address, an external id, or both.
#[derive(Clone)]
pub struct UserLine {
    pub email: Option<Email>,
    pub external_id: Option<ExternalId>,
    /// Hash from the other system, checked; only with an address.
    pub password_hash: Option<String>,
    /// `Active` or `Blocked`.
    pub status: Status,
    pub locale: Option<String>,
    /// Time of the sign-up there.
    pub signed_up_at: Option<Timestamp>,
}

impl ImportLine for UserLine {
    const ACTION: &'static str = "import.users";

    fn identities(&self) -> Vec<String> {
        let email = self.email.iter().map(|email| format!("email {}", email.as_str()));
        email.chain(self.external_id.iter().map(|id| format!("external {}", id.as_str()))).collect()
    }

    async fn plan(&self, app: &App, _: &Ctx, by: &Importer) -> Result<(ImportedLine, Tx), Error> {
        let email = self.email.as_ref().map(|email| email_hash(app, email));
        let external = self.external_id.as_ref().map(|id| external_hash(app, id));
        let keys = (
            email.as_deref().map(ImportedEmail::key),
            email.as_deref().map(EmailClaim::key),
            external.as_deref().map(ExternalClaim::key),
        );
        let (moved, claimed, known) = app.store.read(keys).await?;
        let known = Known {
            moved: moved.map(|moved| moved.user),
            claimed: claimed.map(|claim| claim.user),
            external: known.map(|claim| claim.user),
        };
        let mut tx = app.tx();
        if let Some(told) = known.judge(self.external_id.is_some()) {
            return Ok((told, tx));
        }
        let user = self.user(app, by).await?;
        self.claim(&user, (email, external), &mut tx);
        tx.insert(&user);
        tx.send(Message::UserImported { user: user.id });
        Ok((ImportedLine::of(ImportOutcome::Imported, user.id), tx))
    }
}

/// Users who have the names of a line.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// The one who moved in with the address.
    moved: Option<UserId>,
    /// The one who has the address now.
    claimed: Option<UserId>,
    /// The one who has the external id.
    external: Option<UserId>,
}

impl Known {
    /// Returns what becomes of a line whose names are known; `None` if they are not.
    ///
    /// An external id is the operator's own name of a person. An address alone says who moved in with it, and nothing of whoever
    /// signed up with it here.
    fn judge(self, names_an_external_id: bool) -> Option<ImportedLine> {
        let differ = "an e-mail and an external id of the same account";
        match (self.external, self.moved.or(self.claimed)) {
            (Some(user), None) => Some(ImportedLine::of(ImportOutcome::Exists, user)),
            (Some(user), Some(other)) if user == other => Some(ImportedLine::of(ImportOutcome::Exists, user)),
            (Some(user), Some(_)) => Some(ImportedLine::conflict(Some(user), "identities_differ", differ)),
            (None, Some(user)) if self.moved.is_none() => {
                let detail = "an e-mail that nobody signed up with here";
                Some(ImportedLine::conflict(Some(user), "email_taken", detail))
            }
            (None, Some(user)) if names_an_external_id => {
                Some(ImportedLine::conflict(Some(user), "identities_differ", differ))
            }
            (None, Some(user)) => Some(ImportedLine::of(ImportOutcome::Exists, user)),
            (None, None) => None,
        }
    }
}

impl UserLine {
    /// Claims the names; the first claim is the guard.
    fn claim(&self, user: &User, (email, external): (Option<String>, Option<String>), tx: &mut Tx) {
        let (id, at) = (user.id, user.created_at);
        if let Some(external_hash) = external {
            tx.insert(&ExternalClaim { external_hash, user: id, not_applied: None, at });
        }
        if let Some(email_hash) = email {
            tx.insert(&EmailClaim {
                email_hash: email_hash.clone(),
                user: id,
                password_hash: self.password_hash.clone(),
                password_number: 0,
                // No registration has this one, so none is a repetition of the import.
                fingerprint: "import".to_owned(),
                not_applied: None,
                at,
            });
            tx.insert(&ImportedEmail { email_hash, user: id, at });
        }
    }

    async fn user(&self, app: &App, by: &Importer) -> Result<User, Error> {
        let currency = app.settings::<PaymentSettings>().await?.settings.ledger_currency;
        let affiliate = app.settings::<AffiliateSettings>().await?.settings;
        Ok(User {
            email: self.email.clone(),
            external_id: self.external_id.clone(),
            status: self.status,
            locale: self.locale.clone(),
            imported: Some(Imported { source: by.source.clone(), signed_up_at: self.signed_up_at }),
            // A coupon for the first order is for new customers.
            has_paid: true,
            ..User::new(UserId::new(app.ulid()), app.clock.now(), &affiliate, Accounts::new(currency))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ulid::Ulid;

    /// R13.1: a name that is known brings no second account, and nobody else's.
    #[test]
    fn a_line_whose_names_are_known_makes_no_account() {
        let [ann, bob] = [1, 2].map(|low| Some(UserId::new(Ulid::from_parts(1, low))));
        let judge = |moved, claimed, external, names| {
            let told = Known { moved, claimed, external }.judge(names);
            told.map(|told| (told.outcome.as_str(), told.code))
        };
        let exists = Some(("exists", None));
        let conflict = |code: &str| Some(("conflict", Some(code.to_owned())));
        for (moved, claimed, external, names, expected) in [
            (None, None, None, true, None),
            (ann, ann, None, false, exists.clone()),
            (ann, None, None, false, exists.clone()),
            (ann, bob, None, false, exists.clone()),
            (None, None, ann, true, exists.clone()),
            (ann, ann, ann, true, exists.clone()),
            (None, ann, ann, true, exists),
            (None, bob, None, false, conflict("email_taken")),
            (None, bob, None, true, conflict("email_taken")),
            (None, bob, ann, true, conflict("identities_differ")),
            (bob, bob, ann, true, conflict("identities_differ")),
            (ann, ann, None, true, conflict("identities_differ")),
        ] {
            assert_eq!(judge(moved, claimed, external, names), expected, "{moved:?} {claimed:?} {external:?} {names}");
        }
    }
}
