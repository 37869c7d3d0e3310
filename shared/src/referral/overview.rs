//! Queries of the referral programme, as a user sees it (R3.9).

use jiff::Timestamp;

use crate::account::model::identity::Status;
use crate::account::model::network::Network;
use crate::account::model::user::User;
use crate::affiliate::model::settings::AffiliateSettings;
use crate::app::App;
use crate::payment::model::settings::PaymentSettings;
use crate::referral::first_code::first_code;
use crate::referral::invite_code::link_base;
use crate::referral::model::counts::ReferralCounts;
use crate::referral::model::late_bind::late_bind_until;
use crate::referral::model::reconcile::{fired, holds};
use crate::referral::model::referral::{Invite, InviteCode, Referral, Reward, RewardTerms, Side, Trigger};
use crate::referral::model::settings::ReferralSettings;
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use kernel::money::{MoneyError, PayMoney};
use kernel::refusal::Refusal;
use table::item::Versioned;
use table::key::{Key, owned_by};
use table::list::Window;
use table::store::{Index, Page, Query};

/// Maximum checks of codes per client, and codes per user who names an inviter, in [`CHECK_SECONDS`].
pub const CHECKS: i64 = 30;
/// Window of [`CHECKS`], in seconds.
pub const CHECK_SECONDS: i64 = 60;
/// Maximum invitees of one page, so that one read of a hundred items fetches each with both rewards.
const PAGE: i32 = 33;

/// Overview of the referral programme for a user.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferralOverview {
    /// True while the programme is on.
    pub enabled: bool,
    /// Primary invite code.
    pub code: InviteCode,
    /// Sign-up link with the code.
    pub link: String,
    /// Counts of the user as an inviter.
    pub counts: ReferralCounts,
    /// Masked e-mail of the user's inviter.
    pub invited_by: Option<String>,
    /// Rewards of a referral made now (R3.5); all 0 while the programme is off.
    pub terms: RewardTerms,
    /// Number of invitees after which the user's codes stop applying; `None` is no limit (R3.4).
    pub max_invitees: Option<u64>,
    /// Time until which the user may name an inviter; `None` if they may not (R3.12).
    pub late_bind_until: Option<Timestamp>,
}

/// Invitee as its inviter sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Invitee {
    pub email_masked: String,
    /// Time of the sign-up.
    pub registered_at: Timestamp,
    /// Online payments, less refunds.
    pub paid_total: PayMoney,
    /// Sum at which the invitee qualifies, as promised at their sign-up.
    pub threshold: PayMoney,
    /// Time when the invitee reached the threshold, while that holds.
    pub qualified_at: Option<Timestamp>,
    /// The inviter's rewards for this invitee; unprocessed ones are pending.
    pub rewards: Vec<Reward>,
}

/// Tests whether a code would apply at a sign-up now.
///
/// Does not check the inviter's limit, which sign-up does. The response does not tell why a code would not apply. Checks are
/// counted per client before the answer.
///
/// # Rejects
/// [`Refusal::RateLimited`] after [`CHECKS`] checks of a client in a minute.
pub async fn code_binds(app: &App, code: &str, client: &str) -> Result<bool, Error> {
    let now = app.clock.now();
    let client = app.config.secret.hex("client", &[client.as_bytes()]);
    let looks = app.store.record_attempt("referral-code", &client, now, CHECK_SECONDS).await?;
    if looks.count > CHECKS {
        return Err(looks.refused_by(format!("{CHECKS} checks in a minute"), now).into());
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

/// Programme as a user sees it who need not have a code yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Programme {
    /// True while the programme is on.
    pub enabled: bool,
    /// Counts of the user as an inviter.
    pub counts: ReferralCounts,
    /// Masked e-mail of the user's inviter.
    pub invited_by: Option<String>,
    /// Rewards of a referral made now (R3.5); all 0 while the programme is off.
    pub terms: RewardTerms,
    /// Number of invitees after which the user's codes stop applying; `None` is no limit (R3.4).
    pub max_invitees: Option<u64>,
    /// Time until which the user may name an inviter; `None` if they may not (R3.12).
    pub late_bind_until: Option<Timestamp>,
    /// Base URL of invite links.
    pub link_base: String,
}

/// Reads the programme of `user` in one call, and writes nothing.
///
/// # Errors
/// Fails if the database cannot be reached, or an item does not decode.
pub async fn programme(app: &App, user: &User) -> Result<Programme, Error> {
    let inviter = user.attribution.as_ref().map(|attribution| User::key(attribution.inviter));
    let (counts, inviter) = app.store.read((ReferralCounts::key(user.id), inviter)).await?;
    let invited_by = user.attribution.as_ref().map(|_| inviter.as_deref().map_or_else(|| MASK.to_owned(), mask));
    programme_with(app, user, counts.map(Versioned::into_inner), invited_by).await
}

/// The programme of `user`, whose counts were read.
///
/// # Errors
/// A fault when the settings cannot be read; terms that do not fit the currencies.
pub async fn programme_with(
    app: &App,
    user: &User,
    counts: Option<ReferralCounts>,
    invited_by: Option<String>,
) -> Result<Programme, Error> {
    let settings = app.settings::<ReferralSettings>().await?.settings;
    let currency = user.accounts.balance().currency();
    let pay_currency = app.settings::<PaymentSettings>().await?.settings.pay_currency;
    let is_on = settings.enabled || app.settings::<AffiliateSettings>().await?.settings.enabled;
    let now = app.clock.now();
    let until = late_bind_until(user, settings.late_bind_days).filter(|until| is_on && *until > now);
    Ok(Programme {
        late_bind_until: until.filter(|_| user.status == Status::Active),
        enabled: settings.enabled,
        counts: counts.unwrap_or_else(|| ReferralCounts::none(user.id, currency)),
        invited_by,
        terms: RewardTerms::of(&settings, currency, pay_currency)?,
        max_invitees: Some(settings.max_invitees_per_user).filter(|most| *most > 0),
        link_base: link_base(app).await?,
    })
}

/// Reads the overview for `user`.
///
/// Creates their primary code if this is its first need (R3.2).
///
/// # Rejects
/// [`Refusal::AccountBlocked`] for an inactive account without a code.
pub async fn overview(app: &App, user: UserId, from: &Network) -> Result<ReferralOverview, Error> {
    let (user, counts) = app.store.read((User::key(user), ReferralCounts::key(user))).await?;
    let (user, counts) = (user.ok_or(Refusal::Unauthenticated)?, counts.map(Versioned::into_inner));
    let invited_by = match &user.attribution {
        Some(attribution) => Some(mask_of(app, attribution.inviter).await?),
        None => None,
    };
    let code = match &user.invite_code {
        Some(code) => code.clone(),
        None => first_code(app, user.id, from).await?,
    };
    let seen = programme_with(app, &user, counts, invited_by).await?;
    Ok(ReferralOverview {
        enabled: seen.enabled,
        link: code.link(&seen.link_base),
        code,
        counts: seen.counts,
        invited_by: seen.invited_by,
        terms: seen.terms,
        max_invitees: seen.max_invitees,
        late_bind_until: seen.late_bind_until,
    })
}

/// Lists one page of the invitees of `inviter`, newest first, with the inviter's rewards for each.
///
/// # Errors
/// Fails if the database cannot be reached, or an item does not decode.
pub async fn invitees(app: &App, inviter: UserId, window: &Window) -> Result<Page<Invitee>, Error> {
    let newest = Query::newest(Index::Owner, owned_by("INVITEES", inviter), window.limit.min(PAGE));
    let ask = Query { after: window.after.clone(), ..newest };
    let page =
        app.store.list_with(&ask, |key: &Key<User>| User::id_of(key).map(rewards_of).unwrap_or_default()).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for (user, rewards) in page.items {
        if let Some(attribution) = &user.attribution {
            let own = |reward: &Versioned<Reward>| reward.beneficiary == inviter;
            let rewards = rewards.into_iter().map(|reward| reward.filter(own)).collect();
            items.push(invitee(&user, attribution, rewards)?);
        }
    }
    Ok(Page { items, next: page.next })
}

/// Lists one page of the rewards of `beneficiary`, newest first.
///
/// # Errors
/// Fails if the database cannot be reached, or an item does not decode.
pub async fn rewards(app: &App, beneficiary: UserId, window: &Window) -> Result<Page<Versioned<Reward>>, Fault> {
    let newest = Query::newest(Index::Owner, owned_by("REWARDS", beneficiary), window.limit);
    app.store.list::<Reward>(&Query { after: window.after.clone(), ..newest }).await
}

/// Triggers of an inviter's rewards for an invitee.
const TRIGGERS: [Trigger; 2] = [Trigger::Registration, Trigger::Qualified];

/// The keys of the inviter's rewards for an invitee, by [`TRIGGERS`].
fn rewards_of(invitee: UserId) -> Vec<Key<Reward>> {
    TRIGGERS.map(|trigger| Reward::key(Reward::id_of(invitee, trigger, Side::Inviter))).to_vec()
}

fn invitee(user: &User, attribution: &Referral, rewards: Vec<Option<Versioned<Reward>>>) -> Result<Invitee, Error> {
    let mut shown = Vec::with_capacity(TRIGGERS.len());
    for (trigger, reward) in TRIGGERS.into_iter().zip(rewards) {
        shown.extend(match reward {
            Some(reward) => Some(reward.into_inner()),
            None => on_its_way(user.id, attribution, trigger)?,
        });
    }
    Ok(Invitee {
        email_masked: mask(user),
        registered_at: user.signed_up_at(),
        paid_total: attribution.online_total,
        threshold: attribution.terms.threshold,
        qualified_at: attribution.qualified(),
        rewards: shown,
    })
}

/// Builds the inviter's reward of a fired trigger that the worker has not processed yet (R3.7).
fn on_its_way(invitee: UserId, attribution: &Referral, trigger: Trigger) -> Result<Option<Reward>, MoneyError> {
    let is_own = attribution.inviter_for(trigger) == attribution.inviter;
    let fired = fired(attribution, trigger).filter(|_| is_own && holds(attribution, trigger));
    let Some(at) = fired else { return Ok(None) };
    let due = attribution.rewards_due(invitee, trigger, at)?;
    Ok(due.into_iter().find(|reward| reward.side == Side::Inviter))
}

async fn mask_of(app: &App, user: UserId) -> Result<String, Fault> {
    let user = app.store.get::<User>(&User::key(user)).await?;
    Ok(user.map_or_else(|| MASK.to_owned(), |user| mask(&user)))
}

/// Mask of a missing or erased e-mail.
const MASK: &str = "***";

/// Returns a user's masked e-mail (R2.7).
pub fn mask(user: &User) -> String {
    user.email.as_ref().map_or_else(|| MASK.to_owned(), crate::account::model::identity::Email::masked)
}
