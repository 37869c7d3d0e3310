//! `admin`: creates the first admin directly in the table, which only the owner of the table can do.

use data_encoding::BASE32_NOPAD;
use serde_json::json;
use shared::account::create_admin::create_admin;
use shared::account::model::identity::{Email, Password};
use shared::table::aws::Environment;
use shared::table::system::Entropy;
use tokio::io::AsyncReadExt;

use crate::Ended;
use crate::args::Admin;
use crate::direct::Surroundings;
use crate::output::Out;
use crate::trouble::Trouble;

/// Creates an admin.
///
/// # Errors
/// Fails when the e-mail or password is invalid, or the table can't be reached.
pub async fn run(asked: Admin, at: &Surroundings<'_>, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    let Admin::Create { email, password_stdin } = asked;
    let address = Email::parse(&email).ok_or_else(|| Trouble::Usage(format!("{email:?} is no e-mail address")))?;
    let (password, made) = match (password_stdin, at.get("GUERDON_NEW_PASSWORD")) {
        (true, _) => (typed().await?, false),
        (false, Some(password)) => (password, false),
        (false, None) => (BASE32_NOPAD.encode(&Entropy::system().bytes::<15>()).to_lowercase(), true),
    };
    let checked = Password::parse(&password);
    let checked = checked.ok_or_else(|| Trouble::Usage("a password has 10 to 128 characters".to_owned()))?;
    let app = at.app().await?;
    let id = create_admin(&app, &address, &checked).await?;
    let mut shown = json!({"id": id.to_string(), "email": email});
    if made && let Some(shown) = shown.as_object_mut() {
        shown.insert("password".to_owned(), json!(password));
        out.note("the password is shown once; its account's earlier sessions have ended")?;
    }
    out.thing(&shown)?;
    Ok(Ended::Fine)
}

async fn typed() -> Result<String, Trouble> {
    let mut text = String::new();
    tokio::io::stdin().read_to_string(&mut text).await?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
