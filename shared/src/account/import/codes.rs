//! Invite codes that people shared before they moved in (R13.1): they go on binding.
//!
//! The first one becomes the primary code of a user who has none; others are kept beside it, like earlier primary codes (R3.11).

use crate::account::import::find::user_of;
use crate::account::import::{ImportLine, Importer};
use crate::account::model::import::{ImportOutcome, ImportedLine, UserRef};
use crate::account::model::user::User;
use crate::app::App;
use crate::referral::model::referral::{ActiveCodes, Invite, InviteCode};
use crate::referral::set_invite_code::KEPT_MAX;
use kernel::fault::Error;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::tx::Tx;

/// Invite code of a user.
#[derive(Debug, Clone)]
pub struct CodeLine {
    pub user: UserRef,
    pub code: InviteCode,
}

impl ImportLine for CodeLine {
    const ACTION: &'static str = "import.codes";

    fn identities(&self) -> Vec<String> {
        vec![self.code.to_string()]
    }

    async fn plan(&self, app: &App, _: &Ctx, _: &Importer) -> Result<(ImportedLine, Tx), Error> {
        let user = user_of(app, "/user", &self.user).await?;
        let keys = (Invite::key(self.code.as_str()), ActiveCodes::key(user.id));
        let (known, listed) = app.store.read(keys).await?;
        let mut tx = app.tx();
        if let Some(known) = known {
            if known.owner != user.id {
                let detail = "a code that nobody else has, in capitals or not";
                return Ok((ImportedLine::conflict(Some(user.id), "invite_code_taken", detail), tx));
            }
            return Ok((ImportedLine::of(ImportOutcome::Exists, user.id), tx));
        }
        let now = app.clock.now();
        if user.invite_code.is_none() {
            let after = User { invite_code: Some(self.code.clone()), ..User::clone(&user) };
            tx.insert(&Invite::primary(self.code.clone(), &after, now));
            tx.replace(&user, &after);
        } else {
            let mut list = listed.as_deref().cloned().unwrap_or_else(|| ActiveCodes::none(user.id));
            if list.kept.len() >= KEPT_MAX {
                return Err(Refusal::InviteCodeLimit.into());
            }
            list.kept.push(self.code.clone());
            tx.insert(&Invite::beside(self.code.clone(), &user, None, now));
            tx.upsert(listed.as_ref(), &list);
            // The code says whether its owner may invite.
            tx.unchanged(&user);
        }
        Ok((ImportedLine::of(ImportOutcome::Imported, user.id), tx))
    }
}
