//! The API document: built from the routes, each of which its handler's signature documents.
//!
//! An extractor declares the parameters that it reads and the problems that it answers ([`Describe`]). A handler only names the
//! refusals of its use case, as types of [`kernel::refusal::code`] in its `responses(…)`. Routes are served or documented, by
//! separate calls ([`Routes`]): a function at work links no documentation, which would be up to a tenth of it.

mod document;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use axum::Router;
use axum::handler::Handler;
use axum::routing::MethodRouter;
use kernel::refusal::Refusal;
use serde_json::Value;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, HttpMethod, Ref, RefOr, Required, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use utoipa_axum::PathItemExt;

use crate::problem::Problem;

pub use self::document::{Document, document};

#[doc(hidden)]
pub use ::utoipa_axum;

/// Routes a function's handlers, each by its `#[utoipa::path]`.
///
/// ```text
/// fn add<R: Routes<Arc<App>>>(routes: R) -> R {
///     api![routes; orders::list, orders::create]
/// }
/// ```
///
/// expands to
///
/// ```text
/// routes
///     .route(<__path_list>::path(), <__path_list>::methods(), orders::list, || Operation::new(…, orders::list))
///     .route(<__path_create>::path(), <__path_create>::methods(), orders::create, || Operation::new(…, orders::create))
/// ```
#[macro_export]
macro_rules! api {
    ($routes:expr; $($first:ident $(:: $rest:ident)*),* $(,)?) => {
        $routes$(.route(
            $crate::openapi::utoipa_axum::routes!(@path [path()] of $first $(:: $rest)*),
            $crate::openapi::utoipa_axum::routes!(@path [methods()] of $first $(:: $rest)*),
            $first $(:: $rest)*,
            || {
                let mut schemas = Vec::new();
                $crate::openapi::utoipa_axum::routes!(@path [schemas(&mut schemas)] of $first $(:: $rest)*);
                $crate::openapi::Operation::new(
                    $crate::openapi::utoipa_axum::routes!(@path [path()] of $first $(:: $rest)*),
                    $crate::openapi::utoipa_axum::routes!(@path [methods()] of $first $(:: $rest)*),
                    $crate::openapi::utoipa_axum::routes!(@path [operation()] of $first $(:: $rest)*),
                    $crate::openapi::utoipa_axum::routes!(@path [tags()] of $first $(:: $rest)*),
                    schemas,
                    $first $(:: $rest)*,
                )
            },
        ))*
    };
}

/// Made of a list of routes: an [`Api`] that serves them, or their documentation, `Vec<Operation>`.
///
/// An [`Api`] never refers to `operation`, so the linker leaves the documentation out.
pub trait Routes<S>: Sized {
    /// One more route.
    #[must_use]
    fn route<T: 'static, H: Handler<T, S>>(
        self,
        path: String,
        methods: Vec<HttpMethod>,
        handler: H,
        operation: impl FnOnce() -> Operation,
    ) -> Self;
}

impl<S> Routes<S> for Vec<Operation> {
    fn route<T: 'static, H: Handler<T, S>>(
        mut self,
        _: String,
        _: Vec<HttpMethod>,
        _: H,
        operation: impl FnOnce() -> Operation,
    ) -> Self {
        self.push(operation());
        self
    }
}

/// The routes of a function, served.
pub struct Api<S> {
    router: Router<S>,
    behind_forms: Router<S>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> for Api<S> {
    fn route<T: 'static, H: Handler<T, S>>(
        mut self,
        path: String,
        methods: Vec<HttpMethod>,
        handler: H,
        _: impl FnOnce() -> Operation,
    ) -> Self {
        let on = |on: MethodRouter<S>, method: &HttpMethod| on.on(method.to_method_filter(), handler.clone());
        self.router = self.router.route(&path, methods.iter().fold(MethodRouter::new(), on));
        self
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Api<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Clone + Send + Sync + 'static> Api<S> {
    /// No routes.
    pub fn new() -> Self {
        Self { router: Router::new(), behind_forms: Router::new() }
    }

    /// The handler of paths that no route has.
    pub fn fallback<T: 'static, H: Handler<T, S>>(mut self, handler: H) -> Self {
        self.router = self.router.fallback(handler);
        self
    }

    /// Handlers that only the form adapter reaches; they are no part of the API.
    pub fn behind_forms(mut self, router: Router<S>) -> Self {
        self.behind_forms = router;
        self
    }

    /// Routes that are no part of the API: pages.
    pub fn pages(mut self, router: Router<S>) -> Self {
        self.router = self.router.merge(router);
        self
    }

    /// The routes, and what only the form adapter reaches.
    pub fn into_routers(self) -> (Router<S>, Router<S>) {
        (self.router, self.behind_forms)
    }
}

/// A part of a handler's signature that documents itself.
pub trait Describe {
    /// Adds its parameters and problems.
    fn describe(operation: &mut Operation);
}

/// A handler: all of its extractors and its answer document themselves.
pub trait Documented<Args> {
    /// Describes every part.
    fn describe(operation: &mut Operation);
}

macro_rules! handlers {
    ($($($part:ident)*;)*) => {$(
        impl<F, Answer, $($part),*> Documented<($($part,)*)> for F
        where
            F: Fn($($part),*) -> Answer,
            Answer: Future<Output: Describe>,
            $($part: Describe,)*
        {
            fn describe(operation: &mut Operation) {
                $($part::describe(operation);)*
                Answer::Output::describe(operation);
            }
        }
    )*};
}

handlers! { ; A; A B; A B C; A B C D; A B C D E; A B C D E G; }

macro_rules! silent {
    ($([$($generic:ident)?] $type:ty;)*) => {$(
        impl$(<$generic>)? Describe for $type {
            fn describe(_: &mut Operation) {}
        }
    )*};
}

silent! {
    [S] axum::extract::State<S>;
    [] axum::extract::OriginalUri;
    [] axum::extract::RawQuery;
    [] crate::export::Format;
    [] axum::http::HeaderMap;
    [] axum::http::StatusCode;
    [] axum::response::Response;
    [T] axum::Json<T>;
    [T] crate::reply::Reply<T>;
    [T] (axum::Extension<crate::forms::Outcome>, crate::reply::Reply<T>);
    [T] crate::export::JsonOrCsv<T>;
}

/// An answer that a refusal or a fault can take the place of.
impl<T: Describe> Describe for Result<T, Problem> {
    fn describe(operation: &mut Operation) {
        operation.problem(503, "unavailable").problem(503, "outcome_unknown").problem(500, "internal_error");
        T::describe(operation);
    }
}

/// The documentation of one route.
pub struct Operation {
    path: String,
    methods: Vec<HttpMethod>,
    operation: utoipa::openapi::path::Operation,
    schemas: Vec<(String, RefOr<Schema>)>,
    access: String,
    /// True if it asks admins for a second factor given not long ago.
    asks_second_factor: bool,
    is_replayable: bool,
    is_versioned: bool,
    refusals: BTreeSet<(u16, String)>,
    problems: BTreeMap<u16, BTreeSet<String>>,
}

impl Operation {
    /// The documentation that a handler's attribute begins and its signature completes.
    pub fn new<Args, H: Documented<Args>>(
        path: String,
        methods: Vec<HttpMethod>,
        mut operation: utoipa::openapi::path::Operation,
        tags: Vec<&str>,
        schemas: Vec<(String, RefOr<Schema>)>,
        _: H,
    ) -> Self {
        operation.tags.get_or_insert_default().extend(tags.into_iter().map(str::to_owned));
        let responses = std::mem::take(&mut operation.responses.responses);
        let (refusals, answers): (BTreeMap<_, _>, BTreeMap<_, _>) =
            responses.into_iter().partition(|(status, _)| status.contains(' '));
        operation.responses.responses = answers.into_iter().collect();
        let (access, is_replayable, is_versioned) = ("public".to_owned(), false, false);
        let problems = BTreeMap::new();
        let refusals = refusals.keys().filter_map(|key| key.split_once(' '));
        let refusals = refusals.filter_map(|(status, code)| Some((status.parse().ok()?, code.to_owned()))).collect();
        let asks_second_factor = false;
        let mut described = Self {
            path,
            methods,
            operation,
            schemas,
            access,
            asks_second_factor,
            is_replayable,
            is_versioned,
            refusals,
            problems,
        };
        for (status, code) in described.refusals.clone() {
            described.problem(status, &code);
        }
        H::describe(&mut described);
        described
    }

    /// A problem that it can answer.
    pub fn problem(&mut self, status: u16, code: &str) -> &mut Self {
        self.problems.entry(status).or_default().insert(code.to_owned());
        self
    }

    /// A refusal that it can answer.
    pub fn refusal(&mut self, refusal: &Refusal) -> &mut Self {
        self.problem(refusal.status(), refusal.code())
    }

    /// Its caller needs a token, and a role or scope; none for whoever has signed in.
    pub fn access(&mut self, role: Option<&str>) -> &mut Self {
        self.secured("access_token", role.unwrap_or("user"))
            .refusal(&Refusal::Unauthenticated)
            .refusal(&Refusal::TokenExpired)
    }

    /// It asks admins who have a second factor for one given not long ago.
    pub fn recent_second_factor(&mut self) -> &mut Self {
        self.asks_second_factor = true;
        self
    }

    /// Its caller needs a service key with a scope.
    pub fn service_access(&mut self, scope: &str) -> &mut Self {
        self.secured("service_key", scope).refusal(&Refusal::Unauthenticated).refusal(&Refusal::TokenExpired)
    }

    fn secured(&mut self, scheme: &str, access: &str) -> &mut Self {
        access.clone_into(&mut self.access);
        self.operation.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>(scheme, [])]);
        self
    }

    /// The values of its path, by their schemas; the attribute names them.
    pub fn path_values(&mut self, schemas: impl IntoIterator<Item = RefOr<Schema>>) -> &mut Self {
        let names = self.path.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned()));
        let parameter = |(name, schema): (String, _)| {
            let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
            parameter.required(Required::True).schema(Some(schema)).build()
        };
        let parameters: Vec<Parameter> = names.zip(schemas).map(parameter).collect();
        parameters.into_iter().for_each(|parameter| self.parameter(parameter));
        self.refusal(&Refusal::MalformedRequest)
    }

    /// Parameters of its query.
    pub fn query<P: IntoParams>(&mut self) -> &mut Self {
        P::into_params(|| Some(ParameterIn::Query)).into_iter().for_each(|parameter| self.parameter(parameter));
        self
    }

    /// A header that it reads.
    pub fn header(&mut self, name: &str, required: bool, description: &str) -> &mut Self {
        let required = if required { Required::True } else { Required::False };
        let header = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).required(required);
        let schema = <String as PartialSchema>::schema();
        self.parameter(header.description(Some(description)).schema(Some(schema)).build());
        self
    }

    fn parameter(&mut self, parameter: Parameter) {
        let all = self.operation.parameters.get_or_insert_default();
        let same = |known: &RefOr<Parameter>| match known {
            RefOr::T(known) => known.name == parameter.name && known.parameter_in == parameter.parameter_in,
            RefOr::Ref(_) => false,
        };
        if !all.iter().any(same) {
            all.push(parameter.into());
        }
    }

    /// Its JSON body.
    pub fn body<T: ToSchema>(&mut self) -> &mut Self {
        if self.operation.request_body.is_none() {
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(T::name()))).build();
            let body = RequestBodyBuilder::new().content("application/json", content).required(Some(Required::True));
            self.operation.request_body = Some(body.build().into());
            self.schemas.push((T::name().into_owned(), T::schema()));
            T::schemas(&mut self.schemas);
        }
        self
    }

    /// Its body may be left out.
    pub fn body_may_be_left_out(&mut self) -> &mut Self {
        if let Some(RefOr::T(body)) = &mut self.operation.request_body {
            body.required = Some(Required::False);
        }
        self
    }

    /// It changes one version of a document: the document's answers have its version as `ETag`.
    pub fn versioned(&mut self) -> &mut Self {
        self.is_versioned = true;
        self
    }

    /// It answers the first answer again, and says so.
    pub fn replayable(&mut self) -> &mut Self {
        self.is_replayable = true;
        self
    }

    /// Its methods, in upper case, with its path.
    pub fn routes(&self) -> impl Iterator<Item = (String, String)> {
        self.verbs().map(|method| (method, self.path.clone()))
    }

    /// Reports if anybody may ask it.
    pub fn is_public(&self) -> bool {
        self.access == "public"
    }

    /// The line of the list of operations: method, path, access, body, answer, and the refusals of the use case.
    fn line(&self, json: &Value) -> String {
        let name = |at: &Value| {
            let content = at.pointer("/content").and_then(Value::as_object)?;
            let schema = content.get("application/json").or_else(|| content.values().next())?.get("schema")?;
            let kind = schema.get("$ref").or_else(|| schema.get("type"))?.as_str()?;
            Some(kind.rsplit('/').next().unwrap_or(kind).to_owned())
        };
        let body = json.get("requestBody").and_then(name);
        let answers = json.get("responses").and_then(Value::as_object);
        let answers = answers.into_iter().flatten().filter(|(status, _)| status.starts_with('2'));
        let answers: Vec<String> = answers
            .map(|(status, at)| format!("{status} {}", name(at).unwrap_or_default()).trim().to_owned())
            .collect();
        let mut refusals: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
        self.refusals.iter().for_each(|(status, code)| refusals.entry(*status).or_default().push(code));
        let refusals: String =
            refusals.iter().map(|(status, codes)| format!("  {status} {}", codes.join(", "))).collect();
        let (body, answers) = (body.map(|body| body + " ").unwrap_or_default(), answers.join(" | "));
        let factor = if self.asks_second_factor { ", second factor" } else { "" };
        format!("{} {}  {}{factor}  {body}→ {answers}{refusals}", self.verb(), self.path, self.access)
    }

    fn verb(&self) -> String {
        self.verbs().collect::<Vec<_>>().join(",")
    }

    fn verbs(&self) -> impl Iterator<Item = String> {
        let verb = |method: &HttpMethod| serde_json::to_value(method).ok()?.as_str().map(str::to_uppercase);
        self.methods.iter().filter_map(verb)
    }
}
