//! The form adapter (C6): turns a page's form post into the JSON request of a route, and its answer into a redirect.
//!
//! A form names what it does in a sealed field, so a page decides which route is asked and a browser can't. The adapter reads the
//! browser session, which bearer routes never see; handlers find it among the request's extensions, where nothing from outside
//! gets. Everything else (authorization, validation, idempotency, audit) is the route's own.

pub mod names;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE, LOCATION, ORIGIN, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower::ServiceExt;

use crate::application::FormHost;
use crate::body::MAX_BODY;
use crate::cookies::{self, Cookies, SameSite};
use crate::problem::Problem;
use crate::sealed;
use kernel::refusal::Refusal;

/// Field that holds the sealed [`Form`].
pub const FORM: &str = "form";
/// Field that holds the random value of one press.
pub const ONCE: &str = "once";
/// Field that holds the version of what is changed.
pub const VERSION: &str = "version";
/// Page of a form that was refused before it could lead back to its own.
pub const SORRY: &str = "/sorry";
/// Page that asks for the password once more.
pub const CONFIRM: &str = "/confirm-password";
/// Most characters of a flash message as its cookie has it; browsers keep 4096 with the name.
const MAX_FLASH: usize = 3_500;
/// Most bytes of an answer that is read for its id or its refusal.
const MAX_ANSWER: usize = 1024 * 1024;
/// Life of a flash message in seconds.
const FLASH_SECONDS: i64 = 120;
/// Fields whose entries are never kept, by the last part of their names.
const NEVER_KEPT: [&str; 7] = ["password", "current", "new", "account", "secret", "codes", "totp"];

/// Purpose of a form: sealed into it, never read by a browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// Browser session that the page was rendered for; none before sign-in.
    pub session: Option<String>,
    /// Method of the route.
    pub method: String,
    /// Path of the route.
    pub path: String,
    /// Page to go to afterwards, in which `{id}` stands for the id in the answer.
    pub done: String,
    /// Page to come back to with what was refused.
    pub back: String,
    /// Code of what to say on the page `done`, if anything.
    pub said: Option<String>,
    /// Random value of one press, of a form whose button carries all of it.
    #[serde(default)]
    pub once: Option<String>,
}

impl Form {
    /// Seals the form.
    pub fn seal(&self, host: &impl FormHost) -> Option<String> {
        sealed::seal(host.secret(), "form", host.nonce(), &serde_json::to_vec(self).ok()?)
    }

    fn open(host: &impl FormHost, text: &str) -> Option<Self> {
        serde_json::from_slice(&sealed::open(host.secret(), "form", text)?).ok()
    }
}

/// Message to the next page (C6.8).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// Path of the page that it is for.
    pub page: String,
    /// Path of the route whose form it is about.
    #[serde(default)]
    pub form: String,
    /// Code of a refusal, a fault, or what was done.
    pub code: String,
    /// True if the form was not carried out.
    pub refused: bool,
    /// Pointer and code of each wrong field.
    #[serde(default)]
    pub errors: Vec<(String, String)>,
    /// Entries of the form by field name, without secrets.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// True if the entries were too long to keep.
    #[serde(default)]
    pub shortened: bool,
    /// Value of the press to repeat, after an unknown outcome.
    #[serde(default)]
    pub once: Option<String>,
    /// Seconds to wait.
    #[serde(default)]
    pub wait: Option<u32>,
    /// Facts to tell, by name.
    #[serde(default)]
    pub facts: BTreeMap<String, String>,
    /// Message to another page, which waits while the password is asked for and wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<Box<Self>>,
}

impl Flash {
    /// The cookie that carries the message.
    pub fn cookie(&self, host: &impl FormHost) -> Option<HeaderValue> {
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
        packer.write_all(&serde_json::to_vec(self).ok()?).ok()?;
        let sealed = sealed::seal(host.secret(), "flash", host.nonce(), &packer.finish().ok()?)?;
        if sealed.len() > MAX_FLASH && !self.shortened {
            return self.clone().shortened().cookie(host);
        }
        cookies::set(cookies::FLASH, &sealed, SameSite::Strict, FLASH_SECONDS)
    }

    /// The message without entries.
    fn shortened(self) -> Self {
        let behind = self.behind.map(|behind| Box::new(behind.shortened()));
        Self { values: BTreeMap::new(), shortened: true, behind, ..self }
    }

    /// The message for the page at `path`, if the request carries one.
    pub fn of(host: &impl FormHost, cookies: &Cookies, path: &str) -> Option<Self> {
        Self::carried(host, cookies).filter(|flash| page_of(&flash.page) == path)
    }

    fn carried(host: &impl FormHost, cookies: &Cookies) -> Option<Self> {
        let packed = sealed::open(host.secret(), "flash", cookies.get(cookies::FLASH)?)?;
        serde_json::from_reader(DeflateDecoder::new(packed.as_slice())).ok()
    }

    /// The message of a form that waits behind the page that asks for the password.
    fn waiting(host: &impl FormHost, cookies: &Cookies, form: &Form) -> Option<Box<Self>> {
        let carried = Self::carried(host, cookies).filter(|_| page_of(&form.back) == CONFIRM)?;
        if page_of(&carried.page) == CONFIRM { carried.behind } else { Some(Box::new(carried)) }
    }
}

fn page_of(target: &str) -> &str {
    target.split(['?', '#']).next().unwrap_or_default()
}

/// Form post, for handlers that only forms reach (C6.9).
#[derive(Debug, Clone)]
pub struct FormPost {
    pub form: Form,
    pub cookies: Cookies,
}

/// Outcome that such a handler adds to its response's extensions.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Page to go to instead of the form's.
    pub to: Option<String>,
    /// Code of what to say there, and facts to tell.
    pub said: Option<(String, BTreeMap<String, String>)>,
}

/// State of the adapter: the routes behind it and the application.
struct Adapter<A> {
    routes: Router,
    host: Arc<A>,
}

impl<A> Clone for Adapter<A> {
    fn clone(&self) -> Self {
        Self { routes: self.routes.clone(), host: Arc::clone(&self.host) }
    }
}

/// The adapter in front of `routes`.
pub fn adapter<A: FormHost>(routes: Router, host: Arc<A>) -> Router {
    Router::new().route("/forms/{function}/{*path}", post(adapt::<A>)).with_state(Adapter { routes, host })
}

/// Adapts a form; what can't lead back to its page leads a browser to the page of refusals.
async fn adapt<A: FormHost>(State(adapter): State<Adapter<A>>, request: Request) -> Result<Response, Problem> {
    let accepted = request.headers().get(ACCEPT).and_then(|line| line.to_str().ok()).unwrap_or_default();
    let is_page = accepted.split(',').any(|one| one.trim().starts_with("text/html"));
    match adapted(&adapter, request).await {
        Err(problem) if is_page => Ok(redirect(&format!("{SORRY}?status={}", problem.status), None)),
        answer => answer,
    }
}

async fn adapted<A: FormHost>(adapter: &Adapter<A>, request: Request) -> Result<Response, Problem> {
    let host = &*adapter.host;
    must_be_own(host, request.headers())?;
    let cookies = Cookies::of(request.headers());
    let path = request.uri().path().splitn(4, '/').nth(3).map(|rest| format!("/{rest}")).unwrap_or_default();
    let mut fields = fields(request).await?;
    let mut take = |name: &str| {
        let at = fields.iter().position(|(known, _)| known == name)?;
        Some(fields.remove(at).1)
    };
    let (sealed, once, version) = (take(FORM), take(ONCE), take(VERSION));
    let form = sealed.and_then(|text| Form::open(host, &text)).filter(|form| page_of(&form.path) == path);
    let form = form.ok_or(Refusal::Forbidden)?;
    let once = once.or_else(|| form.once.clone());
    let session = match &form.session {
        None => None,
        Some(bound) => match host.session(&cookies, &form.path).await? {
            None => return Ok(redirect(&sign_in(&form.back), None)),
            Some((id, session)) if id == *bound => Some(session),
            Some(_) => return Err(Refusal::Forbidden.into()),
        },
    };
    let body = names::object(&fields);
    // The page that comes again goes on from the version that was read.
    fields.extend(version.clone().map(|version| (VERSION.to_owned(), version)));
    let admitted = session.as_ref().map(|session| host.admits(session, &cookies, &form.method, &form.path));
    if let Some(Err(refusal)) = admitted {
        // The message waits for its page, with the entries, until the password is there.
        let mut response = refused(host, &form, Told::of(refusal), &fields, once);
        lead(&mut response, &with_next(CONFIRM, &form.back));
        return Ok(response);
    }
    let body = match body {
        Ok(body) => body,
        Err(refusal @ Refusal::Invalid(_)) => {
            return Ok(refused(host, &form, Told::of(refusal), &fields, once));
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let mut asked = asked(&form, once.as_deref(), version.as_deref(), &body)?;
    if let Some(session) = session {
        asked.extensions_mut().insert(session);
    }
    let waiting = Flash::waiting(host, &cookies, &form);
    asked.extensions_mut().insert(FormPost { form: form.clone(), cookies });
    let answer = match adapter.routes.clone().oneshot(asked).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    Ok(finish(host, &form, answer, &fields, (once, waiting)).await)
}

/// Requires that a page of ours sent the form (C5.4).
fn must_be_own(host: &impl FormHost, headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let own = match text(HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == "same-origin",
        None => text(ORIGIN) == Some(host.base_url()),
    };
    if own { Ok(()) } else { Err(Refusal::Forbidden) }
}

async fn fields(request: Request) -> Result<Vec<(String, String)>, Problem> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/x-www-form-urlencoded") {
        return Err(Refusal::UnsupportedMediaType.into());
    }
    let bytes = to_bytes(request.into_body(), MAX_BODY).await.map_err(|_| Refusal::BodyTooLarge)?;
    Ok(form_urlencoded::parse(&bytes).into_owned().collect())
}

/// The JSON request of the form's route.
fn asked(form: &Form, once: Option<&str>, version: Option<&str>, body: &Value) -> Result<Request, Refusal> {
    let method = Method::from_bytes(form.method.as_bytes()).map_err(|_| Refusal::MalformedRequest)?;
    let has_body =
        method != Method::GET && !(method == Method::DELETE && body.as_object().is_some_and(|all| all.is_empty()));
    let mut request = Request::builder().method(method).uri(form.path.as_str());
    if let Some(once) = once.filter(|once| !once.is_empty()) {
        request = request.header("idempotency-key", format!("page:{once}"));
    }
    if let Some(version) = version {
        request = request.header("if-match", version);
    }
    let body = if has_body { Body::from(body.to_string()) } else { Body::empty() };
    let request = request.header(CONTENT_TYPE, "application/json").body(body);
    request.map_err(|_| Refusal::MalformedRequest)
}

/// Refusal of a route.
struct Told {
    status: u16,
    flash: Flash,
}

impl Told {
    /// A refusal of the adapter itself.
    fn of(refusal: Refusal) -> Self {
        let problem = Problem::from(refusal);
        Self { status: problem.status, flash: Flash::default() }.with(&serde_json::to_value(problem))
    }

    fn with(mut self, problem: &Result<Value, serde_json::Error>) -> Self {
        let Ok(problem) = problem else { return self };
        let text = |at: &Value, name: &str| at.get(name).and_then(Value::as_str).map(str::to_owned);
        self.flash.code = text(problem, "code").unwrap_or_else(|| "unavailable".to_owned());
        let errors = problem.get("errors").and_then(Value::as_array).into_iter().flatten();
        self.flash.errors = errors.filter_map(|error| Some((text(error, "pointer")?, text(error, "code")?))).collect();
        for fact in ["amount", "threshold", "package_id", "instance"] {
            self.flash.facts.extend(text(problem, fact).map(|value| (fact.to_owned(), value)));
        }
        self
    }
}

async fn finish<A: FormHost>(
    host: &A,
    form: &Form,
    answer: Response,
    fields: &[(String, String)],
    (once, behind): (Option<String>, Option<Box<Flash>>),
) -> Response {
    let (parts, body) = answer.into_parts();
    let set: Vec<HeaderValue> = parts.headers.get_all(SET_COOKIE).iter().cloned().collect();
    let wait = parts.headers.get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse().ok());
    let read = to_bytes(body, MAX_ANSWER).await.unwrap_or_default();
    let document = serde_json::from_slice::<Value>(&read);
    let mut response = if parts.status.is_success() {
        done(host, form, parts.extensions.get::<Outcome>(), document.ok().as_ref())
    } else if parts.status == StatusCode::UNAUTHORIZED && form.session.is_some() {
        redirect(&sign_in(&form.back), None)
    } else {
        let flash = Flash { wait, behind, ..Flash::default() };
        let told = Told { status: parts.status.as_u16(), flash }.with(&document);
        let confirms = told.flash.code == Refusal::SecondFactorRequired.code();
        let mut response = refused(host, form, told, fields, once);
        if confirms {
            // As for a password: the message waits for its page, with the entries, until the second factor is there.
            lead(&mut response, &with_next(CONFIRM, &form.back));
        }
        response
    };
    for cookie in set {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

fn done(host: &impl FormHost, form: &Form, outcome: Option<&Outcome>, document: Option<&Value>) -> Response {
    let id = document.and_then(|document| document.get("id")).and_then(Value::as_str).unwrap_or_default();
    let to = outcome.and_then(|outcome| outcome.to.clone()).unwrap_or_else(|| form.done.replace("{id}", id));
    let said = outcome.and_then(|outcome| outcome.said.clone());
    let said = said.or_else(|| form.said.clone().map(|code| (code, secrets(document))));
    let flash = said.map(|(code, facts)| Flash { page: to.clone(), code, facts, ..Flash::default() });
    redirect(&to, flash.and_then(|flash| flash.cookie(host)))
}

/// Secrets that an answer shows once, which the page that comes after shows once.
fn secrets(document: Option<&Value>) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::Array(lines) => {
            Some(lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")).filter(|text| !text.is_empty())
        }
        other => other.as_str().map(str::to_owned),
    };
    let of = |name: &str| Some((name.to_owned(), text(document?.get(name)?)?));
    ["key", "secret", "recovery_codes"].into_iter().filter_map(of).collect()
}

fn refused(
    host: &impl FormHost,
    form: &Form,
    told: Told,
    fields: &[(String, String)],
    once: Option<String>,
) -> Response {
    let values = fields.iter().filter(|(name, _)| is_kept(name)).cloned().collect();
    // Only an unknown outcome is asked for again; whatever else was refused is another press.
    let once = once.filter(|_| told.status == 503);
    let (page, form_path) = (form.back.clone(), form.path.clone());
    let flash = Flash { page, form: form_path, refused: true, values, once, ..told.flash };
    redirect(&form.back, flash.cookie(host))
}

/// True if the entry of a field may travel back to its page.
fn is_kept(name: &str) -> bool {
    let last = name.split(':').next().and_then(|path| path.rsplit('.').next()).unwrap_or_default();
    !NEVER_KEPT.contains(&last)
}

fn sign_in(next: &str) -> String {
    with_next("/sign-in", next)
}

/// A page that leads on to another one.
fn with_next(page: &str, next: &str) -> String {
    format!("{page}?{}", form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish())
}

/// Leads a response elsewhere.
fn lead(response: &mut Response, to: &str) {
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, to);
}

fn redirect(to: &str, flash: Option<HeaderValue>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    lead(&mut response, to);
    response.headers_mut().insert("cache-control", HeaderValue::from_static("no-store"));
    if let Some(flash) = flash {
        response.headers_mut().append(SET_COOKIE, flash);
    }
    response
}
