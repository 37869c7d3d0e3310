//! Visits: who asks for a page, in which language, and with which message from a form.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use axum::http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use form_urlencoded::{Serializer, parse};
use maud::{Markup, html};
use shared::account::browser::{self, NamedSession, Visitor};
use shared::affiliate::model::settings::AffiliateSettings;
use shared::app::App;
use shared::edge::cookies::{Cookies, SESSION};
use shared::edge::forms::{FORM, Flash, Form, ONCE};
use shared::kernel::fault::Fault;
use shared::kernel::id::UserId;
use shared::kernel::refusal::Refusal;
use shared::table::read::Keys;

use crate::admin::filters::Days;
use crate::brand::Brand;
use crate::frame;
use crate::list::Part;
use crate::text::{Language, Texts};

/// Life of a preference in seconds.
const YEAR: u32 = 365 * 24 * 3_600;

/// Visit of a page.
pub struct Visit {
    pub app: Arc<App>,
    pub language: Language,
    pub text: Texts,
    /// `light` or `dark`; as the device without.
    pub theme: Option<&'static str>,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub flash: Option<Flash>,
    /// Errors of the query, said as a refused form would say them.
    pub wrong: Option<Flash>,
    /// Signed-in user; nobody on the pages before sign-in, which do not ask.
    pub visitor: Option<Visitor>,
    /// Name, look and links of the operator.
    pub brand: Brand,
    /// True if the affiliate programme concerns the visitor.
    pub has_affiliate: bool,
    /// Cookies that the page sets.
    pub set: Vec<HeaderValue>,
}

/// Visit of a signed-in user; anybody else is led to the sign-in page.
pub struct Member(pub Visit);

impl Visit {
    async fn new(parts: &Parts, app: &Arc<App>) -> Self {
        let brand = Brand::of(app).await;
        let cookies = Cookies::of(&parts.headers);
        let language = Language::choose(&parts.headers, &cookies, None, &brand.settings.default_language);
        let theme = ["light", "dark"].into_iter().find(|theme| cookies.get("theme") == Some(theme));
        let path = parts.uri.path().to_owned();
        Self {
            text: language.texts(),
            flash: Flash::of(&**app, &cookies, &path),
            wrong: None,
            query: parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect(),
            headers: parts.headers.clone(),
            app: Arc::clone(app),
            language,
            theme,
            path,
            visitor: None,
            brand,
            has_affiliate: false,
            set: Vec::new(),
        }
    }

    /// The visit of a signed-in user; for anybody else the way to the sign-in page.
    pub async fn of_member(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let arrival = Arrival::from_request_parts(parts, app).await?;
        arrival.member().await.map_err(IntoResponse::into_response)
    }

    /// The same visit without a message, for a part that is shown as after another one.
    pub fn again(&self) -> Self {
        Self {
            app: Arc::clone(&self.app),
            language: self.language,
            text: self.language.texts(),
            theme: self.theme,
            path: self.path.clone(),
            query: self.query.clone(),
            headers: self.headers.clone(),
            flash: None,
            wrong: None,
            visitor: None,
            brand: self.brand.clone(),
            has_affiliate: self.has_affiliate,
            set: Vec::new(),
        }
    }

    /// Takes up the visitor, whose language goes before the browser's.
    async fn enter(&mut self, visitor: Visitor) -> Result<(), Fault> {
        let (cookies, own) = (Cookies::of(&self.headers), visitor.user.locale.as_deref());
        self.language = Language::choose(&self.headers, &cookies, own, &self.brand.settings.default_language);
        self.text = self.language.texts();
        // While the programme is off, it concerns those who may have earned by a code.
        let has_code = visitor.user.invite_code.is_some();
        self.visitor = Some(visitor);
        self.has_affiliate = self.app.settings::<AffiliateSettings>().await?.settings.enabled || has_code;
        Ok(())
    }

    /// The signed-in user.
    ///
    /// # Errors
    /// A bug, on a page that does not ask who visits it.
    pub fn member(&self) -> Result<&Visitor, Fault> {
        self.visitor.as_ref().ok_or_else(|| Fault::bug("a page of a user without one"))
    }

    /// The signed-in user.
    ///
    /// # Errors
    /// The page of the fault, as [`Self::member`].
    pub fn signed_in(&self) -> Result<&Visitor, Instead> {
        self.member().map_err(|fault| failed(self, &fault).into())
    }

    /// Notes what is wrong with the query, told as a refused form tells it.
    pub fn refuse(&mut self, refusal: &Refusal) {
        let errors = match refusal {
            Refusal::Invalid(errors) => errors.as_slice(),
            _ => &[],
        };
        let errors = errors.iter().map(|error| (error.pointer.clone(), error.code.to_owned())).collect();
        self.wrong = Some(Flash { code: refusal.code().to_owned(), refused: true, errors, ..Flash::default() });
    }

    /// A parameter of the query.
    pub fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// This page with other parameters, from its first part on; an empty value leaves a parameter out.
    pub fn anew(&self, changes: &[(&str, &str)]) -> String {
        let is_kept = |name: &str| name != "cursor" && changes.iter().all(|(changed, _)| *changed != name);
        let kept = self.query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let all = kept.filter(|(name, _)| is_kept(name)).chain(changes.iter().copied());
        link(&self.path, all)
    }

    /// This page with another parameter.
    pub fn with(&self, name: &str, value: &str) -> String {
        let kept = self.query.iter().filter(|(known, _)| known != name);
        let all = kept.map(|(name, value)| (name.as_str(), value.as_str())).chain([(name, value)]);
        link(&self.path, all)
    }

    /// Entry of the form that was refused.
    pub fn entered(&self, name: &str) -> Option<&str> {
        self.refused()?.values.get(name).map(String::as_str)
    }

    /// The refusal of the form that led back here.
    pub fn refused(&self) -> Option<&Flash> {
        self.wrong.as_ref().or_else(|| self.flash.as_ref().filter(|flash| flash.refused))
    }

    /// The code of a field's error.
    pub fn error_at(&self, pointer: &str) -> Option<&str> {
        let errors = &self.refused()?.errors;
        errors.iter().find(|(at, _)| at == pointer).map(|(_, code)| code.as_str())
    }

    fn form(&self, method: &str, path: &str, done: &str, back: &str, said: Option<&str>) -> Form {
        Form {
            session: self.visitor.as_ref().map(|visitor| visitor.session.claims.sid.to_string()),
            method: method.to_owned(),
            path: path.to_owned(),
            done: done.to_owned(),
            back: back.to_owned(),
            said: said.map(str::to_owned),
            once: None,
        }
    }

    /// The random value of one press of a route's form; after an unknown outcome the same press is asked for again (C6.6), and
    /// the page's other forms are presses of their own.
    fn once(&self, path: &str) -> String {
        let repeated = self.refused().filter(|flash| flash.form == path).and_then(|flash| flash.once.clone());
        repeated.unwrap_or_else(|| self.app.ulid().to_string())
    }

    /// Hidden fields of a form (C6.3).
    pub fn sealed(&self, method: &str, path: &str, done: &str, back: &str, said: Option<&str>) -> Markup {
        html! {
            input type="hidden" name=(FORM) value=[self.form(method, path, done, back, said).seal(&*self.app)];
            input type="hidden" name=(ONCE) value=(self.once(path));
        }
    }

    /// Value of a button `form` that carries all of it, in a form that another button sends to a page: there it is no part.
    pub fn sealed_button(&self, path: &str, done: &str, back: &str) -> Option<String> {
        self.sealed_button_for("POST", path, done, back, None)
    }

    /// Value of such a button for another method, and with something to say afterwards.
    pub fn sealed_button_for(
        &self,
        method: &str,
        path: &str,
        done: &str,
        back: &str,
        said: Option<&str>,
    ) -> Option<String> {
        Form { once: Some(self.once(path)), ..self.form(method, path, done, back, said) }.seal(&*self.app)
    }
}

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        Ok(Self::new(parts, app).await)
    }
}

/// Visit of whoever a signed cookie names, before they are read: a page reads them and what it is made of at the same time (C2.5).
pub struct Arrival {
    visit: Visit,
    named: NamedSession,
    next: String,
}

/// Answer in place of a page.
pub struct Instead(Box<Response>);

impl From<Response> for Instead {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl IntoResponse for Instead {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl Arrival {
    /// User whom the cookie names. Nothing of theirs is shown before [`Self::member`] has found their session.
    pub fn user(&self) -> UserId {
        self.named.user()
    }

    /// The application, for reads beside that of the visitor.
    pub fn app(&self) -> Arc<App> {
        Arc::clone(&self.visit.app)
    }

    /// A parameter of the query.
    pub fn asked(&self, name: &str) -> Option<&str> {
        self.visit.asked(name)
    }

    /// The days of the query's `from` and `to`; without one, the last `days`.
    ///
    /// # Errors
    /// `invalid` at a field that is no day.
    pub fn days(&self, days: Option<i64>) -> Result<Days, Refusal> {
        Days::of(&self.visit, days)
    }

    /// The part of the visitor's own list that the query names in this parameter; the first without it.
    ///
    /// # Errors
    /// The page of a refusal, for a cursor of another list, another user, or nobody.
    pub async fn part(self, parameter: &'static str, filter: &str) -> Result<(Self, Part), Instead> {
        match Part::of(&self.visit, self.user(), parameter, filter) {
            Ok(part) => Ok((self, part)),
            Err(refusal) => Err(frame::refused(&self.member().await?, &refusal).into()),
        }
    }

    /// Reads the visitor.
    ///
    /// # Errors
    /// The answer in place of the page: sign-in for somebody whose session is over.
    pub async fn member(self) -> Result<Visit, Instead> {
        Ok(self.member_with(()).await?.0)
    }

    /// Reads the visitor, and more items in the same call.
    ///
    /// # Errors
    /// As [`Self::member`].
    pub async fn member_with<K: Keys>(self, more: K) -> Result<(Visit, K::Found), Instead> {
        let Self { mut visit, named, next } = self;
        match named.visitor_with(&visit.app, more).await {
            Ok(Some((visitor, found))) => match visit.enter(visitor).await {
                Ok(()) => Ok((visit, found)),
                Err(fault) => Err(failed(&visit, &fault).into()),
            },
            Ok(None) => Err(redirect(&sign_in(&next)).into()),
            Err(fault) => Err(failed(&visit, &fault).into()),
        }
    }
}

impl FromRequestParts<Arc<App>> for Arrival {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let next = parts.uri.path_and_query().map_or("/", |next| next.as_str()).to_owned();
        let named = match Cookies::of(&parts.headers).get(SESSION) {
            Some(cookie) => browser::named(app, cookie).await,
            None => Ok(None),
        };
        match named {
            Ok(Some(named)) => Ok(Self { visit: Visit::new(parts, app).await, named, next }),
            Ok(None) => Err(redirect(&sign_in(&next))),
            Err(fault) => Err(failed(&Visit::new(parts, app).await, &fault)),
        }
    }
}

impl FromRequestParts<Arc<App>> for Member {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        Visit::of_member(parts, app).await.map(Self)
    }
}

/// Leads to the sign-in page, and from there back to the page of this request.
pub fn to_sign_in(parts: &Parts) -> Response {
    redirect(&sign_in(parts.uri.path_and_query().map_or("/", |next| next.as_str())))
}

/// A page with parameters, without those that are empty.
pub fn link<'a>(path: &str, parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let given = parameters.into_iter().filter(|(_, value)| !value.is_empty());
    let query = Serializer::new(String::new()).extend_pairs(given).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The sign-in page that leads on to `next`.
pub fn sign_in(next: &str) -> String {
    format!("/sign-in?{}", Serializer::new(String::new()).append_pair("next", next).finish())
}

/// The page to go to after sign-in, if it is one of ours (C5.10).
pub fn next_page(asked: Option<&str>) -> String {
    let path = |next: &str| next.split(['?', '#']).next().unwrap_or_default().to_owned();
    let is_own =
        |next: &&str| next.len() <= 512 && next.bytes().all(|byte| byte.is_ascii_graphic()) && is_page(&path(next));
    asked.filter(is_own).unwrap_or("/").to_owned()
}

/// True for the path of a page of either function, or below a prefix of it.
fn is_page(path: &str) -> bool {
    let is_plain = !path.contains("//") && !path.contains('\\') && !path.contains('%') && !path.contains("..");
    let below = |page: &str| {
        page.strip_suffix("{proxy+}").is_some_and(|prefix| path.len() > prefix.len() && path.starts_with(prefix))
    };
    is_plain && crate::PAGES.iter().chain(crate::STAFF_PAGES).any(|page| *page == path || below(page))
}

/// A redirect by `GET`.
pub fn redirect(to: &str) -> Response {
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(LOCATION, to), (CACHE_CONTROL, HeaderValue::from_static("no-store"))]).into_response()
}

/// The page of a fault: nothing was changed.
pub fn failed(visit: &Visit, fault: &Fault) -> Response {
    frame::log(fault);
    let again = visit.with("", "");
    let id = shared::table::request::request_id().unwrap_or_default();
    let main = html! {
        div.stack {
            p { (visit.text.request_id(id)) }
            p { a.btn href=(again) { (visit.text.try_again()) } }
        }
    };
    frame::message(visit, StatusCode::SERVICE_UNAVAILABLE, &visit.text.unavailable(), main)
}

/// The page for paths that are none.
pub async fn no_page(visit: Visit) -> Response {
    not_found(&visit)
}

/// The page for what is not there, or somebody else's.
pub fn not_found(visit: &Visit) -> Response {
    let main = html! {
        div.stack {
            p { (visit.text.not_found_todo()) }
            p { a.btn href="/" { (visit.text.nav_home()) } }
        }
    };
    frame::message(visit, StatusCode::NOT_FOUND, &visit.text.not_found(), main)
}

/// Sets language and theme that a link asks for, and leads back to the same page without asking.
pub async fn preferences(request: Request, next: Next) -> Response {
    let query: Vec<(String, String)> =
        parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect();
    let chosen = query.iter().find_map(|(name, value)| match name.as_str() {
        "lang" => Language::of(value).map(|language| ("lang", language.tag())),
        "theme" => ["system", "light", "dark"].into_iter().find(|known| known == value).map(|theme| ("theme", theme)),
        _ => None,
    });
    let Some((name, value)) = chosen else { return next.run(request).await };
    let kept = query.iter().filter(|(known, _)| known != "lang" && known != "theme");
    let rest = Serializer::new(String::new()).extend_pairs(kept).finish();
    let path = request.uri().path();
    let mut response = redirect(&if rest.is_empty() { path.to_owned() } else { format!("{path}?{rest}") });
    let line = format!("{name}={value}; Path=/; Secure; SameSite=Lax; Max-Age={YEAR}");
    if let Ok(line) = HeaderValue::from_str(&line) {
        response.headers_mut().append(SET_COOKIE, line);
    }
    response
}
