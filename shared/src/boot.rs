//! Start-up: builds the application from the environment.
//!
//! It runs in Lambda's initialisation phase, which has full CPU speed at any memory size.

use std::sync::Arc;
use std::time::Duration;

use crate::account::create_admin::publish_key;
use crate::account::token::{KeyRing, Signer};
use crate::agency::places::Places;
use crate::app::{App, Config};
use crate::operations::settings::SettingsCache;
use crate::operations::sign_heads::HeadsSigner;
use crate::operations::waiting::Glance;
use crate::payment::gateway::http::{Https, https_client};
use crate::payment::gateway::{ProviderConfig, Providers};
use crate::redemption::model::code_text::CodeSecrets;
use crate::webhooks::webhook_sender::WebhookSender;
use kernel::fault::{Error, Fault};
use kernel::secret::Secret;
use table::aws::secrets::Secrets;
use table::aws::{Aws, Environment, ProcessEnvironment, demand, endpoint, set};
use table::execute::Executor;
use table::queue::{Queue, Queues, REWARD_DEAD, Urls};
use table::store::Store;
use table::system::{Clock, Entropy};
use table::telemetry::OrLog;

/// Argon2 cost on AWS: 19 MiB in KiB, two passes.
pub const PASSWORD_COST: (u32, u32) = (19 * 1024, 2);
/// Retry budget of a use case: the functions' time-out less three seconds.
pub const PATIENCE: Duration = Duration::from_secs(7);

/// The application of a deployed function.
///
/// Reads secrets, settings and public keys before the first request.
///
/// # Errors
/// A mandatory variable or secret is missing. A missing provider secret only disables that provider.
pub async fn app(needs: &[&'static str]) -> Result<Arc<App>, Fault> {
    let environment = ProcessEnvironment;
    demand(&environment, needs)?;
    let aws = Aws::from(&environment, table::aws::https::aws_client()?)?;
    let secrets = Secrets::read(&environment, &aws).await?;
    let app = Arc::new(assemble(&environment, &aws, &secrets, &https_client())?);
    app.warm().await.or_log("the first request reads what is missing");
    Ok(app)
}

/// The application of the function that issues tokens. Publishes its public key.
///
/// # Errors
/// As [`app`]; the key can't be published.
pub async fn signing_app(needs: &[&'static str]) -> Result<Arc<App>, Fault> {
    let app = app(needs).await?;
    publish_key(&app).await.map_err(Error::into_fault)?;
    Ok(app)
}

/// Builds an application from its environment and secrets.
///
/// # Errors
/// A mandatory variable or secret is missing, `APP_SECRET` or a version of `CODE_SECRET` is too short, or a provider's address would get secrets in the clear.
pub fn assemble(environment: &impl Environment, aws: &Aws, secrets: &Secrets, providers: &Https) -> Result<App, Fault> {
    let get = |name| set(environment, name);
    let public_base_url = get("PUBLIC_BASE_URL")?.trim_end_matches('/').to_owned();
    let urls = Urls {
        reward: environment.get(Queue::Reward.variable()).unwrap_or_default(),
        reward_dead: environment.get(REWARD_DEAD).unwrap_or_default(),
        mail: environment.get(Queue::Mail.variable()).unwrap_or_default(),
        statistics: environment.get(Queue::Statistics.variable()).unwrap_or_default(),
    };
    let signer = secrets.signing_key()?.map(|seed| Signer::new(&seed, &public_base_url)).transpose()?;
    let heads_signer = secrets.ledger_key()?.map(|seed| HeadsSigner::new(&seed)).transpose()?.map(Arc::new);
    let secret = secrets.app_secret()?;
    let origins =
        ["ORIGIN_SECRET", "ORIGIN_SECRET_PREVIOUS"].into_iter().filter_map(|name| secrets.get(name)).collect();
    let config = ProviderConfig::read(|name| secrets.get(name).or_else(|| environment.get(name)));
    config.check()?;
    let store = Store::new(aws.dynamodb(endpoint(environment, "DYNAMODB")), get("TABLE_NAME")?);
    let queues = Queues::new(aws.sqs(endpoint(environment, "SQS")), urls);
    Ok(App {
        executor: Executor::new(store, queues, Clock::system(), Entropy::system(), PATIENCE),
        providers: Providers::new(&config, providers),
        courier: WebhookSender::to_internet(),
        settings: SettingsCache::default(),
        keys: KeyRing::default(),
        signer,
        heads_signer,
        config: Config {
            public_base_url,
            secret: Secret::new(secret.into_bytes()),
            codes: CodeSecrets::parse(&secrets.get("CODE_SECRET").unwrap_or_default())?,
            origins,
            stack_name: environment.get("STACK_NAME"),
            test_mode: environment.get("TEST_MODE").is_some_and(|mode| mode == "on"),
            password_cost: PASSWORD_COST,
        },
        glance: Glance::default(),
        places: Places::default(),
    })
}

impl App {
    /// Fills the caches of settings and public keys.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn warm(&self) -> Result<(), Fault> {
        self.read_settings(self.clock.now()).await?;
        self.load_keys().await.map(drop)
    }
}
