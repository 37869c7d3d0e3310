//! The application: everything that use cases depend on.

use std::ops::Deref;

use kernel::fault::Fault;
use kernel::secret::Secret;
use table::execute::Executor;

use crate::account::token::{KeyRing, PublicKeys, Signer};
use crate::operations::settings::SettingsCache;
use crate::payment::gateway::Providers;
use crate::webhooks::webhook_sender::WebhookSender;

/// Configuration of a deployment.
#[derive(Debug, Clone)]
pub struct Config {
    /// Public URL of the API, without a trailing slash.
    pub public_base_url: String,
    /// Key of fingerprints, cursors and codes.
    pub secret: Secret,
    /// Argon2 cost: memory in KiB and passes.
    pub password_cost: (u32, u32),
}

/// Dependencies of use cases.
#[derive(Debug, Clone)]
pub struct App {
    /// Table and queues.
    pub executor: Executor,
    /// Configured payment providers.
    pub providers: Providers,
    /// Sender of outbound webhooks to the operator's product.
    pub courier: WebhookSender,
    /// Cache of settings documents.
    pub settings: SettingsCache,
    /// Public keys of access tokens.
    pub keys: KeyRing,
    /// Signer of access tokens; only in functions that issue them.
    pub signer: Option<Signer>,
    pub config: Config,
}

impl Deref for App {
    type Target = Executor;

    fn deref(&self) -> &Executor {
        &self.executor
    }
}

impl App {
    /// Reloads the public keys if a token has an unknown key id.
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
