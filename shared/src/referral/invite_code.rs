//! Invite codes beside the primary one (R6.2): made, deactivated, listed.
//!
//! How many are active is made exact by the one item that lists them ([`ActiveCodes`]). A code's own item says whether its owner
//! may invite, so that a sign-up reads that and nothing else; whoever changes the owner's state tells their codes
//! (`tell_codes`), in the same transaction.

use std::collections::BTreeMap;

use crate::account::model::user::User;
use crate::affiliate::model::settings::AffiliateSettings;
use crate::app::App;
use crate::referral::model::referral::{ActiveCodes, Invite, InviteCode};
use crate::referral::model::settings::ReferralSettings;
use crate::referral::table::CodeInvitees;
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use kernel::refusal::Refusal;
use table::execute::Answered;
use table::idempotency::Idempotency;
use table::item::{Versioned, numbers};
use table::key::{Key, SHARDS, owned_by};
use table::list::Window;
use table::store::{Index, Page, Query};
use table::tx::{OnConflict, Tx};

/// A code with what came of it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The code.
    pub invite: Invite,
    /// The link that brings somebody with it (R3.3).
    pub link: String,
    /// How many people it brought, as statistics have counted.
    pub invitees: u64,
}

/// What is to be made.
#[derive(Debug, Clone)]
pub struct MakeCode {
    /// For whom.
    pub user: UserId,
    /// What they call it.
    pub label: Option<String>,
}

/// Makes a code. One that is somebody's already is drawn again (R3.1).
///
/// # Refuses
/// [`Refusal::ProgrammeOff`] while the affiliate programme is off; [`Refusal::AccountBlocked`]; [`Refusal::MayNotInvite`];
/// [`Refusal::InviteCodeLimit`].
pub async fn make_code(app: &App, once: &Idempotency, ask: &MakeCode) -> Result<Answered<Invite>, Error> {
    app.execute(once, || make(app, ask)).await
}

async fn make(app: &App, ask: &MakeCode) -> Result<(Invite, Tx), Error> {
    let settings = app.settings::<AffiliateSettings>().await?.settings;
    if !settings.enabled {
        return Err(Refusal::ProgrammeOff.into());
    }
    let (user, listed) = owner(app, ask.user).await?;
    user.must_be_active()?;
    if !user.affiliate.can_invite {
        return Err(Refusal::MayNotInvite.into());
    }
    let mut codes = listed.as_deref().map(|listed| listed.codes.clone()).unwrap_or_default();
    if codes.len() >= usize::try_from(settings.max_codes_per_user).unwrap_or(usize::MAX) {
        return Err(Refusal::InviteCodeLimit.into());
    }
    let code = InviteCode::from_entropy(app.entropy.bytes());
    codes.push(code.clone());
    let invite = Invite::beside(code, &user, ask.label.clone(), app.clock.now());
    let mut tx = app.tx();
    tx.insert(&invite, OnConflict::Retry);
    tx.upsert(listed.as_ref(), &ActiveCodes { user: user.id, codes }, OnConflict::Retry);
    // What the code says of its owner must not cross a change of it.
    tx.unchanged(&user, OnConflict::Retry);
    Ok((invite, tx))
}

/// Deactivates a code of the user's: it binds nobody any more, its history stays, and its slot is free. Again it stays so.
///
/// # Refuses
/// [`Refusal::NotFound`], also for somebody else's; [`Refusal::Forbidden`] for the primary one; [`Refusal::AccountBlocked`].
pub async fn drop_code(
    app: &App,
    once: &Idempotency,
    user: UserId,
    code: &InviteCode,
) -> Result<Answered<Invite>, Error> {
    app.execute(once, || drop(app, user, code)).await
}

async fn drop(app: &App, user: UserId, code: &InviteCode) -> Result<(Invite, Tx), Error> {
    let mut tx = app.tx();
    let keys = [User::key(user), ActiveCodes::key(user), Invite::key(code.as_str())];
    let mut batch = app.store.get_many(&keys).await?;
    let [own, listed, invite] = &keys;
    batch.take::<User>(own)?.ok_or(Refusal::Unauthenticated)?.must_be_active()?;
    let invite = batch.take::<Invite>(invite)?.filter(|invite| invite.owner == user).ok_or(Refusal::NotFound)?;
    if invite.primary {
        return Err(Refusal::Forbidden.into());
    }
    if !invite.active {
        return Ok((invite.into_inner(), tx));
    }
    let listed = batch.take::<ActiveCodes>(listed)?.ok_or_else(|| Fault::bug("an active code that is not listed"))?;
    let mut left = ActiveCodes::clone(&listed);
    left.codes.retain(|other| other != code);
    let after = Invite { active: false, ..Invite::clone(&invite) };
    tx.replace(&invite, &after, OnConflict::Retry);
    tx.replace(&listed, &left, OnConflict::Retry);
    Ok((after, tx))
}

async fn owner(app: &App, user: UserId) -> Result<(Versioned<User>, Option<Versioned<ActiveCodes>>), Error> {
    let keys = [User::key(user), ActiveCodes::key(user)];
    let mut batch = app.store.get_many(&keys).await?;
    let [own, listed] = &keys;
    Ok((batch.take(own)?.ok_or(Refusal::Unauthenticated)?, batch.take(listed)?))
}

/// Writes on all active codes of a user what the user's state says about them; the user is written in the same transaction.
///
/// # Errors
/// When the database can't be reached, or an item does not decode.
pub(crate) async fn tell_codes(app: &App, user: &User, tx: &mut Tx) -> Result<(), Fault> {
    let listed = app.store.get::<ActiveCodes>(&ActiveCodes::key(user.id)).await?;
    // A code that is made meanwhile says what its owner was: whoever makes one demands the owner as read, and this the list.
    match &listed {
        Some(listed) => tx.unchanged(listed, OnConflict::Retry),
        None => tx.absent(ActiveCodes::key(user.id), OnConflict::Retry),
    }
    let beside = listed.iter().flat_map(|listed| &listed.codes);
    let keys: Vec<Key> = user.invite_code.iter().chain(beside).map(|code| Invite::key(code.as_str())).collect();
    let mut batch = app.store.get_many(&keys).await?;
    for key in &keys {
        let Some(invite) = batch.take::<Invite>(key)? else { continue };
        let told = Invite::clone(&invite).told(user);
        if *invite != told {
            tx.replace(&invite, &told, OnConflict::Retry);
        }
    }
    Ok(())
}

/// One page of a user's codes, newest first: the primary, the active and the deactivated ones.
///
/// # Errors
/// When the database can't be reached, or an item does not decode.
pub async fn codes(app: &App, user: UserId, window: &Window) -> Result<Page<Shown>, Error> {
    let ask =
        Query { after: window.after.clone(), ..Query::newest(Index::Owner, owned_by("INVITES", user), window.limit) };
    let page = app.store.list::<Invite>(&ask).await?;
    let invites = page.items.into_iter().map(Versioned::into_inner).collect();
    Ok(Page { items: shown(app, invites).await?, next: page.next })
}

/// The codes of a user that bind: the primary one, if there is one yet, and those beside it.
///
/// # Errors
/// When the database can't be reached, or an item does not decode.
pub async fn active(app: &App, user: &User) -> Result<Vec<Shown>, Error> {
    let listed = app.store.get::<ActiveCodes>(&ActiveCodes::key(user.id)).await?;
    let beside = listed.iter().flat_map(|listed| &listed.codes);
    let keys: Vec<Key> = user.invite_code.iter().chain(beside).map(|code| Invite::key(code.as_str())).collect();
    let mut batch = app.store.get_many(&keys).await?;
    let mut invites = Vec::with_capacity(keys.len());
    for key in &keys {
        invites.extend(batch.take::<Invite>(key)?.map(Versioned::into_inner));
    }
    shown(app, invites).await
}

/// Codes with their links and counts.
///
/// # Errors
/// When the database can't be reached.
pub async fn shown(app: &App, invites: Vec<Invite>) -> Result<Vec<Shown>, Error> {
    let base = link_base(app).await?;
    let shards =
        |invite: &Invite| (0..SHARDS).map(|shard| CodeInvitees::key(invite.code.as_str(), shard)).collect::<Vec<_>>();
    let keys: Vec<Key> = invites.iter().flat_map(shards).collect();
    let mut counted: BTreeMap<Key, u64> = BTreeMap::new();
    for some in keys.chunks(100) {
        let batch = app.store.get_many(some).await?;
        for key in some {
            let Some(item) = batch.item(key) else { continue };
            let invitees = numbers(item)?.get("invitees").and_then(|count| u64::try_from(*count).ok());
            counted.insert(key.clone(), invitees.unwrap_or_default());
        }
    }
    let with = |invite: Invite| {
        let invitees = shards(&invite).iter().filter_map(|key| counted.get(key)).sum();
        Shown { link: invite.code.link(&base), invite, invitees }
    };
    Ok(invites.into_iter().map(with).collect())
}

/// What links begin with (R3.3).
///
/// # Errors
/// When the settings can't be read.
pub(crate) async fn link_base(app: &App) -> Result<String, Fault> {
    let settings = app.settings::<ReferralSettings>().await?.settings;
    Ok(settings.link_base_url.clone().unwrap_or_else(|| format!("{}/register", app.config.public_base_url)))
}
