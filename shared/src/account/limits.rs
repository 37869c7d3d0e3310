//! Limits on unknown callers (R2.9): nobody can lock somebody else out.
//!
//! Whoever fails too often is refused in their own network only. An e-mail that fails in many networks is challenged, not
//! refused. Every attempt is counted before a password is hashed or a mail is sent.

use crate::account::model::identity::Email;
use crate::account::model::network::Network;
use crate::account::model::settings::IdentitySettings;
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
