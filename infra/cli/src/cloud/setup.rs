//! `setup`: makes what a deployment needs and is missing, and says what a person has to do.

use std::fs;
use std::path::Path;

use data_encoding::BASE64;
use serde_json::{Value, json};
use shared::table::aws::Environment;
use shared::table::system::Entropy;

use super::Cloud;
use crate::Ended;
use crate::args::Setup;
use crate::output::Out;
use crate::sheet::Sheet;
use crate::trouble::Trouble;

/// Secrets that are made here; the others come from the providers.
const MADE: [&str; 4] = ["APP_SECRET", "CODE_SECRET", "SIGNING_KEY", "LEDGER_KEY"];
/// Secrets of the providers, read from the variables of these names.
const GIVEN: [&str; 3] = ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "ZPAY_KEY"];
/// Simultaneous runs below which an account is a new one.
const RUNS: u64 = 100;

/// Makes the missing secrets and the file with the parameters, and looks at SES and at quotas.
///
/// # Errors
/// Fails when nobody is signed in to AWS, or a secret can't be stored.
pub fn run(asked: &Setup, cloud: &Cloud, environment: &dyn Environment, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    let mut sheet = Sheet::default();
    let who = cloud.ask(&["sts", "get-caller-identity"])?;
    let text = |name: &str| who.get(name).and_then(Value::as_str).unwrap_or("?").to_owned();
    sheet.ok("account", format!("{} as {}", text("Account"), text("Arn")));
    let stored = secrets(cloud, environment, &mut sheet, out)?;
    let file = configuration(&cloud.stack);
    let mut parameters = parameters(Path::new(&file));
    set(&mut parameters, "PaymentProviders", providers(&stored));
    for given in &asked.parameters {
        let (name, value) =
            given.split_once('=').ok_or_else(|| Trouble::Usage(format!("{given:?} is not NAME=VALUE")))?;
        set(&mut parameters, name, value.to_owned());
    }
    let mail = parameters.iter().find(|(name, _)| name == "MailFrom").map(|(_, value)| value.clone());
    let mail = mail.ok_or_else(|| Trouble::Usage("give the address that mails come from: MailFrom=…".to_owned()))?;
    senders(cloud, &mail, &mut sheet);
    concurrency(cloud, &mut sheet);
    if cloud.is_dry() {
        sheet.ok("parameters", format!("would be written to {file}"));
    } else {
        fs::write(&file, written(&cloud.stack, &parameters))?;
        sheet.ok("parameters", format!("in {file}"));
    }
    sheet.print(out)
}

fn set(parameters: &mut Vec<(String, String)>, name: &str, value: String) {
    parameters.retain(|(known, _)| known != name);
    parameters.push((name.to_owned(), value));
}

/// The providers whose secrets are stored, for the functions that may not read them; `none` without any, since SAM takes no
/// empty value.
fn providers(stored: &[&str]) -> String {
    let is_stored = |secrets: &[&str]| secrets.iter().all(|secret| stored.contains(secret));
    let stripe = is_stored(&["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"]).then_some("stripe");
    let zpay = is_stored(&["ZPAY_KEY"]).then_some("zpay");
    let named: Vec<&str> = stripe.into_iter().chain(zpay).collect();
    if named.is_empty() { "none".to_owned() } else { named.join(",") }
}

/// Stores the missing secrets, and returns those that are stored now.
fn secrets(
    cloud: &Cloud,
    environment: &dyn Environment,
    sheet: &mut Sheet,
    out: &mut Out<'_>,
) -> Result<Vec<&'static str>, Trouble> {
    let names: Vec<String> = MADE.iter().chain(&GIVEN).map(|secret| cloud.parameter(secret)).collect();
    let mut words = vec!["ssm", "get-parameters", "--names"];
    words.extend(names.iter().map(String::as_str));
    let answer = cloud.ask(&words)?;
    let mut stored = Vec::new();
    let known = answer.get("Parameters").and_then(Value::as_array).cloned().unwrap_or_default();
    for secret in MADE.iter().chain(&GIVEN) {
        let (check, name) = (format!("secret {secret}"), cloud.parameter(secret));
        if known.iter().any(|parameter| parameter.get("Name") == Some(&json!(name))) {
            sheet.ok(check, format!("{name} is there and stays"));
            stored.push(*secret);
            continue;
        }
        let value = match environment.get(secret) {
            None if MADE.contains(secret) => Some(BASE64.encode(&Entropy::system().bytes::<32>())),
            given => given,
        };
        let Some(value) = value else {
            let advice = "without it the provider is off; read it into the variable of that name and run this again";
            sheet.warn(check, format!("{name} is missing, and ${secret} is not set"), advice);
            continue;
        };
        // By standard input: other processes can read a command line.
        let words = ["ssm", "put-parameter", "--type", "SecureString", "--name", &name, "--value", "file:///dev/stdin"];
        cloud.change(&words, Some(&value), out)?;
        sheet.ok(check, format!("{name} {}", if cloud.is_dry() { "would be made" } else { "is made" }));
        stored.push(*secret);
    }
    Ok(stored)
}

/// Checks that SES sends from the address, and to anybody.
fn senders(cloud: &Cloud, mail: &str, sheet: &mut Sheet) {
    let domain = mail.rsplit('@').next().unwrap_or_default();
    let is_verified = |identity: &str| {
        let answer = cloud.ask(&["sesv2", "get-email-identity", "--email-identity", identity]);
        answer.is_ok_and(|answer| answer.get("VerifiedForSendingStatus") == Some(&json!(true)))
    };
    if is_verified(mail) || is_verified(domain) {
        sheet.ok("sender", format!("SES has verified {mail}"));
    } else {
        let advice =
            "aws sesv2 create-email-identity --email-identity ADDRESS-OR-DOMAIN, and confirm it; mails fail until then";
        sheet.warn("sender", format!("SES has not verified {mail} or {domain}"), advice);
    }
    let account = match cloud.ask(&["sesv2", "get-account"]) {
        Ok(account) => account,
        Err(trouble) => return sheet.warn("mail", trouble.to_string(), "SES could not be asked"),
    };
    let is = |name: &str| account.get(name) == Some(&json!(true));
    if !is("SendingEnabled") {
        sheet.warn("mail", "SES has paused this account", "look into the SES console");
    } else if is("ProductionAccessEnabled") {
        sheet.ok("mail", "SES sends to anybody");
    } else {
        let advice =
            "ask for production access in the SES console; until then mails to others fail and wait as dead letters";
        sheet.warn("mail", "SES keeps this account in its sandbox", advice);
    }
}

fn concurrency(cloud: &Cloud, sheet: &mut Sheet) {
    let answer = cloud.ask(&["lambda", "get-account-settings"]);
    match answer.as_ref().ok().and_then(|answer| answer.pointer("/AccountLimit/ConcurrentExecutions")?.as_u64()) {
        Some(runs) if runs < RUNS => {
            let advice = "ask for more of `Concurrent executions` in Service Quotas before people come; leave RegistrationConcurrency at 0";
            sheet.warn("concurrency", format!("{runs} functions at once"), advice);
        }
        Some(runs) => sheet.ok("concurrency", format!("{runs} functions at once")),
        None => sheet.warn("concurrency", "Lambda does not tell", ""),
    }
}

/// Name of the file that `sam` reads a stack's parameters from.
pub fn configuration(stack: &str) -> String {
    format!("samconfig.{stack}.toml")
}

/// The parameters in a file that [`written`] made.
fn parameters(file: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let given = text.lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\","));
    given
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.replace("\\\"", "\"")))
        .collect()
}

fn written(stack: &str, parameters: &[(String, String)]) -> String {
    let lines: String =
        parameters.iter().map(|(name, value)| format!("  \"{name}={}\",\n", value.replace('"', "\\\""))).collect();
    format!(
        "version = 0.1\n\n[default.deploy.parameters]\nstack_name = \"{stack}\"\nresolve_s3 = true\ncapabilities = \
         \"CAPABILITY_IAM\"\nfail_on_empty_changeset = false\nparameter_overrides = [\n{lines}]\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// deploy.md D11: a provider is named once all its secrets are stored.
    #[test]
    fn the_providers_are_those_whose_secrets_are_stored() {
        assert_eq!(providers(&["APP_SECRET", "STRIPE_SECRET_KEY"]), "none");
        assert_eq!(providers(&["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"]), "stripe");
        assert_eq!(providers(&["ZPAY_KEY"]), "zpay");
        assert_eq!(providers(&["ZPAY_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_SECRET_KEY"]), "stripe,zpay");
    }

    #[test]
    fn parameters_survive_the_file() {
        let given =
            vec![("MailFrom".to_owned(), "a@b.test".to_owned()), ("ZpayPid".to_owned(), "say \"x=y\"".to_owned())];
        let file = std::env::temp_dir().join(format!("guerdon-parameters-{}", std::process::id()));
        fs::write(&file, written("staging", &given)).unwrap_or_default();
        let read = parameters(&file);
        fs::remove_file(&file).unwrap_or_default();
        assert_eq!(read, given);
    }
}
