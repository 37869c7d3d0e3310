//! The commands, one file per group.

pub mod admin;
pub mod codes;
pub mod dlq;
pub mod doctor;
pub mod orders;
pub mod queue;
pub mod settings;
pub mod table;

use std::fs;

use clap::CommandFactory;
use shared::table::aws::Environment;

use crate::Ended;
use crate::api::{Api, Credentials};
use crate::args::{At, Command, Line};
use crate::cloud::{self, Cloud};
use crate::direct::Surroundings;
use crate::output::Out;
use crate::trouble::Trouble;

/// Runs the parsed command.
///
/// # Errors
/// Fails when the command can't complete; see [`Trouble`].
pub async fn run(line: Line, environment: &dyn Environment, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    let mut at = line.at;
    let cloud = |is_dry| Cloud::new(&at, is_dry);
    match &line.command {
        Command::Setup(asked) => return cloud::setup::run(asked, &cloud(asked.dry_run)?, environment, out),
        Command::Deploy(asked) => return cloud::deploy::run(asked, &cloud(asked.dry_run)?, out),
        Command::Teardown(asked) => return cloud::teardown::run(asked, &cloud(asked.dry_run)?, out),
        _ => {}
    }
    let cloud = if !at.local && (at.stack.is_some() || matches!(line.command, Command::Status)) {
        Some(cloud(false)?)
    } else {
        None
    };
    let mut surroundings = Surroundings::new(&at, environment);
    if let Some(cloud) = &cloud {
        surroundings.deployed(cloud)?;
        at.url = surroundings.get("PUBLIC_BASE_URL").unwrap_or(at.url);
    }
    let api = || Api::new(&at.url, credentials(&at));
    match line.command {
        Command::Admin(asked) => admin::run(asked, &surroundings, out).await,
        Command::Settings(asked) => settings::run(asked, &api(), out).await,
        Command::Codes(asked) => codes::run(asked, &api(), out).await,
        Command::Orders(asked) => orders::run(asked, &api(), out).await,
        Command::Withdrawals(asked) => queue::withdrawals(asked, &api(), out).await,
        Command::Reviews(asked) => queue::reviews(asked, &api(), out).await,
        Command::Reconcile(asked) => queue::reconcile(asked, &api(), out).await,
        Command::Audit(look) => table::audit(look, &surroundings, out).await,
        Command::Rebuild(look) => table::rebuild(look, &surroundings, out).await,
        Command::Dlq(asked) => dlq::run(asked, &surroundings, out).await,
        Command::Setup(_) | Command::Deploy(_) | Command::Teardown(_) => Ok(Ended::Fine),
        Command::Smoke => cloud::smoke::run(&at.url, &api(), &surroundings, cloud.as_ref(), out).await,
        Command::Status => {
            let cloud = cloud.ok_or_else(|| Trouble::Usage("name the stack: --stack".to_owned()))?;
            cloud::status::run(&api(), &surroundings, &cloud, out).await
        }
        Command::Doctor => doctor::run(&api(), &surroundings, out).await,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Line::command(), "guerdon", &mut out.raw());
            Ok(Ended::Fine)
        }
    }
}

/// Credentials from the options; with --local, those of the admin that the local stack created.
fn credentials(at: &At) -> Option<Credentials> {
    let local = |text: Option<String>| text.filter(|_| at.local);
    let email = at.admin_email.clone().or_else(|| local(Some("admin@localhost".to_owned())));
    let kept = || fs::read_to_string(at.data.join("admin-password")).ok().map(|text| text.trim().to_owned());
    let password = at.admin_password.clone().or_else(|| local(kept()));
    Some(Credentials { email: email?, password: password? })
}

/// A path segment: letters, digits, `_`, `-` and `.` only, so that it can't change the path.
fn segment(text: &str) -> Result<&str, Trouble> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !text.is_empty() && text.chars().all(plain) {
        return Ok(text);
    }
    Err(Trouble::Usage(format!("{text:?} is no id: the list commands show ids")))
}
