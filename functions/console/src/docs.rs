//! The API's description as a page that a person reads: rendered from the document, self-contained, without a script.

mod schema;

use std::io::Read;
use std::sync::OnceLock;

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use flate2::read::GzDecoder;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use shared::edge::problem::Problem;
use shared::kernel::fault::{Error, Fault};

use crate::frame::packed;
use schema::{anchor, constraints, fields, kind};

/// The document that `registration` serves.
const DOCUMENT: &[u8] = include_bytes!("../../registration/openapi.json.gz");
const STYLE: &str = include_str!("../static/docs.css");

/// The page, and the policy that allows its one style and nothing else.
struct Page {
    html: String,
    policy: String,
}

/// Answers the page.
pub async fn docs(headers: HeaderMap) -> Response {
    static PAGE: OnceLock<Option<Page>> = OnceLock::new();
    let Some(page) = PAGE.get_or_init(page) else {
        return Problem::from(Error::Fault(Fault::bug("the embedded document can't be read"))).into_response();
    };
    let said = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "public, max-age=300"),
        (VARY, "Accept-Encoding"),
        (CONTENT_SECURITY_POLICY, page.policy.as_str()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    ];
    packed(&headers, (StatusCode::OK, said, page.html.as_str()).into_response(), &page.html)
}

fn page() -> Option<Page> {
    let mut text = String::new();
    GzDecoder::new(DOCUMENT).read_to_string(&mut text).ok()?;
    let document: Value = serde_json::from_str(&text).ok()?;
    let hash = BASE64.encode(&Sha256::digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    Some(Page { html: rendered(&document).into_string(), policy })
}

/// A text of an object, empty if it has none.
fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn entries<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    of.get(name).and_then(Value::as_object).into_iter().flatten()
}

fn list<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    of.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// An operation with its method and path.
struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    of: &'a Value,
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let mut all = Vec::new();
    for (path, methods) in entries(document, "paths") {
        let methods = methods.as_object().into_iter().flatten();
        all.extend(methods.map(|(method, of)| Operation { method, path, of }));
    }
    all
}

fn rendered(document: &Value) -> Markup {
    let info = document.get("info").unwrap_or(&Value::Null);
    let all = operations(document);
    let of_tag =
        |tag: &str| all.iter().filter(|one| list(one.of, "tags").any(|named| named == tag)).collect::<Vec<_>>();
    let title = format!("{} API {}", text(info, "title"), text(info, "version"));
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                nav aria-label="Operations" {
                    p { a href="#top" { b { (title) } } }
                    p { a href="/v1/openapi.json" { "openapi.json" } }
                    @for tag in list(document, "tags") {
                        details {
                            summary { (text(tag, "name")) }
                            ul { @for one in of_tag(text(tag, "name")) {
                                li { a href=(format!("#{}", text(one.of, "operationId"))) { (text(one.of, "summary")) } }
                            } }
                        }
                    }
                    p { a href="#schemas" { "Schemas" } }
                }
                main #top {
                    h1 { (title) }
                    (prose(text(info, "description")))
                    @for tag in list(document, "tags") {
                        h2 id=(format!("tag-{}", text(tag, "name"))) { (text(tag, "name")) }
                        (prose(text(tag, "description")))
                        @for one in of_tag(text(tag, "name")) { (operation(document, one)) }
                    }
                    h2 #schemas { "Schemas" }
                    @for (name, of) in document.pointer("/components/schemas").and_then(Value::as_object).into_iter().flatten() {
                        details.schema {
                            summary { code { (name) } }
                            div id=(anchor(name)) { (prose(text(of, "description"))) (fields(of)) }
                        }
                    }
                }
            }
        }
    }
}

fn operation(document: &Value, one: &Operation<'_>) -> Markup {
    let Operation { method, path, of } = one;
    html! {
        details.operation {
            summary {
                span.method.(method) { (method.to_uppercase()) }
                code { (path) }
                span { (text(of, "summary")) }
            }
            div id=(text(of, "operationId")) {
                (prose(text(of, "description")))
                (parameters(of))
                @if let Some(body) = of.get("requestBody") {
                    h3 { "Body" }
                    (content(body))
                }
                h3 { "Answers" }
                @for (status, answer) in entries(of, "responses") { (response(document, status, answer)) }
            }
        }
    }
}

fn parameters(of: &Value) -> Markup {
    let none = Value::Null;
    html! {
        @if list(of, "parameters").next().is_some() {
            h3 { "Parameters" }
            table {
                thead { tr { th { "name" } th { "in" } th { "value" } th { "meaning" } } }
                tbody { @for parameter in list(of, "parameters") {
                    tr {
                        td { code { (text(parameter, "name")) } @if parameter.get("required") == Some(&Value::Bool(true)) { span.must title="required" { "*" } } }
                        td { (text(parameter, "in")) }
                        td { (kind(parameter.get("schema").unwrap_or(&none))) }
                        td { (line(text(parameter, "description"))) (constraints(parameter.get("schema").unwrap_or(&none))) }
                    }
                } }
            }
        }
    }
}

fn response(document: &Value, status: &str, answer: &Value) -> Markup {
    let named = text(answer, "$ref").strip_prefix('#').and_then(|at| document.pointer(at));
    let answer = named.unwrap_or(answer);
    html! {
        div.answer {
            p { b.status.bad[!status.starts_with('2')] { (status) } " " (line(text(answer, "description"))) }
            @for (name, header) in entries(answer, "headers") {
                p.header { code { (name) } " " (line(text(header, "description"))) }
            }
            @if status.starts_with('2') { (content(answer)) }
        }
    }
}

/// The body of a request or an answer: its schema, and its example.
fn content(of: &Value) -> Markup {
    html! {
        @for (media, body) in entries(of, "content") {
            p { code { (media) } " " @if let Some(schema) = body.get("schema") { (kind(schema)) } }
            @if media == "application/json" && let Some(schema) = body.get("schema") { (fields(schema)) }
            @if let Some(example) = body.get("example").filter(|example| !example.is_null()) {
                details.example { summary { "Example" } pre { (serde_json::to_string_pretty(example).unwrap_or_default()) } }
            }
        }
    }
}

/// Paragraphs of a description.
fn prose(text: &str) -> Markup {
    html! { @for part in text.split("\n\n").filter(|part| !part.is_empty()) { p { (line(part)) } } }
}

/// A line with `code` and **bold**, the only marks that the document has.
fn line(text: &str) -> Markup {
    html! { @for (index, part) in text.split('`').enumerate() {
        @if index % 2 == 1 { code { (part) } } @else { (bold(part)) }
    } }
}

fn bold(text: &str) -> Markup {
    html! { @for (index, part) in text.split("**").enumerate() {
        @if index % 2 == 1 { b { (part) } } @else { (part) }
    } }
}

/// The object with the fields of a schema, if it has any.
fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema.get("properties").and_then(Value::as_object)
}
