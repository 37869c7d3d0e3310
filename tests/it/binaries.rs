//! The built binaries under the real Lambda Runtime API, with database and queues over HTTP.
//! Each runs one success and one refusal.

use emulator::sim::SimConfig;
use emulator::stack::BASE;
use http::Request;
use serde_json::{Value, json};
use shared::payment::gateway::stripe::signature::sign;

use crate::processes::{Bench, PASSWORD, PATIENCE};

fn post(path: &str) -> http::request::Builder {
    Request::post(path).header("content-type", "application/json")
}

fn record(body: &str) -> Value {
    json!({"Records": [{
        "messageId": "m1", "receiptHandle": "h1", "body": body, "attributes": {"MessageGroupId": "g"},
        "messageAttributes": {}, "eventSource": "aws:sqs", "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:q", "md5OfBody": "",
    }]})
}

/// R2.1, R2.5, R4.7, R4.8: each function's binary serves a valid event and rejects an invalid one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_binary_does_its_work_and_refuses_what_it_should() {
    let bench = Bench::new().await;
    let ann = json!({"email": "ann@example.com", "password": PASSWORD}).to_string();
    let (status, body) = bench.ask("registration", post("/v1/registrations"), &ann).await;
    assert_eq!(status, 201, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    let token = format!("Bearer {}", body["session"]["access_token"].as_str().unwrap());
    let user = body["user"]["id"].as_str().unwrap().to_owned();
    let taken = json!({"email": "Ann@example.com", "password": "another password"}).to_string();
    assert_eq!(bench.ask("registration", post("/v1/registrations"), &taken).await.0, 409);

    for (binary, path) in
        [("referral", "/v1/referral"), ("redemption", "/v1/redemptions"), ("payment", "/v1/payment/config")]
    {
        assert_eq!(bench.ask(binary, Request::get(path).header("authorization", &token), "").await.0, 200);
        assert_eq!(bench.ask(binary, Request::get(path), "").await.0, 401);
    }

    let credentials = json!({"email": "admin@localhost", "password": PASSWORD}).to_string();
    let (_, signed_in) = bench.ask("registration", post("/v1/sessions"), &credentials).await;
    let signed_in: Value = serde_json::from_str(&signed_in).unwrap();
    let admin = format!("Bearer {}", signed_in["access_token"].as_str().unwrap());
    let users = |token: &str| Request::get("/v1/admin/users").header("authorization", token);
    assert_eq!(bench.ask("admin", users(&admin), "").await.0, 200);
    assert_eq!(bench.ask("admin", users(&token), "").await.0, 403);

    let event = json!({"id": "evt_1", "object": "event", "created": 1, "livemode": false, "type": "plan.created",
        "data": {"object": {}}});
    let event = event.to_string();
    let secret = SimConfig::new(BASE).stripe_webhook_secret;
    let signature = sign(&secret, event.as_bytes(), bench.0.stack.clock.now()).unwrap();
    let webhook = |signature: &str| post("/v1/webhooks/stripe").header("stripe-signature", signature);
    let told = bench.ask("payment-webhook", webhook(&signature), &event).await;
    assert_eq!(told, (200, r#"{"received":true}"#.to_owned()));
    assert_eq!(bench.ask("payment-webhook", webhook("t=1,v1=00"), &event).await.0, 400);

    let registered = json!({"id": "obx_1.0", "message": {"kind": "user_registered", "user": user, "inviter": null}});
    for binary in ["reward-worker", "statistics", "notifier"] {
        assert_eq!(bench.hand(binary, &record(&registered.to_string())).await["batchItemFailures"], json!([]));
        let poison = bench.hand(binary, &record("poison")).await;
        assert_eq!(poison["batchItemFailures"], json!([{"itemIdentifier": "m1"}]), "{binary}");
    }

    let mut scheduler = bench.0.start("scheduler").await.unwrap();
    let swept = scheduler.process.invoke(&json!({"schedule": "sweep-outbox"}), PATIENCE).await.unwrap();
    assert_eq!(swept["outbox"]["failed"], 0);
    let alarm =
        crate::operations::alarms::event("guerdon-ApiFails-1AB2CD3EF4GH", "ALARM", "2026-11-20T10:00:00.000+0000");
    let taken = scheduler.process.invoke(&alarm, PATIENCE).await.unwrap();
    assert_eq!(taken, json!({"alarm": "ApiFails", "news": "raised"}));
    for unknown in [json!({"schedule": "nonsense"}), json!({"source": "aws.s3", "detail-type": "Object Created"})] {
        assert!(scheduler.process.invoke(&unknown, PATIENCE).await.is_err(), "{unknown}");
    }
}
