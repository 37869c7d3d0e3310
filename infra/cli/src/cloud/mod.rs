//! A deployment, through the AWS and SAM command lines: their profiles, SSO sessions and regions are the operator's own.
//!
//! Every command that changes something is printed before it runs, so that nobody has to trust this program. With `--dry-run` it is
//! printed only.

pub mod deploy;
pub mod setup;
pub mod smoke;
pub mod status;
pub mod stripe;
pub mod teardown;

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;
use shared::table::aws::Environment;
use shared::table::aws::secrets::NAMES as SECRETS;

use crate::Ended;
use crate::args::{At, Deployment, Stripe};
use crate::output::Out;
use crate::trouble::Trouble;

/// The name of a stack, unless one is given.
const STACK: &str = "guerdon";

/// Runs a command that makes a deployment or takes it down.
///
/// # Errors
/// Fails when the command can't complete.
pub async fn run(
    asked: Deployment,
    at: &At,
    environment: &dyn Environment,
    out: &mut Out<'_>,
) -> Result<Ended, Trouble> {
    let cloud = |is_dry| Cloud::new(at, is_dry);
    match asked {
        Deployment::Setup(asked) => setup::run(&asked, &cloud(asked.dry_run)?, environment, out),
        Deployment::Deploy(asked) => deploy::run(&asked, &cloud(asked.dry_run)?, out),
        Deployment::Stripe(Stripe::Connect { replace, dry_run }) => {
            stripe::connect(replace, &cloud(dry_run)?, environment, out).await
        }
        Deployment::Teardown(asked) => teardown::run(&asked, &cloud(asked.dry_run)?, out),
    }
}

/// A stack in an account and region.
#[derive(Debug, Clone)]
pub struct Cloud {
    pub stack: String,
    region: Option<String>,
    profile: Option<String>,
    is_dry: bool,
}

impl Cloud {
    /// The stack that the options name.
    ///
    /// # Rejects
    /// A name that CloudFormation does not take, or that makes names too long.
    pub fn new(at: &At, is_dry: bool) -> Result<Self, Trouble> {
        let stack = at.stack.clone().unwrap_or_else(|| STACK.to_owned());
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let begins = stack.starts_with(|c: char| c.is_ascii_alphabetic());
        if !begins || stack.len() > 40 || !stack.chars().all(plain) {
            return Err(Trouble::Usage(format!("{stack:?} is no name of a stack: letters, digits and -, 40 at most")));
        }
        Ok(Self { stack, region: at.region.clone(), profile: at.profile.clone(), is_dry })
    }

    /// The name of a secret's SSM parameter.
    pub fn parameter(&self, secret: &str) -> String {
        format!("/{}/{}", self.stack, secret.to_lowercase().replace('_', "-"))
    }

    /// The mark before a command that is printed.
    pub fn sign(&self) -> &'static str {
        if self.is_dry { "would run:" } else { "+" }
    }

    /// The value of a parameter that the stack was deployed with.
    ///
    /// # Errors
    /// Fails when CloudFormation can't be asked.
    pub fn given(&self, parameter: &str) -> Result<Option<String>, Trouble> {
        let stack = self.described()?.unwrap_or_default();
        let given = stack.get("Parameters").and_then(Value::as_array).cloned().unwrap_or_default();
        let one = given.iter().find(|one| one.get("ParameterKey").and_then(Value::as_str) == Some(parameter));
        Ok(one.and_then(|one| Some(one.get("ParameterValue")?.as_str()?.to_owned())))
    }

    /// Reports if nothing is to be changed.
    pub fn is_dry(&self) -> bool {
        self.is_dry
    }

    /// The answer of an `aws` command that changes nothing.
    ///
    /// # Errors
    /// Fails when the command does.
    pub fn ask(&self, words: &[&str]) -> Result<Value, Trouble> {
        let text = program("aws", &self.words(words, true), None, false)?;
        let text = if text.trim().is_empty() { "null" } else { text.as_str() };
        serde_json::from_str(text).map_err(|_| Trouble::Failed(format!("aws {} answered no JSON", words.join(" "))))
    }

    /// Runs an `aws` command that changes something, with this standard input, once it is printed.
    ///
    /// # Errors
    /// Fails when the command does.
    pub fn change(&self, words: &[&str], input: Option<&str>, out: &mut Out<'_>) -> Result<(), Trouble> {
        self.printed("aws", &self.words(words, true), input, false, out)
    }

    /// Runs `sam`, which prints its progress itself, once the command is printed.
    ///
    /// # Errors
    /// Fails when the command does.
    pub fn sam(&self, words: &[&str], out: &mut Out<'_>) -> Result<(), Trouble> {
        self.printed("sam", &self.words(words, false), None, true, out)
    }

    fn printed(
        &self,
        program: &str,
        words: &[String],
        input: Option<&str>,
        shows: bool,
        out: &mut Out<'_>,
    ) -> Result<(), Trouble> {
        let quoted = |word: &String| match word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=,@".contains(c)) {
            true => word.clone(),
            false => format!("'{word}'"),
        };
        let line: Vec<String> = words.iter().map(quoted).collect();
        out.note(&format!("{} {program} {}", self.sign(), line.join(" ")))?;
        if self.is_dry { Ok(()) } else { self::program(program, words, input, shows).map(drop) }
    }

    fn words(&self, words: &[&str], is_aws: bool) -> Vec<String> {
        let mut all: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        for (option, value) in [("--region", &self.region), ("--profile", &self.profile)] {
            if let Some(value) = value {
                all.extend([option.to_owned(), value.clone()]);
            }
        }
        if is_aws {
            all.extend(["--output".to_owned(), "json".to_owned()]);
        }
        all
    }

    /// The stack as CloudFormation describes it; `None` if there is none.
    ///
    /// # Errors
    /// Fails when CloudFormation can't be asked.
    pub fn described(&self) -> Result<Option<Value>, Trouble> {
        match self.ask(&["cloudformation", "describe-stacks", "--stack-name", &self.stack]) {
            Ok(answer) => Ok(answer.pointer("/Stacks/0").cloned()),
            Err(Trouble::Failed(said)) if said.contains("does not exist") => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    /// The outputs of the stack.
    ///
    /// # Rejects
    /// A stack that is not deployed.
    pub fn outputs(&self) -> Result<BTreeMap<String, String>, Trouble> {
        let stack = self.described()?;
        let stack =
            stack.ok_or_else(|| Trouble::Usage(format!("there is no stack {} here: guerdon deploy", self.stack)))?;
        let outputs = stack.get("Outputs").and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |output: &Value, name: &str| Some(output.get(name)?.as_str()?.to_owned());
        Ok(outputs
            .iter()
            .filter_map(|output| Some((text(output, "OutputKey")?, text(output, "OutputValue")?)))
            .collect())
    }

    /// The variables that commands need for this deployment, credentials included.
    ///
    /// # Rejects
    /// A stack that is not deployed, or nobody who is signed in.
    pub fn variables(&self) -> Result<BTreeMap<String, String>, Trouble> {
        let outputs = self.outputs()?;
        let mut variables: BTreeMap<String, String> =
            SECRETS.iter().map(|secret| (format!("{secret}_PARAMETER"), self.parameter(secret))).collect();
        for (name, output) in [
            ("PUBLIC_BASE_URL", "ApiUrl"),
            ("TABLE_NAME", "TableName"),
            ("REWARD_QUEUE_URL", "RewardQueueUrl"),
            ("MAIL_QUEUE_URL", "MailQueueUrl"),
            ("STATISTICS_QUEUE_URL", "StatisticsQueueUrl"),
        ] {
            variables.extend(outputs.get(output).map(|value| (name.to_owned(), value.clone())));
        }
        if let Some(region) = &self.region {
            variables.insert("AWS_REGION".to_owned(), region.clone());
        }
        Ok(variables)
    }

    /// Credentials of the signed-in operator, as variables.
    ///
    /// # Errors
    /// Fails when the AWS command line can't show them.
    pub fn credentials(&self) -> Result<BTreeMap<String, String>, Trouble> {
        let mut words = vec!["configure", "export-credentials", "--format", "process"];
        words.extend(self.profile.iter().flat_map(|profile| ["--profile", profile.as_str()]));
        let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        let said: Value = serde_json::from_str(&program("aws", &words, None, false)?).unwrap_or_default();
        let names = [
            ("AWS_ACCESS_KEY_ID", "AccessKeyId"),
            ("AWS_SECRET_ACCESS_KEY", "SecretAccessKey"),
            ("AWS_SESSION_TOKEN", "SessionToken"),
        ];
        let of = |(name, field): (&str, &str)| Some((name.to_owned(), said.get(field)?.as_str()?.to_owned()));
        Ok(names.into_iter().filter_map(of).collect())
    }
}

/// Runs a program; returns what it printed, unless it `shows` that itself.
fn program(program: &str, words: &[String], input: Option<&str>, shows: bool) -> Result<String, Trouble> {
    let mut command = Command::new(program);
    command.args(words).stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    if !shows {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
    }
    let absent = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Trouble::Usage(format!("`{program}` is not installed: infra/README.md says what is needed"))
        }
        _ => Trouble::Failed(format!("{program}: {error}")),
    };
    let mut running = command.spawn().map_err(absent)?;
    if let (Some(input), Some(mut pipe)) = (input, running.stdin.take()) {
        pipe.write_all(input.as_bytes())?;
    }
    let done = running.wait_with_output()?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let (said, what) =
        (String::from_utf8_lossy(&done.stderr), words.iter().take(2).cloned().collect::<Vec<_>>().join(" "));
    Err(Trouble::Failed(format!("{program} {what}: {}", if shows { "failed, as it says above" } else { said.trim() })))
}
