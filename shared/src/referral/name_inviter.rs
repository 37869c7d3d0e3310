//! Naming of an inviter after the sign-up, once (R3.12).
//!
//! The referral is that of a sign-up made now, with the same reasons why a code does not apply. Its registration is over and rewards
//! nobody. Only what was begun since counts, for the threshold and for commission alike: orders made since, which carry their
//! inviter (R4.1), and purchases paid since. An order made before and paid later counts for nobody, as does its refund.
//!
//! A code that bound nothing at the sign-up was not used: whoever mistyped it may name their inviter, too.
//!
//! Referrals stay a forest. The inviters above the new one are read up to the first, and the user must not be among them. Each of them
//! is a condition of the transaction: of two users who name each other at the same moment one is refused.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::model::access::Bearer;
use crate::account::model::user::User;
use crate::affiliate::model::settings::AffiliateSettings;
use crate::app::App;
use crate::message::Message;
use crate::payment::model::settings::PaymentSettings;
use crate::referral::ancestry::{above, inviter, unchanged};
use crate::referral::found_code::FoundCode;
use crate::referral::model::late_bind::late_bind_until;
use crate::referral::model::referral::{CodeOwner, Invite, InviteCode, NotApplied, Referral, RewardTerms, attribute};
use crate::referral::model::settings::ReferralSettings;
use crate::referral::overview::{CHECK_SECONDS, CHECKS, mask};
use crate::risk::sign_up::{Traces, signals_of};
use kernel::fault::{Error, Fault};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::tx::Tx;

/// Request to name an inviter.
#[derive(Debug, Clone)]
pub struct NameInviter {
    pub by: Bearer,
    /// Code as typed.
    pub code: String,
}

/// Inviter of a user, as that user sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedInviter {
    pub email_masked: String,
    pub code: InviteCode,
    /// Time of the naming.
    pub at: Timestamp,
}

/// Binds a user without an inviter to the owner of a code; a no-op when they are bound by this code since their sign-up.
///
/// # Rejects
/// [`Refusal::AccountBlocked`]; [`Refusal::AlreadyBound`]; [`Refusal::LateBindOver`] after `late_bind_days`; 422 for a code that does
/// not apply, with the reason as the code of the error: one of [`NotApplied`], `circle`, or `too_deep`; [`Refusal::RateLimited`]
/// after [`CHECKS`] attempts in a minute.
pub async fn name_inviter(app: &App, ctx: &Ctx, ask: &NameInviter) -> Result<Answered<NamedInviter>, Error> {
    let (now, by) = (app.clock.now(), app.config.secret.hex("invitee", &[ask.by.user.to_string().as_bytes()]));
    let attempts = app.store.record_attempt("inviter", &by, now, CHECK_SECONDS).await?;
    if attempts.count > CHECKS {
        return Err(attempts.refused_by(format!("{CHECKS} attempts in a minute"), now).into());
    }
    app.execute(ctx, || plan(app, ask)).await
}

async fn plan(app: &App, ask: &NameInviter) -> Result<(NamedInviter, Tx), Error> {
    let settings = app.settings::<ReferralSettings>().await?.settings;
    let code = InviteCode::parse(&ask.code);
    let invite = code.as_ref().map(|code| Invite::key(code.as_str()));
    let (user, invite) = app.store.read((User::key(ask.by.user), invite)).await?;
    let user = user.ok_or(Refusal::Unauthenticated)?;
    user.must_admit(&ask.by)?;
    let mut tx = app.tx();
    if let Some(bond) = &user.attribution {
        if !bond.late || Some(&bond.code) != code.as_ref() {
            return Err(Refusal::AlreadyBound.into());
        }
        return Ok((named(bond, &*inviter(app, bond.inviter).await?), tx));
    }
    let now = app.clock.now();
    if late_bind_until(&user, settings.late_bind_days).is_none_or(|until| until <= now) {
        return Err(Refusal::LateBindOver.into());
    }
    let found = FoundCode::read(app, invite, &settings).await?;
    let naming = Naming { app, user: &user, settings: &settings, now };
    let (bond, above) = naming.bind(code.ok_or(NotApplied::Unknown), &found).await?;
    let answer = above.first().map(|inviter| named(&bond, inviter));
    tx.replace(&user, &User { attribution: Some(bond.clone()), ..User::clone(&user) });
    unchanged(&above, &mut tx);
    found.count(&mut tx);
    let signals = signals_of(app, Traces { email: user.email.as_ref(), ..Traces::default() }).await?;
    tx.send(Message::InviterNamed { user: user.id, inviter: bond.inviter, signals });
    Ok((answer.ok_or_else(|| Fault::bug("a referral without an inviter"))?, tx))
}

fn named(bond: &Referral, inviter: &User) -> NamedInviter {
    NamedInviter { email_masked: mask(inviter), code: bond.code.clone(), at: bond.bound_at }
}

/// Naming of an inviter, as it was read.
struct Naming<'a> {
    app: &'a App,
    user: &'a User,
    settings: &'a ReferralSettings,
    now: Timestamp,
}

impl Naming<'_> {
    /// Returns the referral that the code makes, with the inviters above the user, the nearest first.
    async fn bind(
        &self,
        code: Result<InviteCode, NotApplied>,
        found: &FoundCode,
    ) -> Result<(Referral, Vec<Versioned<User>>), Error> {
        let affiliate = self.app.settings::<AffiliateSettings>().await?.settings;
        let payment = self.app.settings::<PaymentSettings>().await?.settings;
        let nearest = match found.owner() {
            Some(owner) if owner.inviter != self.user.id => Some(inviter(self.app, owner.inviter).await?),
            _ => None,
        };
        // As the account is in this moment: the transaction has it as a condition.
        let owner = found.owner().map(|known| match &nearest {
            Some(user) => CodeOwner { status: user.status, can_invite: user.affiliate.can_invite, ..known },
            None => known,
        });
        let terms = RewardTerms::of(self.settings, payment.ledger_currency, payment.pay_currency)?.after_registration();
        let bond = code.and_then(|code| {
            attribute(&code, owner.as_ref(), self.user.id, self.settings, affiliate.enabled, terms, self.now)
        });
        let bond = bond.map_err(|why| not_applied(why.as_str()))?;
        let nearest = nearest.ok_or_else(|| Fault::bug("a referral without an inviter"))?;
        let above = above(self.app, self.user.id, nearest).await?.map_err(|why| not_applied(why.as_str()))?;
        Ok((Referral { late: true, ..bond }, above))
    }
}

/// Refusal of a code, with the reason as the code of the field's error.
fn not_applied(why: &'static str) -> Refusal {
    let detail = match why {
        "circle" => "not the code of somebody who was invited by you, directly or through others",
        "too_deep" => "the code of somebody with fewer inviters above them",
        "own" => "somebody else's code",
        "limit" => "the code of somebody who may have more invitees",
        "inviter_blocked" => "the code of an active account",
        "programme_off" => "a code while a programme is on",
        _ => "a code that is in use",
    };
    Refusal::field("/referral_code", why, detail)
}
