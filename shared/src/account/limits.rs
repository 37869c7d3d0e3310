//! Limits on unknown callers (R2.9): nobody can lock somebody else out.
//!
//! Whoever fails too often is refused in their own network only. An e-mail that fails in many networks is challenged, not
//! refused. Every attempt is counted before a password is hashed or a mail is sent.

use crate::account::model::identity::Email;
use crate::account::model::network::Network;
use crate::account::model::settings::IdentitySettings;
use crate::account::model::user::User;
use crate::app::App;
use kernel::fault::{Error, Fault};
use table::plain::RateWindow;

/// Length of the window of failed sign-ins, in seconds.
const SIGN_IN: i64 = 15 * 60;
/// Maximum failed sign-ins of one e-mail in one network.
const FAILURES: i64 = 10;
/// Maximum failed sign-ins of one network.
const NETWORK_FAILURES: i64 = 100;
/// Failed sign-ins of one e-mail, over all networks, above which it is challenged.
const CHALLENGED_ABOVE: i64 = 10;
/// Maximum wrong codes of an account's second factor, over all networks, in the window of failed sign-ins.
const WRONG_CODES: i64 = 10;
/// Length of the windows of registrations and mails, in seconds.
const HOUR: i64 = 3_600;
/// Maximum mails to one address from one network.
const MAILS: i64 = 5;
/// Maximum mails from one network.
const NETWORK_MAILS: i64 = 20;

/// Sign-in that is counted as failed until it succeeds.
pub(crate) struct Attempt {
    network: String,
    here: String,
    everywhere: String,
    /// True when the e-mail failed too often over all networks: the password alone does not suffice.
    pub is_challenged: bool,
}

impl Attempt {
    /// Counts an attempt to sign in, before the password is hashed.
    ///
    /// A new password begins new counts, so a reset clears them in every network.
    ///
    /// # Rejects
    /// `rate_limited` after ten failures of this e-mail in this network in 15 minutes, or a hundred of the network.
    pub async fn count(app: &App, email_hash: &str, password_number: u64, from: &Network) -> Result<Self, Error> {
        let of = |parts: &[&[u8]]| app.config.secret.hex("sign-in attempts", parts);
        let (email, number, network) = (email_hash.as_bytes(), password_number.to_be_bytes(), from.as_str().as_bytes());
        let mut attempt = Self {
            network: of(&[network]),
            here: of(&[email, &number, network]),
            everywhere: of(&[email, &number]),
            is_challenged: false,
        };
        let now = app.clock.now();
        let limits = [("sign_in_network", &attempt.network, NETWORK_FAILURES), ("sign_in", &attempt.here, FAILURES)];
        for (kind, subject, most) in limits {
            let window = app.store.record_attempt(kind, subject, now, SIGN_IN).await?;
            within(window, most, app)?;
        }
        let all = app.store.record_attempt("sign_in_everywhere", &attempt.everywhere, now, SIGN_IN).await?;
        // The window counts this attempt, too.
        attempt.is_challenged = all.count.saturating_sub(1) > CHALLENGED_ABOVE;
        Ok(attempt)
    }

    /// Takes the attempt back, as if it had not been made: the password was right, and the second factor is asked for next.
    ///
    /// It clears nothing, so that whoever has the password guesses no more codes by it.
    ///
    /// # Errors
    /// A fault when the database cannot be reached.
    pub async fn take_back(self, app: &App) -> Result<(), Fault> {
        let now = app.clock.now();
        app.store.take_back_attempt("sign_in_network", &self.network, now).await?;
        app.store.take_back_attempt("sign_in", &self.here, now).await?;
        app.store.take_back_attempt("sign_in_everywhere", &self.everywhere, now).await
    }

    /// Takes the attempt back from the network's count, and clears the e-mail's.
    ///
    /// # Errors
    /// A fault when the database cannot be reached.
    pub async fn succeeded(self, app: &App) -> Result<(), Fault> {
        app.store.take_back_attempt("sign_in_network", &self.network, app.clock.now()).await?;
        app.store.clear_attempts("sign_in", &self.here).await?;
        app.store.clear_attempts("sign_in_everywhere", &self.everywhere).await
    }
}

/// Attempt at a code of an account's second factor (R2.12), counted as wrong until it succeeds.
///
/// It counts over all networks: whoever makes it has the account's password or a session of it, so nobody else is locked out.
pub(crate) struct CodeAttempt(String);

impl CodeAttempt {
    /// Counts an attempt before the code is compared. A new password begins a new count.
    ///
    /// # Rejects
    /// `rate_limited` after ten wrong codes in 15 minutes.
    pub async fn count(app: &App, user: &User) -> Result<Self, Error> {
        let (id, number) = (user.id.to_string(), user.password_number.to_be_bytes());
        let subject = app.config.secret.hex("second factor attempts", &[id.as_bytes(), &number]);
        let window = app.store.record_attempt("second_factor", &subject, app.clock.now(), SIGN_IN).await?;
        within(window, WRONG_CODES, app)?;
        Ok(Self(subject))
    }

    /// Clears the count.
    ///
    /// # Errors
    /// A fault when the database cannot be reached.
    pub async fn succeeded(self, app: &App) -> Result<(), Fault> {
        app.store.clear_attempts("second_factor", &self.0).await
    }
}

/// Counts a registration of a network.
///
/// # Rejects
/// `rate_limited` above the setting's number in an hour.
pub(crate) async fn count_signup(app: &App, from: &Network) -> Result<(), Error> {
    let most = app.settings::<IdentitySettings>().await?.settings.max_signups_per_network;
    if most == 0 {
        return Ok(());
    }
    let subject = app.config.secret.hex("sign-ups", &[from.as_str().as_bytes()]);
    let window = app.store.record_attempt("sign_up", &subject, app.clock.now(), HOUR).await?;
    within(window, i64::from(most), app)
}

/// Takes a registration back that was only a repeat.
///
/// # Errors
/// A fault when the database cannot be reached.
pub(crate) async fn take_back_signup(app: &App, from: &Network) -> Result<(), Fault> {
    let subject = app.config.secret.hex("sign-ups", &[from.as_str().as_bytes()]);
    app.store.take_back_attempt("sign_up", &subject, app.clock.now()).await
}

/// Counts a mail of any kind, and returns whether it may be sent.
///
/// Aliases of one mailbox count as one address (R2.13). The caller answers the same either way.
///
/// # Errors
/// A fault when the database cannot be reached.
pub(crate) async fn may_mail(app: &App, to: &Email, from: &Network) -> Result<bool, Fault> {
    let of = |parts: &[&[u8]]| app.config.secret.hex("mails", parts);
    let (network, now) = (from.as_str().as_bytes(), app.clock.now());
    let all = app.store.record_attempt("mail_network", &of(&[network]), now, HOUR).await?;
    let here = of(&[to.canonical().as_bytes(), network]);
    let here = app.store.record_attempt("mail", &here, now, HOUR).await?;
    Ok(all.count <= NETWORK_MAILS && here.count <= MAILS)
}

fn within(window: RateWindow, most: i64, app: &App) -> Result<(), Error> {
    if window.count > most { Err(window.refused(app.clock.now()).into()) } else { Ok(()) }
}
