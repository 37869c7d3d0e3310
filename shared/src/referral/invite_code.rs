//! Invite codes beside the primary one (R6.2): create, deactivate, list.
//!
//! The item [`ActiveCodes`] lists the active codes and makes their limit exact. A code's own item states whether its owner may
//! invite, so that sign-up reads only that. Every change of the owner's state updates the codes in the same transaction
//! (`tell_codes`).

use crate::account::model::access::Bearer;
use crate::account::model::user::User;
use crate::affiliate::model::settings::AffiliateSettings;
use crate::app::App;
use crate::payment::model::settings::PaymentSettings;
use crate::referral::model::referral::{ActiveCodes, Invite, InviteCode};
use crate::referral::model::settings::ReferralSettings;
use crate::referral::table::CodeInvitees;
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use kernel::money::LedgerMoney;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::{Item, Versioned, numbers};
use table::key::{Key, owned_by};
use table::list::Window;
use table::spread::COUNTERS;
use table::store::{Index, Page, Query};
use table::tx::Tx;

/// Invite code with its link and its count of invitees.
#[derive(Debug, Clone)]
pub struct Shown {
    pub invite: Invite,
    /// Sign-up link with the code (R3.3).
    pub link: String,
    /// Number of invitees; eventually consistent, from the statistics.
    pub invitees: u64,
    /// Commission on the orders of these invitees, less what was taken back; from the statistics, too.
    pub earned: LedgerMoney,
}

/// Request to create a code.
#[derive(Debug, Clone)]
pub struct MakeCode {
    pub by: Bearer,
    /// Label given by the owner.
    pub label: Option<String>,
}

/// Creates a code; a code that is taken already is drawn again (R3.1).
///
/// # Rejects
/// [`Refusal::ProgrammeOff`] while the affiliate programme is off; [`Refusal::AccountBlocked`]; [`Refusal::MayNotInvite`];
/// [`Refusal::InviteCodeLimit`].
pub async fn make_code(app: &App, ctx: &Ctx, ask: &MakeCode) -> Result<Answered<Invite>, Error> {
    app.execute(ctx, || make(app, ask)).await
}

async fn make(app: &App, ask: &MakeCode) -> Result<(Invite, Tx), Error> {
    let settings = app.settings::<AffiliateSettings>().await?.settings;
    if !settings.enabled {
        return Err(Refusal::ProgrammeOff.into());
    }
    let (user, listed) = owner(app, ask.by.user).await?;
    user.must_admit(&ask.by)?;
    if !user.affiliate.can_invite {
        return Err(Refusal::MayNotInvite.into());
    }
    let mut list = listed.as_deref().cloned().unwrap_or_else(|| ActiveCodes::none(user.id));
    if list.codes.len() >= usize::try_from(settings.max_codes_per_user).unwrap_or(usize::MAX) {
        return Err(Refusal::InviteCodeLimit.into());
    }
    let code = InviteCode::from_entropy(app.entropy.bytes());
    list.codes.push(code.clone());
    let invite = Invite::beside(code, &user, ask.label.clone(), app.clock.now());
    let mut tx = app.tx();
    tx.insert(&invite);
    tx.upsert(listed.as_ref(), &list);
    // Conflict with a concurrent change of the owner, whose state the code carries.
    tx.unchanged(&user);
    Ok((invite, tx))
}

/// Deactivates a user's code: it no longer applies, its history stays, its slot is free.
///
/// A repeat is a no-op.
///
/// # Rejects
/// [`Refusal::NotFound`], also for another user's code; [`Refusal::Forbidden`] for the primary one and earlier primary ones;
/// [`Refusal::AccountBlocked`].
pub async fn drop_code(app: &App, ctx: &Ctx, by: &Bearer, code: &InviteCode) -> Result<Answered<Invite>, Error> {
    app.execute(ctx, || drop(app, by, code)).await
}

async fn drop(app: &App, by: &Bearer, code: &InviteCode) -> Result<(Invite, Tx), Error> {
    let user = by.user;
    let mut tx = app.tx();
    let keys = (User::key(user), ActiveCodes::key(user), Invite::key(code.as_str()));
    let (own, listed, invite) = app.store.read(keys).await?;
    own.ok_or(Refusal::Unauthenticated)?.must_admit(by)?;
    let invite = invite.filter(|invite| invite.owner == user).ok_or(Refusal::NotFound)?;
    if invite.primary {
        return Err(Refusal::Forbidden.into());
    }
    if !invite.active {
        return Ok((invite.into_inner(), tx));
    }
    let listed = listed.ok_or_else(|| Fault::bug("an active code that is not listed"))?;
    if listed.kept.contains(code) {
        return Err(Refusal::Forbidden.into());
    }
    let mut left = ActiveCodes::clone(&listed);
    left.codes.retain(|other| other != code);
    let after = Invite { active: false, ..Invite::clone(&invite) };
    tx.replace(&invite, &after);
    tx.replace(&listed, &left);
    Ok((after, tx))
}

async fn owner(app: &App, user: UserId) -> Result<(Versioned<User>, Option<Versioned<ActiveCodes>>), Error> {
    let (own, listed) = app.store.read((User::key(user), ActiveCodes::key(user))).await?;
    Ok((own.ok_or(Refusal::Unauthenticated)?, listed))
}

/// Copies a user's state to all their active codes; the caller writes the user in the same transaction.
///
/// # Errors
/// A fault when the database cannot be reached or an item does not decode.
pub(crate) async fn tell_codes(app: &App, user: &User, tx: &mut Tx) -> Result<(), Fault> {
    let listed = app.store.get::<ActiveCodes>(&ActiveCodes::key(user.id)).await?;
    // Conflict with a concurrently created code: its transaction requires the owner as read, and this one the list.
    match &listed {
        Some(listed) => tx.unchanged(listed),
        None => tx.absent(ActiveCodes::key(user.id)),
    };
    let keys: Vec<_> = active_codes(user, listed.as_deref()).map(|code| Invite::key(code.as_str())).collect();
    for invite in app.store.read(keys).await?.into_iter().flatten() {
        let told = Invite::clone(&invite).told(user);
        if *invite != told {
            tx.replace(&invite, &told);
        }
    }
    Ok(())
}

/// Lists one page of a user's codes, newest first: primary, active and deactivated.
///
/// # Errors
/// A fault when the database cannot be reached or an item does not decode.
pub async fn codes(app: &App, user: UserId, window: &Window) -> Result<Page<Shown>, Error> {
    let ask =
        Query { after: window.after.clone(), ..Query::newest(Index::Owner, owned_by("INVITES", user), window.limit) };
    let page = app.store.list::<Invite>(&ask).await?;
    let invites = page.items.into_iter().map(Versioned::into_inner).collect();
    Ok(Page { items: shown(app, invites).await?, next: page.next })
}

/// Keys of a code and of its counts.
pub(crate) type CountedKeys = (Key<Invite>, Vec<Key>);
/// A code and its counts as they were found.
pub(crate) type CountedCode = (Option<Versioned<Invite>>, Vec<Option<Item>>);

/// Returns the keys of a user's active codes with their counts: the primary one, if it exists yet, earlier primary ones, and those
/// beside them.
pub(crate) fn active_keys(user: &User, listed: Option<&ActiveCodes>) -> Vec<CountedKeys> {
    active_codes(user, listed).map(|code| (Invite::key(code.as_str()), counts_of(code))).collect()
}

fn active_codes<'a>(user: &'a User, listed: Option<&'a ActiveCodes>) -> impl Iterator<Item = &'a InviteCode> {
    user.invite_code.iter().chain(listed.into_iter().flat_map(ActiveCodes::all))
}

fn counts_of(code: &InviteCode) -> Vec<Key> {
    (0..COUNTERS).map(|shard| CodeInvitees::key(code.as_str(), shard)).collect()
}

/// Adds links and counts to codes.
///
/// # Errors
/// A fault when the database cannot be reached.
pub async fn shown(app: &App, invites: Vec<Invite>) -> Result<Vec<Shown>, Error> {
    let counted = app.store.read(invites.iter().map(|invite| counts_of(&invite.code)).collect::<Vec<_>>()).await?;
    with_links(app, invites.into_iter().zip(counted)).await
}

/// Adds links to codes that were found with their counts.
///
/// # Errors
/// A fault when the settings cannot be read or an item does not decode.
pub(crate) async fn found_codes(app: &App, found: Vec<CountedCode>) -> Result<Vec<Shown>, Error> {
    with_links(app, found.into_iter().filter_map(|(invite, counts)| Some((invite?.into_inner(), counts)))).await
}

async fn with_links(app: &App, codes: impl Iterator<Item = (Invite, Vec<Option<Item>>)>) -> Result<Vec<Shown>, Error> {
    let base = link_base(app).await?;
    let currency = app.settings::<PaymentSettings>().await?.settings.ledger_currency;
    let with = |(invite, counted): (Invite, Vec<Option<Item>>)| {
        let (mut invitees, mut earned) = (0_u64, LedgerMoney::zero(currency));
        for shard in counted.iter().flatten() {
            let counts = numbers(shard)?;
            let count = counts.get("invitees").and_then(|count| u64::try_from(*count).ok());
            invitees = invitees.saturating_add(count.unwrap_or_default());
            let sum = counts.get("earned").copied().unwrap_or_default();
            earned = earned.plus(LedgerMoney::exact(sum, currency)?)?;
        }
        Ok(Shown { link: invite.code.link(&base), invite, invitees, earned })
    };
    codes.map(with).collect()
}

/// Returns the base URL of invite links (R3.3).
///
/// # Errors
/// A fault when the settings cannot be read.
pub(crate) async fn link_base(app: &App) -> Result<String, Fault> {
    let settings = app.settings::<ReferralSettings>().await?.settings;
    Ok(settings.link_base_url.clone().unwrap_or_else(|| format!("{}/register", app.config.public_base_url)))
}
