//! Registration (R2.1–R2.4): sign-up is one transaction.
//!
//! One read fetches the e-mail claim and the invite code. The claim is the idempotency guard. The code's owner is not read,
//! because a popular inviter's item is busy; the code carries the needed owner state.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::account::device;
use crate::account::limits::{Attempt, count_signup, may_mail, take_back_signup};
use crate::account::mailed_code;
use crate::account::model::access::{EmailClaim, ExternalClaim, Session};
use crate::account::model::external::ExternalId;
use crate::account::model::identity::{Email, Password, Status};
use crate::account::model::network::Network;
use crate::account::model::settings::IdentitySettings;
use crate::account::model::user::User;
use crate::account::password;
use crate::account::session::{Tokens, begin, email_hash, first_tokens, open};
use crate::account::verify_signup::plan_pending;
use crate::affiliate::model::settings::AffiliateSettings;
use crate::app::App;
use crate::message::Message;
use crate::payment::model::promotion::Promotion;
use crate::payment::model::settings::{PaymentSettings, PromotionSettings};
use crate::referral::found_code::FoundCode;
use crate::referral::model::referral::{Invite, InviteCode, NotApplied, Referral, Reward, RewardTerms, attribute};
use crate::referral::model::settings::ReferralSettings;
use crate::referral::own_reward::{give, own_reward, within_budget};
use crate::risk::model::settings::RiskSettings;
use crate::risk::model::signal::SignupSignals;
use crate::risk::sign_up::{Traces, signals_of};
use kernel::fault::{Error, Fault};
use kernel::id::{SignupId, UserId};
use kernel::ledger::Accounts;
use kernel::money::LedgerMoney;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::idempotency::{Idempotency, fingerprint};
use table::tx::Tx;

/// Request to register an account.
#[derive(Debug, Clone)]
pub struct Register {
    pub email: Email,
    pub password: Password,
    /// Referral code as typed.
    pub referral_code: Option<String>,
    /// Preferred language.
    pub locale: Option<String>,
    /// Token that a sign-in on this device got, of whichever account (R10.1).
    pub device_token: Option<String>,
}

/// Outcome of a registration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Registered {
    pub user: UserId,
    pub status: Status,
    /// Time of the registration.
    pub created_at: Timestamp,
    pub balance: LedgerMoney,
    pub referral: AppliedReferral,
    /// Session of this registration.
    ///
    /// `None` in a replay; a repeated registration opens a new one.
    pub session: Option<Session>,
}

/// Outcome of a registration: an account, or a sign-up that awaits its confirmation (R2.4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// The account; boxed, as it is larger than a pending sign-up.
    Account(Box<Registered>),
    Pending(SignupId),
}

impl From<Registered> for Registration {
    fn from(registered: Registered) -> Self {
        Self::Account(Box::new(registered))
    }
}

/// Outcome of a referral code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppliedReferral {
    /// True when the user is now referred by the code's owner.
    pub applied: bool,
    /// Reason when it did not apply; `None` without a code.
    pub reason: Option<NotApplied>,
    /// Registration reward of the user.
    pub reward: Option<LedgerMoney>,
}

impl AppliedReferral {
    /// Returns why no code applied; `None` if one did.
    pub fn reason(&self) -> Option<NotApplied> {
        (!self.applied).then(|| self.reason.unwrap_or(NotApplied::NoCode))
    }
}

/// Registration with the tokens of its session.
#[derive(Debug, Clone)]
pub struct NewSession {
    pub registration: Registration,
    /// `None` while the e-mail has to be verified first.
    pub tokens: Option<Tokens>,
    /// True if this request created the account.
    pub created: bool,
    /// Confirmed address; `None` where the caller named it.
    pub email: Option<Email>,
}

/// Registers an account, or a pending sign-up where e-mails are verified.
///
/// A repeated registration finds its own account and opens a new session, if the password matches.
///
/// # Rejects
/// `email_taken`, unless e-mails are verified; `rate_limited` after too many registrations of the network. A bad referral code
/// does not reject the registration (R2.3).
pub async fn register(app: &App, ctx: &Ctx, ask: &Register, from: &Network) -> Result<Answered<NewSession>, Error> {
    count_signup(app, from).await?;
    let mailbox = EmailIdentity {
        hash: email_hash(app, &ask.email),
        email: ask.email.clone(),
        password_hash: Some(password::hash(app, &ask.password)?),
    };
    let device = ask.device_token.as_deref().and_then(|token| device::owner(app, token));
    let traces = Traces { email: Some(&ask.email), from: Some(from), device };
    let newcomer = NewAccount {
        id: UserId::new(app.ulid()),
        mailbox: Some(mailbox.clone()),
        external: None,
        referral_code: ask.referral_code.clone().filter(|code| !code.trim().is_empty()),
        locale: ask.locale.clone(),
        created_at: app.clock.now(),
        fingerprint: fingerprint_of(app, ask),
        signals: signals_of(app, traces).await?,
    };
    let done = if app.settings::<IdentitySettings>().await?.settings.email_verification {
        // One mail and one nonce per request, however often it is planned again; a replay counts none.
        let (id, mail) = (SignupId::new(app.ulid()), OnceCell::new());
        let plan = || async {
            let nonce = || async { Ok(may_mail(app, &ask.email, from).await?.then(|| mailed_code::nonce(app))) };
            let nonce: &Option<String> = mail.get_or_try_init::<Error, _, _>(nonce).await?;
            plan_pending(app, id, &newcomer, &mailbox, nonce.as_deref())
        };
        app.execute(ctx, plan).await?
    } else {
        let plan = || async {
            match sign_up(app, ctx, &newcomer).await {
                Err(Error::Refused(Refusal::EmailTaken)) if ctx.idempotency == Idempotency::Natural => {
                    own(app, &newcomer, &mailbox).await
                }
                planned => planned,
            }
            .map(|(registered, tx)| (registered.into(), tx))
        };
        app.execute(ctx, plan).await?
    };
    let done = admit(app, &mailbox.hash, done, Credential::Password(&ask.password, from)).await?;
    if done.replayed {
        take_back_signup(app, from).await?;
    }
    Ok(done)
}

/// Evidence that the account is the caller's.
pub(crate) enum Credential<'a> {
    Password(&'a Password, &'a Network),
    /// A mailed code, verified already.
    Shown,
}

/// Builds the response to a registration, with its session.
///
/// A replayed response has no session of its own. The caller must prove the account again and then gets a new session, so that
/// neither an address nor a guessed `Idempotency-Key` opens one.
pub(crate) async fn admit(
    app: &App,
    email_hash: &str,
    done: Answered<Registration>,
    proof: Credential<'_>,
) -> Result<Answered<NewSession>, Error> {
    let Answered { answer, replayed } = done;
    let Registration::Account(registered) = &answer else {
        let answer = NewSession { registration: answer, tokens: None, created: false, email: None };
        return Ok(Answered { answer, replayed });
    };
    let (tokens, created) = match &registered.session {
        Some(begun) if !replayed => (first_tokens(app, registered.user, begun)?, true),
        _ => {
            let keys = (User::key(registered.user), EmailClaim::key(email_hash));
            let (user, claim) = app.store.read(keys).await?;
            let (user, claim) = user.zip(claim).ok_or(Refusal::EmailTaken)?;
            if let Credential::Password(password, from) = proof {
                let stranger = if replayed { Refusal::IdempotencyKeyReused } else { Refusal::EmailTaken };
                prove(app, &claim, (password, from), &stranger).await?;
            }
            user.must_be_active()?;
            (open(app, &user, claim.password_number).await?, false)
        }
    };
    Ok(Answered { answer: NewSession { registration: answer, tokens: Some(tokens), created, email: None }, replayed })
}

/// Requires the account's password; any refusal of a sign-in is that of a stranger.
async fn prove(
    app: &App,
    claim: &EmailClaim,
    (password, from): (&Password, &Network),
    stranger: &Refusal,
) -> Result<(), Error> {
    let attempt = Attempt::count(app, &claim.email_hash, claim.password_number, from).await;
    let attempt = attempt.map_err(|error| instead(error, stranger))?;
    if attempt.is_challenged || !password::verify(app, password, claim.password_hash.as_deref())? {
        return Err(stranger.clone().into());
    }
    Ok(attempt.succeeded(app).await?)
}

/// Maps the rate limit on passwords to the refusal that any stranger gets.
fn instead(error: Error, refusal: &Refusal) -> Error {
    match error {
        Error::Refused(_) => refusal.clone().into(),
        fault => fault,
    }
}

fn fingerprint_of(app: &App, ask: &Register) -> String {
    let body = serde_json::json!({
        "email": ask.email.as_str(), "referral_code": ask.referral_code, "locale": ask.locale,
    });
    fingerprint(&app.config.secret, &body)
}

/// Account to be created, identified by an e-mail, an external id, or both.
pub(crate) struct NewAccount {
    pub id: UserId,
    pub mailbox: Option<EmailIdentity>,
    pub external: Option<External>,
    pub referral_code: Option<String>,
    pub locale: Option<String>,
    pub created_at: Timestamp,
    pub fingerprint: String,
    /// Signals that go with the message about it (R10.1).
    pub signals: Option<SignupSignals>,
}

/// E-mail to claim.
#[derive(Clone)]
pub(crate) struct EmailIdentity {
    pub hash: String,
    pub email: Email,
    /// `None` when the operator's backend authenticates the user.
    pub password_hash: Option<String>,
}

/// External id to claim.
pub(crate) struct External {
    pub hash: String,
    pub id: ExternalId,
}

/// Finds the account of a repeated registration: same address, same body.
///
/// [`admit`] checks the password. A claim that this very request wrote in an attempt with a lost response is not a repetition.
async fn own(app: &App, newcomer: &NewAccount, mailbox: &EmailIdentity) -> Result<(Registered, Tx), Error> {
    let claim = app.store.get::<EmailClaim>(&EmailClaim::key(&mailbox.hash)).await?.ok_or(Refusal::EmailTaken)?;
    if claim.fingerprint != newcomer.fingerprint || claim.user == newcomer.id {
        return Err(Refusal::EmailTaken.into());
    }
    Ok((known(app, claim.user, claim.not_applied).await?, app.tx()))
}

/// Rebuilds the outcome of an earlier registration, without its session.
///
/// `not_applied` comes from the claim.
pub(crate) async fn known(app: &App, user: UserId, not_applied: Option<NotApplied>) -> Result<Registered, Error> {
    let user = app.store.get::<User>(&User::key(user)).await?.ok_or(Refusal::EmailTaken)?;
    let reward = user.attribution.as_ref().map(|bound| own_reward(bound, user.id, user.created_at));
    Ok(Registered {
        user: user.id,
        status: user.status,
        created_at: user.created_at,
        balance: user.accounts.balance(),
        referral: AppliedReferral {
            applied: user.attribution.is_some(),
            reason: not_applied,
            reward: reward.transpose()?.flatten().map(|reward| reward.amount),
        },
        session: None,
    })
}

/// Terms of the programmes for a user who signs up now.
struct Programmes {
    referral: Arc<ReferralSettings>,
    affiliate: Arc<AffiliateSettings>,
    terms: RewardTerms,
    promotion: Option<Promotion>,
    accounts: Accounts,
    /// Expiry of what is granted now (R12.3).
    granted_until: Option<Timestamp>,
}

impl Programmes {
    /// Parses a code while a programme is on (R3.8).
    fn readable(&self, code: &str) -> Result<InviteCode, NotApplied> {
        match self.referral.enabled || self.affiliate.enabled {
            true => InviteCode::parse(code).ok_or(NotApplied::Unknown),
            false => Err(NotApplied::ProgrammeOff),
        }
    }

    async fn now(app: &App, at: Timestamp) -> Result<Self, Error> {
        let payment = app.settings::<PaymentSettings>().await?.settings;
        let referral = app.settings::<ReferralSettings>().await?.settings;
        let promotion = app.settings::<PromotionSettings>().await?.settings;
        Ok(Self {
            terms: RewardTerms::of(&referral, payment.ledger_currency, payment.pay_currency)?,
            referral,
            affiliate: app.settings::<AffiliateSettings>().await?.settings,
            promotion: Promotion::enrol(&promotion, payment.pay_currency, at)?,
            accounts: Accounts::new(payment.ledger_currency),
            granted_until: payment.granted_until(at),
        })
    }
}

/// Plans sign-up as one transaction (R2.2).
///
/// The guard is the claim of the external id if there is one, else that of the e-mail. A user whom the backend authenticates
/// gets no session here.
pub(crate) async fn sign_up(app: &App, ctx: &Ctx, newcomer: &NewAccount) -> Result<(Registered, Tx), Error> {
    let now = newcomer.created_at;
    let programmes = Programmes::now(app, now).await?;
    let found = Found::read(app, newcomer, &programmes).await?;
    let bound = found.bind(newcomer, &programmes);
    let mut tx = app.tx();
    newcomer.claim(bound.as_ref().err().copied().flatten(), &mut tx);
    let own = match bound.as_ref() {
        Ok(bound) => own_reward(bound, newcomer.id, now)?,
        Err(_) => None,
    };
    let own = match own {
        // The worker compares the signals first, and decides (R10.2).
        Some(reward) if newcomer.may_be_held(app).await? => Some(reward),
        Some(reward) => Some(within_budget(app, reward, &mut tx).await?),
        None => None,
    };
    let reward = own.as_ref().map(|reward| reward.amount);
    let user = newcomer.user(app, ctx, programmes, (bound.as_ref().ok(), own), &mut tx)?;
    tx.insert(&user);
    if bound.is_ok() {
        found.invite.count(&mut tx);
    }
    let session =
        newcomer.external.is_none().then(|| begin(app, user.id, user.password_number, user.session_generation));
    if let Some(session) = &session {
        tx.insert(session);
    }
    let inviter = user.attribution.as_ref().map(|attribution| attribution.inviter);
    let signals = newcomer.signals.clone().filter(|_| inviter.is_some());
    tx.send(Message::UserRegistered { user: user.id, inviter, signals });
    let referral = AppliedReferral { applied: bound.is_ok(), reason: bound.err().flatten(), reward };
    let registered = Registered {
        user: user.id,
        status: user.status,
        created_at: now,
        balance: user.accounts.balance(),
        referral,
        session,
    };
    Ok((registered, tx))
}

/// Referral code of a registration, with the stored state behind it.
struct Found {
    code: Option<Result<InviteCode, NotApplied>>,
    invite: FoundCode,
}

impl Found {
    /// Reads the claim and the code in one batch.
    ///
    /// Under an invitee limit there is one more read.
    async fn read(app: &App, newcomer: &NewAccount, programmes: &Programmes) -> Result<Self, Error> {
        let code = newcomer.referral_code.as_deref().map(|code| programmes.readable(code));
        let claim = newcomer.mailbox.as_ref().map(|mailbox| EmailClaim::key(&mailbox.hash));
        let invite = code.iter().flatten().map(|code| Invite::key(code.as_str())).next();
        let (claim, invite) = app.store.read((claim, invite)).await?;
        if claim.is_some() {
            return Err(Refusal::EmailTaken.into());
        }
        let invite = FoundCode::read(app, invite, &programmes.referral).await?;
        Ok(Self { code, invite })
    }

    /// Returns the referral that the code makes, or the reason why it makes none; no reason without a code.
    fn bind(&self, newcomer: &NewAccount, programmes: &Programmes) -> Result<Referral, Option<NotApplied>> {
        let code = self.code.as_ref().ok_or(None)?.as_ref().map_err(|why| Some(*why))?;
        let owner = self.invite.owner();
        let (settings, terms) = (&programmes.referral, programmes.terms);
        let affiliate_on = programmes.affiliate.enabled;
        attribute(code, owner.as_ref(), newcomer.id, settings, affiliate_on, terms, newcomer.created_at).map_err(Some)
    }
}

impl NewAccount {
    /// Tests whether a signal of the sign-up may hold its reward.
    async fn may_be_held(&self, app: &App) -> Result<bool, Fault> {
        Ok(self.signals.is_some() && app.settings::<RiskSettings>().await?.settings.may_hold())
    }

    /// Claims the external id and the e-mail; the first claim is the guard.
    fn claim(&self, not_applied: Option<NotApplied>, tx: &mut Tx) {
        let (user, at) = (self.id, self.created_at);
        if let Some(external) = &self.external {
            let external_hash = external.hash.clone();
            tx.insert(&ExternalClaim { external_hash, user, not_applied, at });
        }
        if let Some(mailbox) = &self.mailbox {
            let claim = EmailClaim {
                email_hash: mailbox.hash.clone(),
                user,
                password_hash: mailbox.password_hash.clone(),
                password_number: 0,
                fingerprint: self.fingerprint.clone(),
                not_applied,
                at,
            };
            tx.insert(&claim);
        }
    }

    /// Builds the user with their registration reward on the balance, unless it is held, and adds the writes to `tx`.
    fn user(
        &self,
        app: &App,
        ctx: &Ctx,
        programmes: Programmes,
        (bound, reward): (Option<&Referral>, Option<Reward>),
        tx: &mut Tx,
    ) -> Result<User, Error> {
        let mut user = User {
            email: self.mailbox.as_ref().map(|mailbox| mailbox.email.clone()),
            external_id: self.external.as_ref().map(|external| external.id.clone()),
            locale: self.locale.clone(),
            attribution: bound.cloned(),
            promotion: programmes.promotion,
            ..User::new(self.id, self.created_at, &programmes.affiliate, programmes.accounts)
        };
        if let Some(reward) = &reward {
            give(app, ctx, (reward, programmes.granted_until), &mut user, tx)?;
        }
        Ok(user)
    }
}
