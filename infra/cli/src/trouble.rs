//! Errors of commands, with hints for the operator.

use std::fmt;

use serde::Deserialize;
use shared::kernel::fault::{Chain, Error, Fault};

/// The error that ended a command.
#[derive(Debug)]
pub enum Trouble {
    /// The API refused the request.
    Refused(Box<Problem>),
    /// Wrong usage, with a correction.
    Usage(String),
    /// A service that does not respond, with the cause.
    Unreachable(String),
    /// Any other failure.
    Failed(String),
    /// The output can't be written.
    Output(std::io::Error),
}

/// A problem document (RFC 9457) of the API.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Problem {
    pub status: u16,
    /// The stable error code.
    pub code: String,
    pub title: String,
    /// The advice of the service.
    pub detail: Option<String>,
    /// The request id, as in the log.
    pub instance: Option<String>,
    /// The invalid fields.
    pub errors: Vec<Field>,
}

/// An invalid field.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Field {
    /// JSON pointer to the field.
    pub pointer: String,
    /// The stable error code.
    pub code: String,
    pub detail: String,
}

impl Trouble {
    /// The exit status: 1 refused or failed, 2 wrong usage, 3 unreachable.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Refused(_) | Self::Failed(_) | Self::Output(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
        }
    }

    /// Advice for the operator.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Refused(problem) => problem.hint(),
            Self::Unreachable(_) => Some(
                "start the local stack with `cargo run`, or name the deployment with --url (GUERDON_URL); `guerdon doctor` looks at everything",
            ),
            Self::Usage(_) => Some("`guerdon help` lists the commands, `guerdon <command> --help` says what one takes"),
            Self::Failed(_) | Self::Output(_) => None,
        }
    }
}

impl Problem {
    fn hint(&self) -> Option<&'static str> {
        Some(match self.code.as_str() {
            "bad_credentials" => {
                "check GUERDON_ADMIN_EMAIL and GUERDON_ADMIN_PASSWORD; `guerdon admin create` makes an admin or sets a password"
            }
            "totp_required" => "give the code that the authenticator app shows with --totp (GUERDON_TOTP)",
            "totp_invalid" => "each code counts once: wait for the app's next one, and is this machine's clock right?",
            "second_factor_required" => "run the command again with the app's next code in --totp",
            "second_factor_enrolment_required" => {
                "every admin of this deployment needs a second factor: sign in on the pages, which lead to its set-up"
            }
            "unauthenticated" => "sign in: set GUERDON_ADMIN_EMAIL and GUERDON_ADMIN_PASSWORD, or use --local",
            "forbidden" => {
                "this admin lacks the scope; ask an admin without scopes, or make one with `guerdon admin create`"
            }
            "account_blocked" => "another admin can unblock the account; `guerdon admin create` does, too",
            "not_found" => "look the id up with the group's list command; `--url` says where it is looked for",
            "invalid" => "correct the fields above and run the command again",
            "version_mismatch" => "somebody changed the settings meanwhile; run the command again",
            "programme_off" => "switch it on, for example `guerdon settings set payment enabled=true`",
            "idempotency_key_reused" => "that --key was used for another request; choose another one",
            "order_already_paid" => "nothing is left to do; `guerdon orders show` tells how it was paid",
            "withdrawal_closed" => "`guerdon withdrawals list` tells how it ended",
            "review_closed" => "`guerdon reviews list` tells what was decided",
            "currency_in_use" => "money was booked already, so the currency stays as it is",
            "rate_limited" => "wait a minute and run the command again",
            "unavailable" | "outcome_unknown" => {
                "run the same command again: it carries the same Idempotency-Key, so nothing happens twice"
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(problem) => problem.fmt(f),
            Self::Usage(why) | Self::Unreachable(why) | Self::Failed(why) => f.write_str(why),
            Self::Output(error) => write!(f, "the result can't be written: {error}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.code, self.status, self.title)?;
        if let Some(detail) = &self.detail {
            write!(f, " {detail}")?;
        }
        for field in &self.errors {
            write!(f, "\n  {} {}: {}", field.pointer, field.code, field.detail)?;
        }
        match &self.instance {
            Some(request) => write!(f, "\n  request {request}"),
            None => Ok(()),
        }
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unavailable { .. } | Fault::OutcomeUnknown { .. } => Self::Unreachable(Chain(&fault).to_string()),
            other => Self::Failed(Chain(&other).to_string()),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => Self::Refused(Box::new(Problem {
                status: refusal.status(),
                code: refusal.code().to_owned(),
                title: refusal.title().to_owned(),
                ..Problem::default()
            })),
            Error::Fault(fault) => fault.into(),
        }
    }
}
