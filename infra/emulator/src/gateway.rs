//! The HTTP API gateway: a request as the event that Lambda gives a function (payload format 2.0), and the answer back.

use bytes::Bytes;
use data_encoding::BASE64;
use http::{HeaderMap, Request, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::template::Matched;

/// What the gateway adds to a request.
#[derive(Debug, Clone)]
pub struct Arrival<'a> {
    /// Where it came from.
    pub client_ip: &'a str,
    /// The gateway's id of it.
    pub request_id: &'a str,
    /// When it came.
    pub at: Timestamp,
}

/// The event of a request that goes to `matched`.
pub fn event(request: &Request<Bytes>, matched: &Matched<'_>, arrival: &Arrival<'_>) -> Value {
    let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
    let method = request.method().as_str();
    let headers = joined(request.headers());
    let agent = headers.get("user-agent").cloned().unwrap_or_default();
    let host = headers.get("host").cloned().unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": matched.route_key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": host,
            "domainPrefix": "local",
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1",
                "sourceIp": arrival.client_ip, "userAgent": agent,
            },
            "requestId": arrival.request_id,
            "routeKey": matched.route_key,
            "stage": "$default",
            "time": arrival.at.to_zoned(TimeZone::UTC).strftime("%d/%b/%Y:%H:%M:%S %z").to_string(),
            "timeEpoch": arrival.at.as_millisecond(),
        },
    });
    let Value::Object(fields) = &mut event else { return event };
    let cookies: Vec<&str> =
        request.headers().get_all("cookie").iter().filter_map(|value| value.to_str().ok()).collect();
    if !cookies.is_empty() {
        fields.insert("cookies".to_owned(), json!(cookies));
    }
    if !query.is_empty() {
        fields.insert("queryStringParameters".to_owned(), Value::Object(parameters(query)));
    }
    if !matched.path_parameters.is_empty() {
        fields.insert("pathParameters".to_owned(), json!(matched.path_parameters));
    }
    let (body, base64) = match std::str::from_utf8(request.body()) {
        Ok(text) if is_text(&headers) => (text.to_owned(), false),
        _ => (BASE64.encode(request.body()), true),
    };
    if !request.body().is_empty() {
        fields.insert("body".to_owned(), json!(body));
    }
    fields.insert("isBase64Encoded".to_owned(), json!(base64 && !request.body().is_empty()));
    event
}

/// Names lower-cased, several values joined by commas.
fn joined(headers: &HeaderMap) -> Map<String, Value> {
    let mut joined = Map::new();
    for name in headers.keys().filter(|name| *name != "cookie") {
        let values: Vec<String> =
            headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
        joined.insert(name.as_str().to_owned(), json!(values.join(",")));
    }
    joined
}

fn parameters(query: &str) -> Map<String, Value> {
    let mut parameters: Map<String, Value> = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let joined = match parameters.get(&*name).and_then(Value::as_str) {
            Some(known) => format!("{known},{value}"),
            None => value.into_owned(),
        };
        parameters.insert(name.into_owned(), json!(joined));
    }
    parameters
}

/// API Gateway passes these types as text, everything else as base64.
fn is_text(headers: &Map<String, Value>) -> bool {
    let kind = headers.get("content-type").and_then(Value::as_str).unwrap_or("text/plain");
    kind.starts_with("text/")
        || kind.contains("json")
        || kind.contains("xml")
        || kind.starts_with("application/x-www-form-urlencoded")
}

/// What the gateway says when a function gives no answer.
pub const NO_ANSWER: &str = r#"{"message":"Internal Server Error"}"#;

/// The gateway's own answer when a function gives none.
pub fn no_answer() -> Response<Bytes> {
    let response = Response::builder().status(500).header("content-type", "application/json");
    response.body(Bytes::from_static(NO_ANSWER.as_bytes())).unwrap_or_default()
}

/// The HTTP answer of what a function returned.
pub fn response(returned: &Value) -> Response<Bytes> {
    let status = returned.get("statusCode").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    let mut response = Response::builder().status(status.unwrap_or(502));
    for (name, value) in returned.get("headers").and_then(Value::as_object).into_iter().flatten() {
        if let Some(value) = value.as_str() {
            response = response.header(name, value);
        }
    }
    let text = returned.get("body").and_then(Value::as_str).unwrap_or_default();
    let base64 = returned.get("isBase64Encoded") == Some(&json!(true));
    let body = if base64 { BASE64.decode(text.as_bytes()).unwrap_or_default() } else { text.as_bytes().to_vec() };
    response.body(Bytes::from(body)).unwrap_or_default()
}
