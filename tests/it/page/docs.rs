//! The page of the API's description (api.md, *The document*).

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Request;

use crate::world::World;

/// Values of an attribute.
fn values<'a>(html: &'a str, attribute: &str) -> impl Iterator<Item = &'a str> {
    let before = format!(" {attribute}=\"");
    html.split(&before).skip(1).map(|rest| rest.split('"').next().unwrap()).collect::<Vec<_>>().into_iter()
}

/// The page has every operation and schema, each link leads somewhere, and nothing comes from elsewhere or runs.
#[test]
fn the_page_of_the_api_is_whole_and_needs_nobody_else() {
    World::run(async |world| {
        let ask = |accepted: &str| {
            let request = Request::get("/docs").header("host", "127.0.0.1:3000").header("accept-encoding", accepted);
            world.stack.http(request.body(Bytes::new()).unwrap(), "203.0.113.7")
        };
        let response = ask("identity").await;
        assert_eq!(response.status(), 200);
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(!policy.contains("script-src") && !policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
        let html = String::from_utf8(response.body().to_vec()).unwrap();
        assert!(!html.contains("<script") && !html.contains(" src=") && !html.contains(" style="));
        let ids: Vec<&str> = values(&html, "id").collect();
        let known: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), known.len(), "an id stands twice");
        for link in values(&html, "href") {
            let is_there = link == "/v1/openapi.json" || link.strip_prefix('#').is_some_and(|id| known.contains(id));
            assert!(is_there, "{link} leads nowhere");
        }
        // The embedded document is the published one, which another test compares with the code.
        let published = world.nobody().get("/v1/openapi.json").await.is(200);
        for (path, methods) in published["paths"].as_object().unwrap() {
            assert!(html.contains(&format!("<code>{path}</code>")), "{path}");
            for operation in methods.as_object().unwrap().values() {
                assert!(known.contains(operation["operationId"].as_str().unwrap()), "{path}");
            }
        }
        for name in published["components"]["schemas"].as_object().unwrap().keys() {
            assert!(known.contains(format!("schema-{name}").as_str()), "{name}");
        }
        assert!(html.contains("<b>Authentication.</b>") && html.contains("<code>Idempotency-Key</code>"));
        let packed = ask("gzip").await;
        assert_eq!(packed.headers()["content-encoding"], "gzip");
        assert!(packed.body().len() < 250_000, "{} bytes", packed.body().len());
    });
}

/// A caller that has the document is told so.
#[test]
fn the_document_has_a_version() {
    World::run(async |world| {
        let first = world.nobody().get("/v1/openapi.json").await;
        let tag = first.headers["etag"].to_str().unwrap().to_owned();
        assert!(tag.starts_with("W/\"") && tag.len() > 12, "{tag}");
        let again = world.nobody().header("if-none-match", &tag).get("/v1/openapi.json").await;
        assert_eq!((again.status, again.text.as_str()), (304, ""));
        assert_eq!(world.nobody().header("if-none-match", "W/\"0\"").get("/v1/openapi.json").await.status, 200);
    });
}
