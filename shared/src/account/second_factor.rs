//! The second factor of one's own account (R2.12): enrolment, codes in a session, other recovery codes, removal.
//!
//! A code counts once: what it changes, and that it was used, is one transaction under the revision of the factor's item. A repeat of
//! the same request by the same session, after a lost answer, is answered again.

use jiff::{Timestamp, ToSpan};

use crate::account::limits::CodeAttempt;
use crate::account::mailed_code;
use crate::account::model::access::{Bearer, Session};
use crate::account::model::identity::{Password, Role};
use crate::account::model::network::Network;
use crate::account::model::second_factor::{CodePurpose, ENROLMENT_MINUTES, RightCode, SecondFactor};
use crate::account::model::totp::TotpKey;
use crate::account::model::user::User;
use crate::account::profile;
use crate::account::session::{Rehash, email_hash, insert, signer};
use crate::account::token::Claims;
use crate::app::App;
use crate::message::{MailKind, Message};
use crate::operations::audit_log::by_holder;
use crate::operations::model::console::ConsoleSettings;
use kernel::fault::Error;
use kernel::id::SessionId;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::item::Versioned;
use table::tx::Tx;

/// Enrolment that awaits the first code of the app. It has no `Debug`, as its URI tells the key.
#[derive(Clone)]
pub struct Enrolment {
    pub key: TotpKey,
    /// URI of the key for a QR code.
    pub uri: String,
    /// Time until which it can be confirmed.
    pub until: Timestamp,
}

/// State of the caller's second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactorStatus {
    /// Time since which it is on.
    pub since: Option<Timestamp>,
    /// Number of recovery codes that are left.
    pub recovery_codes_left: usize,
    /// Time when this session gave it last.
    pub given_at: Option<Timestamp>,
}

/// Answer to the first code: the factor is on.
#[derive(Clone)]
pub struct Enrolled {
    /// Recovery codes, to be shown once.
    pub recovery_codes: Vec<String>,
    /// Access token of the session, which has given the second factor.
    pub access_token: String,
}

/// Reads the state of the caller's second factor.
///
/// # Rejects
/// [`Refusal::Unauthenticated`] for a token of an ended session.
pub async fn status(app: &App, by: &Claims) -> Result<FactorStatus, Error> {
    let keys = (User::key(by.sub), SecondFactor::key(by.sub), Session::key(by.sub, by.sid));
    let (user, factor, session) = app.store.read(keys).await?;
    let user = user.ok_or(Refusal::Unauthenticated)?;
    user.must_honour(&by.bearer())?;
    let left = factor.filter(|factor| factor.since.is_some()).map_or(0, |factor| factor.recovery.len());
    let given_at = session.and_then(|session| session.second_factor_at);
    Ok(FactorStatus { since: user.second_factor_since, recovery_codes_left: left, given_at })
}

/// Begins an enrolment; one begun before is void.
///
/// # Rejects
/// [`Refusal::Forbidden`] for whoever is no admin; [`Refusal::SecondFactorOn`]; 422 at `/password` for a wrong one; `rate_limited`
/// after too many of them; [`Refusal::AccountBlocked`]; [`Refusal::Unauthenticated`] for a token of an ended session.
pub async fn enrol(app: &App, by: &Claims, shown: &Password, from: &Network) -> Result<Enrolment, Error> {
    if by.role != Role::Admin {
        return Err(Refusal::Forbidden.into());
    }
    let user = profile::confirm(app, &by.bearer(), shown, from).await?;
    let nonce = app.ulid().to_string();
    let until = app.clock.now().checked_add(ENROLMENT_MINUTES.minutes()).map_err(kernel::fault::Fault::bug)?;
    let begun = SecondFactor::begin(user.id, nonce, by.sid, until);
    let plan = || async {
        let (user, before) = app.store.read((User::key(by.sub), SecondFactor::key(by.sub))).await?;
        let user = user.ok_or(Refusal::Unauthenticated)?;
        user.must_admit(&by.bearer())?;
        if user.role != Role::Admin {
            return Err(Refusal::Forbidden.into());
        }
        if before.as_ref().is_some_and(|before| before.since.is_some()) {
            return Err(Refusal::SecondFactorOn.into());
        }
        let mut tx = app.tx();
        tx.upsert(before.as_ref(), &begun);
        Ok(((), tx))
    };
    app.execute(&Ctx::system(), plan).await?;
    enrolment(app, &user, &begun).await
}

/// The enrolment that awaits its first code in this session, to be shown once more.
///
/// # Errors
/// A fault when the database can't be reached.
pub async fn awaited(app: &App, by: &Claims, user: &User) -> Result<Option<Enrolment>, Error> {
    let factor = app.store.get::<SecondFactor>(&SecondFactor::key(by.sub)).await?;
    match factor.filter(|factor| factor.awaits(by.sid, app.clock.now())) {
        Some(factor) => enrolment(app, user, &factor).await.map(Some),
        None => Ok(None),
    }
}

async fn enrolment(app: &App, user: &User, factor: &SecondFactor) -> Result<Enrolment, Error> {
    let name = app.settings::<ConsoleSettings>().await?.settings.name.clone();
    let account = user.email.as_ref().map_or_else(|| user.id.to_string(), |email| email.as_str().to_owned());
    let key = factor.totp_key(&app.config.secret);
    Ok(Enrolment { uri: key.uri(&name, &account), key, until: factor.until })
}

/// Confirms the enrolment by the app's first code: the factor is on, and this session has given it.
///
/// # Rejects
/// 422 at `/totp` for a wrong code, and for one without an enrolment of this session; `rate_limited` after ten wrong codes;
/// [`Refusal::SecondFactorOn`] when it is on already; [`Refusal::AccountBlocked`]; [`Refusal::Unauthenticated`] for a token of an
/// ended session.
pub async fn confirm(app: &App, ctx: &Ctx, by: &Claims, typed: &str) -> Result<Enrolled, Error> {
    let attempt = CodeAttempt::count(app, &held(app, by).await?.user).await?;
    let (session, recovery_codes) = app.execute(ctx, || plan_confirm(app, ctx, by, typed)).await?.answer;
    attempt.succeeded(app).await?;
    Ok(Enrolled { recovery_codes, access_token: token(app, by, &session)? })
}

async fn plan_confirm(app: &App, ctx: &Ctx, by: &Claims, typed: &str) -> Result<((Session, Vec<String>), Tx), Error> {
    let Held { user, factor, session } = held(app, by).await?;
    let (factor, now, secret) = (factor.ok_or_else(wrong)?, app.clock.now(), &app.config.secret);
    let mut tx = app.tx();
    let right = factor.judge(secret, typed, (by.sid, CodePurpose::Enrol), now);
    if factor.since.is_some() {
        // The answer to the first code was lost, and the same session asks again.
        let Some(RightCode::Repeated) = right else { return Err(Refusal::SecondFactorOn.into()) };
        return Ok(((session.into_inner(), factor.recovery_codes(secret)), tx));
    }
    let Some(RightCode::Counts(after)) = right.filter(|_| factor.awaits(by.sid, now)) else {
        return Err(wrong().into());
    };
    let after = SecondFactor { since: Some(now), ..after }.with_recovery_codes(secret);
    let given = Session { second_factor_at: Some(now), ..Session::clone(&session) };
    tx.replace(&factor, &after);
    tx.replace(&user, &User { second_factor_since: Some(now), ..User::clone(&user) });
    tx.replace(&session, &given);
    tx.insert(&by_holder(app, ctx, &user, "user.second_factor_set"));
    tell(app, &mut tx, &user, MailKind::SecondFactorSet);
    Ok(((given, after.recovery_codes(secret)), tx))
}

/// Takes the second factor anew in the present session, and returns an access token that tells so.
///
/// # Rejects
/// [`Refusal::NotFound`] without a second factor; 422 at `/totp` for a wrong or used code; `rate_limited` after ten of them;
/// [`Refusal::AccountBlocked`]; [`Refusal::Unauthenticated`] for a token of an ended session.
pub async fn step_up(app: &App, ctx: &Ctx, by: &Claims, typed: &str) -> Result<String, Error> {
    let attempt = CodeAttempt::count(app, &held(app, by).await?.user).await?;
    let plan = || async {
        let (user, factor, session) = held(app, by).await?.on()?;
        let mut tx = app.tx();
        let given = Session { second_factor_at: Some(app.clock.now()), ..Session::clone(&session) };
        match take(app, ctx, &user, &factor, (typed, by.sid, CodePurpose::StepUp), &mut tx)? {
            None => return Ok((session.into_inner(), tx)),
            Some(after) => tx.replace(&factor, &after),
        };
        tx.replace(&session, &given);
        Ok((given, tx))
    };
    let session = app.execute(ctx, plan).await?.answer;
    attempt.succeeded(app).await?;
    token(app, by, &session)
}

/// Makes ten other recovery codes; those before are good no more.
///
/// # Rejects
/// As [`step_up`]; 422 at `/password` for a wrong password.
pub async fn renew_recovery_codes(
    app: &App,
    ctx: &Ctx,
    by: &Claims,
    (shown, typed): (&Password, &str),
    from: &Network,
) -> Result<Vec<String>, Error> {
    let user = profile::confirm(app, &by.bearer(), shown, from).await?;
    let attempt = CodeAttempt::count(app, &user).await?;
    let plan = || async {
        let (user, factor, _) = held(app, by).await?.on()?;
        let (mut tx, secret) = (app.tx(), &app.config.secret);
        match take(app, ctx, &user, &factor, (typed, by.sid, CodePurpose::NewRecoveryCodes), &mut tx)? {
            None => Ok((factor.recovery_codes(secret), tx)),
            Some(after) => {
                let after = after.with_recovery_codes(secret);
                tx.replace(&factor, &after);
                tx.insert(&by_holder(app, ctx, &user, "user.recovery_codes_made"));
                Ok((after.recovery_codes(secret), tx))
            }
        }
    };
    let codes = app.execute(ctx, plan).await?.answer;
    attempt.succeeded(app).await?;
    Ok(codes)
}

/// Removes the second factor.
///
/// # Rejects
/// As [`step_up`]; 422 at `/password` for a wrong password.
pub async fn remove(
    app: &App,
    ctx: &Ctx,
    by: &Claims,
    (shown, typed): (&Password, &str),
    from: &Network,
) -> Result<(), Error> {
    let user = profile::confirm(app, &by.bearer(), shown, from).await?;
    let attempt = CodeAttempt::count(app, &user).await?;
    let plan = || async {
        let (user, factor, _) = held(app, by).await?.on()?;
        let purpose = CodePurpose::StepUp;
        let right = factor.judge(&app.config.secret, typed, (by.sid, purpose), app.clock.now());
        if right.is_none_or(|right| right == RightCode::Repeated) {
            return Err(wrong().into());
        }
        let mut tx = app.tx();
        tx.replace(&user, &User { second_factor_since: None, ..User::clone(&user) });
        tx.remove(&factor);
        tx.insert(&by_holder(app, ctx, &user, "user.second_factor_removed"));
        tell(app, &mut tx, &user, MailKind::SecondFactorRemoved);
        Ok(((), tx))
    };
    app.execute(ctx, plan).await?;
    Ok(attempt.succeeded(app).await?)
}

/// Opens a session of a user whose password was right, with the second factor in the same transaction if there is one.
///
/// # Rejects
/// [`Refusal::TotpRequired`] without a code; [`Refusal::TotpInvalid`]; `rate_limited` after ten wrong codes.
pub(crate) async fn open(
    app: &App,
    user: &User,
    session: Session,
    typed: Option<&str>,
    rehash: Option<&Rehash>,
) -> Result<Session, Error> {
    if user.second_factor_since.is_none() {
        insert(app, &session, rehash).await?;
        return Ok(session);
    }
    let typed = typed.ok_or(Refusal::TotpRequired)?;
    let attempt = CodeAttempt::count(app, user).await?;
    let session = Session { second_factor_at: Some(app.clock.now()), ..session };
    let ctx = Ctx::natural(table::request::request_id().unwrap_or_default());
    let plan = || async {
        let factor = app.store.get::<SecondFactor>(&SecondFactor::key(user.id)).await?;
        let factor = factor.filter(|factor| factor.since.is_some()).ok_or(Refusal::TotpInvalid)?;
        let mut tx = app.tx();
        tx.insert(&session);
        if let Some(rehash) = rehash {
            rehash.write(app, &mut tx).await?;
        }
        let code = (typed, session.id, CodePurpose::SignIn);
        let taken = take(app, &ctx, user, &factor, code, &mut tx).map_err(|_| Refusal::TotpInvalid)?;
        tx.replace(&factor, &taken.ok_or(Refusal::TotpInvalid)?);
        Ok(((), tx))
    };
    app.execute(&ctx, plan).await?;
    attempt.succeeded(app).await?;
    Ok(session)
}

/// Takes a code, and returns the factor that it leaves; `None` for a repeat of the same request. A recovery code is recorded, and
/// its use told by mail.
///
/// # Rejects
/// 422 at `/totp` for a wrong or used one.
fn take(
    app: &App,
    ctx: &Ctx,
    user: &User,
    factor: &SecondFactor,
    (typed, session, purpose): (&str, SessionId, CodePurpose),
    tx: &mut Tx,
) -> Result<Option<SecondFactor>, Refusal> {
    match factor.judge(&app.config.secret, typed, (session, purpose), app.clock.now()).ok_or_else(wrong)? {
        RightCode::Counts(after) => Ok(Some(after)),
        RightCode::Recovers(after) => {
            let record = by_holder(app, ctx, user, "user.recovery_code_used");
            tx.insert(&record.change(factor.recovery.len().to_string(), after.recovery.len().to_string()));
            tell(app, tx, user, MailKind::RecoveryCodeUsed);
            Ok(Some(after))
        }
        RightCode::Repeated => Ok(None),
    }
}

/// Promises a notice to the holder of an account, at the address that it has then.
pub(crate) fn tell(app: &App, tx: &mut Tx, user: &User, mail: MailKind) {
    if let Some(email) = &user.email {
        let (email, nonce) = (email_hash(app, email), mailed_code::nonce(app));
        tx.send(Message::Mail { mail, email, nonce, subject: Some(user.id.to_string()) });
    }
}

/// Refusal of a code that is wrong, was used, or is no longer good, without naming the reason.
fn wrong() -> Refusal {
    Refusal::field("/totp", "wrong_code", "The code is wrong or was used already.")
}

/// Account, second factor and session of a token's holder.
struct Held {
    user: Versioned<User>,
    factor: Option<Versioned<SecondFactor>>,
    session: Versioned<Session>,
}

impl Held {
    /// The same, of an account whose second factor is on.
    ///
    /// # Rejects
    /// [`Refusal::NotFound`] when it is not.
    fn on(self) -> Result<(Versioned<User>, Versioned<SecondFactor>, Versioned<Session>), Refusal> {
        let factor = self.factor.filter(|factor| factor.since.is_some()).ok_or(Refusal::NotFound)?;
        Ok((self.user, factor, self.session))
    }
}

async fn held(app: &App, by: &Claims) -> Result<Held, Error> {
    let keys = (User::key(by.sub), SecondFactor::key(by.sub), Session::key(by.sub, by.sid));
    let (user, factor, session) = app.store.read(keys).await?;
    let (user, session) = user.zip(session).ok_or(Refusal::Unauthenticated)?;
    user.must_admit(&by.bearer())?;
    if session.revoked {
        return Err(Refusal::Unauthenticated.into());
    }
    Ok(Held { user, factor, session })
}

/// Access token of the session as it is now, with the role of the caller's token.
fn token(app: &App, by: &Claims, session: &Session) -> Result<String, Error> {
    Ok(signer(app)?.access(&Bearer::from(session), by.role, session.second_factor_at, app.clock.now())?)
}
