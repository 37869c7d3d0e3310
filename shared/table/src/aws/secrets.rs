//! Secrets, read once at start-up and never logged.
//!
//! A secret is in the variable with its name, or `NAME_PARAMETER` names an SSM SecureString that holds it. One signed call reads
//! all such parameters; an SDK for that one call would be larger than the rest of the function.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use data_encoding::BASE64;
use http_body_util::{BodyExt, Limited};
use jiff::Timestamp;
use serde::Deserialize;

use crate::aws::{self, Aws, Environment};
use crate::system::{Clock, Entropy};
use kernel::fault::Fault;

/// Names of all secrets.
pub const NAMES: [&str; 11] = [
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "STRIPE_WEBHOOK_SECRET_PREVIOUS",
    "ZPAY_KEY",
    "ZPAY_KEY_PREVIOUS",
    "APP_SECRET",
    "CODE_SECRET",
    "SIGNING_KEY",
    "LEDGER_KEY",
    "ORIGIN_SECRET",
    "ORIGIN_SECRET_PREVIOUS",
];
/// Least bytes of `APP_SECRET`: whoever finds it can forge mailed codes and device tokens.
pub const APP_SECRET_MIN: usize = 32;
/// Time limit of the call, including its retries.
const WITHIN: Duration = Duration::from_secs(4);
/// Longest wait before the first retry. It doubles with each, and the wait is a random part of it: many cold starts share a quota of
/// 40 calls a second.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// Most parameters of one call.
const TOGETHER: usize = 10;
/// Size limit of the response: ten parameters of 8 KB with their metadata.
const MAX_ANSWER: usize = 128 * 1024;

/// The secrets of a function by name.
#[derive(Clone, Default)]
pub struct Secrets(HashMap<String, String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(…)")
    }
}

/// Secret names with the names of their parameters.
type Named = Vec<(&'static str, String)>;

impl Secrets {
    /// Reads the secrets from the environment and from the parameters that it names.
    ///
    /// A missing parameter means a missing secret.
    ///
    /// # Errors
    /// The environment names parameters that can't be read.
    pub async fn read(environment: &impl Environment, aws: &Aws) -> Result<Self, Fault> {
        let mut secrets = Self::given(|name| environment.get(name));
        let named = secrets.named(environment);
        if !named.is_empty() {
            let endpoint = aws::endpoint(environment, "SSM").unwrap_or_else(|| endpoint(&aws.region));
            let connector = crate::aws::https::aws_connector()?;
            let call = Call { connector, endpoint, region: aws.region.clone(), credentials: aws.credentials.clone() };
            let values = tokio::time::timeout(WITHIN, call.all(&named)).await;
            secrets.add(named, values.map_err(|_| unavailable("no answer in time"))??);
        }
        Ok(secrets)
    }

    /// The secrets that `lookup` finds.
    pub fn given(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let found = |name: &&str| Some(((*name).to_owned(), lookup(name).filter(|value| !value.trim().is_empty())?));
        Self(NAMES.iter().filter_map(found).collect())
    }

    /// A secret, `None` if it is missing or blank.
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    /// The secret from which everything derives.
    ///
    /// # Errors
    /// It is missing or shorter than [`APP_SECRET_MIN`].
    pub fn app_secret(&self) -> Result<String, Fault> {
        let secret = self.get("APP_SECRET").ok_or(Fault::Unset { variable: "APP_SECRET" })?;
        if secret.len() < APP_SECRET_MIN {
            return Err(Fault::bug(format!("APP_SECRET must have at least {APP_SECRET_MIN} bytes")));
        }
        Ok(secret)
    }

    /// Seed of the key that signs access tokens, if set.
    ///
    /// # Errors
    /// It is not the base64 of 32 bytes.
    pub fn signing_key(&self) -> Result<Option<[u8; 32]>, Fault> {
        self.seed("SIGNING_KEY")
    }

    /// Seed of the key that signs the heads of the ledger, if set (R11.2).
    ///
    /// # Errors
    /// It is not the base64 of 32 bytes.
    pub fn ledger_key(&self) -> Result<Option<[u8; 32]>, Fault> {
        self.seed("LEDGER_KEY")
    }

    fn seed(&self, name: &str) -> Result<Option<[u8; 32]>, Fault> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let bytes = BASE64.decode(text.trim().as_bytes()).ok();
        let seed = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        seed.map(Some).ok_or_else(|| Fault::bug(format!("{name} must be the base64 of 32 bytes")))
    }

    fn named(&self, environment: &impl Environment) -> Named {
        let missing = NAMES.iter().filter(|name| !self.0.contains_key(**name));
        missing.filter_map(|name| Some((*name, environment.get(&format!("{name}_PARAMETER"))?))).collect()
    }

    fn add(&mut self, named: Named, mut values: HashMap<String, String>) {
        for (name, parameter) in named {
            match values.remove(&parameter).filter(|value| !value.trim().is_empty()) {
                Some(value) => drop(self.0.insert(name.to_owned(), value)),
                None => tracing::warn!(secret = name, "its parameter does not exist or is blank"),
            }
        }
    }
}

fn endpoint(region: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://ssm.{region}.{suffix}")
}

fn unavailable(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
    Fault::unavailable("GetParameters", why)
}

/// Reports if another try can't succeed: the function may not read the parameters, or decrypt them.
fn is_final(why: &str) -> bool {
    ["AccessDenied", "InvalidKeyId", "ValidationException"].iter().any(|error| why.contains(error))
}

/// A random part of a wait, at least an eighth.
fn part(longest: Duration) -> Duration {
    let [eighths] = Entropy::system().bytes::<1>();
    longest.saturating_mul(u32::from(eighths % 8).saturating_add(1)) / 8
}

/// Inputs of the one call to SSM.
struct Call {
    connector: SharedHttpConnector,
    endpoint: String,
    region: String,
    credentials: Credentials,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Parameters")]
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
struct Parameter {
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "Value")]
    value: String,
}

impl Call {
    /// Values of any number of parameters, of those that exist, by name.
    async fn all(&self, named: &[(&'static str, String)]) -> Result<HashMap<String, String>, Fault> {
        let mut values = HashMap::new();
        for some in named.chunks(TOGETHER) {
            values.extend(self.parameters(some).await?);
        }
        Ok(values)
    }

    /// Values of the existing parameters of one call, by name.
    async fn parameters(&self, named: &[(&'static str, String)]) -> Result<HashMap<String, String>, Fault> {
        let names: Vec<&String> = named.iter().map(|(_, parameter)| parameter).collect();
        let body = serde_json::json!({"Names": names, "WithDecryption": true}).to_string();
        let mut longest = FIRST_WAIT;
        let answer = loop {
            match self.exchange(&body).await {
                Err(Fault::Unavailable { why, .. }) if !is_final(&why.to_string()) => {
                    tracing::warn!(%why, "secrets are read again");
                }
                other => break other?,
            }
            tokio::time::sleep(part(longest)).await;
            longest = longest.saturating_mul(2);
        };
        Ok(answer.parameters.into_iter().map(|parameter| (parameter.name, parameter.value)).collect())
    }

    async fn exchange(&self, body: &str) -> Result<Answer, Fault> {
        let request = self.signed(body, Clock::system().now())?;
        let mut response = self.connector.call(request).await.map_err(unavailable)?;
        let status = response.status().as_u16();
        let bytes = Limited::new(response.take_body(), MAX_ANSWER).collect().await.map_err(unavailable)?.to_bytes();
        if status != 200 {
            // Log only the body of an error, which names the missing permission. A success body is all secrets.
            let why: String = String::from_utf8_lossy(&bytes).chars().take(300).collect();
            return Err(unavailable(format!("HTTP {status}: {why}")));
        }
        serde_json::from_slice(&bytes).map_err(|_| unavailable("an answer that can't be read"))
    }

    fn signed(&self, body: &str, now: Timestamp) -> Result<HttpRequest, Fault> {
        let mut request = http::Request::post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", "AmazonSSM.GetParameters")
            .body(SdkBody::from(body))
            .map_err(Fault::bug)?;
        let identity: Identity = self.credentials.clone().into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("ssm")
            .time(SystemTime::from(now))
            .settings(SigningSettings::default())
            .build()
            .map_err(Fault::bug)?;
        let url = request.uri().to_string();
        let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable = SignableRequest::new("POST", url, headers, SignableBody::Bytes(body.as_bytes()));
        let signable = signable.map_err(Fault::bug)?;
        let signed = sign(signable, &params.into()).map_err(Fault::bug)?;
        signed.into_parts().0.apply_to_request_http1x(&mut request);
        HttpRequest::try_from(request).map_err(Fault::bug)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use aws_smithy_runtime_api::client::http::HttpConnectorFuture;
    use std::sync::{Arc, Mutex};

    struct Variables(Vec<(&'static str, &'static str)>);

    impl Environment for Variables {
        fn get(&self, name: &str) -> Option<String> {
            self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        }
    }

    /// Returns the given responses in turn and records the requests.
    #[derive(Debug, Clone)]
    struct Ssm(Arc<Mutex<Vec<(u16, &'static str)>>>, Arc<Mutex<Vec<HttpRequest>>>);

    impl HttpConnector for Ssm {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            self.1.lock().unwrap().push(request);
            let (status, body) = self.0.lock().unwrap().remove(0);
            let response = http::Response::builder().status(status).body(SdkBody::from(body)).unwrap();
            HttpConnectorFuture::ready(Ok(response.try_into().unwrap()))
        }
    }

    fn call(answers: &[(u16, &'static str)]) -> (Call, Ssm) {
        let ssm = Ssm(Arc::new(Mutex::new(answers.to_vec())), Arc::default());
        let credentials = Credentials::new("AKID", "SECRET", Some("TOKEN".to_owned()), None, "test");
        let connector = SharedHttpConnector::new(ssm.clone());
        (Call { connector, endpoint: endpoint("eu-west-1"), region: "eu-west-1".into(), credentials }, ssm)
    }

    const ANSWER: &str = r#"{"InvalidParameters":["/g/zpay"],"Parameters":[{"ARN":"a","Name":"/g/app","Type":"SecureString","Value":"hush","Version":1}]}"#;

    /// One call takes ten names; the command line asks for more.
    #[tokio::test]
    async fn more_than_ten_parameters_are_several_calls() {
        let (call, ssm) = call(&[(200, ANSWER), (200, ANSWER)]);
        let named: Named = NAMES.iter().map(|name| (*name, format!("/g/{name}"))).collect();
        assert!(named.len() > TOGETHER);
        assert_eq!(call.all(&named).await.unwrap().len(), 1);
        assert_eq!(ssm.1.lock().unwrap().len(), 2);
    }

    #[test]
    fn a_variable_goes_before_its_parameter_and_blank_ones_are_not_there() {
        let variables = Variables(vec![
            ("APP_SECRET", "here"),
            ("APP_SECRET_PARAMETER", "/g/app"),
            ("ZPAY_KEY", "  "),
            ("ZPAY_KEY_PARAMETER", "/g/zpay"),
        ]);
        let secrets = Secrets::given(|name| variables.get(name));
        assert_eq!(secrets.get("APP_SECRET").as_deref(), Some("here"));
        assert_eq!(secrets.named(&variables), [("ZPAY_KEY", "/g/zpay".to_owned())]);
        assert_eq!(secrets.get("ZPAY_KEY"), None);
    }

    #[tokio::test]
    async fn all_parameters_are_read_in_one_signed_call() {
        let (call, ssm) = call(&[(200, ANSWER)]);
        let named: Named = vec![("APP_SECRET", "/g/app".to_owned()), ("ZPAY_KEY", "/g/zpay".to_owned())];
        let mut secrets = Secrets::default();
        secrets.add(named.clone(), call.parameters(&named).await.unwrap());
        assert_eq!(secrets.get("APP_SECRET").as_deref(), Some("hush"));
        assert_eq!(secrets.get("ZPAY_KEY"), None);
        let asked = ssm.1.lock().unwrap();
        let [request] = asked.as_slice() else { unreachable!() };
        assert_eq!(request.uri(), "https://ssm.eu-west-1.amazonaws.com/");
        assert_eq!(request.body().bytes(), Some(br#"{"Names":["/g/app","/g/zpay"],"WithDecryption":true}"#.as_slice()));
        let header = |name: &str| request.headers().get(name).unwrap_or_default().to_owned();
        assert!(
            header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=AKID/"),
            "{}",
            header("authorization")
        );
        assert!(header("authorization").contains("/eu-west-1/ssm/aws4_request"));
        assert_eq!(header("x-amz-security-token"), "TOKEN");
    }

    #[tokio::test]
    async fn a_refused_call_is_not_repeated_and_its_fault_holds_no_secret() {
        let named: Named = vec![("APP_SECRET", "/g/app".to_owned())];
        let (never, _) = call(&[(400, r#"{"__type":"AccessDeniedException"}"#)]);
        let fault = never.parameters(&named).await.unwrap_err();
        let fault = kernel::fault::Chain(&fault).to_string();
        assert!(fault.contains("AccessDeniedException"), "{fault}");
    }

    /// deploy.md D9: a burst of cold starts is throttled, and each start outlives it.
    #[tokio::test(start_paused = true)]
    async fn a_throttled_call_is_repeated_with_growing_waits_until_time_is_up() {
        let named: Named = vec![("APP_SECRET", "/g/app".to_owned())];
        let throttled = (400, r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#);
        let (later, _) = call(&[throttled, throttled, (500, "{}"), throttled, (200, ANSWER)]);
        let begun = tokio::time::Instant::now();
        let values = tokio::time::timeout(WITHIN, later.parameters(&named)).await.unwrap();
        assert_eq!(values.unwrap().len(), 1);
        assert!(begun.elapsed() >= FIRST_WAIT / 8 * 15, "{:?}", begun.elapsed());
        let (never, asked) = call(&[throttled; 64]);
        tokio::time::timeout(WITHIN, never.parameters(&named)).await.unwrap_err();
        let asked = asked.1.lock().unwrap().len();
        assert!((5..12).contains(&asked), "{asked}");
    }

    #[test]
    fn an_app_secret_of_less_than_32_bytes_is_refused() {
        let of =
            |text: &'static str| Secrets::given(|name| (name == "APP_SECRET").then(|| text.to_owned())).app_secret();
        assert!(of("").is_err() && of("0123456789abcdef0123456789abcde").is_err());
        assert_eq!(of("0123456789abcdef0123456789abcdef").unwrap().len(), 32);
    }

    #[test]
    fn a_signing_key_is_the_base64_of_32_bytes() {
        let of =
            |text: &'static str| Secrets::given(|name| (name == "SIGNING_KEY").then(|| text.to_owned())).signing_key();
        assert_eq!(of("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=").unwrap(), Some([7; 32]));
        assert!(of("BwcH").is_err() && of("not base64").is_err());
    }
}
