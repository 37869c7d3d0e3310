//! An invite code as it was found, with the stored state that decides whether it applies (R3.4).

use crate::account::model::identity::Status;
use crate::app::App;
use crate::referral::model::counts::InviteeLimit;
use crate::referral::model::referral::{CodeOwner, Invite};
use crate::referral::model::settings::ReferralSettings;
use kernel::fault::Fault;
use table::item::Versioned;
use table::tx::Tx;

/// Invite code as read; without an item it is unknown.
pub struct FoundCode {
    invite: Option<Versioned<Invite>>,
    limit: Option<(Option<Versioned<InviteeLimit>>, InviteeLimit)>,
}

impl FoundCode {
    /// Completes a code that was read; under an invitee limit there is one more read.
    ///
    /// # Errors
    /// A fault when the database cannot be reached or an item does not decode.
    pub async fn read(
        app: &App,
        invite: Option<Versioned<Invite>>,
        settings: &ReferralSettings,
    ) -> Result<Self, Fault> {
        let mut found = Self { invite, limit: None };
        if let Some(invite) = &found.invite
            && settings.max_invitees_per_user > 0
        {
            let stored = app.store.get::<InviteeLimit>(&InviteeLimit::key(invite.owner)).await?;
            let now = stored.as_deref().cloned().unwrap_or(InviteeLimit { user: invite.owner, invitees: 0 });
            found.limit = Some((stored, now));
        }
        Ok(found)
    }

    /// Returns the code's owner, with the state that the code carries.
    pub fn owner(&self) -> Option<CodeOwner> {
        self.invite.as_ref().map(|invite| CodeOwner {
            inviter: invite.owner,
            status: if invite.blocked { Status::Blocked } else { Status::Active },
            can_invite: !invite.barred,
            active: invite.active,
            invitees: self.limit.as_ref().map_or(0, |(_, limit)| limit.invitees),
        })
    }

    /// Counts the invitee under a limit.
    ///
    /// The write is conditional on the count as read, so the limit is exact under concurrent sign-ups.
    pub fn count(&self, tx: &mut Tx) {
        if let Some((stored, limit)) = &self.limit {
            let next = InviteeLimit { user: limit.user, invitees: limit.invitees.saturating_add(1) };
            tx.upsert(stored.as_ref(), &next);
        }
    }
}
