//! Mailed codes: verification (R2.4), password resets (R2.10), the notifier.

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

/// Registers Bob and returns the token of his sign-up.
async fn pending(desk: &Desk) -> String {
    let answer = desk.register(&bob()).await.is(201);
    assert_eq!(answer.body, json!({"status": "pending", "signup_token": answer.text("/signup_token")}));
    answer.text("/signup_token")
}

async fn verify(desk: &Desk, token: &str, code: &str) -> super::desk::Answer {
    desk.post("/v1/registrations/verify", &json!({"signup_token": token, "code": code})).await
}

async fn resend(desk: &Desk, token: &str) -> super::desk::Answer {
    desk.post("/v1/registrations/resend", &json!({"signup_token": token})).await
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
    let token = pending(&desk).await;
    assert_eq!((desk.items("user"), desk.items("email")), (0, 0));
    desk.sign_in(BOB, PASSWORD).await.refused(401, "bad_credentials");
    desk.later(600);
    let account = verify(&desk, &token, &desk.code(BOB).await).await.is(201);
    assert_eq!(account.text("/user/email"), BOB);
    let user = desk.user(&account.text("/user/id")).await;
    assert_eq!(user.promotion.clone().unwrap().activated_at, desk.0.app.clock.now());
    desk.get("/v1/me", Some(&account.text("/session/access_token"))).await.is(200);
    desk.sign_in(BOB, PASSWORD).await.is(200);
    let left = desk.scan().into_iter().find(|item| item["type"]["S"] == "signup").unwrap().to_string();
    assert!(!left.contains("bob") && !left.contains("argon2"), "nothing about the person is left: {left}");
}

/// R2.4: the referral code is checked when the sign-up is confirmed.
#[tokio::test(start_paused = true)]
async fn the_referral_code_given_at_registration_is_judged_at_the_confirmation() {
    let (desk, ann) = Desk::with_referral(json!({"registration": {"invitee_reward": "1"}})).await;
    desk.settings(Area::Identity, json!({"email_verification": true})).await;
    let confirmed = async |email: &str| {
        let body = json!({"email": email, "password": PASSWORD, "referral_code": "ANNSCODE"});
        let token = desk.register(&body).await.is(201).text("/signup_token");
        let code = desk.code(email).await;
        (token, code)
    };
    let (token, code) = confirmed(BOB).await;
    let account = verify(&desk, &token, &code).await.is(201);
    assert_eq!(account.body["referral"]["reward"], json!({"amount": "1", "currency": "USD"}));

    let (token, typed) = confirmed("cid@example.com").await;
    let code = InviteCode::parse("ANNSCODE").unwrap();
    desk.write(&Invite { active: false, ..Invite::primary(code, &ann, ann.created_at) }).await;
    let account = verify(&desk, &token, &typed).await.is(201);
    assert_eq!(account.body["referral"], json!({"applied": false, "reason": "inactive"}));
}

/// R2.4: a code allows five attempts within fifteen minutes. A later mail allows five more, and leaves the earlier code valid.
#[tokio::test(start_paused = true)]
async fn a_code_is_good_for_five_tries_and_fifteen_minutes() {
    let desk = Desk::verifying().await;
    let token = pending(&desk).await;
    let first = desk.code(BOB).await;
    for _ in 0..5 {
        is_wrong_code(&verify(&desk, &token, &other_than(&first)).await);
    }
    is_wrong_code(&verify(&desk, &token, &first).await);
    desk.later(60);
    resend(&desk, &token).await.is(202);
    assert_eq!(desk.mail(BOB).await.len(), 2);
    let second = desk.code(BOB).await;
    desk.later(15 * 60);
    is_wrong_code(&verify(&desk, &token, &second).await);
    resend(&desk, &token).await.is(202);
    let third = desk.code(BOB).await;
    desk.later(14 * 60);
    resend(&desk, &token).await.is(202);
    desk.0.settle().await.unwrap();
    desk.later(59);
    let typed = format!(" {} {}\n", &third[..3], &third[3..]);
    verify(&desk, &token, &typed).await.is(201);
}

/// R2.4: attempts carry over midnight.
#[tokio::test(start_paused = true)]
async fn midnight_gives_no_further_tries() {
    let desk = Desk::verifying().await;
    desk.0.clock.set("2026-11-20T23:55:00Z".parse().unwrap());
    let token = pending(&desk).await;
    let code = desk.code(BOB).await;
    for _ in 0..5 {
        is_wrong_code(&verify(&desk, &token, &other_than(&code)).await);
    }
    desk.later(600);
    is_wrong_code(&verify(&desk, &token, &code).await);
}

/// R2.4: a sign-up token that was not issued here is nobody's.
#[tokio::test(start_paused = true)]
async fn a_forged_sign_up_token_is_nobodys() {
    let desk = Desk::verifying().await;
    let token = pending(&desk).await;
    let code = desk.code(BOB).await;
    let other = format!("{}{}", if token.starts_with('A') { "B" } else { "A" }, &token[1..]);
    for forged in ["", "x", &token[..token.len() - 4], &other, &"A".repeat(5_000)] {
        for answer in [verify(&desk, forged, &code).await, resend(&desk, forged).await] {
            answer.refused(422, "invalid");
            assert_eq!(answer.body["errors"][0]["code"], "wrong_token");
        }
    }
    verify(&desk, &token, &code).await.is(201);
}

/// Double submit: repeating a confirmation finds its account, with and without a key.
/// A wrong code finds nothing.
#[tokio::test(start_paused = true)]
async fn the_same_confirmation_again_finds_its_own_account() {
    for key in [None, Some("k")] {
        let desk = Desk::verifying().await;
        let token = pending(&desk).await;
        let body = json!({"signup_token": token, "code": desk.code(BOB).await});
        let headers: Vec<(&str, &str)> = key.iter().map(|key| ("idempotency-key", *key)).collect();
        let path = "/v1/registrations/verify";
        let first = desk.send("POST", path, &headers, Some(&body)).await.is(201);
        let again = desk.send("POST", path, &headers, Some(&body)).await.is(201);
        assert_eq!(again.headers.contains_key("idempotency-replayed"), key.is_some());
        assert_eq!(again.body["user"], first.body["user"]);
        desk.refresh(&again.text("/session/refresh_token")).await.is(200);
        is_wrong_code(&verify(&desk, &token, &other_than(body["code"].as_str().unwrap())).await);
        resend(&desk, &token).await.is(202);
        assert_eq!((desk.items("user"), desk.mail(BOB).await.len()), (1, 1));
    }
}

/// R2.9: a network gets an address at most five mails an hour, and the answer is the same above it.
/// A replay with its key does not count.
#[tokio::test(start_paused = true)]
async fn five_mails_go_to_an_address_in_an_hour() {
    let desk = Desk::verifying().await;
    let mut tokens = std::collections::BTreeSet::new();
    for _ in 0..8 {
        let answer = desk.post_with_key("/v1/registrations", "k", &bob()).await.is(201);
        tokens.insert(answer.text("/signup_token"));
    }
    assert_eq!((tokens.len(), desk.mail(BOB).await.len()), (1, 1));
    let desk = Desk::verifying().await;
    let token = pending(&desk).await;
    for number in 2..=8 {
        match number % 3 {
            0 => ask_reset(&desk).await.is(202),
            1 => desk.post("/v1/sessions/challenge", &json!({"email": BOB})).await.is(202),
            _ => resend(&desk, &token).await.is(202),
        };
    }
    // Nobody has the address yet, so of the five only the registration and its repeats reach it.
    let count = desk.mail(BOB).await.len();
    pending(&desk).await;
    resend(&desk, &token).await.is(202);
    assert_eq!(desk.mail(BOB).await.len(), count);
    desk.later(3_600);
    pending(&desk).await;
    assert_eq!(desk.mail(BOB).await.len(), count + 1);
}

/// R2.10: a reset sets the password, revokes all sessions and uses up its code.
#[tokio::test(start_paused = true)]
async fn a_reset_revokes_all_sessions() {
    let desk = Desk::open().await;
    let first = desk.registered(BOB).await;
    let second = desk.sign_in(BOB, PASSWORD).await.is(200);
    ask_reset(&desk).await.is(202);
    let code = desk.symbols(BOB).await;
    is_wrong_code(&confirm(&desk, "00000-00000", NEW).await);
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

/// R2.10: a reset never reveals whether the e-mail has an account.
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
        for _ in 0..6 {
            desk.post("/v1/password-resets", &json!({"email": email})).await.is(202);
        }
    }
    assert_eq!(desk.mail("nobody@example.com").await.len(), 0);
    assert_eq!(desk.mail(BOB).await.len(), 5);
}

/// R2.10: the link and the code of a mail are good for half an hour and once; a later mail leaves them valid.
#[tokio::test(start_paused = true)]
async fn a_reset_is_by_link_or_by_code_within_half_an_hour() {
    let desk = Desk::open().await;
    desk.registered(BOB).await;
    let with_link = async |token: &str, password: &str| {
        desk.post("/v1/password-resets/confirm", &json!({"token": token, "password": password})).await
    };
    ask_reset(&desk).await.is(202);
    let (code, link) = (desk.symbols(BOB).await, desk.link_token(BOB).await);
    desk.later(30 * 60 + 5);
    is_wrong_code(&confirm(&desk, &code, NEW).await);
    with_link(&link, NEW).await.refused(422, "invalid");

    ask_reset(&desk).await.is(202);
    let (code, link) = (desk.symbols(BOB).await, desk.link_token(BOB).await);
    desk.later(20 * 60);
    ask_reset(&desk).await.is(202);
    let later = desk.symbols(BOB).await;
    assert_ne!(code, later);
    desk.later(9 * 60);
    let typed = format!(" {}\u{2013}{} ", code[..5].to_lowercase(), &code[6..]);
    confirm(&desk, &typed, NEW).await.is(204);
    desk.sign_in(BOB, NEW).await.is(200);
    // The new password ended all of them.
    with_link(&link, "yet another password").await.refused(422, "invalid");
    is_wrong_code(&confirm(&desk, &later, "yet another password").await);

    ask_reset(&desk).await.is(202);
    let link = desk.link_token(BOB).await;
    for forged in [&link[..link.len() - 3], "", "x", &"A".repeat(60)] {
        with_link(forged, "yet another password").await.refused(422, "invalid");
    }
    with_link(&link, "yet another password").await.is(204);
    with_link(&link, "yet another password").await.is(204);
    desk.sign_in(BOB, "yet another password").await.is(200);
    for body in [
        json!({"password": NEW}),
        json!({"email": BOB, "password": NEW}),
        json!({"token": link, "code": "x", "password": NEW}),
    ] {
        desk.post("/v1/password-resets/confirm", &body).await.refused(422, "invalid");
    }
}

/// R2.10: five tries at a code, counted in the network that makes them; strangers elsewhere use up nobody's.
#[tokio::test(start_paused = true)]
async fn five_tries_at_a_reset_code_and_nobody_elses() {
    let desk = Desk::open().await;
    desk.registered(BOB).await;
    ask_reset(&desk).await.is(202);
    let code = desk.symbols(BOB).await;
    let path = "/v1/password-resets/confirm";
    for network in 0..20 {
        let guess = json!({"email": BOB, "code": "00000-00000", "password": NEW});
        for _ in 0..6 {
            is_wrong_code(&desk.send_from(&format!("198.51.{network}.9"), "POST", path, &[], Some(&guess)).await);
        }
    }
    let right = json!({"email": BOB, "code": code, "password": NEW});
    is_wrong_code(&desk.send_from("198.51.3.77", "POST", path, &[], Some(&right)).await);
    confirm(&desk, &code, NEW).await.is(204);
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
        let code = desk.symbols(BOB).await;
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
        let from = "from@example.com".to_owned();
        let mailer = notifier::Mailer::new(&aws, Some("http://ses.local".to_owned()), from, None);
        let answer = notifier::batch(Arc::clone(&desk.0.app), mailer, event).await;
        assert_eq!(answer.batch_item_failures.len(), usize::from(again), "{status} {code}");
        let all = emulator::sqs::FunctionReply::AllFailed;
        desk.0.queues.settle("MailQueue", &batch, &all, Retry::AtOnce).await.unwrap();
    }
}
