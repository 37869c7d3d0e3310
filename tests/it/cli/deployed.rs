//! `smoke`, `status` and `stripe connect` against a stack that runs, with a program in the place of `aws`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::bench::Bench;
use super::cloud::Desk;

/// Outputs and parameters as of a deployed stack, for the stack of the bench.
fn described(bench: &Bench, desk: &Desk) {
    let queue = |name: &str| format!("{}/_local/aws/sqs/000000000000/{name}", bench.url);
    let outputs = [
        ("ApiUrl", bench.url.clone()),
        ("TableName", "guerdon".to_owned()),
        ("RewardQueueUrl", queue("RewardQueue.fifo")),
        ("MailQueueUrl", queue("MailQueue")),
        ("StatisticsQueueUrl", queue("StatisticsQueue")),
        ("StripeWebhookUrl", "https://x.test/v1/webhooks/stripe".to_owned()),
    ];
    let outputs = outputs.map(|(name, value)| json!({"OutputKey": name, "OutputValue": value}));
    let api = json!({"ParameterKey": "StripeApiUrl", "ParameterValue": format!("{}/_sim/stripe", bench.url)});
    let stack = json!({
        "StackStatus": "UPDATE_COMPLETE", "CreationTime": "2026-11-20T10:00:00Z", "Outputs": outputs, "Parameters": [api],
    });
    desk.write("stack", &json!({"Stacks": [stack]}).to_string());
}

/// Runs a command as a process, while the stack answers.
async fn ran(bench: &Bench, desk: &Desk, words: &str, more: &[(&str, &str)]) -> (i32, String, String) {
    let words = words.to_owned();
    let mut variables: Vec<(String, String)> = [
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ENDPOINT_URL_DYNAMODB", format!("{}/_local/aws/dynamodb", bench.url)),
        ("AWS_ENDPOINT_URL_SQS", format!("{}/_local/aws/sqs", bench.url)),
        ("GUERDON_ADMIN_EMAIL", "admin@localhost".to_owned()),
        ("GUERDON_ADMIN_PASSWORD", "correct horse battery".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    variables.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let desk = desk.clone();
    let command = move || {
        let variables: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        desk.guerdon(&words, &variables)
    };
    tokio::task::spawn_blocking(command).await.unwrap()
}

/// The endpoints that simulated Stripe has.
async fn endpoints(bench: &Bench) -> Vec<Value> {
    bench.stack.simulators.book().endpoints.values().cloned().collect()
}

/// deploy.md §2: exactly the handled events are asked for, and the secret goes to SSM and nowhere else.
#[test]
fn stripe_is_connected_once_and_its_secret_is_stored() {
    Bench::run(async |bench| {
        let desk = Desk::new();
        described(bench, &desk);
        let (status, _, err) = ran(bench, &desk, "stripe connect", &[]).await;
        assert_eq!((status, err.contains("STRIPE_SECRET_KEY is neither set nor stored")), (2, true), "{err}");
        let key = [("STRIPE_SECRET_KEY", "sk_test_local")];
        let (status, out, err) = ran(bench, &desk, "stripe connect --dry-run", &key).await;
        assert_eq!(status, 0, "{out}{err}");
        assert!(err.contains("would run: POST") && err.contains("would run: aws ssm put-parameter"), "{err}");
        assert_eq!((endpoints(bench).await.len(), desk.put().len()), (0, 0), "a dry run does nothing");

        let (status, out, err) = ran(bench, &desk, "stripe connect", &key).await;
        assert_eq!(status, 0, "{out}{err}");
        let made = endpoints(bench).await;
        let asked: BTreeSet<&str> =
            made[0]["enabled_events"].as_array().unwrap().iter().flat_map(Value::as_str).collect();
        assert_eq!(asked, shared::payment::gateway::stripe::event::HANDLED.into());
        assert_eq!((made.len(), &made[0]["url"]), (1, &json!("https://x.test/v1/webhooks/stripe")));
        let put = desk.put();
        let secret = put[0]["Value"].as_str().unwrap();
        assert!(put[0]["Name"] == "/guerdon/stripe-webhook-secret" && secret.starts_with("whsec_"), "{put:?}");
        for text in [&out, &err, &desk.read("calls")] {
            assert!(!text.contains(secret) && !text.contains("sk_test_local"), "a secret is shown: {text}");
        }

        let unknown = ran(bench, &desk, "stripe connect", &key).await;
        assert_eq!((unknown.0, unknown.2.contains("--replace")), (2, true), "{}", unknown.2);
        let known = json!({"Name": "/guerdon/stripe-webhook-secret", "Value": secret});
        desk.write("known", &json!({"Parameters": [known]}).to_string());
        let again = ran(bench, &desk, "stripe connect", &key).await;
        assert_eq!((again.0, endpoints(bench).await, desk.put().len()), (0, made.clone(), 1), "{}{}", again.1, again.2);

        let replaced = ran(bench, &desk, "stripe connect --replace", &key).await;
        assert_eq!(replaced.0, 0, "{}{}", replaced.1, replaced.2);
        let after = endpoints(bench).await;
        assert_eq!(after.len(), 1);
        assert_ne!(after[0]["id"], made[0]["id"]);
        let names: Vec<Value> = desk.put().iter().map(|one| one["Name"].clone()).collect();
        let previous = json!("/guerdon/stripe-webhook-secret-previous");
        assert_eq!(names[1..], [previous, json!("/guerdon/stripe-webhook-secret")], "both verify meanwhile");
    });
}

/// An endpoint that somebody made for other events gets the handled ones.
#[test]
fn a_connected_endpoint_is_brought_up_to_date() {
    Bench::run(async |bench| {
        let desk = Desk::new();
        described(bench, &desk);
        let form = "url=https%3A%2F%2Fx.test%2Fv1%2Fwebhooks%2Fstripe&enabled_events[0]=charge.succeeded";
        let request = http::Request::post("/_sim/stripe/v1/webhook_endpoints");
        let request = request.header("authorization", "Bearer sk_test_local");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        bench.stack.sim(request.body(bytes::Bytes::from(form)).unwrap()).await;
        let known = json!({"Name": "/guerdon/stripe-webhook-secret", "Value": "whsec_1"});
        let key = json!({"Name": "/guerdon/stripe-secret-key", "Value": "sk_test_local"});
        desk.write("known", &json!({"Parameters": [known, key]}).to_string());
        let (status, out, err) = ran(bench, &desk, "stripe connect", &[]).await;
        assert_eq!(status, 0, "{out}{err}");
        let after = endpoints(bench).await;
        assert_eq!((after.len(), after[0]["enabled_events"].as_array().unwrap().len()), (1, 14));
        assert_eq!(desk.put().len(), 0);
    });
}

#[test]
fn a_status_has_version_alarms_dead_letters_and_reviews() {
    Bench::run(async |bench| {
        let desk = Desk::new();
        described(bench, &desk);
        let (status, out, err) = ran(bench, &desk, "status", &[]).await;
        assert_eq!(status, 0, "{out}{err}");
        for line in [
            "OK       stack",
            "OK       version",
            "OK       alarms",
            "OK       dead letters reward",
            "OK       reviews",
        ] {
            assert!(out.contains(line), "{line} is not in\n{out}");
        }
        bench.park_registration().await;
        let alarm = json!({"AlarmName": "guerdon-RewardDeadLetters-1", "AlarmDescription": "Messages were given up."});
        desk.write("alarms", &json!({"MetricAlarms": [alarm]}).to_string());
        let (status, out, _) = ran(bench, &desk, "status", &[]).await;
        assert_eq!(status, 0, "{out}");
        for line in ["WARN     alarm", "guerdon-RewardDeadLetters-1", "WARN     dead letters reward"] {
            assert!(out.contains(line), "{line} is not in\n{out}");
        }
        assert!(desk.read("calls").contains("describe-alarms --alarm-name-prefix guerdon- --state-value ALARM"));
    });
}

/// deploy.md §2: every part is tried as its users would, and nothing is left but the audited books.
#[test]
fn a_smoke_test_goes_through_everything_and_leaves_nothing() {
    Bench::run(async |bench| {
        bench.json("settings set payment enabled=true").await;
        let queues = async {
            loop {
                bench.settle().await;
                tokio::task::yield_now().await;
            }
        };
        let smoke = tokio::select! { ran = bench.guerdon("smoke") => ran, () = queues => unreachable!() };
        assert_eq!(smoke.status, 0, "{}{}", smoke.out, smoke.err);
        for check in ["api", "sign-in", "order", "queue", "sign-up", "mail", "books"] {
            assert!(smoke.out.contains(&format!("OK       {check}")), "{check}\n{}", smoke.out);
        }
        bench.settle().await;
        let users = bench.json("users list --all").await;
        let left: Vec<&Value> = users.as_array().unwrap().iter().filter(|user| user["status"] != "erased").collect();
        assert_eq!((left.len(), &left[0]["email"]), (1, &json!("admin@localhost")), "{users}");
        assert_eq!(bench.json("orders list").await[0]["status"], "cancelled");
        let damaged = bench.json("orders list --status pending").await;
        assert_eq!(damaged, json!([]));
    });
}

/// A failure is told, and nothing that follows from it is tried.
#[test]
fn a_smoke_test_of_a_stack_that_is_ill_says_what_to_do() {
    Bench::run(async |bench| {
        let smoke = bench.guerdon("smoke --admin-password incorrect-horse").await;
        assert_eq!(smoke.status, 1, "{}", smoke.out);
        for line in ["FAIL     sign-in", "WARN     sign-up", "repair what failed first"] {
            assert!(smoke.out.contains(line), "{line}\n{}", smoke.out);
        }
        assert_eq!(bench.json("users list").await.as_array().unwrap().len(), 1);
    });
}
