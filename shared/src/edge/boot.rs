//! Start-up: the application from its environment. Runs during a function's initialisation, at full speed whatever its memory.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::secrets::Secrets;
use crate::app::{App, Clock, Config, Entropy};
use crate::courier::Courier;
use crate::fault::{Fault, OrLog};
use crate::message::Queue;
use crate::once::Secret;
use crate::provider::http::{Https, https_client};
use crate::provider::{ProviderConfig, Providers};
use crate::queue::{Queues, REWARD_DEAD, Urls};
use crate::settings::SettingsCache;
use crate::store::Store;
use crate::store::key::Key;
use crate::token::{KeyRing, PublicKeys, Signer};

/// Argon2's cost on AWS: 19 MiB, two passes.
pub const PASSWORD_COST: (u32, u32) = (19 * 1024, 2);
/// How long a use case may try: the functions' time-out less three seconds.
pub const PATIENCE: Duration = Duration::from_secs(7);

/// Where an environment variable is looked up.
pub trait Environment {
    /// The value of a variable that is set and not blank.
    fn get(&self, name: &str) -> Option<String>;
}

/// The process's own environment.
#[derive(Debug, Clone, Copy)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.trim().is_empty())
    }
}

/// How to reach an AWS service.
#[derive(Debug, Clone)]
pub struct Aws {
    /// The client that all services share.
    pub http: SharedHttpClient,
    /// Region.
    pub region: String,
    /// Who we are.
    pub credentials: Credentials,
}

impl Aws {
    /// The region and credentials that Lambda sets, over `http`.
    ///
    /// # Errors
    /// When one of them is not set.
    pub fn from(environment: &impl Environment, http: SharedHttpClient) -> Result<Self, Fault> {
        let get = |name| set(environment, name);
        let credentials = Credentials::new(
            get("AWS_ACCESS_KEY_ID")?,
            get("AWS_SECRET_ACCESS_KEY")?,
            environment.get("AWS_SESSION_TOKEN"),
            None,
            "environment",
        );
        Ok(Self { http, region: get("AWS_REGION")?, credentials })
    }

    /// Explicit time-outs, all below the functions' deadline: the SDK has no read time-out of its own.
    pub fn timeouts() -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .read_timeout(Duration::from_millis(1_500))
            .operation_attempt_timeout(Duration::from_secs(2))
            .operation_timeout(Duration::from_secs(5))
            .build()
    }

    /// A DynamoDB client.
    pub fn dynamodb(&self, endpoint: Option<String>) -> aws_sdk_dynamodb::Client {
        let mut config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .credentials_provider(self.credentials.clone())
            .http_client(self.http.clone())
            .timeout_config(Self::timeouts())
            .retry_config(RetryConfig::standard().with_max_attempts(3));
        config.set_endpoint_url(endpoint);
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// An SQS client.
    pub fn sqs(&self, endpoint: Option<String>) -> aws_sdk_sqs::Client {
        let mut config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .credentials_provider(self.credentials.clone())
            .http_client(self.http.clone())
            .timeout_config(Self::timeouts())
            .retry_config(RetryConfig::standard().with_max_attempts(2));
        config.set_endpoint_url(endpoint);
        aws_sdk_sqs::Client::from_conf(config.build())
    }
}

/// The value of a variable.
///
/// # Errors
/// When it is not set.
pub fn set(environment: &impl Environment, variable: &'static str) -> Result<String, Fault> {
    environment.get(variable).ok_or(Fault::Unset { variable })
}

/// Checks that a function's environment has what the function can't do without, so that what is forgotten in the template fails the
/// deployment's first start and not the first message.
///
/// # Errors
/// The first of `needs` that is not set.
pub fn demand(environment: &impl Environment, needs: &[&'static str]) -> Result<(), Fault> {
    needs.iter().try_for_each(|variable| set(environment, variable).map(drop))
}

/// The application of a deployed function: reads secrets, settings and public keys before the first request.
///
/// # Errors
/// When a mandatory variable, one of `needs` or a secret is missing. A missing provider secret only switches that provider off.
pub async fn app(needs: &[&'static str]) -> Result<Arc<App>, Fault> {
    let environment = ProcessEnvironment;
    demand(&environment, needs)?;
    let aws = Aws::from(&environment, super::https::aws_client()?)?;
    let secrets = Secrets::read(&environment, &aws).await?;
    let app = Arc::new(assemble(&environment, &aws, &secrets, &https_client())?);
    app.warm().await.or_log("the first request reads what is missing");
    Ok(app)
}

/// Puts an application together from what its environment says.
///
/// # Errors
/// When a mandatory variable or secret is missing.
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
    let secret = secrets.get("APP_SECRET").ok_or(Fault::Unset { variable: "APP_SECRET" })?;
    let config = ProviderConfig::read(|name| secrets.get(name).or_else(|| environment.get(name)));
    Ok(App {
        store: Store::new(aws.dynamodb(environment.get("AWS_ENDPOINT_URL_DYNAMODB")), get("TABLE_NAME")?),
        queues: Queues::new(aws.sqs(environment.get("AWS_ENDPOINT_URL_SQS")), urls),
        clock: Clock::system(),
        entropy: Entropy::system(),
        providers: Providers::new(&config, providers),
        courier: Courier::to_internet(),
        settings: SettingsCache::default(),
        keys: KeyRing::default(),
        signer,
        config: Config {
            public_base_url,
            secret: Secret::new(secret.into_bytes()),
            patience: PATIENCE,
            password_cost: PASSWORD_COST,
        },
    })
}

impl App {
    /// Reads settings and public keys, and publishes the own signing key if it is new.
    ///
    /// # Errors
    /// When the database can't be reached.
    pub async fn warm(&self) -> Result<(), Fault> {
        self.settings::<crate::domain::settings::IdentitySettings>().await?;
        if let Some(keys) = self.store.get::<PublicKeys>(&Key::public_keys()).await? {
            self.keys.learn(&keys);
        }
        Ok(())
    }
}
