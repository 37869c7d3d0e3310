//! Mailed codes: verification (R2.4), password resets (R2.8), the notifier.

use std::sync::Arc;

use aws_credential_types::Credentials;
use bytes::Bytes;
use emulator::connector::{Backend, BoxFuture, ConnectFault, client};
use emulator::faults::Fault;
use emulator::sqs::Retry;
use serde_json::{Value, json};
use shared::operations::model::settings::Area;
use shared::referral::model::referral::{Invite, InviteCode};
use shared::table::aws::Aws;

use super::desk::{Desk, PASSWORD, other_than};

const BOB: &str = "bob@example.com";
const NEW: &str = "a new password";

fn bob() -> Value {
    json!({"email": BOB, "password": PASSWORD})
}

async fn verify(desk: &Desk, code: &str) -> super::desk::Answer {
    desk.post("/v1/registrations/verify", &json!({"email": BOB, "code": code})).await
}

async fn confirm(desk: &Desk, code: &str, password: &str) -> super::desk::Answer {
    let body = json!({"email": BOB, "code": code, "password": password});
    desk.post("/v1/password-resets/confirm", &body).await
}

async fn ask_reset(desk: &Desk) -> super::desk::Answer {
    desk.post("/v1/password-resets", &json!({"email": BOB})).await
}

fn is_wrong_code(answer: &super::desk::Answer) {
    answer.refused(422, "invalid");
    assert_eq!(
        (&answer.body["errors"][0]["pointer"], &answer.body["errors"][0]["code"]),
        (&json!("/code"), &json!("wrong_code"))
    );
}

/// R2.4: registration creates only a pending sign-up.
/// Confirming its code creates the account and starts the promotion.
#[tokio::test(start_paused = true)]
async fn the_account_comes_when_the_code_is_confirmed() {
    let desk = Desk::verifying().await;
    desk.settings(Area::Promotion, json!({"enabled": true})).await;
    let pending = desk.register(&bob()).await.is(201);
    assert_eq!((&pending.body["user"]["status"], &pending.body["session"]), (&json!("pending"), &Value::Null));
    assert_eq!((desk.items("user"), desk.items("email")), (0, 0));
    desk.sign_in(BOB, PASSWORD).await.refused(401, "bad_credentials");
    desk.later(600);
    let account = verify(&desk, &desk.code(BOB).await).await.is(201);
    assert_eq!(account.text("/user/id"), pending.text("/user/id"));
    let user = desk.user(&account.text("/user/id")).await;
    assert_eq!(user.promotion.clone().unwrap().activated_at, desk.0.app.clock.now());
    desk.get("/v1/me", Some(&account.text("/session/access_token"))).await.is(200);
    desk.sign_in(BOB, PASSWORD).await.is(200);
    assert_eq!(desk.items("signup"), 0);
}

/// R2.4: `referral.applied` is provisional; the referral code is checked again at confirmation.
#[tokio::test(start_paused = true)]
async fn the_referral_code_given_at_registration_is_judged_at_the_confirmation() {
    let (desk, ann) = Desk::with_referral(json!({"registration": {"invitee_reward": "1"}})).await;
    desk.settings(Area::Identity, json!({"email_verification": true})).await;
    let body = json!({"email": BOB, "password": PASSWORD, "referral_code": "ANNSCODE"});
    assert_eq!(desk.register(&body).await.is(201).body["referral"], json!({"applied": true}));
    let account = verify(&desk, &desk.code(BOB).await).await.is(201);
    assert_eq!(account.body["referral"]["reward"], json!({"amount": "1", "currency": "USD"}));

    let body = json!({"email": "cid@example.com", "password": PASSWORD, "referral_code": "ANNSCODE"});
    assert_eq!(desk.register(&body).await.is(201).body["referral"], json!({"applied": true}));
    let code = InviteCode::parse("ANNSCODE").unwrap();
    desk.write(&Invite { active: false, ..Invite::primary(code, &ann, ann.created_at) }).await;
    let code = desk.code("cid@example.com").await;
    let body = json!({"email": "cid@example.com", "code": code});
    let account = desk.post("/v1/registrations/verify", &body).await.is(201);
    assert_eq!(account.body["referral"], json!({"applied": false, "reason": "inactive"}));
}

/// R2.4: a code allows five attempts within fifteen minutes.
/// Then even the right code is rejected; a new code works.
#[tokio::test(start_paused = true)]
async fn a_code_is_good_for_five_tries_and_fifteen_minutes() {
    let desk = Desk::verifying().await;
    desk.register(&bob()).await.is(201);
    let code = desk.code(BOB).await;
    for _ in 0..5 {
        is_wrong_code(&verify(&desk, &other_than(&code)).await);
    }
    is_wrong_code(&verify(&desk, &code).await);
    desk.post("/v1/registrations/resend", &json!({"email": BOB})).await.is(202);
    let second = desk.code(BOB).await;
    desk.later(15 * 60);
    is_wrong_code(&verify(&desk, &second).await);
    desk.post("/v1/registrations/resend", &json!({"email": BOB})).await.is(202);
    let third = desk.code(BOB).await;
    desk.later(15 * 60 - 1);
    verify(&desk, &third).await.is(201);
}

/// R2.4: attempts carry over midnight.
#[tokio::test(start_paused = true)]
async fn midnight_gives_no_further_tries() {
    let desk = Desk::verifying().await;
    desk.0.clock.set("2026-11-20T23:55:00Z".parse().unwrap());
    desk.register(&bob()).await.is(201);
    let code = desk.code(BOB).await;
    for _ in 0..5 {
        is_wrong_code(&verify(&desk, &other_than(&code)).await);
    }
    desk.later(600);
    is_wrong_code(&verify(&desk, &code).await);
}

/// R2.4: registering the same e-mail again replaces the pending sign-up and its code.
#[tokio::test(start_paused = true)]
async fn registering_again_replaces_the_pending_sign_up() {
    let desk = Desk::verifying().await;
    desk.register(&bob()).await.is(201);
    let first = desk.code(BOB).await;
    desk.register(&json!({"email": " BOB@example.com", "password": NEW})).await.is(201);
    let second = desk.code(BOB).await;
    assert_eq!(desk.mail(BOB).await.len(), 2);
    if first != second {
        is_wrong_code(&verify(&desk, &first).await);
    }
    verify(&desk, &second).await.is(201);
    desk.sign_in(BOB, PASSWORD).await.refused(401, "bad_credentials");
    desk.sign_in(BOB, NEW).await.is(200);
}

/// Double submit: repeating a confirmation finds its account, with and without a key.
/// A wrong code finds nothing.
#[tokio::test(start_paused = true)]
async fn the_same_confirmation_again_finds_its_own_account() {
    for key in [None, Some("k")] {
        let desk = Desk::verifying().await;
        desk.register(&bob()).await.is(201);
        let body = json!({"email": BOB, "code": desk.code(BOB).await});
        let headers: Vec<(&str, &str)> = key.iter().map(|key| ("idempotency-key", *key)).collect();
        let path = "/v1/registrations/verify";
        let first = desk.send("POST", path, &headers, Some(&body)).await.is(201);
        let again = desk.send("POST", path, &headers, Some(&body)).await.is(201);
        assert_eq!(again.headers.contains_key("idempotency-replayed"), key.is_some());
        assert_eq!(again.body["user"], first.body["user"]);
        desk.refresh(&again.text("/session/refresh_token")).await.is(200);
        is_wrong_code(&verify(&desk, &other_than(body["code"].as_str().unwrap())).await);
        assert_eq!(desk.items("user"), 1);
    }
}

/// R2.8: an address gets at most five codes an hour, whoever requests them.
/// A replay with its key does not count.
#[tokio::test(start_paused = true)]
async fn five_codes_are_mailed_to_an_address_in_an_hour() {
    let desk = Desk::verifying().await;
    for _ in 0..8 {
        desk.post_with_key("/v1/registrations", "k", &bob()).await.is(201);
    }
    assert_eq!(desk.mail(BOB).await.len(), 1);
    let desk = Desk::verifying().await;
    for number in 1..=5 {
        match number {
            1 | 2 => desk.register(&bob()).await.is(201),
            _ => desk.post("/v1/registrations/resend", &json!({"email": BOB})).await.is(202),
        };
        assert_eq!(desk.mail(BOB).await.len(), number);
    }
    for path in ["/v1/registrations/resend", "/v1/password-resets"] {
        let answer = desk.post(path, &json!({"email": BOB})).await;
        answer.refused(429, "rate_limited");
        assert_eq!(answer.retry_after(), 3_600);
    }
    desk.register(&bob()).await.refused(429, "rate_limited");
    assert_eq!(desk.mail(BOB).await.len(), 5);
    desk.later(3_600);
    desk.post("/v1/registrations/resend", &json!({"email": BOB})).await.is(202);
}

/// R2.8: a reset sets the password, revokes all sessions and uses up its code.
#[tokio::test(start_paused = true)]
async fn a_reset_revokes_all_sessions() {
    let desk = Desk::open().await;
    let first = desk.registered(BOB).await;
    let second = desk.sign_in(BOB, PASSWORD).await.is(200);
    ask_reset(&desk).await.is(202);
    let code = desk.code(BOB).await;
    is_wrong_code(&confirm(&desk, &other_than(&code), NEW).await);
    confirm(&desk, &code, NEW).await.is(204);
    desk.refresh(&first.text("/session/refresh_token")).await.refused(401, "bad_credentials");
    desk.refresh(&second.text("/refresh_token")).await.refused(401, "bad_credentials");
    desk.sign_in(BOB, PASSWORD).await.refused(401, "bad_credentials");
    let third = desk.sign_in(BOB, NEW).await.is(200);
    desk.refresh(&third.text("/refresh_token")).await.is(200);

    // A repeat finds its own write; another password with the used code does not.
    confirm(&desk, &code, NEW).await.is(204);
    is_wrong_code(&confirm(&desk, &code, "yet another password").await);
    desk.sign_in(BOB, NEW).await.is(200);
}

/// R2.8: a reset never reveals whether the e-mail has an account.
#[tokio::test(start_paused = true)]
async fn a_reset_never_tells_whether_the_address_has_an_account() {
    let desk = Desk::open().await;
    desk.registered(BOB).await;
    for email in [BOB, "nobody@example.com"] {
        let asked = desk.post("/v1/password-resets", &json!({"email": email})).await.is(202);
        assert_eq!(asked.body, Value::Null);
        for _ in 0..7 {
            let body = json!({"email": email, "code": "12345x", "password": NEW});
            is_wrong_code(&desk.post("/v1/password-resets/confirm", &body).await);
        }
        for _ in 0..4 {
            desk.post("/v1/password-resets", &json!({"email": email})).await.is(202);
        }
        desk.post("/v1/password-resets", &json!({"email": email})).await.refused(429, "rate_limited");
    }
    assert_eq!(desk.mail("nobody@example.com").await.len(), 0);
    assert_eq!(desk.mail(BOB).await.len(), 5);
}

/// Storage: under any fault at its commit, a reset takes effect once and reports success.
#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_with_a_reset_it_is_done_and_the_answer_says_so() {
    for &fault in Fault::SEEN {
        let desk = Desk::open().await;
        desk.registered(BOB).await;
        desk.0.faults.script("TransactWriteItems", 0, fault);
        ask_reset(&desk).await.is(202);
        desk.later(120);
        desk.0.tick("sweep-outbox").await.unwrap();
        let code = desk.code(BOB).await;
        assert_eq!(desk.mail(BOB).await.len(), 1, "{fault:?}");
        desk.0.faults.script("TransactWriteItems", 0, fault);
        let answer = confirm(&desk, &code, NEW).await;
        assert_eq!(answer.status, 204, "{fault:?}: {}", answer.body);
        desk.sign_in(BOB, NEW).await.is(200);
    }
}

/// Mails use the language of the registration.
/// No message holds the address or the code; no item holds the code.
#[tokio::test(start_paused = true)]
async fn mails_speak_the_language_of_the_registration_and_messages_carry_no_secret() {
    let desk = Desk::verifying().await;
    for (locale, subject) in [
        (json!("zh-CN"), "您的验证码"),
        (json!("fr"), "Your verification code"),
        (Value::Null, "Your verification code"),
    ] {
        desk.register(&json!({"email": BOB, "password": PASSWORD, "locale": locale})).await.is(201);
        let message = desk.0.queues.poll_once("MailQueue", 1).await.unwrap();
        let body = emulator::sqs::event("MailQueue", &message).to_string();
        desk.0
            .queues
            .settle("MailQueue", &message, &emulator::sqs::FunctionReply::AllFailed, Retry::AtOnce)
            .await
            .unwrap();
        let code = desk.code(BOB).await;
        assert!(!body.contains("bob") && !body.contains(&format!("\"{code}\"")), "{body}");
        assert!(desk.scan().iter().all(|item| !item.to_string().contains(&format!("\"{code}\""))));
        assert_eq!(desk.mail(BOB).await.last().unwrap().subject, subject);
    }
}

/// Mail service that answers every mail with this status and error type.
#[derive(Debug)]
struct Ses(u16, &'static str);

impl Backend for Ses {
    fn call(&self, _: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, ConnectFault>> {
        let body = Bytes::from_static(br#"{"message": "bob@example.com is not liked", "MessageId": "1"}"#);
        let answer = http::Response::builder().status(self.0).header("x-amzn-errortype", self.1);
        Box::pin(async move { Ok(answer.body(body).unwrap()) })
    }
}

/// deploy.md D6: a mail to an address that SES can't take is acknowledged.
/// One that fails for another reason, the sandbox or an unverified sender among them, is retried and then dead-lettered.
#[tokio::test(start_paused = true)]
async fn a_mail_that_never_can_be_delivered_is_acknowledged_and_another_is_tried_again() {
    for (status, code, again) in [
        (200, "", false),
        (400, "BadRequestException", false),
        (400, "MessageRejected", true),
        (400, "MailFromDomainNotVerifiedException", true),
        (400, "AccountSuspendedException", true),
        (400, "SendingPausedException", true),
        (429, "TooManyRequestsException", true),
        (500, "InternalServiceErrorException", true),
    ] {
        let desk = Desk::verifying().await;
        desk.register(&bob()).await.is(201);
        let batch = desk.0.queues.poll_once("MailQueue", 10).await.unwrap();
        let event = serde_json::from_value(emulator::sqs::event("MailQueue", &batch)).unwrap();
        let credentials = Credentials::new("id", "secret", None, None, "desk");
        let aws = Aws { http: client(Arc::new(Ses(status, code))), region: "us-east-1".to_owned(), credentials };
        let mailer = notifier::Mailer::new(&aws, Some("http://ses.local".to_owned()), "from@example.com".to_owned());
        let answer = notifier::batch(Arc::clone(&desk.0.app), mailer, event).await;
        assert_eq!(answer.batch_item_failures.len(), usize::from(again), "{status} {code}");
        let all = emulator::sqs::FunctionReply::AllFailed;
        desk.0.queues.settle("MailQueue", &batch, &all, Retry::AtOnce).await.unwrap();
    }
}
