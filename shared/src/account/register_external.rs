//! Registration of a user whom the operator's own backend authenticates (R2.6).
//!
//! It is the transaction of any sign-up (R2.2), guarded by the claim of the external id. There is one user per id, whichever
//! key registers it and however often.

use serde::{Deserialize, Serialize};

use crate::account::model::access::ExternalClaim;
use crate::account::model::external::ExternalId;
use crate::account::model::identity::{Email, Role};
use crate::account::model::user::User;
use crate::account::register::{AppliedReferral, EmailIdentity, External, NewAccount, Registered, known, sign_up};
use crate::account::session::{Tokens, email_hash, open_limited};
use crate::app::App;
use crate::redemption::codes::subscriptions;
use crate::redemption::model::plan::{Plan, Subscription};
use crate::referral::model::referral::{InviteCode, NotApplied};
use crate::risk::sign_up::{Traces, signals_of};
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::list::Window;
use table::tx::Tx;

/// Request to register a user of the backend.
#[derive(Debug, Clone)]
pub struct RegisterExternal {
    /// Id in the operator's backend.
    pub external_id: ExternalId,
    /// Address, if known.
    pub email: Option<Email>,
    /// Referral code as typed.
    pub referral_code: Option<String>,
}

/// Outcome of a registration by the backend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Joined {
    /// The registration; that of the first call if this one is a repeat.
    pub registered: Registered,
    /// True when this call created the user.
    pub created: bool,
}

/// Registers a user of the backend, or finds the one with this external id.
///
/// # Rejects
/// `email_taken` when another user has the address. A bad referral code does not reject the registration (R2.3).
pub async fn register_external(app: &App, ctx: &Ctx, ask: &RegisterExternal) -> Result<Answered<Joined>, Error> {
    let mailbox =
        |email: &Email| EmailIdentity { hash: email_hash(app, email), email: email.clone(), password_hash: None };
    let hash = external_hash(app, &ask.external_id);
    let newcomer = NewAccount {
        id: UserId::new(app.ulid()),
        mailbox: ask.email.as_ref().map(mailbox),
        // This value matches no registration by e-mail and password, so none of those counts as a repeat of this one.
        fingerprint: format!("external:{hash}"),
        external: Some(External { hash: hash.clone(), id: ask.external_id.clone() }),
        referral_code: ask.referral_code.clone().filter(|code| !code.trim().is_empty()),
        locale: None,
        created_at: app.clock.now(),
        // The client's network is not known here: the backend stands between.
        signals: signals_of(app, Traces { email: ask.email.as_ref(), ..Traces::default() }).await?,
    };
    app.execute(ctx, || plan(app, ctx, &newcomer, &hash)).await
}

async fn plan(app: &App, ctx: &Ctx, newcomer: &NewAccount, hash: &str) -> Result<(Joined, Tx), Error> {
    let claim = app.store.get::<ExternalClaim>(&ExternalClaim::key(hash)).await?;
    // A claim by this very request, written in an attempt with a lost response, is not an earlier user.
    if let Some(claim) = claim.filter(|claim| claim.user != newcomer.id) {
        let mut registered = known(app, claim.user, claim.not_applied).await?;
        if let Some(code) = &newcomer.referral_code {
            let bound = app.store.get::<User>(&User::key(claim.user)).await?.and_then(|user| user.attribution.clone());
            let same = bound.is_some_and(|bound| InviteCode::parse(code) == Some(bound.code));
            let reason = registered.referral.reason.or(Some(NotApplied::AlreadyBound)).filter(|_| !same);
            registered.referral = AppliedReferral { applied: same, reason, ..registered.referral };
        }
        return Ok((Joined { registered, created: false }, app.tx()));
    }
    let (registered, tx) = sign_up(app, ctx, newcomer).await?;
    Ok((Joined { registered, created: true }, tx))
}

/// Secret hash of an external id, the key of its claim.
pub(crate) fn external_hash(app: &App, id: &ExternalId) -> String {
    app.config.secret.hex("external", &[id.as_str().as_bytes()])
}

/// Reads a user and all their subscriptions.
///
/// # Rejects
/// [`Refusal::NotFound`].
pub async fn overview(app: &App, user: UserId) -> Result<(User, Vec<(Subscription, Plan)>), Error> {
    let found = app.store.get::<User>(&User::key(user)).await?.ok_or(Refusal::NotFound)?;
    Ok((found.into_inner(), all_subscriptions(app, user).await?))
}

async fn all_subscriptions(app: &App, user: UserId) -> Result<Vec<(Subscription, Plan)>, Fault> {
    let mut window = Window { from: None, to: None, limit: 100, after: None };
    let mut all = Vec::new();
    loop {
        let page = subscriptions(app, user, &window).await?;
        all.extend(page.items);
        match page.next {
            Some(next) => window.after = Some(next),
            None => return Ok(all),
        }
    }
}

/// Opens a session for a user whom the backend has authenticated.
///
/// Rejects admins, and gives no more than the rights of a user: a service key must not give other access (R2.11).
///
/// # Rejects
/// [`Refusal::NotFound`]; [`Refusal::AccountBlocked`]; [`Refusal::Forbidden`] for an admin.
pub async fn open_for(app: &App, user: UserId) -> Result<(User, Tokens), Error> {
    let user = authenticated_elsewhere(app, user).await?;
    let tokens = open_limited(app, &user).await?;
    Ok((user, tokens))
}

/// Reads a user whom the backend has authenticated and may open a session for.
///
/// # Rejects
/// As [`open_for`].
pub(crate) async fn authenticated_elsewhere(app: &App, user: UserId) -> Result<User, Error> {
    let user = app.store.get::<User>(&User::key(user)).await?.ok_or(Refusal::NotFound)?;
    if user.role == Role::Admin {
        return Err(Refusal::Forbidden.into());
    }
    user.must_be_active()?;
    Ok(user.into_inner())
}
