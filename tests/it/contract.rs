//! The contract: template, routers and the published OpenAPI document list the same routes.

mod breaking;
pub mod document;
mod examples;

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use emulator::stack::functions::documentation;
use emulator::template::{Route, Template};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;
use shared::edge::openapi::{self, Operation};

use crate::world::World;
use document::{built, merged, resolved};

const TEMPLATE: &str = include_str!("../../template.yaml");
const DOCUMENT: &str = "functions/registration/openapi.json.gz";
const OPERATIONS: &str = "functions/registration/operations.txt";

type Routes = BTreeSet<(String, String)>;

/// The operations of each function that has some.
fn operations() -> impl Iterator<Item = (String, Vec<Operation>)> {
    let template = Template::parse(TEMPLATE).unwrap();
    let names = template.functions.into_iter().map(|function| function.binary);
    names.map(|name| (name.clone(), documentation(&name))).filter(|(_, operations)| !operations.is_empty())
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(name)
}

fn routes_of(document: &Value) -> Routes {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, methods): (&String, &Value)| -> Vec<(String, String)> {
        methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())).collect()
    };
    paths.iter().flat_map(of).collect()
}

/// deploy.md D1: the template names prefixes only. Each operation goes to the function that has it, and each route has operations.
#[test]
fn the_gateway_sends_each_operation_to_the_function_that_has_it() {
    let template = Template::parse(TEMPLATE).unwrap();
    let mut reached = BTreeSet::new();
    for (binary, operations) in operations() {
        let document = openapi::document("", operations).unwrap().json;
        for (method, path) in routes_of(&document) {
            let matched = template.route(&method, &path.replace(['{', '}'], "")).unwrap();
            assert_eq!(matched.function.binary, binary, "{method} {path}");
            reached.insert(matched.route_key);
        }
    }
    let key = |route: &Route| {
        if route.path == "$default" { route.path.clone() } else { format!("{} {}", route.method, route.path) }
    };
    // Pages, forms and links are no part of the API.
    let functions =
        template.functions.iter().filter(|function| !["console", "back-office"].contains(&&*function.binary));
    let is_of_api = |route: &&Route| !route.path.starts_with("/forms/") && route.path != "/enter";
    let routes = functions.flat_map(|function| &function.routes).filter(is_of_api);
    let declared: BTreeSet<String> = routes.map(key).collect();
    assert_eq!(declared, reached, "routes that no operation has");
}

/// deploy.md D18: what anybody may ask has its own route and throttle. Webhooks share those of everything else: a provider repeats.
#[test]
fn each_public_operation_is_throttled_by_itself() {
    let template = Template::parse(TEMPLATE).unwrap();
    let throttled = template.raw.pointer("/Resources/ApiStage/Properties/RouteSettings").unwrap().as_object().unwrap();
    let throttled: BTreeSet<&str> = throttled.keys().map(String::as_str).collect();
    let public: Vec<String> = operations()
        .flat_map(|(_, operations)| operations)
        .filter(Operation::is_public)
        .flat_map(|operation| operation.routes().collect::<Vec<_>>())
        .filter(|(_, path)| !path.starts_with("/v1/webhooks/"))
        .map(|(method, path)| format!("{method} {path}"))
        .collect();
    // C5.14: the pages and forms of strangers, too.
    let pages = [
        "POST /forms/registration/{proxy+}",
        "GET /enter",
        "GET /sign-in",
        "GET /register",
        "GET /reset",
        "GET /unsubscribe",
    ];
    assert_eq!(throttled, public.iter().map(String::as_str).chain(pages).collect());
    let after = template.raw.pointer("/Resources/ApiStage/DependsOn").unwrap().as_array().unwrap();
    let key = |id: &Value| template.raw.pointer(&format!("/Resources/{}/Properties/RouteKey", id.as_str().unwrap()));
    let after: BTreeSet<&str> = after.iter().map(|id| key(id).unwrap().as_str().unwrap()).collect();
    assert_eq!(throttled, after, "a stage throttles routes that are there before it");
}

/// deploy.md D17: the packages that the template names are the binaries that cargo builds from `functions/`.
#[test]
fn the_template_deploys_every_function_that_cargo_builds() {
    let template = Template::parse(TEMPLATE).unwrap();
    let named: BTreeSet<String> = template.functions.iter().map(|function| function.binary.clone()).collect();
    let folders = fs::read_dir(file("functions")).unwrap().map(|entry| entry.unwrap().path());
    let built = folders.filter(|path| path.join("src/main.rs").exists());
    let built: BTreeSet<String> = built.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(named, built);
    for function in &template.functions {
        let package = template.raw.pointer(&format!("/Resources/{}/Properties/CodeUri", function.logical_id)).unwrap();
        assert_eq!(package, &format!("dist/functions/{}.zip", function.binary));
        let manifest = fs::read_to_string(file(&format!("functions/{}/Cargo.toml", function.binary))).unwrap();
        let (_, bin) = manifest.split_once("[[bin]]\n").unwrap();
        assert!(bin.starts_with(&format!("name = \"{}\"", function.binary)), "{manifest}");
    }
}

fn decompressed(bytes: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

/// A generated client names an object that it parses after its schema; a list of the same name hides it there.
#[test]
fn no_schema_has_a_list_of_its_own_name() {
    let module = |name: &str| {
        let mut text = String::new();
        for symbol in name.chars() {
            if symbol.is_uppercase() && !text.is_empty() {
                text.push('_');
            }
            text.extend(symbol.to_lowercase());
        }
        text
    };
    let schemas = merged()["components"]["schemas"].as_object().unwrap();
    let has_own =
        |(name, schema): &(&String, &serde_json::Value)| schema["properties"][module(name)]["type"] == "array";
    let own: Vec<&String> = schemas.iter().filter(has_own).map(|(name, _)| name).collect();
    assert_eq!(own, [""; 0]);
}

/// A change that breaks clients is told and not written, unless `GUERDON_BREAKING=accepted` says that it is meant.
#[test]
fn the_published_document_is_what_the_code_says() {
    let (path, current) = (file(DOCUMENT), merged().to_string());
    let published = fs::read(&path).map(|bytes| decompressed(&bytes)).unwrap_or_default();
    if published != current {
        let breaks = serde_json::from_str(&published).map(|old| breaking::breaking(&old, merged())).unwrap_or_default();
        let accepted = std::env::var("GUERDON_BREAKING").is_ok_and(|says| says == "accepted");
        assert!(
            breaks.is_empty() || accepted,
            "these changes of the document break clients; if they are meant, set GUERDON_BREAKING=accepted:\n{}",
            breaks.join("\n")
        );
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(current.as_bytes()).unwrap();
        fs::write(&path, packed.finish().unwrap()).unwrap();
        panic!(
            "{DOCUMENT} was out of date and is rewritten: commit it; {OPERATIONS} shows the difference for a person"
        );
    }
}

/// The list that a person reviews: each operation with its access, body, answers and refusals.
#[test]
fn every_operation_stands_in_the_list() {
    let known = fs::read_to_string(file(OPERATIONS)).unwrap();
    let (known, current): (Vec<&str>, Vec<String>) = (known.lines().collect(), built().operations);
    let gone = known.iter().filter(|line| !current.iter().any(|now| now == *line)).map(|line| format!("- {line}"));
    let new = current.iter().filter(|line| !known.contains(&line.as_str())).map(|line| format!("+ {line}"));
    let difference: Vec<String> = gone.chain(new).collect();
    assert!(difference.is_empty(), "change these lines of {OPERATIONS}:\n{}", difference.join("\n"));
    assert_eq!(known, current, "{OPERATIONS} is not sorted by path");
}

/// Operations that ask for a second factor of the last fifteen minutes (R2.12).
pub fn second_factor_asked() -> BTreeSet<String> {
    let asks = |line: String| {
        let (route, rest) = line.split_once("  ")?;
        rest.split("  ").next()?.ends_with(", second factor").then(|| route.to_owned())
    };
    built().operations.into_iter().filter_map(asks).collect()
}

#[test]
fn the_document_is_answered_compressed_to_callers_that_accept_it() {
    World::run(compressed_where_accepted);
}

async fn compressed_where_accepted(world: &World) {
    let answer = async |accepted: &str| {
        let request = http::Request::get("/v1/openapi.json").header("accept-encoding", accepted);
        world.stack.http(request.body(Bytes::new()).unwrap(), "203.0.113.7").await
    };
    let plain = answer("identity").await.body().clone();
    for accepted in ["gzip", "br, GZIP;q=0.5"] {
        let response = answer(accepted).await;
        assert_eq!(response.headers()["content-encoding"], "gzip", "{accepted}");
        assert!(decompressed(response.body()).as_bytes() == plain, "{accepted}");
    }
    for accepted in ["", "br", "gzip;q=0"] {
        let response = answer(accepted).await;
        assert!(response.headers().get("content-encoding").is_none(), "{accepted}");
        assert!(*response.body() == plain, "{accepted}");
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

/// An example was recorded once; it has whatever its schema requires by now.
#[test]
fn every_example_has_what_its_schema_requires() {
    let document = merged();
    let mut lacking = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let body = operation.pointer("/requestBody/content/application~1json");
            let answers = operation["responses"].as_object().unwrap().values();
            let answers = answers.filter_map(|answer| answer.pointer("/content/application~1json"));
            for content in body.into_iter().chain(answers).filter(|content| content.get("example").is_some()) {
                let missing = lacks(&content["schema"], &content["example"]);
                lacking.extend(missing.into_iter().map(|name| format!("{method} {path}: {name}")));
            }
        }
    }
    assert!(lacking.is_empty(), "{lacking:#?}: record these anew, see the head of contract/examples.rs");
}

/// Properties that a schema requires and a value lacks, at any depth.
fn lacks(schema: &'static Value, value: &Value) -> Vec<String> {
    let schema = resolved(schema);
    let each = |name: &str| schema[name].as_array().into_iter().flatten();
    let mut missing: Vec<String> = each("allOf").flat_map(|part| lacks(part, value)).collect();
    let choices = each("oneOf").chain(each("anyOf"));
    missing.extend(choices.map(|one| lacks(one, value)).min_by_key(Vec::len).unwrap_or_default());
    if let Some(fields) = value.as_object() {
        let absent = each("required").filter_map(Value::as_str).filter(|name| !fields.contains_key(*name));
        missing.extend(absent.map(str::to_owned));
        let known = fields.iter().filter(|(name, _)| schema["properties"][name.as_str()].is_object());
        missing.extend(known.flat_map(|(name, field)| lacks(&schema["properties"][name.as_str()], field)));
    }
    missing.extend(value.as_array().into_iter().flatten().flat_map(|item| lacks(&schema["items"], item)));
    missing
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
            let mut succeeds =
                operation["responses"].as_object().unwrap().iter().filter(|(code, _)| code.starts_with('2'));
            let silent = |(_, answer): (&String, &Value)| answer["description"].as_str().is_none_or(str::is_empty);
            assert!(!succeeds.any(silent), "{route} does not describe its answer");
            let codes: Vec<&String> = operation["responses"].as_object().unwrap().keys().collect();
            assert!(codes.iter().any(|code| code.starts_with('2')), "{route} never succeeds: {codes:?}");
            let body = method == "post" || method == "put";
            let webhook = path.starts_with("/v1/webhooks/zpay");
            assert!(!body || webhook || codes.iter().any(|code| code.starts_with('4')), "{route} is never refused");
        }
    }
}

/// api.md, the document: whatever a generator needs is there, and nothing else.
#[test]
fn a_generator_finds_everything_that_it_needs() {
    let document = merged();
    let text = document.to_string();
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(text.contains(&format!("#/components/schemas/{name}\"")), "nothing uses {name}");
    }
    for reference in text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(document.pointer(reference).is_some(), "{reference} is not there");
    }
    let tags: BTreeSet<&str> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let has_text = operation["description"].as_str().is_some_and(|text| !text.is_empty());
            assert!(has_text && operation["security"].is_array(), "{method} {path}");
            assert!(operation["tags"].as_array().unwrap().iter().all(|tag| tags.contains(tag.as_str().unwrap())));
            let mut statuses = operation["responses"].as_object().unwrap().keys();
            assert!(statuses.any(|status| status.starts_with('4')), "{method} {path} is never refused");
        }
    }
}

/// api.md: each settings area has a schema with descriptions, defaults and ranges, and no area is left out.
#[test]
fn every_settings_area_has_its_schema() {
    let document = merged();
    let schemas = &document["components"]["schemas"];
    let each = schemas["AnySettings"]["oneOf"].as_array().unwrap();
    assert_eq!(each.len(), shared::operations::model::settings::Area::ALL.len());
    for reference in each {
        let schema = document.pointer(reference["$ref"].as_str().unwrap().trim_start_matches('#')).unwrap();
        for (name, field) in schema["properties"].as_object().unwrap() {
            let is_nullable = field["type"].as_array().is_some_and(|types| types.contains(&"null".into()));
            assert!(field["description"].is_string(), "{reference} {name}");
            assert!(field.get("default").is_some() || is_nullable, "{reference} {name} has neither a default nor null");
        }
    }
    let hold = &schemas["AffiliateSettings"]["properties"]["hold_hours"];
    assert_eq!((&hold["minimum"], &hold["default"]), (&serde_json::json!(0), &serde_json::json!(0)));
    let put = &document["paths"]["/v1/admin/settings/{area}"]["put"];
    let body = put.pointer("/requestBody/content/application~1json/schema/$ref").unwrap();
    assert_eq!(body, "#/components/schemas/AnySettings");
    assert_eq!(put["responses"]["200"]["headers"]["ETag"]["schema"]["type"], "string");
}
