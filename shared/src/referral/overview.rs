//! Reading the referral programme: what a user sees of it (R3.9).

use jiff::Timestamp;

use crate::account::model::identity::Status;
use crate::account::model::user::User;
use crate::app::App;
use crate::operations::model::settings::{AffiliateSettings, ReferralSettings};
use crate::referral::first_code::first_code;
use crate::referral::invite_code::link_base;
use crate::referral::model::counts::ReferralCounts;
use crate::referral::model::reconcile::{fired, holds};
use crate::referral::model::referral::{Invite, InviteCode, Referral, Reward, Side, Trigger};
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use kernel::money::{MoneyError, PayMoney};
use kernel::refusal::Refusal;
use table::item::Versioned;
use table::key::{Key, owned_by};
use table::list::Window;
use table::store::{Index, Page, Query, ReadSet};

/// Looks at codes of one client in [`CHECK_SECONDS`].
pub const CHECKS: i64 = 30;
/// The window in which they are counted.
pub const CHECK_SECONDS: i64 = 60;
/// Most invitees of one page, so that both rewards of each are one read.
const PAGE: i32 = 50;

/// What a user sees first of the programme.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferralOverview {
    /// Whether it is on.
    pub enabled: bool,
    /// The user's primary code.
    pub code: InviteCode,
    /// The link with that code.
    pub link: String,
    /// What came of the user's codes.
    pub counts: ReferralCounts,
    /// The masked e-mail of who invited the user.
    pub invited_by: Option<String>,
}

/// One invitee, as their inviter sees them.
#[derive(Debug, Clone, PartialEq)]
pub struct Invitee {
    /// The masked e-mail.
    pub email_masked: String,
    /// When they registered.
    pub registered_at: Timestamp,
    /// What they paid online, less refunds.
    pub paid_total: PayMoney,
    /// When they reached the threshold.
    pub qualified_at: Option<Timestamp>,
    /// The inviter's rewards for them; those on their way are pending.
    pub rewards: Vec<Reward>,
}

/// Whether a code would bind somebody now, as far as anybody may know: the inviter's limit is judged at sign-up. All codes that would
/// not look alike. Looks are counted per client before they are answered.
///
/// # Refuses
/// [`Refusal::RateLimited`] after [`CHECKS`] looks of a client in a minute.
pub async fn code_binds(app: &App, code: &str, client: &str) -> Result<bool, Error> {
    let now = app.clock.now();
    let client = app.config.secret.hex("client", &[client.as_bytes()]);
    let looks = app.store.record_attempt("referral-code", &client, now, CHECK_SECONDS).await?;
    if looks.count > CHECKS {
        return Err(looks.refused(now).into());
    }
    let referral = app.settings::<ReferralSettings>().await?.settings;
    let affiliate = app.settings::<AffiliateSettings>().await?.settings;
    let Some(code) = InviteCode::parse(code).filter(|_| referral.enabled || affiliate.enabled) else {
        return Ok(false);
    };
    let Some(invite) = app.store.get::<Invite>(&Invite::key(code.as_str())).await? else { return Ok(false) };
    let owner = app.store.get::<User>(&User::key(invite.owner)).await?;
    Ok(invite.active && owner.is_some_and(|owner| owner.status == Status::Active && owner.affiliate.can_invite))
}

/// What `user` sees first. Their primary code is made if this is its first need (R3.2).
///
/// # Refuses
/// [`Refusal::AccountBlocked`] for an account that is not active and has no code.
pub async fn overview(app: &App, user: UserId) -> Result<ReferralOverview, Error> {
    let settings = app.settings::<ReferralSettings>().await?.settings;
    let (user_key, counts_key) = (User::key(user), ReferralCounts::key(user));
    let mut batch = app.store.get_many(&[user_key.clone(), counts_key.clone()]).await?;
    let user = batch.take::<User>(&user_key)?.ok_or(Refusal::Unauthenticated)?;
    let counts = batch.take::<ReferralCounts>(&counts_key)?.map(Versioned::into_inner);
    let invited_by = match &user.attribution {
        Some(attribution) => Some(mask_of(app, attribution.inviter).await?),
        None => None,
    };
    let code = match &user.invite_code {
        Some(code) => code.clone(),
        None => first_code(app, user.id).await?,
    };
    let base = link_base(app).await?;
    let counts = counts.unwrap_or_else(|| ReferralCounts::none(user.id, user.accounts.balance().currency()));
    Ok(ReferralOverview { enabled: settings.enabled, link: code.link(&base), code, counts, invited_by })
}

/// One page of the invitees of `inviter`, newest first, with the inviter's rewards for each.
///
/// # Errors
/// When the database can't be reached, or an item does not decode.
pub async fn invitees(app: &App, inviter: UserId, window: &Window) -> Result<Page<Invitee>, Error> {
    let newest = Query::newest(Index::Owner, owned_by("INVITEES", inviter), window.limit.min(PAGE));
    let page = app.store.list::<User>(&Query { after: window.after.clone(), ..newest }).await?;
    let keys: Vec<Key> =
        page.items.iter().flat_map(|user| triggers().map(|trigger| reward_key(user.id, trigger))).collect();
    let mut rewards = app.store.get_many(&keys).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for user in &page.items {
        if let Some(attribution) = &user.attribution {
            items.push(invitee(user, attribution, &mut rewards)?);
        }
    }
    Ok(Page { items, next: page.next })
}

/// One page of the rewards of `beneficiary`, newest first.
///
/// # Errors
/// When the database can't be reached, or an item does not decode.
pub async fn rewards(app: &App, beneficiary: UserId, window: &Window) -> Result<Page<Versioned<Reward>>, Fault> {
    let newest = Query::newest(Index::Owner, owned_by("REWARDS", beneficiary), window.limit);
    app.store.list::<Reward>(&Query { after: window.after.clone(), ..newest }).await
}

fn triggers() -> impl Iterator<Item = Trigger> {
    [Trigger::Registration, Trigger::Qualified].into_iter()
}

fn reward_key(invitee: UserId, trigger: Trigger) -> Key {
    Reward::key(Reward::id_of(invitee, trigger, Side::Inviter))
}

fn invitee(user: &User, attribution: &Referral, rewards: &mut ReadSet) -> Result<Invitee, Error> {
    let mut shown = Vec::with_capacity(2);
    for trigger in triggers() {
        let stored = rewards.take::<Reward>(&reward_key(user.id, trigger))?.map(Versioned::into_inner);
        shown.extend(match stored {
            Some(reward) => Some(reward),
            None => on_its_way(user.id, attribution, trigger)?,
        });
    }
    Ok(Invitee {
        email_masked: mask(user),
        registered_at: user.created_at,
        paid_total: attribution.online_total,
        qualified_at: attribution.qualified(),
        rewards: shown,
    })
}

/// The inviter's reward of a trigger that fired but that the worker has not settled yet (R3.7).
fn on_its_way(invitee: UserId, attribution: &Referral, trigger: Trigger) -> Result<Option<Reward>, MoneyError> {
    let Some(at) = fired(attribution, trigger).filter(|_| holds(attribution, trigger)) else { return Ok(None) };
    let due = attribution.rewards_due(invitee, trigger, at)?;
    Ok(due.into_iter().find(|reward| reward.side == Side::Inviter))
}

async fn mask_of(app: &App, user: UserId) -> Result<String, Fault> {
    let user = app.store.get::<User>(&User::key(user)).await?;
    Ok(user.map_or_else(|| MASK.to_owned(), |user| mask(&user)))
}

/// What stands for an e-mail that is gone.
const MASK: &str = "***";

/// A user's masked e-mail (R2.7).
pub(crate) fn mask(user: &User) -> String {
    user.email.as_ref().map_or_else(|| MASK.to_owned(), crate::account::model::identity::Email::masked)
}
