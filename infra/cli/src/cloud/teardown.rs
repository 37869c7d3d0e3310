//! `teardown`: deletes the stack, and says what stays.

use super::Cloud;
use crate::Ended;
use crate::args::Teardown;
use crate::output::Out;
use crate::trouble::Trouble;

/// Deletes the stack once the operator has said so.
///
/// # Rejects
/// A stack that is not deployed, or a missing `--yes`.
pub fn run(asked: &Teardown, cloud: &Cloud, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    let outputs = cloud.outputs()?;
    let of = |name: &str| outputs.get(name).cloned().unwrap_or_default();
    let (stack, table) = (&cloud.stack, of("TableName"));
    out.note(&format!(
        "these stay after the stack {stack}, and cost what they hold; remove them yourself when nobody needs them:"
    ))?;
    out.note(&format!("  aws dynamodb update-table --table-name {table} --no-deletion-protection-enabled"))?;
    out.note(&format!("  aws dynamodb delete-table --table-name {table}"))?;
    for queue in ["Reward", "Mail", "Statistics"] {
        for kind in ["QueueUrl", "DeadLetterQueueUrl"] {
            out.note(&format!("  aws sqs delete-queue --queue-url {}", of(&format!("{queue}{kind}"))))?;
        }
    }
    out.note(&format!("  aws ssm delete-parameters --names {}", of("SecretNames")))?;
    if !asked.yes && !cloud.is_dry() {
        return Err(Trouble::Usage(format!(
            "nothing was done: --yes deletes the stack {stack}, its API and its functions"
        )));
    }
    cloud.change(&["cloudformation", "delete-stack", "--stack-name", stack], None, out)?;
    cloud.change(&["cloudformation", "wait", "stack-delete-complete", "--stack-name", stack], None, out)?;
    Ok(Ended::Fine)
}
