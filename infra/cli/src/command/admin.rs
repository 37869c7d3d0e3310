//! `admin`: creates the first admin directly in the table, which only the owner of the table can do; lists and limits admins.

use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};
use shared::account::create_admin::{account_of, create_admin};
use shared::account::model::identity::{Email, Password, Role};
use shared::account::model::scope::AdminScope;
use shared::table::aws::Environment;
use shared::table::system::Entropy;
use tokio::io::AsyncReadExt;

use super::people::{COLUMNS, USERS};
use super::segment;
use crate::Ended;
use crate::api::Api;
use crate::args::{Admin, Page};
use crate::direct::Surroundings;
use crate::output::Out;
use crate::trouble::Trouble;

/// Creates or lists admins, shows and sets their scopes, or resets a second factor.
///
/// # Errors
/// Fails when the e-mail or password is invalid, the e-mail is another person's than an admin's, or the table or the API can't be
/// reached.
pub async fn run(asked: Admin, api: &Api, at: &Surroundings<'_>, out: &mut Out<'_>) -> Result<Ended, Trouble> {
    match asked {
        Admin::Create { email, password_stdin, reset_password } => {
            create(&email, password_stdin, reset_password, at, out).await?;
        }
        Admin::List => {
            let all = Page { from: None, to: None, limit: 1, all: true };
            let mut listed = api.list(USERS, &[], &all).await?;
            listed.rows.retain(|user| user.get("role") == Some(&json!(Role::Admin)));
            out.list(&["id", "created_at", "email", "status", "scopes", "second_factor_since"], &listed)?;
        }
        Admin::ResetSecondFactor { user, reason } => {
            let path = format!("{USERS}/{}/second-factor/reset", segment(&user)?);
            out.rows(COLUMNS, &[api.post(&path, &json!({"reason": reason})).await?])?;
        }
        Admin::Scopes { user: None, .. } => {
            let scopes: Vec<Value> = AdminScope::NAMES.iter().map(|name| json!({"scope": name})).collect();
            out.rows(&["scope"], &scopes)?;
        }
        Admin::Scopes { user: Some(user), scopes, everything } => {
            let path = format!("{USERS}/{}", segment(&user)?);
            let user = match (scopes.is_empty(), everything) {
                (true, false) => api.get(&path).await?,
                _ => api.replace(&format!("{path}/role"), &json!({"role": Role::Admin, "scopes": scopes})).await?,
            };
            out.rows(COLUMNS, &[user])?;
        }
    }
    Ok(Ended::Fine)
}

async fn create(
    email: &str,
    password_stdin: bool,
    reset_password: bool,
    at: &Surroundings<'_>,
    out: &mut Out<'_>,
) -> Result<(), Trouble> {
    let address = Email::parse(email).ok_or_else(|| Trouble::Usage(format!("{email:?} is no e-mail address")))?;
    let (password, made) = match (password_stdin, at.get("GUERDON_NEW_PASSWORD")) {
        (true, _) => (typed().await?, false),
        (false, Some(password)) => (password, false),
        (false, None) => (BASE32_NOPAD.encode(&Entropy::system().bytes::<15>()).to_lowercase(), true),
    };
    let checked = Password::parse(&password);
    let checked = checked.ok_or_else(|| Trouble::Usage("a password has 10 to 128 characters".to_owned()))?;
    let app = at.app().await?;
    if !reset_password && let Some(user) = account_of(&app, &address).await? {
        // What a repeated deployment asks for is there: it goes on.
        if user.must_be_admin(None).is_ok() {
            let said = "is an admin already: nothing was changed, the password neither; --reset-password sets another";
            out.note(&format!("{email} {said}"))?;
            return out.thing(&json!({"id": user.id.to_string(), "email": email}));
        }
        let said = "has an account already, and nothing was changed: --reset-password makes it an admin with another \
                    password, `guerdon admin scopes` makes it one with the password it has";
        return Err(Trouble::Failed(format!("{email} {said}")));
    }
    let id = create_admin(&app, &address, &checked).await?;
    let mut shown = json!({"id": id.to_string(), "email": email});
    if made && let Some(shown) = shown.as_object_mut() {
        shown.insert("password".to_owned(), json!(password));
        out.note("the password is shown once; its account's earlier sessions have ended")?;
    }
    out.thing(&shown)
}

async fn typed() -> Result<String, Trouble> {
    let mut text = String::new();
    tokio::io::stdin().read_to_string(&mut text).await?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
