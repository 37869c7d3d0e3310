//! `doctor`: one line per check, with advice where a check fails.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde_json::{Value, json};
use shared::kernel::fault::Chain;
use shared::operations::model::settings::Area;
use shared::operations::model::warning::WarningCode;
use shared::table::aws::Environment;
use shared::table::aws::secrets::{APP_SECRET_MIN, Secrets};
use shared::table::queue::Queue;
use shared::table::system::Clock;

use crate::Ended;
use crate::api::{Api, Ask};
use crate::args::Page;
use crate::direct::Surroundings;
use crate::output::Out;
use crate::sheet::Sheet;
use crate::trouble::Trouble;
use shared::account::token::PublicKeys;

/// Clock skew in seconds: the first warns; beyond the second AWS rejects signatures.
const SKEW: (u64, u64) = (5, 240);
/// Maximum age of the latest daily report, in days.
const REPORT_DAYS: i64 = 2;

/// Runs all checks.
///
/// # Errors
/// Fails when the result can't be written. Failed checks are part of the result.
pub async fn run(api: &Api, at: &Surroundings<'_>, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    let mut sheet = Sheet::default();
    look(api, at, &mut sheet).await;
    sheet.print(out)
}

/// Makes all checks.
pub async fn look(api: &Api, at: &Surroundings<'_>, sheet: &mut Sheet) {
    if health(api, sheet).await {
        webhooks(api, sheet).await;
        let payment = settings(api, sheet).await;
        if payment.is_some() && !at.is_local() {
            second_factors(api, sheet).await;
        }
        if let Some(payment) = &payment {
            providers(payment, sheet);
            reports(api, sheet).await;
        }
        secrets(at, payment.as_ref(), sheet).await;
    }
    table(at, sheet).await;
    queues(at, sheet).await;
}

/// Checks that the API responds.
async fn health(api: &Api, sheet: &mut Sheet) -> bool {
    let ask = Ask { method: "GET", path: "/v1/health", body: None, headers: &[], repeatable: true };
    let answer = match api.anonymous(ask).await {
        Ok(answer) => answer,
        Err(trouble) => {
            sheet.trouble("api", &trouble);
            return false;
        }
    };
    let date = answer.date.clone();
    match answer.json() {
        Ok(health) => {
            let version = health.get("version").and_then(Value::as_str).unwrap_or("?");
            sheet.ok("api", format!("answers, version {version}"));
        }
        Err(trouble) => {
            sheet.trouble("api", &trouble);
            return false;
        }
    }
    clock(date.as_deref(), sheet);
    true
}

fn clock(date: Option<&str>, sheet: &mut Sheet) {
    let theirs: Option<Timestamp> = date.and_then(|date| rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
    let Some(theirs) = theirs else {
        return sheet.warn("clock", "the API does not tell the time", "");
    };
    // The `Date` header has whole seconds.
    let skew = Clock::system().now().duration_since(theirs).as_secs().unsigned_abs();
    let finding = format!("{skew} s beside the API's");
    let advice = "set this machine's clock (chrony, timedatectl): AWS refuses signatures that are five minutes off";
    match skew {
        _ if skew > SKEW.1 => sheet.fail("clock", finding, advice),
        _ if skew > SKEW.0 => sheet.warn("clock", finding, advice),
        _ => sheet.ok("clock", finding),
    }
}

/// Checks that forged events are rejected by the API itself, and not by a proxy in front of it.
async fn webhooks(api: &Api, sheet: &mut Sheet) {
    let advice = "the gateway has to pass POST /v1/webhooks/* with its body and headers as they are";
    let body = json!({"id": "evt_doctor"});
    let headers = [("stripe-signature", "t=1,v1=00")];
    let ask =
        Ask { method: "POST", path: "/v1/webhooks/stripe", body: Some(&body), headers: &headers, repeatable: false };
    match api.anonymous(ask).await {
        Ok(answer) if answer.status == 400 => match answer.json() {
            Err(Trouble::Refused(problem)) if problem.code == "bad_signature" => {
                sheet.ok("webhook stripe", "a forged event is refused");
            }
            _ => sheet.fail("webhook stripe", "somebody else answers 400", advice),
        },
        Ok(answer) => sheet.fail("webhook stripe", format!("a forged event is answered {}", answer.status), advice),
        Err(trouble) => sheet.trouble("webhook stripe", &trouble),
    }
    let path = "/v1/webhooks/zpay?trade_status=TRADE_SUCCESS&sign=00";
    let ask = Ask { method: "GET", path, body: None, headers: &[], repeatable: false };
    match api.anonymous(ask).await {
        Ok(answer) if answer.status == 200 && answer.body == b"fail" => {
            sheet.ok("webhook zpay", "a forged notification is refused");
        }
        Ok(answer) => {
            sheet.fail("webhook zpay", format!("a forged notification is answered {}", answer.status), advice)
        }
        Err(trouble) => sheet.trouble("webhook zpay", &trouble),
    }
}

/// Warns of admins who sign in by a password alone (R2.12).
async fn second_factors(api: &Api, sheet: &mut Sheet) {
    let all = Page { from: None, to: None, limit: 1, all: true };
    let rows = match api.list("/v1/admin/users", &[], &all).await {
        Ok(listed) => listed.rows,
        // An admin with scopes does not see the others.
        Err(_) => return sheet.warn("second factor", "was not looked at", "sign in as an admin without scopes"),
    };
    let lacks = |user: &&Value| {
        let is = |field: &str, value: &str| user.get(field).and_then(Value::as_str) == Some(value);
        is("role", "admin") && is("status", "active") && user.get("second_factor_since").is_none_or(Value::is_null)
    };
    match rows.iter().filter(lacks).count() {
        0 => sheet.ok("second factor", "every admin has one"),
        some => sheet.warn(
            "second factor",
            format!("{some} of the admins sign in by a password alone"),
            "set it up on the account page, or demand it: `guerdon settings set identity admin_totp=required`",
        ),
    }
}

/// Signs in and reads every area; returns the payment settings.
async fn settings(api: &Api, sheet: &mut Sheet) -> Option<Value> {
    let (mut payment, mut warned) = (None, BTreeMap::new());
    for area in Area::ALL {
        let name = format!("settings {}", area.as_str());
        match api.get(&format!("/v1/admin/settings/{}", area.as_str())).await {
            Ok(document) => {
                if area == Area::Identity {
                    sheet.ok("sign-in", "an admin signs in");
                }
                let version = document.get("version").and_then(Value::as_u64).unwrap_or_default();
                match version {
                    0 => sheet.ok(name, "readable, never changed"),
                    _ => sheet.ok(name, format!("readable, version {version}")),
                }
                warned.extend(warnings(&document));
                if area == Area::Payment {
                    payment = document.get("settings").cloned();
                }
            }
            // Without an admin every area fails alike.
            Err(trouble) if area == Area::Identity => {
                sheet.trouble("sign-in", &trouble);
                return None;
            }
            Err(trouble) => sheet.trouble(name, &trouble),
        }
    }
    for (code, settings) in warned {
        abused(&code, &settings, sheet);
    }
    payment
}

/// The warnings of an area's document: code and the settings that end it.
fn warnings(document: &Value) -> BTreeMap<String, Vec<String>> {
    let text = |of: &Value| of.as_str().map(str::to_owned);
    let texts = |of: &Value| of.as_array().into_iter().flatten().filter_map(text).collect();
    let all = document.get("warnings").and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|of| Some((text(of.get("code")?)?, texts(of.get("settings")?)))).collect()
}

/// Warns of settings that are allowed and can be abused (R10.3).
fn abused(code: &str, settings: &[String], sheet: &mut Sheet) {
    let finding = match WarningCode::parse(code) {
        Some(WarningCode::FarmableRegistrationReward) => {
            "a reward at registration can be farmed: one person signs up again and again"
        }
        None => "settings that can be abused",
    };
    let ends = |setting: &String| {
        setting.split_once('.').map(|(area, field)| format!("`guerdon settings set {area} {field}=…`"))
    };
    let advice: Vec<String> = settings.iter().filter_map(ends).collect();
    sheet.warn(format!("settings {code}"), finding, &format!("narrow it: {}", advice.join(", ")));
}

fn enabled(of: &Value) -> bool {
    of.get("enabled").and_then(Value::as_bool).unwrap_or_default()
}

fn provider_on(payment: &Value, provider: &str) -> bool {
    payment.get("providers").and_then(|all| all.get(provider)).is_some_and(enabled)
}

fn providers(payment: &Value, sheet: &mut Sheet) {
    if !enabled(payment) {
        sheet.warn("payment", "top-ups are off", "guerdon settings set payment enabled=true");
        return;
    }
    let on: Vec<&str> = ["stripe", "zpay"].into_iter().filter(|provider| provider_on(payment, provider)).collect();
    match on.as_slice() {
        [] => {
            let advice = "guerdon settings set payment providers.stripe.enabled=true";
            sheet.fail("payment", "top-ups are on and no provider is", advice);
        }
        on => sheet.ok("payment", format!("on, by {}", on.join(" and "))),
    }
}

/// Checks for a recent daily report, which shows that the scheduler runs.
async fn reports(api: &Api, sheet: &mut Sheet) {
    let newest = match api.get("/v1/admin/payment/reconciliations?limit=1").await {
        Ok(page) => page.pointer("/items/0/date").and_then(Value::as_str).map(str::to_owned),
        Err(trouble) => return sheet.trouble("schedules", &trouble),
    };
    let advice =
        "a new deployment has none for a day; else look at the schedules of the scheduler function and its log";
    let now = Clock::system().now();
    let date = newest.as_deref().and_then(|date| format!("{date}T23:59:59Z").parse::<Timestamp>().ok());
    match (newest, date) {
        (Some(newest), Some(date)) if now.duration_since(date).as_hours() <= REPORT_DAYS.saturating_mul(24) => {
            sheet.ok("schedules", format!("the last daily report is of {newest}"));
        }
        (Some(newest), _) => sheet.warn("schedules", format!("the last daily report is of {newest}"), advice),
        (None, _) => sheet.warn("schedules", "there is no daily report yet", advice),
    }
}

/// Checks that the secrets which the functions need exist and are not blank. Values are never printed.
async fn secrets(at: &Surroundings<'_>, payment: Option<&Value>, sheet: &mut Sheet) {
    let known = match at.secrets().await {
        Ok(known) => known,
        Err(trouble) => return sheet.trouble("secrets", &trouble),
    };
    let on = |provider| payment.is_some_and(|payment| provider_on(payment, provider));
    let wanted = [
        ("APP_SECRET", true),
        ("CODE_SECRET", true),
        ("SIGNING_KEY", true),
        ("LEDGER_KEY", true),
        ("STRIPE_SECRET_KEY", on("stripe")),
        ("STRIPE_WEBHOOK_SECRET", on("stripe")),
        ("ZPAY_KEY", on("zpay")),
    ];
    // The local stack simulates the providers with secrets of its own.
    for (name, needed) in wanted.into_iter().filter(|(name, _)| !at.is_local() || !is_providers(name)) {
        let check = format!("secret {name}");
        let parameter = format!("{name}_PARAMETER");
        match (known.get(name), Environment::get(at, &parameter), needed) {
            (Some(secret), ..) if name == "APP_SECRET" && secret.len() < APP_SECRET_MIN => {
                let said = format!("has fewer than {APP_SECRET_MIN} bytes, so no function starts");
                sheet.fail(
                    check,
                    said,
                    "see the secrets of infra/README.md: another one changes what everybody signs in by",
                );
            }
            (Some(_), ..) => sheet.ok(check, "is there"),
            (None, Some(named), true) if is_providers(name) && other_provider(name, &known) => {
                let advice =
                    "put the secret into that SSM parameter if you want the provider, or switch it off in the settings";
                sheet.warn(check, format!("{named} is blank or not there, so the provider is off"), advice);
            }
            (None, Some(named), true) => {
                sheet.fail(check, format!("{named} is blank or not there"), "put the secret into that SSM parameter");
            }
            (None, None, true) if at.is_local() => {
                sheet.warn(check, "is not in the data folder", "name the folder of the running stack with --data");
            }
            (None, None, true) => {
                let advice =
                    "set the variable of that name with _PARAMETER to the SSM parameter's name, and it is looked at";
                sheet.warn(check, "was not looked at", advice);
            }
            (None, _, false) if payment.is_none() => {
                sheet.warn(check, "was not looked at: whether its provider is on is unknown", "sign in as an admin");
            }
            (None, _, false) => sheet.ok(check, "is not needed: its provider is off"),
        }
    }
}

/// Reports if another provider than that of this secret has all of its own.
fn other_provider(name: &str, known: &Secrets) -> bool {
    match name.starts_with("ZPAY") {
        true => known.get("STRIPE_SECRET_KEY").is_some() && known.get("STRIPE_WEBHOOK_SECRET").is_some(),
        false => known.get("ZPAY_KEY").is_some(),
    }
}

fn is_providers(name: &str) -> bool {
    name.starts_with("STRIPE") || name.starts_with("ZPAY")
}

async fn table(at: &Surroundings<'_>, sheet: &mut Sheet) {
    match at.store() {
        Err(trouble) => sheet.warn("table", trouble.to_string(), ""),
        Ok(store) => match store.get_item(&PublicKeys::key()).await {
            Ok(Some(_)) => sheet.ok("table", "readable, and holds the keys of access tokens"),
            Ok(None) => sheet.fail("table", "has no keys of access tokens", "is TABLE_NAME the deployment's table?"),
            Err(fault) => {
                sheet.fail("table", Chain(&fault).to_string(), "check TABLE_NAME, AWS_REGION and the credentials")
            }
        },
    }
}

/// Counts dead letters.
pub async fn queues(at: &Surroundings<'_>, sheet: &mut Sheet) {
    let queues = match at.queues() {
        Ok(queues) => queues,
        Err(trouble) => return sheet.warn("dead letters", trouble.to_string(), ""),
    };
    for queue in Queue::ALL {
        let check = format!("dead letters {}", queue.as_str());
        let depth = async {
            let Some(url) = queues.dead_letters_of(queue).await? else { return Ok(None) };
            queues.depth(&url).await.map(Some)
        };
        let advice = "guerdon dlq list shows them, guerdon dlq redrive sends them back once the cause is gone";
        match depth.await {
            Ok(Some(0)) => sheet.ok(check, "none"),
            Ok(Some(letters)) => sheet.warn(check, format!("about {letters}"), advice),
            Ok(None) => sheet.fail(check, "the queue has no dead-letter queue", "deploy the template's queues again"),
            Err(fault) => {
                let advice = "check the queue's address, AWS_REGION and the credentials";
                sheet.fail(check, Chain(&fault).to_string(), advice);
            }
        }
    }
}
