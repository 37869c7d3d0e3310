//! The functions' handlers, linked in. A new function is one line here.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lambda_events::sqs::SqsEvent;
use axum::Router;
use lambda_http::Adapter;
use lambda_http::request::LambdaRequest;
use notifier::Mailer;
use serde_json::Value;
use shared::app::App;
use shared::edge::openapi::Api;
use shared::table::aws::Aws;
use tower::Service;

use super::{Trouble, invocation};
use crate::template::Template;

/// The handlers of all functions.
pub struct Functions {
    routers: BTreeMap<&'static str, Router>,
    app: Arc<App>,
    mailer: Mailer,
}

/// The routes of a function that has any.
pub fn api(binary: &str) -> Option<(&'static str, Api<Arc<App>>)> {
    Some(match binary {
        "registration" => ("registration", registration::api()),
        "affiliate" => ("affiliate", affiliate::api()),
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

impl Functions {
    /// The handlers of the functions that the template declares.
    pub fn new(template: &Template, app: &Arc<App>, aws: &Aws) -> Self {
        let apis = template.functions.iter().filter_map(|function| api(&function.binary));
        let routers = apis.map(|(binary, api)| (binary, shared::edge::routes(api, Arc::clone(app)))).collect();
        let mailer =
            Mailer::new(aws, Some("http://ses.local".to_owned()), "Guerdon <no-reply@guerdon.test>".to_owned());
        Self { routers, app: Arc::clone(app), mailer }
    }

    /// Gives a function an event of the gateway and takes what it returns.
    pub async fn request(&self, binary: &str, event: Value) -> Result<Value, Trouble> {
        let router = self.routers.get(binary).ok_or("no such function")?.clone();
        let request: LambdaRequest = serde_json::from_value(event)?;
        // The adapter can't be kept across the await: it is not Sync.
        let answering = Adapter::from(router).call(invocation(request));
        let returned = answering.await?;
        Ok(serde_json::to_value(returned)?)
    }

    /// Gives a consumer a batch and takes what it returns.
    pub async fn batch(&self, binary: &str, event: Value) -> Result<Value, Trouble> {
        let event: SqsEvent = serde_json::from_value(event)?;
        let app = Arc::clone(&self.app);
        let answer = match binary {
            // Boxed, as what a function awaits is large.
            "reward-worker" => Box::pin(reward_worker::batch(app, event)).await,
            "statistics" => Box::pin(statistics::batch(app, event)).await,
            "notifier" => Box::pin(notifier::batch(app, self.mailer.clone(), event)).await,
            other => return Err(format!("{other} consumes no queue").into()),
        };
        Ok(serde_json::to_value(answer)?)
    }

    /// Gives the scheduler a tick and takes what it returns.
    pub async fn tick(&self, event: Value) -> Result<Value, Trouble> {
        Ok(Box::pin(scheduler::tick(Arc::clone(&self.app), event)).await?)
    }
}
