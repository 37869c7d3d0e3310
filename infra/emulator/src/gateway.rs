//! The HTTP API gateway: converts requests to Lambda events (payload format 2.0), and results to responses.

use bytes::Bytes;
use data_encoding::BASE64;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::iam::policy::like;
use crate::template::{Matched, decoded};

/// Maximum request body, in bytes.
pub const MAX_REQUEST: usize = 10 * 1024 * 1024;
/// Maximum event to and result from a function, in bytes.
pub const MAX_EVENT: usize = 6 * 1024 * 1024;
/// Below this length a body needs no exact check: escapes and base64 lengthen it at most sixfold.
const SURELY_SHORT: usize = MAX_EVENT / 8;

/// Request data that the gateway adds.
#[derive(Debug, Clone)]
pub struct Arrival<'a> {
    pub client_ip: &'a str,
    pub request_id: &'a str,
    pub at: Timestamp,
}

/// The event of a request that is routed to `matched`.
pub fn event(request: &Request<Bytes>, matched: &Matched<'_>, arrival: &Arrival<'_>) -> Value {
    let (path, query) = (decoded(request.uri().path()), request.uri().query().unwrap_or_default());
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
    let cookies = request.headers().get_all("cookie").iter().filter_map(|value| value.to_str().ok());
    let cookies: Vec<&str> =
        cookies.flat_map(|line| line.split(';')).map(str::trim).filter(|cookie| !cookie.is_empty()).collect();
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

/// Header names in lower case, with repeated values joined by commas.
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

/// API Gateway passes these content types as text, all others as base64.
fn is_text(headers: &Map<String, Value>) -> bool {
    let kind = headers.get("content-type").and_then(Value::as_str).unwrap_or("text/plain");
    kind.starts_with("text/")
        || kind.contains("json")
        || kind.contains("xml")
        || kind.starts_with("application/x-www-form-urlencoded")
}

/// The gateway's response body if a function returns no valid result.
pub const NO_ANSWER: &str = r#"{"message":"Internal Server Error"}"#;

/// The gateway's response if a function returns no valid result.
pub fn no_answer() -> Response<Bytes> {
    own(500, NO_ANSWER)
}

/// The gateway's response if no route matches.
pub fn not_found() -> Response<Bytes> {
    own(404, r#"{"message":"Not Found"}"#)
}

/// The gateway's response if a request or event is too large.
pub fn too_large() -> Response<Bytes> {
    own(413, r#"{"message":"Request Entity Too Large"}"#)
}

fn own(status: u16, body: &'static str) -> Response<Bytes> {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Bytes::from_static(body.as_bytes())).unwrap_or_default()
}

/// Reports if an event or result is within the limit; `text` is the length of its body.
pub fn fits(whole: &Value, text: usize) -> bool {
    text <= SURELY_SHORT || whole.to_string().len() <= MAX_EVENT
}

/// CORS of the gateway: it answers preflights itself and removes the functions' own CORS headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cors {
    origins: Vec<String>,
    methods: String,
    headers: String,
    exposed: String,
    max_age: Option<u64>,
    has_credentials: bool,
}

impl Cors {
    /// Reads a resolved `CorsConfiguration`; `None` if it allows no origin.
    pub fn of(configuration: &Value) -> Option<Self> {
        let list = |name: &str| -> Vec<String> {
            let list = configuration.get(name).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(|one| one.as_str().map(str::to_owned)).filter(|one| !one.is_empty()).collect()
        };
        let cors = Self {
            origins: list("AllowOrigins"),
            methods: list("AllowMethods").join(","),
            headers: list("AllowHeaders").join(","),
            exposed: list("ExposeHeaders").join(","),
            max_age: configuration.get("MaxAge").and_then(Value::as_u64),
            has_credentials: configuration.get("AllowCredentials") == Some(&json!(true)),
        };
        (!cors.origins.is_empty()).then_some(cors)
    }

    /// The response to a preflight; `None` for every other request.
    pub fn preflight(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let headers = request.headers();
        let is_preflight = request.method() == Method::OPTIONS
            && headers.contains_key("origin")
            && headers.contains_key("access-control-request-method");
        if !is_preflight {
            return None;
        }
        let mut response = Response::builder().status(204).body(Bytes::new()).unwrap_or_default();
        if let Some(origin) = self.allowed(headers) {
            self.say(&mut response, origin);
            let age = self.max_age.map(|age| age.to_string()).unwrap_or_default();
            for (name, value) in [("methods", &self.methods), ("headers", &self.headers)] {
                put(&mut response, &format!("access-control-allow-{name}"), value);
            }
            put(&mut response, "access-control-max-age", &age);
        }
        Some(response)
    }

    /// Sets the CORS headers of a response to a request with these headers.
    pub fn show(&self, headers: &HeaderMap, response: &mut Response<Bytes>) {
        let said: Vec<HeaderName> = response.headers().keys().cloned().collect();
        for name in said.iter().filter(|name| name.as_str().starts_with("access-control-")) {
            response.headers_mut().remove(name);
        }
        if let Some(origin) = self.allowed(headers) {
            self.say(response, origin);
            put(response, "access-control-expose-headers", &self.exposed);
        }
    }

    fn say(&self, response: &mut Response<Bytes>, origin: &str) {
        put(response, "access-control-allow-origin", origin);
        put(response, "access-control-allow-credentials", if self.has_credentials { "true" } else { "" });
    }

    /// The origin to allow, if the request's origin is allowed.
    fn allowed<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let origin = headers.get("origin")?.to_str().ok()?;
        if self.origins.iter().any(|allowed| allowed == "*") {
            return Some("*");
        }
        self.origins.iter().any(|allowed| like(allowed, origin)).then_some(origin)
    }
}

fn put(response: &mut Response<Bytes>, name: &str, value: &str) {
    if let (false, Ok(name), Ok(value)) = (value.is_empty(), HeaderName::try_from(name), HeaderValue::try_from(value)) {
        response.headers_mut().insert(name, value);
    }
}

/// The HTTP response for a function's result. A result over the limit counts as no result.
pub fn response(returned: &Value) -> Response<Bytes> {
    let length = returned.get("body").and_then(Value::as_str).map_or(0, str::len);
    if !fits(returned, length) {
        return no_answer();
    }
    let status = returned.get("statusCode").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    let mut response = Response::builder().status(status.unwrap_or(502));
    for (name, value) in returned.get("headers").and_then(Value::as_object).into_iter().flatten() {
        if let Some(value) = value.as_str() {
            response = response.header(name, value);
        }
    }
    for cookie in returned.get("cookies").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        response = response.header("set-cookie", cookie);
    }
    let text = returned.get("body").and_then(Value::as_str).unwrap_or_default();
    let base64 = returned.get("isBase64Encoded") == Some(&json!(true));
    let body = if base64 { BASE64.decode(text.as_bytes()).unwrap_or_default() } else { text.as_bytes().to_vec() };
    response.body(Bytes::from(body)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Template;

    fn template() -> Template {
        Template::parse(include_str!("../../../template.yaml")).unwrap()
    }

    fn event_of(request: &Request<Bytes>) -> Value {
        let template = template();
        let matched = template.route(request.method().as_str(), request.uri().path()).unwrap();
        event(request, &matched, &Arrival { client_ip: "203.0.113.7", request_id: "r", at: Timestamp::UNIX_EPOCH })
    }

    fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Bytes> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Bytes::new()).unwrap()
    }

    /// deploy.md D8
    #[test]
    fn a_path_is_handed_over_decoded_and_matched_as_it_was_sent() {
        let event = event_of(&request("GET", "/v1/referral-codes/a%2Fb%3Fc%25?d=%2F", &[]));
        assert_eq!(event["rawPath"], "/v1/referral-codes/a/b?c%");
        assert_eq!(event["requestContext"]["http"]["path"], "/v1/referral-codes/a/b?c%");
        assert_eq!(
            (&event["routeKey"], &event["pathParameters"]["code"]),
            (&json!("GET /v1/referral-codes/{code}"), &json!("a/b?c%"))
        );
        assert_eq!(event["rawQueryString"], "d=%2F");
    }

    #[test]
    fn cookies_go_both_ways_one_by_one() {
        let event = event_of(&request("GET", "/v1/me", &[("cookie", "a=1; b=2"), ("cookie", "c=3")]));
        assert_eq!(event["cookies"], json!(["a=1", "b=2", "c=3"]));
        assert_eq!(event["headers"].get("cookie"), None);
        let response = response(&json!({"statusCode": 200, "cookies": ["a=1; Path=/", "b=2"], "body": "x"}));
        let set: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
        assert_eq!(set, ["a=1; Path=/", "b=2"]);
    }

    #[test]
    fn an_answer_that_is_too_long_is_none() {
        let of = |length: usize| response(&json!({"statusCode": 200, "body": "x".repeat(length)})).status().as_u16();
        assert_eq!((of(MAX_EVENT - 100), of(MAX_EVENT)), (200, 500));
    }

    #[test]
    fn preflights_are_answered_and_answers_shown_to_the_origins_that_are_allowed() {
        let cors = Cors::of(&json!({
            "AllowOrigins": ["https://app.test", "http://localhost:*"], "AllowMethods": ["GET", "POST"],
            "AllowHeaders": ["authorization"], "ExposeHeaders": ["etag"], "MaxAge": 600,
        }));
        let cors = cors.unwrap();
        let asked = |origin: &str| {
            request("OPTIONS", "/v1/me", &[("origin", origin), ("access-control-request-method", "GET")])
        };
        let header = |response: &Response<Bytes>, name: &str| {
            response.headers().get(format!("access-control-{name}")).map(|value| value.to_str().unwrap().to_owned())
        };
        let of = |text: &str| Some(text.to_owned());
        for origin in ["https://app.test", "http://localhost:5173"] {
            let answer = cors.preflight(&asked(origin)).unwrap();
            assert_eq!((answer.status().as_u16(), header(&answer, "allow-origin")), (204, of(origin)));
            assert_eq!(
                (header(&answer, "allow-methods"), header(&answer, "allow-headers")),
                (of("GET,POST"), of("authorization"))
            );
            assert_eq!(header(&answer, "max-age"), of("600"));
        }
        let foreign = cors.preflight(&asked("https://evil.test")).unwrap();
        assert_eq!((foreign.status().as_u16(), header(&foreign, "allow-origin")), (204, None));
        assert!(cors.preflight(&request("OPTIONS", "/v1/me", &[])).is_none());
        let mut answer =
            response(&json!({"statusCode": 200, "headers": {"access-control-allow-origin": "*"}, "body": ""}));
        cors.show(request("GET", "/", &[("origin", "https://evil.test")]).headers(), &mut answer);
        assert_eq!(header(&answer, "allow-origin"), None);
        cors.show(request("GET", "/", &[("origin", "https://app.test")]).headers(), &mut answer);
        assert_eq!(
            (header(&answer, "allow-origin"), header(&answer, "expose-headers")),
            (of("https://app.test"), of("etag"))
        );
        assert_eq!(Cors::of(&json!({"AllowOrigins": []})), None);
    }
}
