//! The emulator is as strict as AWS: a function has only the variables and permissions of its entry.
//! Requests arrive as an HTTP API passes them on.

pub mod grants;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use emulator::connector::Backend;
use emulator::deployed::Deployment;
use emulator::gateway::{MAX_EVENT, MAX_REQUEST};
use emulator::iam::call::Service;
use emulator::iam::policy::statements;
use emulator::iam::{Guard, Guarded};
use emulator::runtime_api::FunctionProcess;
use emulator::sqs::url;
use emulator::stack::functions::needs;
use emulator::stack::{Setup, Stack, TABLE};
use emulator::template::Template;
use http::{Request, Response};
use serde_json::{Value, json};

use crate::fixtures::scene;
use crate::processes::{PASSWORD, built};
use crate::world::World;

const TEMPLATE: &str = include_str!("../../template.yaml");

/// The template with a replaced text in a function's entry.
fn edited(function: &str, from: &str, to: &str) -> Arc<Template> {
    let start = TEMPLATE.find(&format!("\n  {function}:\n")).unwrap();
    let (before, rest) = TEMPLATE.split_at(start);
    let (own, after) = rest.split_at(rest.find("Logs:\n").unwrap());
    assert!(own.contains(from), "{function} has no {from}");
    Arc::new(Template::parse(&format!("{before}{}{after}", own.replace(from, to))).unwrap())
}

async fn start(template: Arc<Template>) -> Result<Stack, String> {
    let setup = Setup { template: Some(template), ..Setup::in_memory() };
    Stack::start(setup).await.map_err(|trouble| trouble.to_string())
}

async fn ask(stack: &Stack, request: http::request::Builder, body: &str) -> (u16, Value) {
    let request = request.header("host", "127.0.0.1:3000").header("content-type", "application/json");
    let answer = stack.http(request.body(Bytes::from(body.to_owned())).unwrap(), "203.0.113.7").await;
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default())
}

/// Backend that answers every allowed call.
#[derive(Debug)]
struct Done;

impl Backend for Done {
    fn call(
        &self,
        _: Request<Bytes>,
    ) -> emulator::connector::BoxFuture<'_, Result<Response<Bytes>, emulator::connector::ConnectFault>> {
        Box::pin(async { Ok(Response::new(Bytes::from_static(b"done"))) })
    }
}

async fn asks(service: Service, key: &str, operation: &str, body: &Value) -> (u16, String) {
    let guard = Guard::new(&Arc::new(Template::parse(TEMPLATE).unwrap()));
    let authorization = format!("AWS4-HMAC-SHA256 Credential={key}/20261120/us-east-1/x/aws4_request, Signature=0");
    let request = Request::post("/").header("authorization", authorization);
    let request = request.header("x-amz-target", format!("X.{operation}")).body(Bytes::from(body.to_string())).unwrap();
    let answer = Guarded { backend: Done, service, guard }.call(request).await.unwrap();
    (answer.status().as_u16(), String::from_utf8(answer.body().to_vec()).unwrap())
}

/// The caller's own policies allow or refuse each call, with the service's own error.
#[tokio::test]
async fn a_call_that_no_policy_allows_is_refused() {
    let key = |pk: &str| json!({"pk": {"S": pk}, "sk": {"S": "-"}});
    let item = |pk: &str| json!({"TableName": TABLE, "Item": key(pk)});
    let at = |pk: &str| json!({"TableName": TABLE, "Key": key(pk)});
    let many = |kind: &str, part: Value| json!({"TransactItems": [{kind: part}]});
    let query = json!({"TableName": TABLE, "IndexName": "gsi1", "KeyConditionExpression": "#pk = :pk",
        "ExpressionAttributeNames": {"#pk": "gsi1pk"}, "ExpressionAttributeValues": {":pk": {"S": "USER#1"}}});
    let elsewhere = json!({"TableName": "other", "Key": key("USER#1")});
    let to = |queue: &str| json!({"QueueUrl": url(queue), "Entries": []});
    let mail = json!({"FromEmailAddress": "Guerdon <no-reply@guerdon.test>"});
    let names = |names: &[&str]| json!({"Names": names});
    let cases = [
        (Service::Dynamo, "ReferralFunction", "GetItem", at("USER#1"), true),
        (Service::Dynamo, "ReferralFunction", "GetItem", elsewhere, false),
        (
            Service::Dynamo,
            "ReferralFunction",
            "BatchGetItem",
            json!({"RequestItems": {TABLE: {"Keys": [key("A")]}}}),
            true,
        ),
        (Service::Dynamo, "ReferralFunction", "Query", query, true),
        (Service::Dynamo, "ReferralFunction", "Scan", json!({"TableName": TABLE}), false),
        (Service::Dynamo, "ReferralFunction", "PutItem", item("USER#1"), false),
        (Service::Dynamo, "ReferralFunction", "UpdateItem", at("TRY#1"), true),
        (Service::Dynamo, "ReferralFunction", "UpdateItem", at("USER#1"), false),
        (Service::Dynamo, "AffiliateFunction", "UpdateItem", at("TRY#1"), false),
        (Service::Dynamo, "AffiliateFunction", "TransactWriteItems", many("Put", item("USER#1")), true),
        (Service::Dynamo, "AffiliateFunction", "TransactWriteItems", many("ConditionCheck", at("USER#1")), true),
        (Service::Dynamo, "AffiliateFunction", "DeleteItem", at("OUTBOX#1"), true),
        (Service::Dynamo, "AffiliateFunction", "DeleteItem", at("USER#1"), false),
        (Service::Dynamo, "PaymentFunction", "PutItem", item("EVENT#1"), true),
        (Service::Dynamo, "ReferralFunction", "DeleteTable", json!({"TableName": TABLE}), false),
        (Service::Dynamo, "Nobody", "GetItem", at("USER#1"), false),
        (Service::Sqs, "RedemptionFunction", "SendMessageBatch", to("MailQueue"), true),
        (Service::Sqs, "RedemptionFunction", "SendMessage", to("RewardQueue.fifo"), false),
        (Service::Sqs, "RedemptionFunction", "ReceiveMessage", to("MailQueue"), false),
        (Service::Sqs, "SchedulerFunction", "ReceiveMessage", to("RewardDeadLetterQueue.fifo"), true),
        (Service::Sqs, "SchedulerFunction", "DeleteMessage", to("RewardDeadLetterQueue.fifo"), true),
        (Service::Sqs, "SchedulerFunction", "DeleteMessageBatch", to("MailQueue"), false),
        (Service::Sqs, "SchedulerFunction", "PurgeQueue", to("RewardDeadLetterQueue.fifo"), false),
        (Service::Ses, "NotifierFunction", "", mail.clone(), true),
        (Service::Ses, "RegistrationFunction", "", mail, false),
        (Service::Ssm, "ReferralFunction", "GetParameters", names(&["/guerdon/app-secret"]), true),
        (
            Service::Ssm,
            "ReferralFunction",
            "GetParameters",
            names(&["/guerdon/app-secret", "/guerdon/signing-key"]),
            false,
        ),
    ];
    for (service, function, operation, body, is_allowed) in cases {
        let (status, text) = asks(service, function, operation, &body).await;
        if is_allowed {
            assert_eq!((status, text.as_str()), (200, "done"), "{function} {operation} {body}");
            continue;
        }
        let refused = if matches!(service, Service::Sqs | Service::Ses) { 403 } else { 400 };
        assert_eq!(status, refused, "{function} {operation} {body}");
        assert!(text.contains("AccessDeniedException"), "{text}");
        assert!(function == "Nobody" || text.contains("is not authorized to perform"), "{text}");
    }
}

/// A denied call fails the request: the caller gets a retryable error and nothing changes.
/// The denial is recorded with the function and the action.
#[tokio::test]
async fn a_function_without_a_permission_fails_in_this_process_too() {
    let reads = "[dynamodb:GetItem, dynamodb:BatchGetItem, dynamodb:Query]";
    let stack = start(edited("ReferralFunction", reads, "dynamodb:Query")).await.unwrap();
    let ann = json!({"email": "ann@example.com", "password": PASSWORD}).to_string();
    let (status, made) = ask(&stack, Request::post("/v1/registrations"), &ann).await;
    assert_eq!(status, 201, "{made}");
    let token = format!("Bearer {}", made["session"]["access_token"].as_str().unwrap());
    let (status, problem) = ask(&stack, Request::get("/v1/referral").header("authorization", token), "").await;
    assert_eq!((status, &problem["status"]), (503, &json!(503)), "{problem}");
    let denied = stack.guard.seen().denied;
    assert!(denied[0].contains("ReferralFunction is not authorized to perform: dynamodb:"), "{denied:?}");
}

/// deploy.md D2: a function does not start without a queue's address or permission to read its secrets.
#[tokio::test]
async fn a_function_that_lacks_what_it_needs_does_not_start() {
    let without = edited("RedemptionFunction", "          MAIL_QUEUE_URL: !Ref MailQueue\n", "");
    let trouble = start(without).await.err().unwrap();
    assert_eq!(trouble, "RedemptionFunction can't start: MAIL_QUEUE_URL is not set");
    let unreadable = edited("ReferralFunction", "ssm:GetParameters", "ssm:GetParameter");
    let trouble = start(unreadable).await.err().unwrap();
    assert!(trouble.starts_with("ReferralFunction can't start: User: arn:aws:sts::"), "{trouble}");
    let mut bare = FunctionProcess::spawn(built().join("redemption"), "redemption", &BTreeMap::new()).await.unwrap();
    bare.invoke(&json!({}), Duration::from_secs(10)).await.unwrap_err();
    let said = bare.output_at_end().await;
    assert!(said.contains("MAIL_QUEUE_URL"), "{said}");
}

/// Each function has the variables of its own entry and the globals, and the secrets that those name.
/// This holds in this process and as a binary.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_function_has_its_own_variables_and_no_others() {
    let deployment = Deployment::new(built(), Setup::in_memory()).await.unwrap();
    let template = &deployment.stack.template;
    let has = |binary: &str, name: &str| deployment.stack.variables(binary).contains_key(name);
    for function in &template.functions {
        let own: BTreeSet<&str> = function.environment.keys().map(String::as_str).collect();
        let variables = deployment.stack.variables(&function.binary);
        for name in variables.keys() {
            let is_secret = own.contains(format!("{name}_PARAMETER").as_str());
            assert!(own.contains(name.as_str()) || is_secret, "{} has {name}", function.binary);
        }
        assert!(own.iter().all(|name| variables.contains_key(*name)), "{}", function.binary);
        assert_eq!(has(&function.binary, "SIGNING_KEY"), function.binary == "registration");
        assert_eq!(has(&function.binary, "LEDGER_KEY"), function.binary == "scheduler");
        assert_eq!(has(&function.binary, "MAIL_FROM"), function.binary == "notifier");
    }
    for binary in ["referral", "notifier"] {
        let mut deployed = deployment.start(binary).await.unwrap();
        assert!(deployed.process.started_in().await.is_some(), "{}", deployed.process.output());
        let environment = std::fs::read(format!("/proc/{}/environ", deployed.process.id().unwrap())).unwrap();
        let environment = String::from_utf8(environment).unwrap();
        let names = environment.split('\0').filter_map(|line| line.split_once('=')).map(|(name, _)| name);
        let lambdas = ["LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "_HANDLER", "LANG", "PATH", "TZ"];
        let names = names.filter(|name| !name.starts_with("AWS_") && !lambdas.contains(name));
        let names: BTreeSet<String> = names.map(str::to_owned).collect();
        let function = template.functions.iter().find(|function| function.binary == binary).unwrap();
        let own: BTreeSet<String> = function.environment.keys().cloned().collect();
        assert_eq!(names, own, "{binary}");
    }
}

/// deploy.md D2: each function declares the address of every queue that it may send to, and no other.
#[test]
fn each_function_names_the_queues_that_it_sends_to() {
    let template = Template::parse(TEMPLATE).unwrap();
    let sent = &scene().done.sent;
    for function in &template.functions {
        let of = |logical: &str| match logical {
            "RewardQueue.fifo" => "REWARD_QUEUE_URL",
            "MailQueue" => "MAIL_QUEUE_URL",
            "StatisticsQueue" => "STATISTICS_QUEUE_URL",
            other => panic!("{other} is sent to"),
        };
        let sends: BTreeSet<&str> =
            sent.keys().filter(|(binary, _)| *binary == function.binary).map(|(_, queue)| of(queue)).collect();
        let needed: BTreeSet<&str> = needs(&function.binary).iter().copied().collect();
        assert!(sends.is_subset(&needed), "{} sends to {sends:?}", function.binary);
        let queues = |name: &&str| name.ends_with("_QUEUE_URL");
        let given: BTreeSet<&str> = function.environment.keys().map(String::as_str).filter(queues).collect();
        let needed: BTreeSet<&str> = needed.into_iter().filter(queues).collect();
        assert_eq!(given, needed, "{} is given addresses that it does not need, or lacks some", function.binary);
    }
}

/// deploy.md D8: for any characters in a path the response is a problem or the requested entity.
#[test]
fn odd_characters_in_a_path_name_what_they_say_or_nothing() {
    World::run(async |world| {
        world.open().await;
        world.register("ann", None).await;
        let code = world.code("ann").await;
        let path = |id: &str| format!("/v1/referral-codes/{id}");
        assert_eq!(world.nobody().get(&path(&code)).await.is(200)["valid"], true);
        for odd in ["%20", "a%3Fb", "a%23b", "a%25b", "%C3%BC", "%22%3C%3E", "%5Ba%7C%5D", "%zz", "%ff", "%00"] {
            let answer = world.nobody().get(&path(odd)).await;
            assert!([200, 404, 422].contains(&answer.status), "{odd}: {} {}", answer.status, answer.text);
            let is_problem = answer.headers["content-type"] == "application/problem+json";
            assert_eq!(is_problem, answer.status != 200, "{odd}: {}", answer.text);
        }
        let other = format!("{code}%3Fx");
        assert_ne!(world.nobody().get(&path(&other)).await.is(200)["valid"], true, "the query is no part of a path");
        let (status, problem) = ask(&world.stack, Request::get(path("a%2Fb")), "").await;
        assert_eq!((status, &problem["code"]), (404, &json!("no_such_route")), "a slash divides");
    });
}

/// The gateway accepts ten megabytes and passes six to a function; it rejects longer bodies itself.
#[tokio::test]
async fn a_body_that_is_too_long_never_gets_to_a_function() {
    let stack = start(Arc::new(Template::parse(TEMPLATE).unwrap())).await.unwrap();
    let said = json!({"message": "Request Entity Too Large"});
    for length in [MAX_EVENT, MAX_REQUEST, MAX_REQUEST + 1] {
        assert_eq!(ask(&stack, Request::post("/v1/sessions"), &"x".repeat(length)).await, (413, said.clone()));
    }
    let (status, problem) = ask(&stack, Request::post("/v1/sessions"), &"x".repeat(MAX_EVENT - 10_000)).await;
    assert!((400..500).contains(&status) && problem["code"].is_string(), "{status} {problem}");
}

/// deploy.md D10: the gateway answers preflights and sets CORS headers for the template's origins.
#[tokio::test]
async fn pages_of_allowed_origins_may_call_and_see_what_the_template_says() {
    let origins = r#"!Split [",", !Ref AllowedOrigins]"#;
    assert!(TEMPLATE.contains(origins));
    let text = TEMPLATE.replace(origins, r#"["https://app.test"]"#);
    let stack = start(Arc::new(Template::parse(&text).unwrap())).await.unwrap();
    let answer = async |method: &str, origin: &str| {
        let request = Request::builder().method(method).uri("/v1/health").header("origin", origin);
        let request = request.header("access-control-request-method", "GET").body(Bytes::new()).unwrap();
        let answer = stack.http(request, "203.0.113.7").await;
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), header("access-control-allow-origin"), header("access-control-expose-headers"))
    };
    let own = Some("https://app.test".to_owned());
    assert_eq!(answer("OPTIONS", "https://app.test").await, (204, own.clone(), None));
    let exposed = "etag,idempotency-replayed,retry-after,location,link";
    assert_eq!(answer("GET", "https://app.test").await, (200, own, Some(exposed.to_owned())));
    assert_eq!(answer("GET", "https://evil.test").await, (200, None, None));
}

/// An unsupported policy condition grants nothing: the template is refused.
#[test]
fn a_condition_of_many_values_needs_a_set_operator() {
    let text = TEMPLATE.replace("ForAnyValue:StringEquals:", "StringEquals:");
    assert!(Template::parse(&text).is_err(), "deploy.md D20");
    assert!(statements(&json!([])).unwrap().is_empty());
}
