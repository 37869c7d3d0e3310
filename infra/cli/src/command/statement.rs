//! `verify FILE`: checks a proven statement without a network, a deployment or an account (R11.2).

use std::path::Path;

use serde_json::json;
use shared::operations::model::proof::{Flaw, ProvenStatement, Verified};

use super::text_of;
use crate::Ended;
use crate::output::Out;
use crate::trouble::Trouble;

/// Checks the statement in a file against a public key, and says what is proven or what is wrong.
///
/// # Errors
/// Fails when the file can't be read.
pub async fn verify(file: &Path, key: &str, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    let name = file.display();
    let text = text_of(file).await?;
    match ProvenStatement::read(&text).and_then(|statement| statement.verify(key)) {
        Ok(Verified { chain, entries: (first, last), signed: (date, number) }) => {
            let row = json!({
                "account": chain, "entries": format!("{first} to {last}"), "signed": date.to_string(), "up_to": number,
            });
            out.rows(&["account", "entries", "signed", "up_to"], &[row])?;
            if number < last {
                let later = number.saturating_add(1);
                out.note(&format!("entries {later} to {last} came later: no signed heads hold them yet"))?;
            }
            Ok(Ended::Fine)
        }
        Err(Flaw::BadKey) => Err(Trouble::Usage(format!("--key: {}", Flaw::BadKey))),
        Err(flaw) => {
            out.note(&format!("{name} does not hold: {flaw}"))?;
            Ok(Ended::Found)
        }
    }
}
