//! Access to AWS: region, credentials, one HTTPS client, secrets.

pub mod https;
pub mod secrets;

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use kernel::fault::Fault;

/// Source of environment variables.
pub trait Environment {
    /// The value of a variable, `None` if it is unset or blank.
    fn get(&self, name: &str) -> Option<String>;
}

/// The environment of this process.
#[derive(Debug, Clone, Copy)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.trim().is_empty())
    }
}

/// Access to AWS services.
#[derive(Debug, Clone)]
pub struct Aws {
    /// HTTP client shared by all services.
    pub http: SharedHttpClient,
    pub region: String,
    pub credentials: Credentials,
}

impl Aws {
    /// Reads the region and credentials that Lambda sets.
    ///
    /// # Errors
    /// A variable is not set.
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

    /// Explicit time-outs below the functions' deadline; the SDK has no read time-out by default.
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
/// # Rejects
/// One that is not set.
pub fn set(environment: &impl Environment, variable: &'static str) -> Result<String, Fault> {
    environment.get(variable).ok_or(Fault::Unset { variable })
}

/// The address of a service: that of `AWS_ENDPOINT_URL_` and its name, or of `AWS_ENDPOINT_URL`; `None` for the region's own.
pub fn endpoint(environment: &impl Environment, service: &str) -> Option<String> {
    environment.get(&format!("AWS_ENDPOINT_URL_{service}")).or_else(|| environment.get("AWS_ENDPOINT_URL"))
}

/// Checks that a function's environment has what the function can't do without, so that a variable forgotten in the template fails
/// the deployment's first start and not the first message.
///
/// # Rejects
/// The first of `needs` that is not set.
pub fn demand(environment: &impl Environment, needs: &[&'static str]) -> Result<(), Fault> {
    needs.iter().try_for_each(|variable| set(environment, variable).map(drop))
}
