//! The contract: template, routers and the published OpenAPI document list the same routes.

pub mod document;
mod examples;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use emulator::template::Template;
use serde_json::Value;
use shared::app::App;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;

use document::merged;

const TEMPLATE: &str = include_str!("../../template.yaml");
const DOCUMENT: &str = "functions/registration/openapi.json";

type Routes = BTreeSet<(String, String)>;

fn routers() -> Vec<(&'static str, OpenApiRouter<Arc<App>>)> {
    vec![
        ("admin", admin::api()),
        ("affiliate", affiliate::api()),
        ("agency", agency::api()),
        ("payment", payment::api()),
        ("payment-webhook", payment_webhook::api()),
        ("referral", referral::api()),
        ("redemption", redemption::api()),
        ("registration", registration::api()),
        ("service", service::api()),
    ]
}

fn routes_of(document: &Value) -> Routes {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, methods): (&String, &Value)| -> Vec<(String, String)> {
        methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())).collect()
    };
    paths.iter().flat_map(of).collect()
}

#[test]
fn template_and_routers_name_the_same_routes() {
    let template = Template::parse(TEMPLATE).unwrap();
    for (binary, mut router) in routers() {
        let document = serde_json::to_value(router.to_openapi()).unwrap();
        let function = template.functions.iter().find(|function| function.binary == binary).unwrap();
        let declared: Routes = function
            .routes
            .iter()
            .filter(|route| route.path != "$default")
            .map(|route| (route.method.clone(), route.path.clone()))
            .collect();
        assert_eq!(declared, routes_of(&document), "{binary}");
    }
}

#[test]
fn the_published_document_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(DOCUMENT);
    let current = serde_json::to_string_pretty(&merged()).unwrap() + "\n";
    if fs::read_to_string(&path).unwrap_or_default() != current {
        fs::write(&path, current).unwrap();
        panic!("{DOCUMENT} was out of date and is rewritten: look at the difference and commit it");
    }
}

/// Every JSON operation has an example: a request and response recorded from a test.
#[test]
fn every_operation_has_its_example() {
    let document = merged();
    let mut without = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let body = operation.pointer("/requestBody/content/application~1json");
            let answers = operation["responses"].as_object().unwrap().iter();
            let answer = answers
                .filter(|(status, _)| status.starts_with('2'))
                .filter_map(|(_, answer)| answer.pointer("/content/application~1json"));
            let shown =
                |content: Vec<&Value>| content.is_empty() || content.iter().any(|of| of.get("example").is_some());
            let webhook = path.starts_with("/v1/webhooks") || path == "/v1/openapi.json";
            if !webhook && (!shown(body.into_iter().collect()) || !shown(answer.collect())) {
                without.push(format!("{method} {path}"));
            }
        }
    }
    assert!(without.is_empty(), "without an example: {without:#?}; see the head of contract/examples.rs");
}

#[test]
fn every_operation_says_what_it_is_and_how_it_fails() {
    let document = merged();
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let route = format!("{method} {path}");
            let id = operation["operationId"].as_str().unwrap_or_default();
            assert!(!id.is_empty() && ids.insert(id.to_owned()), "{route} has no operation id of its own: {id:?}");
            assert!(operation["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{route} has no summary");
            let codes: Vec<&String> = operation["responses"].as_object().unwrap().keys().collect();
            assert!(codes.iter().any(|code| code.starts_with('2')), "{route} never succeeds: {codes:?}");
            let body = method == "post" || method == "put";
            let webhook = path.starts_with("/v1/webhooks/zpay");
            assert!(!body || webhook || codes.iter().any(|code| code.starts_with('4')), "{route} is never refused");
        }
    }
}
