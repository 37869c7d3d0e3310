//! Registering a user whom the operator's own backend authenticates (R2.6): the same transaction as any sign-up (R2.2), under the
//! claim on the backend's id. There is one user per id, whichever key registers it and however often.

use serde::{Deserialize, Serialize};

use crate::account::model::access::ExternalClaim;
use crate::account::model::external::ExternalId;
use crate::account::model::identity::{Email, Role};
use crate::account::model::user::User;
use crate::account::register::{EmailIdentity, External, NewAccount, Registered, known, sign_up};
use crate::account::session::{Tokens, email_hash, open};
use crate::app::App;
use crate::redemption::codes::subscriptions;
use crate::redemption::model::plan::{Plan, Subscription};
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::list::Window;
use table::tx::Tx;

/// Who is to be registered.
#[derive(Debug, Clone)]
pub struct RegisterExternal {
    /// What the backend calls them.
    pub external_id: ExternalId,
    /// Their address, if it is known.
    pub email: Option<Email>,
    /// The code they were given, as they typed it.
    pub referral_code: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Joined {
    /// The registration, this one or the one before.
    pub registered: Registered,
    /// Whether the user is new.
    pub created: bool,
}

/// Registers a user of the backend's, or finds the one with this id.
///
/// # Refuses
/// `email_taken` when the address is another user's. A bad referral code refuses nothing (R2.3).
pub async fn register_external(app: &App, ctx: &Ctx, ask: &RegisterExternal) -> Result<Answered<Joined>, Error> {
    let mailbox =
        |email: &Email| EmailIdentity { hash: email_hash(app, email), email: email.clone(), password_hash: None };
    let hash = external_hash(app, &ask.external_id);
    let newcomer = NewAccount {
        id: UserId::new(app.ulid()),
        mailbox: ask.email.as_ref().map(mailbox),
        // Nobody repeats this by an e-mail and a password.
        fingerprint: format!("external:{hash}"),
        external: Some(External { hash: hash.clone(), id: ask.external_id.clone() }),
        referral_code: ask.referral_code.clone().filter(|code| !code.trim().is_empty()),
        locale: None,
        created_at: app.clock.now(),
    };
    app.execute(ctx, || plan(app, ctx, &newcomer, &hash)).await
}

async fn plan(app: &App, ctx: &Ctx, newcomer: &NewAccount, hash: &str) -> Result<(Joined, Tx), Error> {
    let claim = app.store.get::<ExternalClaim>(&ExternalClaim::key(hash)).await?;
    // What this very request wrote, without learning of it, is not somebody who was there before.
    if let Some(claim) = claim.filter(|claim| claim.user != newcomer.id) {
        let registered = known(app, claim.user, claim.not_applied).await?;
        return Ok((Joined { registered, created: false }, app.tx()));
    }
    let (registered, tx) = sign_up(app, ctx, newcomer).await?;
    Ok((Joined { registered, created: true }, tx))
}

fn external_hash(app: &App, id: &ExternalId) -> String {
    app.config.secret.hex("external", &[id.as_str().as_bytes()])
}

/// A user and all their subscriptions.
///
/// # Refuses
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

/// Opens a session for a user whom the backend has authenticated. Never for an admin: a service key must not become one.
///
/// # Refuses
/// [`Refusal::NotFound`]; [`Refusal::AccountBlocked`]; [`Refusal::Forbidden`] for an admin.
pub async fn open_for(app: &App, user: UserId) -> Result<(User, Tokens), Error> {
    let user = app.store.get::<User>(&User::key(user)).await?.ok_or(Refusal::NotFound)?;
    if user.role == Role::Admin {
        return Err(Refusal::Forbidden.into());
    }
    user.must_be_active()?;
    let tokens = open(app, &user, user.password_number).await?;
    Ok((user.into_inner(), tokens))
}
