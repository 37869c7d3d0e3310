//! Bonds between inviters and invitees that move in (R13.1).
//!
//! The bond is like that of an inviter who is named late (R3.12): what was paid before counts for nobody, and orders made since earn
//! commission. The registration is not rewarded again. Whether the threshold was reached in the other system is not known here, so that
//! reaching it is worth nothing, unless the line says that the invitee may still qualify. A blocked inviter keeps the bond.

use crate::account::import::find::user_of;
use crate::account::import::{ImportLine, Importer};
use crate::account::model::import::{ImportOutcome, ImportedLine, UserRef};
use crate::account::model::user::User;
use crate::app::App;
use crate::message::Message;
use crate::payment::model::settings::PaymentSettings;
use crate::referral::ancestry::{above, unchanged};
use crate::referral::model::referral::{InviteCode, Referral, RewardTerms};
use crate::referral::model::settings::ReferralSettings;
use crate::referral::reparent::first_code;
use kernel::fault::{Error, Fault};
use kernel::money::PayMoney;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::tx::Tx;

/// Bond of an invitee to an inviter.
#[derive(Debug, Clone)]
pub struct ReferralLine {
    pub invitee: UserRef,
    pub inviter: UserRef,
    /// True if later payments may still reach the threshold, and its reward.
    pub may_qualify: bool,
}

impl ImportLine for ReferralLine {
    const ACTION: &'static str = "import.referrals";

    fn identities(&self) -> Vec<String> {
        vec![self.invitee.identity()]
    }

    async fn plan(&self, app: &App, _: &Ctx, _: &Importer) -> Result<(ImportedLine, Tx), Error> {
        let user = user_of(app, "/user", &self.invitee).await?;
        let inviter = user_of(app, "/inviter", &self.inviter).await?;
        let mut tx = app.tx();
        if let Some(bond) = &user.attribution {
            let told = match bond.inviter == inviter.id {
                true => ImportedLine::of(ImportOutcome::Exists, user.id),
                false => ImportedLine::conflict(Some(user.id), "already_bound", "an invitee without another inviter"),
            };
            return Ok((told, tx));
        }
        if inviter.id == user.id {
            return Err(Refusal::field("/inviter", "own", "somebody else").into());
        }
        let misplaced =
            "somebody who was not invited by the user, directly or through others, with fewer inviters above";
        let above = above(app, user.id, inviter).await?;
        let above = above.map_err(|why| Refusal::field("/inviter", why.as_str(), misplaced))?;
        let (nearest, others) = above.split_first().ok_or_else(|| Fault::bug("nobody is above"))?;
        let now = app.clock.now();
        // A referral names a code: without one the inviter gets their first.
        let fresh = nearest.invite_code.is_none().then(|| InviteCode::from_entropy(app.entropy.bytes()));
        let code = nearest.invite_code.as_ref().or(fresh.as_ref()).cloned();
        let terms = self.terms(app).await?;
        let bond = Referral {
            inviter: nearest.id,
            code: code.ok_or_else(|| Fault::bug("an inviter without a code"))?,
            bound_at: now,
            late: true,
            imported: true,
            online_total: PayMoney::zero(terms.threshold.currency()),
            terms,
            given_back: None,
            reparented: None,
            qualified_at: None,
        };
        tx.replace(&user, &User { attribution: Some(bond), ..User::clone(&user) });
        match fresh {
            None => tx.unchanged(nearest).or_retry(),
            Some(code) => first_code(nearest, code, now, &mut tx),
        }
        unchanged(others, &mut tx);
        tx.send(Message::ReferralImported { user: user.id, inviter: nearest.id });
        Ok((ImportedLine::of(ImportOutcome::Imported, user.id), tx))
    }
}

impl ReferralLine {
    async fn terms(&self, app: &App) -> Result<RewardTerms, Error> {
        let settings = app.settings::<ReferralSettings>().await?.settings;
        let payment = app.settings::<PaymentSettings>().await?.settings;
        let terms = RewardTerms::of(&settings, payment.ledger_currency, payment.pay_currency)?;
        Ok(terms.moved_in(self.may_qualify))
    }
}
