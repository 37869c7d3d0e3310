//! The application: everything that use cases depend on.

use std::ops::Deref;
use std::sync::Arc;

use kernel::fault::Fault;
use kernel::secret::{OriginSecrets, Secret};
use table::execute::Executor;

use crate::account::token::{KeyRing, PublicKeys, Signer};
use crate::agency::places::Places;
use crate::operations::settings::SettingsCache;
use crate::operations::sign_heads::HeadsSigner;
use crate::operations::waiting::Glance;
use crate::payment::gateway::Providers;
use crate::redemption::model::code_text::CodeSecrets;
use crate::webhooks::webhook_sender::WebhookSender;

/// Configuration of a deployment.
#[derive(Debug, Clone)]
pub struct Config {
    /// Public URL of the API, without a trailing slash.
    pub public_base_url: String,
    /// Key of fingerprints, cursors and mailed codes.
    pub secret: Secret,
    /// Versions of the secret of redemption codes; none in functions that need none.
    pub codes: CodeSecrets,
    /// Secrets of the CDN before the API; a request with one of them names its viewer (R2.9).
    pub origins: OriginSecrets,
    /// Name of the CloudFormation stack; none in functions that need none.
    pub stack_name: Option<String>,
    /// True for a deployment that moves no real money (C4.11).
    pub test_mode: bool,
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
    /// Signer of the ledger's heads; only in the scheduler.
    pub heads_signer: Option<Arc<HeadsSigner>>,
    pub config: Config,
    /// Lengths of the queues that wait for staff, as this process saw them last.
    pub glance: Glance,
    /// Shops of agents, as this process saw them last.
    pub places: Places,
}

impl Deref for App {
    type Target = Executor;

    fn deref(&self) -> &Executor {
        &self.executor
    }
}

impl App {
    /// Reloads the public keys if a token has an unknown key id, a few times a minute at most.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn learn_key(&self, kid: &str) -> Result<(), Fault> {
        if !self.keys.knows(kid) && self.keys.may_read(kid, self.clock.now()) {
            self.load_keys().await?;
        }
        Ok(())
    }

    /// Returns the public keys, at most a minute old.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn public_keys(&self) -> Result<PublicKeys, Fault> {
        match self.keys.fresh(self.clock.now()) {
            Some(keys) => Ok(keys),
            None => self.load_keys().await,
        }
    }

    /// Reads the public keys from the table.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn load_keys(&self) -> Result<PublicKeys, Fault> {
        let keys = self.store.get::<PublicKeys>(&PublicKeys::key()).await?;
        let keys = keys.map(|keys| keys.into_inner()).unwrap_or_default();
        self.learn_keys(&keys);
        Ok(keys)
    }

    /// Remembers the public keys, and how far back the lists of the platform go.
    pub fn learn_keys(&self, keys: &PublicKeys) {
        self.keys.learn(keys, self.clock.now());
        if let Some(month) = keys.first_month() {
            self.learn_first_month(month);
        }
    }
}
