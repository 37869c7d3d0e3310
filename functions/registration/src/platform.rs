//! What is public about the platform, and the answer to what no route takes.

use std::sync::{Arc, LazyLock};

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use shared::account::token::PublicKeys;
use shared::app::App;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::provider::Provider;
use shared::kernel::refusal::Refusal;
use shared::operations::model::settings::{
    AffiliateSettings, IdentitySettings, PaymentSettings, PromotionSettings, ReferralSettings,
};
use utoipa::ToSchema;

/// The document of all functions' routes; a test keeps it what the code says.
const OPENAPI: &str = include_str!("../openapi.json");

/// Whether the platform answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    status: &'static str,
    /// The version that answers.
    version: &'static str,
}

/// Whether the platform answers
#[utoipa::path(
    get, path = "/v1/health", operation_id = "getHealth", tag = "public",
    responses((status = 200, body = Health)),
)]
pub async fn health() -> Reply<Health> {
    Reply::ok(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// This description of the API
#[utoipa::path(
    get, path = "/v1/openapi.json", operation_id = "getOpenApi", tag = "public",
    responses((status = 200, description = "OpenAPI 3.1", body = Value)),
)]
pub async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

/// The public keys of access tokens
#[utoipa::path(
    get, path = "/.well-known/jwks.json", operation_id = "getJwks", tag = "public",
    responses((status = 200, description = "A JWK set", body = Value)),
)]
pub async fn jwks(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let keys = app.store.get::<PublicKeys>(&PublicKeys::key()).await?;
    let jwk = |key: &shared::account::token::PublicKey| json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": key.kid, "x": key.x});
    let keys: Vec<Value> = keys.iter().flat_map(|keys| keys.keys.iter().map(jwk)).collect();
    Ok(Json(json!({"keys": keys})))
}

/// A programme's switch.
#[derive(Debug, Serialize, ToSchema)]
pub struct Switch {
    enabled: bool,
}

/// Top-ups.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublicPayment {
    enabled: bool,
    /// Which providers can be used.
    providers: Vec<&'static str>,
}

/// Sign-up.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublicIdentity {
    email_verification: bool,
}

/// What anybody may know of the settings.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublicSettings {
    referral: Switch,
    affiliate: Switch,
    promotion: Switch,
    payment: PublicPayment,
    identity: PublicIdentity,
}

/// What anybody may know of the settings
#[utoipa::path(
    get, path = "/v1/settings/public", operation_id = "getPublicSettings", tag = "public",
    responses((status = 200, body = PublicSettings)),
)]
pub async fn public_settings(State(app): State<Arc<App>>) -> Result<Reply<PublicSettings>, Problem> {
    let payment = app.settings::<PaymentSettings>().await?.settings;
    let identity = app.settings::<IdentitySettings>().await?.settings;
    let on = |provider: &Provider| payment.provider_enabled(*provider) && app.providers.has(*provider);
    let providers = Provider::ALL.iter().filter(|provider| on(provider)).map(|provider| provider.as_str()).collect();
    Ok(Reply::ok(PublicSettings {
        referral: Switch { enabled: app.settings::<ReferralSettings>().await?.settings.enabled },
        affiliate: Switch { enabled: app.settings::<AffiliateSettings>().await?.settings.enabled },
        promotion: Switch { enabled: app.settings::<PromotionSettings>().await?.settings.enabled },
        payment: PublicPayment { enabled: payment.enabled, providers },
        identity: PublicIdentity { email_verification: identity.email_verification },
    }))
}

/// Every path with its methods.
static PATHS: LazyLock<Vec<(Vec<String>, String)>> = LazyLock::new(|| {
    let document: Value = serde_json::from_str(OPENAPI).unwrap_or_default();
    let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
    paths
        .map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten().map(|(method, _)| method.to_uppercase());
            (path.split('/').map(str::to_owned).collect(), methods.collect::<Vec<_>>().join(", "))
        })
        .collect()
});

/// 405 for a path that takes other methods, whichever function it belongs to; else 404.
pub async fn unknown(OriginalUri(uri): OriginalUri) -> Problem {
    let given: Vec<&str> = uri.path().split('/').collect();
    let fits = |path: &[String]| {
        let same = |(wanted, given): (&String, &&str)| wanted.starts_with('{') || wanted == given;
        path.len() == given.len() && path.iter().zip(&given).all(same)
    };
    match PATHS.iter().find(|(path, _)| fits(path)) {
        Some((_, methods)) => {
            let mut problem = Problem::from(Refusal::MethodNotAllowed);
            problem.allow = Some(methods.clone());
            problem
        }
        None => Refusal::NotFound.into(),
    }
}
