//! The user whom a line names.

use crate::account::model::access::{EmailClaim, ExternalClaim};
use crate::account::model::identity::Status;
use crate::account::model::import::{ImportedEmail, UserRef};
use crate::account::model::user::User;
use crate::account::register_external::external_hash;
use crate::account::session::email_hash;
use crate::app::App;
use kernel::fault::Error;
use kernel::refusal::Refusal;
use table::item::Versioned;

/// Reads the user whom a line names.
///
/// An address names the account that moved in with it. Whoever signed up here with an address has not shown that it is theirs, unless
/// e-mails are verified; so they are named by their id.
///
/// # Rejects
/// [`Refusal::AccountErased`]; 422 at `pointer` with the code `not_imported` for an address of somebody who signed up here, and
/// `user_not_found`.
pub(super) async fn user_of(app: &App, pointer: &str, named: &UserRef) -> Result<Versioned<User>, Error> {
    let id = match named {
        UserRef::Id(id) => Some(*id),
        UserRef::External(id) => {
            let claim = app.store.get::<ExternalClaim>(&ExternalClaim::key(&external_hash(app, id))).await?;
            claim.map(|claim| claim.user)
        }
        UserRef::Email(email) => {
            let hash = email_hash(app, email);
            let (moved, claim) = app.store.read((ImportedEmail::key(&hash), EmailClaim::key(&hash))).await?;
            if moved.is_none() && claim.is_some() {
                let detail = "the user's id: whoever has this e-mail signed up here and did not move in";
                return Err(Refusal::field(pointer, "not_imported", detail).into());
            }
            moved.map(|moved| moved.user)
        }
    };
    let user = match id {
        Some(id) => app.store.get::<User>(&User::key(id)).await?,
        None => None,
    };
    let missing = || Refusal::field(pointer, "user_not_found", "an account that is there: import the users first");
    let user = user.ok_or_else(missing)?;
    if user.status == Status::Erased {
        return Err(Refusal::AccountErased.into());
    }
    Ok(user)
}
