//! `smoke`: tries a deployment as its users and its operator would, and leaves nothing behind.

use std::time::Duration;

use indicatif::ProgressBar;
use serde_json::{Value, json};
use shared::kernel::id::UserId;
use shared::table::aws::Environment;
use shared::table::system::{Clock, Entropy};

use super::Cloud;
use crate::Ended;
use crate::api::{Answer, Api, Ask};
use crate::command::doctor;
use crate::command::table::audited;
use crate::direct::Surroundings;
use crate::output::Out;
use crate::sheet::Sheet;
use crate::trouble::Trouble;

/// Looks at what has to happen behind a queue, half a minute in all.
const LOOKS: u32 = 60;
/// Looks until a change of settings is seen everywhere, a minute and some seconds in all.
const SETTINGS_SEEN: u32 = 130;
const BETWEEN: Duration = Duration::from_millis(500);

/// Tries everything; a line each.
///
/// # Errors
/// Fails when the result can't be written. What does not work is part of the result.
pub async fn run(
    url: &str,
    api: &Api,
    at: &Surroundings<'_>,
    cloud: Option<&Cloud>,
    out: &mut Out<'_>,
) -> Result<Ended, Trouble> {
    let mut sheet = Sheet::default();
    let progress = ProgressBar::new_spinner().with_message("address, API and settings");
    progress.enable_steady_tick(Duration::from_millis(120));
    if url.starts_with("https://") {
        sheet.ok("tls", "the address is https");
    } else {
        sheet.warn("tls", "the address is not https", "fine on this machine only");
    }
    doctor::look(api, at, &mut sheet).await;
    if let Some(cloud) = cloud {
        origins(api, cloud, &mut sheet).await;
    }
    if sheet.failed {
        sheet.warn("sign-up", "not tried, nor what follows it", "repair what failed first");
    } else {
        progress.set_message("a sign-up, an order and the queue; a change of settings takes up to a minute to be seen");
        user(api, at, &mut sheet).await;
    }
    progress.set_message("a mail, the schedules and the books");
    mail(api, at, &mut sheet).await;
    if let Some(cloud) = cloud {
        ticks(cloud, &mut sheet);
    }
    books(at, &mut sheet).await;
    progress.finish_and_clear();
    sheet.print(out)
}

/// Asks as a page of the first allowed origin would.
async fn origins(api: &Api, cloud: &Cloud, sheet: &mut Sheet) {
    let allowed = match cloud.given("AllowedOrigins") {
        Ok(allowed) => allowed.unwrap_or_default(),
        Err(trouble) => return sheet.trouble("cors", &trouble),
    };
    let Some(origin) = allowed.split(',').map(str::trim).find(|origin| !origin.is_empty()) else {
        return sheet.ok("cors", "AllowedOrigins is empty: pages of other origins can't call the API");
    };
    let headers = [("origin", origin), ("access-control-request-method", "POST")];
    let ask = Ask { method: "OPTIONS", path: "/v1/sessions", body: None, headers: &headers, repeatable: true };
    match api.anonymous(ask).await {
        Ok(answer) if answer.allowed_origin.as_deref().is_some_and(|allowed| allowed == origin || allowed == "*") => {
            sheet.ok("cors", format!("pages of {origin} may call the API"));
        }
        Ok(answer) => {
            let finding = format!("pages of {origin} may not: a preflight is answered {}", answer.status);
            sheet.fail("cors", finding, "write origins without a path, as https://app.example.com, and deploy again");
        }
        Err(trouble) => sheet.trouble("cors", &trouble),
    }
}

/// Signs up with an address of SES's mailbox simulator, makes an order, and erases the account again.
async fn user(api: &Api, at: &Surroundings<'_>, sheet: &mut Sheet) {
    let name = data_encoding::HEXLOWER.encode(&Entropy::system().bytes::<8>());
    let body = json!({"email": format!("success+{name}@simulator.amazonses.com"), "password": format!("smoke {name}")});
    let before = users(api).await;
    let ask = Ask { method: "POST", path: "/v1/registrations", body: Some(&body), headers: &[], repeatable: false };
    let made = match api.anonymous(ask).await.and_then(Answer::json) {
        Ok(made) => made,
        Err(trouble) => return sheet.trouble("sign-up", &trouble),
    };
    let text = |pointer: &str| made.pointer(pointer).and_then(Value::as_str);
    if text("/status") == Some("pending") {
        return sheet.ok("sign-up", "taken, and waits for the code that was mailed; no account is made without it");
    }
    let Some(id) = text("/user/id").and_then(UserId::parse) else {
        return sheet.fail("sign-up", "the answer has no user", "look into the log of registration");
    };
    order(api, text("/session/access_token").unwrap_or_default(), at, sheet).await;
    counted(api, before, sheet).await;
    match api.post(&format!("/v1/admin/users/{id}/erase"), &json!({"reason": "guerdon smoke"})).await {
        Ok(_) => sheet.ok("sign-up", "an account was made and erased"),
        Err(trouble) => {
            sheet.warn("sign-up", format!("an account was made; {id} stays: {trouble}"), "erase it as an admin")
        }
    }
}

/// Makes an order where no money can come of it, and cancels it.
async fn order(api: &Api, token: &str, at: &Surroundings<'_>, sheet: &mut Sheet) {
    let payment = match api.get("/v1/admin/settings/payment").await {
        Ok(document) => document.get("settings").cloned().unwrap_or_default(),
        Err(trouble) => return sheet.trouble("order", &trouble),
    };
    let on = |pointer: &str| payment.pointer(pointer) == Some(&json!(true));
    if !on("/enabled") {
        return sheet.warn("order", "not tried: top-ups are off", "guerdon settings set payment enabled=true");
    }
    let secrets = match at.secrets().await {
        Ok(secrets) => secrets,
        Err(trouble) => return sheet.trouble("order", &trouble),
    };
    let stripe = secrets.get("STRIPE_SECRET_KEY").unwrap_or_default();
    let provider = match () {
        () if on("/providers/zpay/enabled") && (at.is_local() || secrets.get("ZPAY_KEY").is_some()) => "zpay",
        () if on("/providers/stripe/enabled") && stripe.contains("_test_") => "stripe",
        () => {
            let finding = "not tried: Zpay is off, and Stripe's key is not one of its test mode";
            return sheet.warn("order", finding, "make one as a user and cancel it");
        }
    };
    let authorization = format!("Bearer {token}");
    let key = api.fresh_key();
    let signed = [("authorization", authorization.as_str())];
    let headers = [("authorization", authorization.as_str()), ("idempotency-key", key.as_str())];
    let body = json!({"amount": payment.get("min_amount"), "provider": provider});
    let ask =
        Ask { method: "POST", path: "/v1/payment/orders", body: Some(&body), headers: &headers, repeatable: true };
    let mut made = api.anonymous(ask).await.and_then(Answer::json);
    for _ in 0..SETTINGS_SEEN {
        // A function that ran before goes on with the settings of then for up to a minute.
        if !matches!(&made, Err(Trouble::Refused(problem)) if problem.code == "programme_off") {
            break;
        }
        tokio::time::sleep(BETWEEN).await;
        made = api.anonymous(ask).await.and_then(Answer::json);
    }
    let made = match made {
        Ok(made) => made,
        Err(trouble) => return sheet.trouble("order", &trouble),
    };
    let id = made.get("id").and_then(Value::as_str).unwrap_or_default();
    let path = format!("/v1/payment/orders/{id}/cancel");
    let ask = Ask { method: "POST", path: &path, body: None, headers: &signed, repeatable: false };
    match api.anonymous(ask).await.and_then(Answer::json) {
        Ok(_) => sheet.ok("order", format!("{provider} took one; it was cancelled")),
        Err(trouble) => sheet.warn("order", format!("{provider} took {id}: {trouble}"), "it expires by itself"),
    }
}

async fn users(api: &Api) -> Option<u64> {
    api.get("/v1/admin/stats").await.ok()?.get("users")?.as_u64()
}

/// Waits until the sign-up came through the queue.
async fn counted(api: &Api, before: Option<u64>, sheet: &mut Sheet) {
    let Some(before) = before else {
        return sheet.warn("queue", "the statistics could not be read", "look into the log of admin");
    };
    for _ in 0..LOOKS {
        if users(api).await.is_some_and(|users| users > before) {
            return sheet.ok("queue", "the sign-up came through the queue and was counted");
        }
        tokio::time::sleep(BETWEEN).await;
    }
    sheet.fail("queue", "the sign-up was not counted in half a minute", "look into the log of statistics");
}

/// Asks for a mail to the operator, and waits until the queue of mails is empty.
async fn mail(api: &Api, at: &Surroundings<'_>, sheet: &mut Sheet) {
    let Some(email) = api.email().map(str::to_owned) else {
        return sheet.warn("mail", "not tried: no admin is named", "set GUERDON_ADMIN_EMAIL");
    };
    let body = json!({"email": email});
    let ask = Ask { method: "POST", path: "/v1/password-resets", body: Some(&body), headers: &[], repeatable: false };
    match api.anonymous(ask).await {
        Ok(answer) if answer.status == 202 => {}
        Ok(answer) => return sheet.fail("mail", format!("a mail is answered {}", answer.status), "look into the log"),
        Err(trouble) => return sheet.trouble("mail", &trouble),
    }
    let (Ok(queues), Some(url)) = (at.queues(), at.get("MAIL_QUEUE_URL")) else {
        return sheet.warn("mail", format!("asked for one to {email}"), "see whether it arrives");
    };
    for _ in 0..LOOKS {
        if queues.depth(&url).await.is_ok_and(|depth| depth == 0) {
            return sheet.ok("mail", format!("one to {email} was handed over; see whether it arrives"));
        }
        tokio::time::sleep(BETWEEN).await;
    }
    let advice = "is the sender verified and SES out of its sandbox? The log of notifier has SES's words";
    sheet.fail("mail", "mails wait for longer than half a minute", advice);
}

/// Runs the auditor over the table.
async fn books(at: &Surroundings<'_>, sheet: &mut Sheet) {
    let store = match at.store() {
        Ok(store) => store,
        Err(trouble) => return sheet.warn("books", format!("not audited: {trouble}"), "guerdon audit"),
    };
    match audited(&store, true).await {
        Ok(done) if done.findings.is_empty() => sheet.ok("books", format!("{} items, nothing is wrong", done.items)),
        Ok(done) => sheet.fail("books", format!("{} findings", done.findings.len()), "guerdon audit lists them"),
        Err(trouble) => sheet.trouble("books", &trouble),
    }
}

/// Checks that the sweeper ticked in the last quarter of an hour.
fn ticks(cloud: &Cloud, sheet: &mut Sheet) {
    let now = Clock::system().now();
    let begin = now.checked_sub(jiff::SignedDuration::from_mins(15)).unwrap_or(now);
    let (begin, end, namespace) = (begin.to_string(), now.to_string(), format!("Guerdon/{}", cloud.stack));
    let words = [
        "cloudwatch",
        "get-metric-statistics",
        "--namespace",
        &namespace,
        "--metric-name",
        "OutboxAge",
        "--start-time",
        &begin,
        "--end-time",
        &end,
        "--period",
        "900",
        "--statistics",
        "Maximum",
    ];
    let advice = "a new deployment needs some minutes; else look into the log of scheduler";
    match cloud.ask(&words) {
        Ok(answer) => match answer.get("Datapoints").and_then(Value::as_array).and_then(|points| points.first()) {
            Some(point) => {
                let age = point.get("Maximum").map(Value::to_string).unwrap_or_default();
                sheet.ok("ticks", format!("the sweeper runs; the oldest promise was {age} s old"));
            }
            None => sheet.warn("ticks", "the sweeper told nothing for a quarter of an hour", advice),
        },
        Err(trouble) => sheet.warn("ticks", trouble.to_string(), advice),
    }
}
