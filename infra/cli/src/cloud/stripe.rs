//! `stripe connect`: the webhook endpoint at Stripe, with exactly the events that are handled, and its secret in SSM.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt, Limited};
use serde_json::{Value, json};
use shared::kernel::fault::Chain;
use shared::payment::gateway::http::internet;
use shared::payment::gateway::stripe::API_VERSION;
use shared::payment::gateway::stripe::event::HANDLED;
use shared::table::aws::Environment;

use super::Cloud;
use crate::Ended;
use crate::output::Out;
use crate::sheet::Sheet;
use crate::trouble::Trouble;

/// Time that Stripe may take for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most bytes of an answer.
const MAX_ANSWER: usize = 1024 * 1024;
/// Endpoints that are looked at; Stripe allows 16.
const ENDPOINTS: &str = "/v1/webhook_endpoints";
const KEY: &str = "STRIPE_SECRET_KEY";
const SECRET: &str = "STRIPE_WEBHOOK_SECRET";

/// Stripe's API, as the operator.
struct Stripe {
    connector: SharedHttpConnector,
    base: String,
    key: String,
}

/// Makes the endpoint or brings its events up to date, and stores its secret.
///
/// # Rejects
/// A stack that is not deployed or has no secret key, and an endpoint whose secret is not stored unless it is to be replaced.
pub async fn connect(
    replace: bool,
    cloud: &Cloud,
    environment: &dyn Environment,
    out: &mut Out<'_>,
) -> Result<Ended, Trouble> {
    let mut sheet = Sheet::default();
    let outputs = cloud.outputs()?;
    let url = outputs.get("StripeWebhookUrl");
    let url = url.ok_or_else(|| Trouble::Usage("the stack has no output StripeWebhookUrl: deploy it again".into()))?;
    let (key, secret) = stored(cloud)?;
    let key = environment.get(KEY).or(key).ok_or_else(|| {
        let said = "is neither set nor stored: read it into that variable, and let guerdon setup store it";
        Trouble::Usage(format!("{KEY} {said}"))
    })?;
    let base = cloud.given("StripeApiUrl")?.unwrap_or_else(|| "https://api.stripe.com".to_owned());
    let stripe = Stripe { connector: internet(PATIENCE), base, key };
    let known = stripe.endpoint(url).await?;
    match (&known, &secret) {
        (Some(endpoint), Some(_)) if !replace => {
            let id = id_of(endpoint)?;
            if events_of(endpoint) == sorted(HANDLED.iter().copied())
                && endpoint.get("status") == Some(&json!("enabled"))
            {
                sheet.ok("endpoint", format!("{id} sends what is handled to {url}"));
            } else {
                let mut fields = events();
                fields.push(("disabled".to_owned(), "false"));
                stripe.post(&format!("{ENDPOINTS}/{id}"), &fields, cloud, out).await?;
                sheet.ok("endpoint", format!("{id} is brought up to date"));
            }
            return sheet.print(out);
        }
        (Some(endpoint), None) if !replace => {
            let said = "and Stripe shows a secret only once: --replace makes another endpoint and deletes this one";
            return Err(Trouble::Usage(format!(
                "{} is at {url} already, its secret is not stored, {said}",
                id_of(endpoint)?
            )));
        }
        _ => {}
    }
    let description = format!("Guerdon, stack {}", cloud.stack);
    let mut fields = events();
    let own = [("url", url.as_str()), ("api_version", API_VERSION), ("description", description.as_str())];
    fields.extend(own.map(|(name, value)| (name.to_owned(), value)));
    let made = stripe.post(ENDPOINTS, &fields, cloud, out).await?;
    if let Some(secret) = &secret {
        // Both verify until the old one is removed.
        store(cloud, &format!("{SECRET}_PREVIOUS"), secret, out)?;
    }
    let of = made.as_ref().and_then(|made| made.get("secret")).and_then(Value::as_str);
    match (of, cloud.is_dry()) {
        (Some(secret), _) => store(cloud, SECRET, secret, out)?,
        (None, true) => store(cloud, SECRET, "", out)?,
        (None, false) => {
            return Err(Trouble::Failed("Stripe's answer has no secret; delete the endpoint there".into()));
        }
    }
    if let Some(old) = &known {
        stripe.delete(&format!("{ENDPOINTS}/{}", id_of(old)?), cloud, out).await?;
    }
    let done = if cloud.is_dry() { "would be made" } else { "is made, and its secret stored" };
    sheet.ok("endpoint", format!("{url} {done}"));
    let advice = "guerdon setup Generation=2, or any other text, and guerdon deploy";
    sheet.warn("functions", "they read secrets when they start", advice);
    sheet.print(out)
}

/// The secret key and the webhook's secret, as far as they are stored.
fn stored(cloud: &Cloud) -> Result<(Option<String>, Option<String>), Trouble> {
    let (key, secret) = (cloud.parameter(KEY), cloud.parameter(SECRET));
    let answer = cloud.ask(&["ssm", "get-parameters", "--with-decryption", "--names", &key, &secret])?;
    let known = answer.get("Parameters").and_then(Value::as_array).cloned().unwrap_or_default();
    let of = |name: &str| {
        let one = known.iter().find(|parameter| parameter.get("Name") == Some(&json!(name)))?;
        Some(one.get("Value")?.as_str()?.to_owned())
    };
    Ok((of(&key), of(&secret)))
}

fn store(cloud: &Cloud, secret: &str, value: &str, out: &mut Out<'_>) -> Result<(), Trouble> {
    let name = cloud.parameter(secret);
    // By standard input: other processes can read a command line.
    let words = ["ssm", "put-parameter", "--type", "SecureString", "--name", &name, "--value", "file:///dev/stdin"];
    cloud.change(&[words.as_slice(), &["--overwrite"]].concat(), Some(value), out)
}

/// The form field of each event.
fn events() -> Vec<(String, &'static str)> {
    HANDLED.iter().enumerate().map(|(index, kind)| (format!("enabled_events[{index}]"), *kind)).collect()
}

fn sorted<'a>(of: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut all: Vec<&str> = of.collect();
    all.sort_unstable();
    all
}

fn events_of(endpoint: &Value) -> Vec<&str> {
    let all = endpoint.get("enabled_events").and_then(Value::as_array);
    sorted(all.into_iter().flatten().filter_map(Value::as_str))
}

fn id_of(endpoint: &Value) -> Result<&str, Trouble> {
    let id = endpoint.get("id").and_then(Value::as_str);
    id.ok_or_else(|| Trouble::Failed("Stripe told of an endpoint without an id".to_owned()))
}

impl Stripe {
    /// The endpoint at this address.
    async fn endpoint(&self, url: &str) -> Result<Option<Value>, Trouble> {
        let listed = self.send("GET", &format!("{ENDPOINTS}?limit=100"), None).await?;
        let all = listed.get("data").and_then(Value::as_array);
        Ok(all.into_iter().flatten().find(|one| one.get("url") == Some(&json!(url))).cloned())
    }

    /// Sends a POST request once it is printed; `None` if nothing is to be changed.
    async fn post(
        &self,
        path: &str,
        fields: &[(String, &str)],
        cloud: &Cloud,
        out: &mut Out<'_>,
    ) -> Result<Option<Value>, Trouble> {
        let words: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.printed("POST", path, &words.join(" "), cloud, out)?;
        if cloud.is_dry() {
            return Ok(None);
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send("POST", path, Some(body)).await.map(Some)
    }

    async fn delete(&self, path: &str, cloud: &Cloud, out: &mut Out<'_>) -> Result<(), Trouble> {
        self.printed("DELETE", path, "", cloud, out)?;
        if cloud.is_dry() { Ok(()) } else { self.send("DELETE", path, None).await.map(drop) }
    }

    fn printed(&self, method: &str, path: &str, words: &str, cloud: &Cloud, out: &mut Out<'_>) -> Result<(), Trouble> {
        let line = format!("{} {method} {}{path} {words}", cloud.sign(), self.base);
        out.note(line.trim_end())
    }

    async fn send(&self, method: &str, path: &str, form: Option<String>) -> Result<Value, Trouble> {
        let url = format!("{}{path}", self.base);
        let wrong = || Trouble::Usage(format!("{url} is no address"));
        let mut request = http::Request::builder().method(method).uri(&url);
        request = request.header("authorization", format!("Bearer {}", self.key)).header("stripe-version", API_VERSION);
        if form.is_some() {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        let request = request.body(form.map_or_else(SdkBody::empty, SdkBody::from)).map_err(|_| wrong())?;
        let request = HttpRequest::try_from(request).map_err(|_| wrong())?;
        let unreachable = |error| Trouble::Unreachable(format!("Stripe can't be reached: {}", Chain(&error)));
        let mut response = self.connector.call(request).await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let broken = |_| Trouble::Unreachable("the connection to Stripe broke in the middle of the answer".to_owned());
        let body = Limited::new(response.take_body(), MAX_ANSWER).collect().await.map_err(broken)?.to_bytes();
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        if (200..300).contains(&status) {
            return Ok(answer);
        }
        let said = answer.pointer("/error/message").and_then(Value::as_str).unwrap_or("without a reason");
        Err(Trouble::Failed(format!("Stripe answers {status} to {method} {path}: {said}")))
    }
}
