//! The commands, one file per group.

pub mod admin;
pub mod codes;
pub mod dlq;
pub mod doctor;
pub mod import;
pub mod orders;
pub mod people;
pub mod product;
pub mod programmes;
pub mod queue;
pub mod settings;
pub mod statement;
pub mod table;

use std::fs;
use std::path::Path;

use clap::CommandFactory;
use shared::table::aws::Environment;
use tokio::io::AsyncReadExt;

use crate::Ended;
use crate::api::{Api, Credentials};
use crate::args::{At, Command, Line, Operation, Verify};
use crate::cloud::{self, Cloud};
use crate::direct::Surroundings;
use crate::output::Out;
use crate::trouble::Trouble;

/// Runs the parsed command.
///
/// # Errors
/// Fails when the command can't complete; see [`Trouble`].
pub async fn run(line: Line, environment: &dyn Environment, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    match line.command {
        Command::Deployment(asked) => cloud::run(asked, &line.at, environment, out).await,
        Command::Operation(Operation::Verify(Verify { file: Some(file), key, .. })) => {
            statement::verify(&file, &key.unwrap_or_default(), out).await
        }
        Command::Operation(asked) => operation(asked, line.at, environment, out).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Line::command(), "guerdon", &mut script);
            out.raw().write_all(&script)?;
            Ok(Ended::Fine)
        }
    }
}

/// Runs a command against a stack that runs.
async fn operation(
    asked: Operation,
    mut at: At,
    environment: &dyn Environment,
    out: &mut Out<'_>,
) -> Result<Ended, Trouble> {
    let wants_stack = at.stack.is_some() || matches!(asked, Operation::Status);
    let cloud = if wants_stack && !at.local { Some(Cloud::new(&at, false)?) } else { None };
    let mut surroundings = Surroundings::new(&at, environment);
    if let Some(cloud) = &cloud {
        surroundings.deployed(cloud)?;
        at.url = surroundings.get("PUBLIC_BASE_URL").unwrap_or(at.url);
    }
    let api = Api::new(&at.url, credentials(&at));
    match asked {
        Operation::Admin(asked) => admin::run(asked, &api, &surroundings, out).await,
        Operation::Users(asked) => people::users(asked, &api, out).await,
        Operation::Settings(asked) => settings::run(asked, &api, out).await,
        Operation::Plans(asked) => product::plans(asked, &api, out).await,
        Operation::Codes(asked) => codes::run(asked, &api, out).await,
        Operation::Orders(asked) => orders::run(asked, &api, out).await,
        Operation::PayoutBatches(asked) => queue::payout_batches(asked, &api, out).await,
        Operation::Withdrawals(asked) => queue::withdrawals(asked, &api, out).await,
        Operation::Affiliates(asked) => people::affiliates(asked, &api, out).await,
        Operation::Import(asked) => import::run(asked, &api, out).await,
        Operation::Reviews(asked) => queue::reviews(asked, &api, out).await,
        Operation::Rewards(asked) => people::rewards(asked, &api, out).await,
        Operation::Risk(asked) => programmes::risk(asked, &api, out).await,
        Operation::Simulate(asked) => programmes::simulate(asked, &api, out).await,
        Operation::Liabilities => programmes::liabilities(&api, out).await,
        Operation::Webhooks(asked) => product::webhooks(asked, &api, out).await,
        Operation::Keys(asked) => product::keys(asked, &api, out).await,
        Operation::Shops(asked) => people::shops(asked, &api, out).await,
        Operation::Reconcile(asked) => queue::reconcile(asked, &api, out).await,
        Operation::Audit(look) => table::audit(look, &surroundings, out).await,
        Operation::Verify(asked) => table::verify(asked.look, &surroundings, out).await,
        Operation::Dlq(asked) => dlq::run(asked, &surroundings, out).await,
        Operation::Doctor => doctor::run(&api, &surroundings, out).await,
        Operation::Smoke => cloud::smoke::run(&at.url, &api, &surroundings, cloud.as_ref(), out).await,
        Operation::Status => {
            let cloud =
                cloud.ok_or_else(|| Trouble::Usage("the local stack has no status: guerdon doctor".to_owned()))?;
            cloud::status::run(&api, &surroundings, &cloud, out).await
        }
    }
}

/// Credentials from the options; with --local, those of the admin that the local stack created.
fn credentials(at: &At) -> Option<Credentials> {
    let local = |text: Option<String>| text.filter(|_| at.local);
    let email = at.admin_email.clone().or_else(|| local(Some("admin@localhost".to_owned())));
    let kept = || fs::read_to_string(at.data.join("admin-password")).ok().map(|text| text.trim().to_owned());
    let password = at.admin_password.clone().or_else(|| local(kept()));
    Some(Credentials { email: email?, password: password?, totp: at.totp.clone() })
}

/// The text of a file, or of standard input for `-`.
async fn text_of(file: &Path) -> Result<String, Trouble> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        tokio::io::stdin().read_to_string(&mut text).await.map(|_| text)
    } else {
        fs::read_to_string(file)
    };
    read.map_err(|error| Trouble::Usage(format!("{} can't be read: {error}", file.display())))
}

/// A path segment: letters, digits, `_`, `-` and `.` only, so that it can't change the path.
fn segment(text: &str) -> Result<&str, Trouble> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !text.is_empty() && text.chars().all(plain) {
        return Ok(text);
    }
    Err(Trouble::Usage(format!("{text:?} is no id: the list commands show ids")))
}
