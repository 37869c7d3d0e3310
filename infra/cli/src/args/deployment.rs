//! Arguments of the commands that make a deployment and take it down.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Commands that make a deployment and take it down.
#[derive(Debug, Subcommand)]
pub enum Deployment {
    /// Make what a deployment needs and is missing: secrets and the file with the parameters; look at SES and quotas.
    Setup(Setup),
    /// Deploy the template with packages, or update what is deployed.
    Deploy(Deploy),
    /// Connect the deployment to Stripe.
    #[command(subcommand)]
    Stripe(Stripe),
    /// Delete a stack, and say what stays: the table, the queues, the secrets.
    Teardown(Teardown),
}

/// Subcommands of `stripe`.
#[derive(Debug, Subcommand)]
pub enum Stripe {
    /// Make the webhook endpoint at Stripe with exactly the events that are handled, and store its secret.
    Connect {
        /// Replace an endpoint whose secret is not stored here: Stripe shows it only once.
        #[arg(long)]
        replace: bool,
        /// Look and print only.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Arguments of `setup`.
#[derive(Debug, Args)]
pub struct Setup {
    /// Parameters of the template, `MailFrom=no-reply@example.com`; those of before stay.
    #[arg(value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
    /// Look and print only.
    #[arg(long, visible_alias = "check")]
    pub dry_run: bool,
}

/// Arguments of `deploy`.
#[derive(Debug, Args)]
pub struct Deploy {
    /// The template.
    #[arg(long, default_value = "template.yaml")]
    pub template: PathBuf,
    /// Folder with packages, as `dist/arm64`; what is in `dist/functions` beside the template if absent.
    #[arg(long)]
    pub packages: Option<PathBuf>,
    /// Look and print only.
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `teardown`.
#[derive(Debug, Args)]
pub struct Teardown {
    /// Do it.
    #[arg(long)]
    pub yes: bool,
    /// Look and print only.
    #[arg(long)]
    pub dry_run: bool,
}
