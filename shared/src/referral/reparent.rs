//! Another inviter for a user, by an admin with a reason (R3.12).
//!
//! The earlier inviter keeps what was reached before (`model::reparent`). A user without an inviter gets a referral like one who names theirs
//! late. The admin is above the programme: neither its switch, nor a limit of invitees, nor the days after the sign-up bind them.

use jiff::Timestamp;

use crate::account::model::identity::Status;
use crate::account::model::user::User;
use crate::app::App;
use crate::message::Message;
use crate::operations::audit_log::by_admin;
use crate::payment::model::settings::PaymentSettings;
use crate::referral::ancestry::{above, unchanged};
use crate::referral::model::referral::{Invite, InviteCode, Referral, RewardTerms};
use crate::referral::model::settings::ReferralSettings;
use crate::risk::sign_up::{Traces, signals_of};
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use kernel::money::PayMoney;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::tx::Tx;

/// Request to give a user another inviter.
#[derive(Debug, Clone)]
pub struct Reparent {
    pub user: UserId,
    pub inviter: UserId,
    pub reason: String,
    pub admin: UserId,
}

/// Gives a user another inviter, or one at all; a no-op for the one they have.
///
/// # Rejects
/// [`Refusal::NotFound`]; [`Refusal::AccountErased`]; 422 for an inviter who cannot be theirs, with the reason as the code of the error:
/// `unknown`, `own`, `inviter_blocked`, `circle`, `too_deep`.
pub async fn reparent(app: &App, ctx: &Ctx, ask: &Reparent) -> Result<Answered<User>, Error> {
    app.execute(ctx, || plan(app, ctx, ask)).await
}

async fn plan(app: &App, ctx: &Ctx, ask: &Reparent) -> Result<(User, Tx), Error> {
    let (user, inviter) = app.store.read((User::key(ask.user), User::key(ask.inviter))).await?;
    let user = user.ok_or(Refusal::NotFound)?;
    if user.status == Status::Erased {
        return Err(Refusal::AccountErased.into());
    }
    let before = user.attribution.as_ref().map(|bond| bond.inviter);
    if before == Some(ask.inviter) {
        return Ok((user.into_inner(), app.tx()));
    }
    let inviter = inviter.ok_or_else(|| wrong("unknown", "the id of a user"))?;
    if inviter.id == user.id {
        return Err(wrong("own", "somebody else").into());
    }
    if inviter.status != Status::Active {
        return Err(wrong("inviter_blocked", "somebody whose account is active").into());
    }
    let above = above(app, user.id, inviter).await?.map_err(|why| {
        wrong(
            why.as_str(),
            "somebody who was not invited by the user, directly or through others, and with fewer inviters above them",
        )
    })?;
    let (nearest, others) = above.split_first().ok_or_else(|| Fault::bug("nobody is above"))?;
    let now = app.clock.now();
    // A referral names a code: without one the inviter gets their first.
    let needs_code = user.attribution.is_none() && nearest.invite_code.is_none();
    let first = needs_code.then(|| InviteCode::from_entropy(app.entropy.bytes()));
    let bond = match (&user.attribution, nearest.invite_code.as_ref().or(first.as_ref())) {
        (Some(bond), _) => bond.reparented(ask.inviter, now),
        (None, Some(code)) => begun(app, nearest, code.clone(), now).await?,
        (None, None) => return Err(Fault::bug("an inviter without a code").into()),
    };
    let mut tx = app.tx();
    let after = User { attribution: Some(bond), ..User::clone(&user) };
    tx.replace(&user, &after);
    match first {
        None => tx.unchanged(nearest).or_retry(),
        Some(code) => first_code(nearest, code, now, &mut tx),
    }
    unchanged(others, &mut tx);
    let audit = by_admin(app, ctx, ask.admin, "user.inviter_set", user.id.to_string());
    let before_text = before.map_or_else(String::new, |inviter| inviter.to_string());
    tx.insert(&audit.change(before_text, ask.inviter.to_string()).because(ask.reason.clone()));
    let signals = signals_of(app, Traces { email: user.email.as_ref(), ..Traces::default() }).await?;
    let (user, inviter) = (user.id, ask.inviter);
    match before {
        Some(_) => tx.send(Message::InviterChanged { user, inviter }),
        None => tx.send(Message::InviterNamed { user, inviter, signals }),
    }
    Ok((after, tx))
}

fn wrong(code: &'static str, detail: &str) -> Refusal {
    Refusal::field("/inviter_id", code, detail)
}

/// The referral of a user who had no inviter.
async fn begun(app: &App, inviter: &User, code: InviteCode, now: Timestamp) -> Result<Referral, Error> {
    let settings = app.settings::<ReferralSettings>().await?.settings;
    let payment = app.settings::<PaymentSettings>().await?.settings;
    let terms = RewardTerms::of(&settings, payment.ledger_currency, payment.pay_currency)?.after_registration();
    Ok(Referral {
        inviter: inviter.id,
        code,
        bound_at: now,
        late: true,
        imported: false,
        online_total: PayMoney::zero(terms.threshold.currency()),
        terms,
        given_back: None,
        reparented: None,
        qualified_at: None,
    })
}

/// Creates the inviter's primary code, which the referral names.
pub(crate) fn first_code(inviter: &Versioned<User>, code: InviteCode, now: Timestamp, tx: &mut Tx) {
    let after = User { invite_code: Some(code.clone()), ..User::clone(inviter) };
    tx.replace(inviter, &after);
    tx.insert(&Invite::primary(code, &after, now));
}
