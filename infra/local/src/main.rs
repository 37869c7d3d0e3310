//! The local stack: `cargo run` starts all of Guerdon on one port of this machine.
//!
//! Everything that survives is under `--data`: database, queues, mailbox, the providers' state, keys, the clock's offset and the
//! admin's password. [`server`] handles requests, [`control`] is `/_local`, [`background`] runs queues, webhooks and schedules.

// All functions are futures of one handler here.
#![recursion_limit = "256"]

mod background;
mod control;
mod data;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use emulator::clock::MovableClock;
use emulator::sim::SimConfig;
use emulator::stack::{Setup, Stack, Trouble};
use shared::account::create_admin::create_admin;
use shared::account::model::identity::{Email, Password};
use shared::boot::PASSWORD_COST;
use shared::table::system::Entropy;
use tokio::net::TcpListener;

use crate::data::Data;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Run all of Guerdon on one port of this machine.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Port to listen on, at 127.0.0.1.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Folder for all data.
    #[arg(long, default_value = ".local")]
    data: PathBuf,
    /// Start without data; existing data is deleted.
    #[arg(long)]
    fresh: bool,
    /// E-mail of the first admin.
    #[arg(long, env = "GUERDON_ADMIN_EMAIL", default_value = "admin@localhost")]
    admin_email: String,
    /// Password of the first admin; generated and stored if absent.
    #[arg(long, env = "GUERDON_ADMIN_PASSWORD", hide_env_values = true)]
    admin_password: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let level = std::env::var("LOG_LEVEL").ok().and_then(|level| level.parse().ok()).unwrap_or(tracing::Level::INFO);
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_target(false).init();
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            tracing::error!("{trouble}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Trouble> {
    let address = format!("127.0.0.1:{}", options.port);
    let listener = TcpListener::bind(&address)
        .await
        .map_err(|error| format!("{address} can't be listened on ({error}): stop what is there, or use --port"))?;
    let data = Data::open(&options.data, options.fresh)?;
    let clock = MovableClock::real();
    data.restore_clock(&clock)?;
    let base_url = format!("http://{address}");
    let stack = Stack::start(Setup {
        base_url: base_url.clone(),
        data: Some(data.folder().to_path_buf()),
        clock,
        entropy: Entropy::system(),
        secret: data.secret("app-secret")?,
        code_secret: data.secret("code-secret")?,
        origin_secret: std::env::var("ORIGIN_SECRET").unwrap_or_default(),
        signing_key: data.secret("signing-key")?,
        ledger_key: data.secret("ledger-key")?,
        password_cost: PASSWORD_COST,
        providers: SimConfig::read(&base_url, |name| std::env::var(name).ok()),
        private_endpoints: true,
        test_mode: true,
        template: None,
    });
    let stack = stack.await.map_err(|trouble| {
        format!("the data in {} can't be used ({trouble}): start with --fresh to begin anew", options.data.display())
    })?;
    let stack = Arc::new(stack);
    let password = admin(&stack, &data, &options).await?;
    banner(&base_url, &options, &password);
    let local = Arc::new(server::Local::new(stack, data, options.port));
    let mut moving = background::start(&local);
    server::serve(listener, Arc::clone(&local)).await?;
    moving.abort_all();
    local.keep()?;
    tracing::info!("stopped; everything is kept in {}", options.data.display());
    Ok(())
}

/// Creates the first admin and returns the password.
async fn admin(stack: &Stack, data: &Data, options: &Options) -> Result<String, Trouble> {
    let password = match &options.admin_password {
        Some(password) => password.clone(),
        None => data.admin_password()?,
    };
    let email = Email::parse(&options.admin_email).ok_or("GUERDON_ADMIN_EMAIL is not an e-mail address")?;
    let checked = Password::parse(&password).ok_or("GUERDON_ADMIN_PASSWORD must have 10 to 128 characters")?;
    create_admin(&stack.app, &email, &checked).await?;
    Ok(password)
}

#[allow(clippy::print_stdout, reason = "what a person who starts it wants to know")]
fn banner(base_url: &str, options: &Options, password: &str) {
    println!(
        "\n  Guerdon is running at {base_url}\n\n    admin     {}\n    password  {password}\n    data      {}\n\n  \
         console   {base_url}/\n  API       {base_url}/v1/openapi.json\n  mailbox   {base_url}/_local/mail\n  auditor   {base_url}/_local/audit\n\n  \
         README.md has a tour of five minutes. Ctrl-C stops it.\n",
        options.admin_email,
        options.data.display(),
    );
}
