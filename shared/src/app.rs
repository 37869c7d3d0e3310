//! The application: everything a use case is given.

use std::ops::Deref;

use kernel::fault::Fault;
use kernel::secret::Secret;
use table::execute::Executor;

use crate::account::token::{KeyRing, PublicKeys, Signer};
use crate::operations::settings::SettingsCache;
use crate::payment::gateway::Providers;
use crate::webhooks::webhook_sender::WebhookSender;

/// What differs between deployments.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the operator's users reach the API, without a trailing slash.
    pub public_base_url: String,
    /// From which fingerprints, cursors and codes are made.
    pub secret: Secret,
    /// Argon2's cost: memory in KiB and passes.
    pub password_cost: (u32, u32),
}

/// Everything a use case needs.
#[derive(Debug, Clone)]
pub struct App {
    /// The table and the queues.
    pub executor: Executor,
    /// The payment providers that are configured.
    pub providers: Providers,
    /// How events reach the operator's product.
    pub courier: WebhookSender,
    /// Settings, cached.
    pub settings: SettingsCache,
    /// The public keys of access tokens.
    pub keys: KeyRing,
    /// The private one; only where tokens are made.
    pub signer: Option<Signer>,
    /// What differs between deployments.
    pub config: Config,
}

impl Deref for App {
    type Target = Executor;

    fn deref(&self) -> &Executor {
        &self.executor
    }
}

impl App {
    /// Reads the public keys when a token names one that is not known yet.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn learn_key(&self, kid: &str) -> Result<(), Fault> {
        if !self.keys.knows(kid)
            && let Some(keys) = self.store.get::<PublicKeys>(&PublicKeys::key()).await?
        {
            self.keys.learn(&keys);
        }
        Ok(())
    }
}
