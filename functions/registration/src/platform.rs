//! Public routes of the platform, and the response to unknown routes.

use std::io::Read;
use std::sync::Arc;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, VARY,
};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;
use serde::Serialize;
use serde_json::{Value, json};
use shared::account::model::settings::IdentitySettings;
use shared::affiliate::model::settings::AffiliateSettings;
use shared::app::App;
use shared::edge::forms::SORRY;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::fault::Fault;
use shared::kernel::provider::Provider;
use shared::kernel::refusal::Refusal;
use shared::payment::model::settings::{PaymentSettings, PromotionSettings};
use shared::referral::model::settings::ReferralSettings;
use utoipa::ToSchema;

/// The API document of all functions, compressed; a test keeps it in step with the code.
const OPENAPI: &[u8] = include_bytes!("../openapi.json.gz");
/// The operations of all functions, one per line, each beginning with method and path.
const OPERATIONS: &str = include_str!("../operations.txt");

/// Health of the platform.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    status: &'static str,
    /// Version of the software that responds.
    version: &'static str,
}

/// Health of the platform
#[utoipa::path(
    get, path = "/v1/health", operation_id = "getHealth", tag = "public",
    responses((status = 200, body = Health)),
)]
pub async fn health() -> Reply<Health> {
    Reply::ok(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// The API document
///
/// Compressed for a caller that accepts gzip; 304 for one that has it already. `/docs` is the same as a page for people.
#[utoipa::path(
    get, path = "/v1/openapi.json", operation_id = "getOpenApi", tag = "public",
    responses(
        (status = 200, description = "OpenAPI 3.1", body = Value, headers(
            ("ETag" = String, description = "Version of the document, for `If-None-Match`."),
        )),
        (status = 304, description = "The document is the one that `If-None-Match` names.", headers(
            ("ETag" = String, description = "Version of the document, for `If-None-Match`."),
        )),
    ),
)]
pub async fn openapi(headers: HeaderMap) -> Result<Response, Problem> {
    let tag = document_tag();
    let kind = [(CONTENT_TYPE, "application/json"), (VARY, "accept-encoding"), (ETAG, tag.as_str())];
    if headers.get(IF_NONE_MATCH).and_then(|known| known.to_str().ok()).is_some_and(|known| known.contains(&tag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag.as_str())]).into_response());
    }
    if accepts_gzip(&headers) {
        return Ok((kind, [(CONTENT_ENCODING, "gzip")], OPENAPI).into_response());
    }
    let mut plain = Vec::new();
    let read = GzDecoder::new(OPENAPI).read_to_end(&mut plain);
    read.map_err(|_| Fault::bug("the embedded document does not decompress"))?;
    Ok((kind, plain).into_response())
}

/// The document's `ETag`, weak as it is that of both encodings: a gzip member ends with the checksum and length of its content.
fn document_tag() -> String {
    let end = OPENAPI.last_chunk::<8>().copied().unwrap_or_default();
    format!("W/\"{:016x}\"", u64::from_be_bytes(end))
}

/// True if `Accept-Encoding` accepts gzip with a weight above 0.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let all = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1").parse::<f32>();
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_ok_and(|weight| weight > 0.0)
    })
}

/// True if `Accept` names HTML, with no less weight than JSON.
fn prefers_html(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let all: Vec<&str> = lines.flat_map(|value| value.split(',')).collect();
    let weight = |of: fn(&str) -> bool| {
        let fitting = all.iter().filter(|range| of(range.split(';').next().unwrap_or_default().trim()));
        // As text: `1`, `0.8` and `0.75` compare as the numbers do.
        fitting.map(|range| range.split_once("q=").map_or("1", |(_, weight)| weight.trim())).max().unwrap_or("0")
    };
    let html = weight(|kind| kind.eq_ignore_ascii_case("text/html"));
    let json = weight(|kind| kind.ends_with("/json") || kind.ends_with("+json"));
    html != "0" && html >= json
}

/// The public keys of access tokens
#[utoipa::path(
    get, path = "/.well-known/jwks.json", operation_id = "getJwks", tag = "public",
    responses((status = 200, description = "A JWK set", body = Value)),
)]
pub async fn jwks(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let keys = app.public_keys().await?;
    let jwk = |key: &shared::account::token::PublicKey| json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": key.kid, "x": key.x});
    let keys: Vec<Value> = keys.keys.iter().map(jwk).collect();
    Ok(Json(json!({"keys": keys})))
}

/// Switch of a programme.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProgrammeSwitch)]
pub struct Switch {
    /// True if the programme is switched on.
    enabled: bool,
}

/// Public settings of payments.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublicPayment {
    /// True if orders can be created.
    enabled: bool,
    /// Payment providers that can be used.
    providers: Vec<Provider>,
}

/// Public settings of registration.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublicIdentity {
    /// True if a registration must verify its e-mail address.
    email_verification: bool,
}

/// Settings that are public.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublicSettings {
    referral: Switch,
    affiliate: Switch,
    promotion: Switch,
    payment: PublicPayment,
    identity: PublicIdentity,
}

/// Public settings
#[utoipa::path(
    get, path = "/v1/settings/public", operation_id = "getPublicSettings", tag = "public",
    responses((status = 200, body = PublicSettings)),
)]
pub async fn public_settings(State(app): State<Arc<App>>) -> Result<Reply<PublicSettings>, Problem> {
    let payment = app.settings::<PaymentSettings>().await?.settings;
    let identity = app.settings::<IdentitySettings>().await?.settings;
    let on = |provider: &Provider| payment.provider_enabled(*provider) && app.providers.is_named(*provider);
    let providers = Provider::ALL.iter().filter(|provider| on(provider)).copied().collect();
    Ok(Reply::ok(PublicSettings {
        referral: Switch { enabled: app.settings::<ReferralSettings>().await?.settings.enabled },
        affiliate: Switch { enabled: app.settings::<AffiliateSettings>().await?.settings.enabled },
        promotion: Switch { enabled: app.settings::<PromotionSettings>().await?.settings.enabled },
        payment: PublicPayment { enabled: payment.enabled, providers },
        identity: PublicIdentity { email_verification: identity.email_verification },
    }))
}

/// Respond 405 for a path of any function that accepts other methods, else 404. A browser is led to the page that says so.
pub async fn unknown(method: Method, headers: HeaderMap, OriginalUri(uri): OriginalUri) -> Result<Response, Problem> {
    let is_read = method == Method::GET || method == Method::HEAD;
    if is_read && prefers_html(&headers) && uri.path() != SORRY {
        let page = format!("{SORRY}?status={}", StatusCode::NOT_FOUND.as_u16());
        return Ok((StatusCode::SEE_OTHER, [(LOCATION, page), (CACHE_CONTROL, "no-store".to_owned())]).into_response());
    }
    Err(refused(&uri))
}

fn refused(uri: &Uri) -> Problem {
    let given: Vec<&str> = uri.path().split('/').collect();
    let fits = |path: &str| {
        let path: Vec<&str> = path.split('/').collect();
        let same = |(known, given): (&&str, &&str)| known.starts_with('{') || known == given;
        path.len() == given.len() && path.iter().zip(&given).all(same)
    };
    let operations = OPERATIONS.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?, words.next()?))
    });
    let Some((_, first)) = operations.clone().find(|(_, path)| fits(path)) else { return Refusal::NoSuchRoute.into() };
    let methods: Vec<&str> = operations.filter(|(_, path)| *path == first).map(|(method, _)| method).collect();
    let mut problem = Problem::from(Refusal::MethodNotAllowed).because(format!("It takes {}.", methods.join(", ")));
    problem.allow = Some(methods.join(", "));
    problem
}
