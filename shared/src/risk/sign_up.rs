//! The signals of a sign-up, which go with the message about it (R10.1).

use crate::account::model::identity::Email;
use crate::account::model::network::Network;
use crate::app::App;
use crate::risk::model::disposable::is_disposable;
use crate::risk::model::settings::{RiskSettings, SignalAction};
use crate::risk::model::signal::{Signal, SignupSignals};
use kernel::fault::Fault;
use kernel::id::UserId;

/// Symbols of a hash that are kept: 128 bits.
const KEPT: usize = 32;

/// Traces of a sign-up, to be compared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Traces<'a> {
    pub email: Option<&'a Email>,
    /// Network of the sign-up; `None` where it is not known: the operator's backend stands between, or it is long ago.
    pub from: Option<&'a Network>,
    /// Account that the device had signed in to before.
    pub device: Option<UserId>,
}

/// Returns the signals of an account; `None` if there are none, or all are switched off.
///
/// # Errors
/// A fault when the settings cannot be read.
pub async fn signals_of(app: &App, of: Traces<'_>) -> Result<Option<SignupSignals>, Fault> {
    let settings = app.settings::<RiskSettings>().await?.settings;
    let is_on = |signal: Signal| signal.action(&settings) != SignalAction::Off;
    let email_of = |signal: Signal| of.email.filter(|_| is_on(signal));
    let device_of = of.device.filter(|_| is_on(Signal::Device));
    let signals = SignupSignals {
        email_alias: email_of(Signal::EmailAlias).map(|email| mailbox_hash(app, email)),
        network: of.from.filter(|_| is_on(Signal::Network)).and_then(|network| network_hash(app, network)),
        device: device_of.map(|user| hash(app, Signal::Device, &user.to_string())),
        device_of,
        disposable_email: email_of(Signal::DisposableEmail).is_some_and(|email| is_disposable(email, &settings)),
    };
    Ok(signals.some())
}

/// Keyed hash of an address's mailbox.
pub fn mailbox_hash(app: &App, email: &Email) -> String {
    hash(app, Signal::EmailAlias, &email.canonical())
}

/// Keyed hash of a network; `None` for that of all clients without a readable address.
pub fn network_hash(app: &App, network: &Network) -> Option<String> {
    network.is_known().then(|| hash(app, Signal::Network, network.as_str()))
}

/// Keyed hash of a provider's fingerprint of what paid.
pub fn instrument_hash(app: &App, fingerprint: &str) -> String {
    hash(app, Signal::PaymentInstrument, fingerprint)
}

/// Keyed hash of a signal, under the context of its kind.
fn hash(app: &App, signal: Signal, text: &str) -> String {
    let mut hash = app.config.secret.hex(&format!("risk {signal}"), &[text.as_bytes()]);
    hash.truncate(KEPT);
    hash
}
