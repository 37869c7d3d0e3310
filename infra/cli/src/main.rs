//! Entry point of the `guerdon` command line.

use std::process::ExitCode;

use guerdon::Outside;
use shared::table::aws::ProcessEnvironment;

#[tokio::main]
async fn main() -> ExitCode {
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    let outside = Outside { environment: &ProcessEnvironment, out: &mut out, err: &mut err };
    ExitCode::from(guerdon::run(std::env::args_os(), outside).await)
}
