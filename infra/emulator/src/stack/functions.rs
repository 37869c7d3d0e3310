//! The functions' handlers, linked in. A new function is one line in each of the three lists here.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use aws_lambda_events::sqs::SqsEvent;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::Request;
use lambda_http::Adapter;
use lambda_http::request::LambdaRequest;
use notifier::Mailer;
use serde_json::Value;
use shared::app::App;
use shared::edge::escaped;
use shared::edge::openapi::{Api, Operation};
use shared::table::aws::secrets::NAMES as SECRETS;
use shared::table::aws::{self, Environment};
use tower::Service;

use super::{Outside, Setup, Trouble, Variables, invocation};
use crate::iam::Guard;
use crate::iam::call::parameter;
use crate::ssm::Parameters;
use crate::template::{Function, Template};

/// The handlers of all functions.
pub struct Functions {
    all: BTreeMap<String, Process>,
    /// Shared application whose settings and keys all functions use; on AWS each process reads its own.
    known: Arc<App>,
    outside: Outside,
}

/// A function with its own variables; its application is built on the first call.
struct Process {
    access_key: String,
    variables: Variables,
    app: OnceLock<Arc<App>>,
    router: OnceLock<Router>,
}

/// The routes of a function; `None` if it has none.
pub fn api(binary: &str) -> Option<(&'static str, Api<Arc<App>>)> {
    Some(match binary {
        "registration" => ("registration", registration::api()),
        "affiliate" => ("affiliate", affiliate::api()),
        "console" => ("console", console::api()),
        "back-office" => ("back-office", back_office::api()),
        "agency" => ("agency", agency::api()),
        "referral" => ("referral", referral::api()),
        "payment" => ("payment", payment::api()),
        "service" => ("service", service::api()),
        "redemption" => ("redemption", redemption::api()),
        "admin" => ("admin", admin::api()),
        "payment-webhook" => ("payment-webhook", payment_webhook::api()),
        _ => return None,
    })
}

/// The documentation of a function's routes; empty if it has none in the API.
pub fn documentation(binary: &str) -> Vec<Operation> {
    match binary {
        "registration" => registration::operations(),
        "affiliate" => affiliate::operations(),
        "agency" => agency::operations(),
        "referral" => referral::operations(),
        "payment" => payment::operations(),
        "service" => service::operations(),
        "redemption" => redemption::operations(),
        "admin" => admin::operations(),
        "payment-webhook" => payment_webhook::operations(),
        _ => Vec::new(),
    }
}

/// Answers the page of the console's parts, which no deployed function has.
pub async fn parts(app: &Arc<App>, request: Request<Bytes>) -> Response {
    let mut router = console::showcase::router().with_state(Arc::clone(app));
    match router.call(request.map(Body::from)).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

/// The method and path of each of a function's operations. The template only names their prefixes.
pub fn operations(binary: &str) -> Vec<(String, String)> {
    documentation(binary).iter().flat_map(|operation| operation.routes()).collect()
}

/// The variables that a function requires.
pub fn needs(binary: &str) -> &'static [&'static str] {
    match binary {
        "registration" => &registration::NEEDS,
        "affiliate" => &affiliate::NEEDS,
        "console" => &console::NEEDS,
        "back-office" => &back_office::NEEDS,
        "agency" => &agency::NEEDS,
        "referral" => &referral::NEEDS,
        "payment" => &payment::NEEDS,
        "service" => &service::NEEDS,
        "redemption" => &redemption::NEEDS,
        "admin" => &admin::NEEDS,
        "payment-webhook" => &payment_webhook::NEEDS,
        "reward-worker" => &reward_worker::NEEDS,
        "statistics" => &statistics::NEEDS,
        "notifier" => &notifier::NEEDS,
        "scheduler" => &scheduler::NEEDS,
        _ => &[],
    }
}

impl Functions {
    /// Creates the handlers of the declared functions, each with the variables of its template entry and the secrets whose
    /// parameters it may read.
    pub(super) fn new(
        template: &Template,
        setup: &Setup,
        guard: &Guard,
        parameters: &Parameters,
        known: &Arc<App>,
        outside: Outside,
    ) -> Result<Self, Trouble> {
        let names = setup.names(template);
        let mut all = BTreeMap::new();
        for function in &template.functions {
            let mut variables = Variables(template.environment(function, &names)?);
            check(function, &variables)?;
            secrets(function, &mut variables, guard, parameters)?;
            let access_key = function.logical_id.clone();
            let process = Process { access_key, variables, app: OnceLock::new(), router: OnceLock::new() };
            all.insert(function.binary.clone(), process);
        }
        Ok(Self { all, known: Arc::clone(known), outside })
    }

    fn process(&self, binary: &str) -> Result<&Process, Trouble> {
        self.all.get(binary).ok_or_else(|| format!("no function is called {binary}").into())
    }

    /// The application of a function; `None` if the template has no such function.
    ///
    /// # Errors
    /// Fails when its variables are incomplete or invalid.
    pub fn application(&self, binary: &str) -> Result<Option<Arc<App>>, Trouble> {
        match self.all.get(binary) {
            Some(process) => self.app_of(process).map(Some),
            None => Ok(None),
        }
    }

    fn app_of(&self, process: &Process) -> Result<Arc<App>, Trouble> {
        if let Some(app) = process.app.get() {
            return Ok(Arc::clone(app));
        }
        let mut app = self.outside.application(&process.variables, &process.access_key)?;
        let known = &self.known;
        app.config.password_cost = known.config.password_cost;
        app.executor = known.executor.over(app.store.clone(), app.queues.clone());
        app.courier = known.courier.clone();
        (app.settings, app.keys) = (known.settings.clone(), known.keys.clone());
        Ok(Arc::clone(process.app.get_or_init(|| Arc::new(app))))
    }

    fn router(&self, binary: &str) -> Result<Router, Trouble> {
        let process = self.process(binary)?;
        if let Some(router) = process.router.get() {
            return Ok(router.clone());
        }
        let (_, api) = api(binary).ok_or("the function has no routes")?;
        let app = self.app_of(process)?;
        Ok(process.router.get_or_init(|| shared::edge::routes(api, app)).clone())
    }

    /// A function's variables, including the secrets that it may read.
    pub fn variables(&self, binary: &str) -> BTreeMap<String, String> {
        self.all.get(binary).map(|process| process.variables.0.clone()).unwrap_or_default()
    }

    /// Invokes a function with a gateway event and returns its result.
    pub async fn request(&self, binary: &str, event: Value) -> Result<Value, Trouble> {
        let request: LambdaRequest = serde_json::from_value(event)?;
        // The adapter is not Sync, so it can't be held across the await.
        let answering = Adapter::from(self.router(binary)?).call(invocation(escaped(request)));
        let returned = answering.await?;
        Ok(serde_json::to_value(returned)?)
    }

    /// Invokes a consumer with a batch and returns its result.
    pub async fn batch(&self, binary: &str, event: Value) -> Result<Value, Trouble> {
        let event: SqsEvent = serde_json::from_value(event)?;
        let process = self.process(binary)?;
        let app = self.app_of(process)?;
        let answer = match binary {
            // Boxed because the functions' futures are large.
            "reward-worker" => Box::pin(reward_worker::batch(app, event)).await,
            "statistics" => Box::pin(statistics::batch(app, event)).await,
            "notifier" => {
                let from = aws::set(&process.variables, "MAIL_FROM")?;
                let aws = self.outside.aws(&process.access_key);
                let feedback = process.variables.get(notifier::FEEDBACK);
                let mailer = Mailer::new(&aws, Some("http://ses.local".to_owned()), from, feedback);
                Box::pin(notifier::batch(app, mailer, event)).await
            }
            other => return Err(format!("{other} consumes no queue").into()),
        };
        Ok(serde_json::to_value(answer)?)
    }

    /// Invokes the scheduler with a tick and returns its result.
    pub async fn tick(&self, event: Value) -> Result<Value, Trouble> {
        let app = self.app_of(self.process("scheduler")?)?;
        Ok(Box::pin(scheduler::tick(app, event)).await?)
    }
}

/// The start-up check of a function.
fn check(function: &Function, variables: &Variables) -> Result<(), Trouble> {
    let checked = aws::demand(variables, needs(&function.binary));
    checked.map_err(|fault| format!("{} can't start: {fault}", function.logical_id).into())
}

/// Adds the secrets of a function's parameter variables, as the function does when it starts: in one call, which requires
/// permission for all of the parameters.
fn secrets(
    function: &Function,
    variables: &mut Variables,
    guard: &Guard,
    parameters: &Parameters,
) -> Result<(), Trouble> {
    for secret in SECRETS {
        let Some(name) = variables.get(&format!("{secret}_PARAMETER")) else { continue };
        let judged = guard.judge(&function.logical_id, &parameter("GetParameters", &name));
        judged.map_err(|said| format!("{} can't start: {said}", function.logical_id))?;
        if let Some(value) = parameters.0.get(&name) {
            variables.0.insert(secret.to_owned(), value.clone());
        }
    }
    Ok(())
}
