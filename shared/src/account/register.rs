//! Registration (R2.1–R2.4): sign-up is one transaction.
//!
//! One read fetches the e-mail claim and the invite code. The claim is the idempotency guard. The code's owner is not read,
//! because a popular inviter's item is busy; the code carries the needed owner state.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::account::mailed_code::{self, good_until};
use crate::account::model::access::{EmailClaim, ExternalClaim, PendingSignup, Session};
use crate::account::model::external::ExternalId;
use crate::account::model::identity::{Email, Password, Role, Status};
use crate::account::model::settings::IdentitySettings;
use crate::account::model::user::{AffiliatePolicy, User};
use crate::account::password;
use crate::account::session::{Tokens, begin, email_hash, first_tokens, limit_failures, open, proves};
use crate::affiliate::model::settings::AffiliateSettings;
use crate::app::App;
use crate::message::{MailKind, Message};
use crate::payment::credit_order::header;
use crate::payment::model::promotion::Promotion;
use crate::payment::model::settings::{PaymentSettings, PromotionSettings};
use crate::referral::model::counts::InviteeLimit;
use crate::referral::model::referral::{
    CodeOwner, Invite, InviteCode, NotApplied, Referral, Reward, RewardTerms, Side, Trigger, attribute,
};
use crate::referral::model::settings::ReferralSettings;
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use kernel::ledger::{Accounts, JournalEntry, NewLine, Operator, PlatformAccount, PlatformLine, RecordType};
use kernel::money::LedgerMoney;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::idempotency::{Idempotency, fingerprint};
use table::item::Versioned;
use table::key::Key;
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
}

/// Outcome of a registration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Registered {
    pub user: UserId,
    /// `active`, or `pending` until the e-mail is verified.
    pub status: Status,
    /// Time of the registration.
    pub created_at: Timestamp,
    pub balance: LedgerMoney,
    /// Outcome of the referral code; provisional while pending (R2.4).
    pub referral: AppliedReferral,
    /// Session of this registration.
    ///
    /// `None` while pending and in a replay; a repeated registration opens a new one.
    pub session: Option<Session>,
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
    pub registered: Registered,
    /// `None` while the e-mail has to be verified first.
    pub tokens: Option<Tokens>,
}

/// Registers an account, or a pending sign-up where e-mails are verified.
///
/// A repeated registration finds its own account and opens a new session, if the password matches.
///
/// # Rejects
/// `email_taken`; `rate_limited` after too many mailed codes. A bad referral code does not reject the registration (R2.3).
pub async fn register(app: &App, ctx: &Ctx, ask: &Register) -> Result<Answered<NewSession>, Error> {
    let mailbox = EmailIdentity {
        hash: email_hash(app, &ask.email),
        email: ask.email.clone(),
        password_hash: Some(password::hash(app, &ask.password)?),
    };
    let newcomer = NewAccount {
        id: UserId::new(app.ulid()),
        mailbox: Some(mailbox.clone()),
        external: None,
        referral_code: ask.referral_code.clone().filter(|code| !code.trim().is_empty()),
        locale: ask.locale.clone(),
        created_at: app.clock.now(),
        fingerprint: fingerprint_of(app, ask),
    };
    let mail = Mail { nonce: mailed_code::nonce(app), allowed: OnceCell::new() };
    let plan = || async {
        let planned = match app.settings::<IdentitySettings>().await?.settings.email_verification {
            true => plan_pending(app, &newcomer, &mailbox, &mail).await,
            false => sign_up(app, ctx, &newcomer).await,
        };
        match planned {
            Err(Error::Refused(Refusal::EmailTaken)) if ctx.idempotency == Idempotency::Natural => {
                own(app, &newcomer, &mailbox).await
            }
            planned => planned,
        }
    };
    let done = app.execute(ctx, plan).await?;
    admit(app, &mailbox.hash, done, Credential::Password(&ask.password)).await
}

/// Mail of one request: one nonce, counted once, however often the transaction is re-planned.
struct Mail {
    nonce: String,
    allowed: OnceCell<()>,
}

/// Evidence that the account is the caller's.
pub(crate) enum Credential<'a> {
    Password(&'a Password),
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
    done: Answered<Registered>,
    proof: Credential<'_>,
) -> Result<Answered<NewSession>, Error> {
    let Answered { answer: registered, replayed } = done;
    let tokens = match &registered.session {
        _ if registered.status == Status::Pending => None,
        Some(begun) if !replayed => Some(first_tokens(app, registered.user, begun)?),
        _ => {
            let keys = (User::key(registered.user), EmailClaim::key(email_hash));
            let (user, claim) = app.store.read(keys).await?;
            let (user, claim) = user.zip(claim).ok_or(Refusal::EmailTaken)?;
            if let Credential::Password(password) = proof {
                let stranger = if replayed { Refusal::IdempotencyKeyReused } else { Refusal::EmailTaken };
                limit_failures(app, email_hash).await.map_err(|error| instead(error, &stranger))?;
                if !proves(app, email_hash, Some(&claim), password).await? {
                    return Err(stranger.into());
                }
            }
            user.must_be_active()?;
            Some(open(app, &user, claim.password_number).await?)
        }
    };
    Ok(Answered { answer: NewSession { registered, tokens }, replayed })
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
    let (found, _) = Found::read(app, newcomer, &programmes, None).await?;
    let bound = found.bind(newcomer, &programmes);
    let mut tx = app.tx();
    newcomer.claim(bound.as_ref().err().copied().flatten(), &mut tx);
    let (user, reward) = newcomer.user(app, ctx, programmes, bound.as_ref().ok(), &mut tx)?;
    tx.insert(&user);
    if bound.is_ok() {
        found.count(&mut tx);
    }
    let session =
        newcomer.external.is_none().then(|| begin(app, user.id, user.password_number, user.session_generation));
    if let Some(session) = &session {
        tx.insert(session);
    }
    let inviter = user.attribution.as_ref().map(|attribution| attribution.inviter);
    tx.send(Message::UserRegistered { user: user.id, inviter });
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
    invite: Option<Versioned<Invite>>,
    limit: Option<(Option<Versioned<InviteeLimit>>, InviteeLimit)>,
}

impl Found {
    /// Reads the claim, the code and the pending sign-up at `signup`, if given, in one batch.
    ///
    /// Under an invitee limit there is one more read.
    async fn read(
        app: &App,
        newcomer: &NewAccount,
        programmes: &Programmes,
        signup: Option<Key<PendingSignup>>,
    ) -> Result<(Self, Option<Versioned<PendingSignup>>), Error> {
        let code = newcomer.referral_code.as_deref().map(|code| programmes.readable(code));
        let claim = newcomer.mailbox.as_ref().map(|mailbox| EmailClaim::key(&mailbox.hash));
        let invite = code.iter().flatten().map(|code| Invite::key(code.as_str())).next();
        let (claim, invite, pending) = app.store.read((claim, invite, signup)).await?;
        if claim.is_some() {
            return Err(Refusal::EmailTaken.into());
        }
        let mut found = Self { code, invite, limit: None };
        if let Some(invite) = &found.invite
            && programmes.referral.max_invitees_per_user > 0
        {
            let stored = app.store.get::<InviteeLimit>(&InviteeLimit::key(invite.owner)).await?;
            let now = stored.as_deref().cloned().unwrap_or(InviteeLimit { user: invite.owner, invitees: 0 });
            found.limit = Some((stored, now));
        }
        Ok((found, pending))
    }

    /// Returns the referral that the code makes, or the reason why it makes none; no reason without a code.
    fn bind(&self, newcomer: &NewAccount, programmes: &Programmes) -> Result<Referral, Option<NotApplied>> {
        let code = self.code.as_ref().ok_or(None)?.as_ref().map_err(|why| Some(*why))?;
        let owner = self.invite.as_ref().map(|invite| CodeOwner {
            inviter: invite.owner,
            status: if invite.blocked { Status::Blocked } else { Status::Active },
            can_invite: !invite.barred,
            active: invite.active,
            invitees: self.limit.as_ref().map_or(0, |(_, limit)| limit.invitees),
        });
        let (settings, terms) = (&programmes.referral, programmes.terms);
        let affiliate_on = programmes.affiliate.enabled;
        attribute(code, owner.as_ref(), newcomer.id, settings, affiliate_on, terms, newcomer.created_at).map_err(Some)
    }

    /// Counts the invitee under a limit.
    ///
    /// The write is conditional on the count as read, so the limit is exact under concurrent sign-ups.
    fn count(&self, tx: &mut Tx) {
        if let Some((stored, limit)) = &self.limit {
            let next = InviteeLimit { user: limit.user, invitees: limit.invitees.saturating_add(1) };
            tx.upsert(stored.as_ref(), &next);
        }
    }
}

impl NewAccount {
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

    /// Builds the user with their registration reward on the balance, and adds the writes to `tx`.
    fn user(
        &self,
        app: &App,
        ctx: &Ctx,
        programmes: Programmes,
        bound: Option<&Referral>,
        tx: &mut Tx,
    ) -> Result<(User, Option<LedgerMoney>), Error> {
        let mut user = User {
            id: self.id,
            email: self.mailbox.as_ref().map(|mailbox| mailbox.email.clone()),
            external_id: self.external.as_ref().map(|external| external.id.clone()),
            password_number: 0,
            status: Status::Active,
            role: Role::User,
            scopes: std::collections::BTreeSet::new(),
            locale: self.locale.clone(),
            created_at: self.created_at,
            attribution: bound.cloned(),
            promotion: programmes.promotion,
            affiliate: AffiliatePolicy::of(&programmes.affiliate),
            accounts: programmes.accounts,
            shop: None,
            invite_code: None,
            traces_due: None,
            session_generation: 0,
            ended_sessions: Vec::new(),
        };
        let reward = bound.map(|bound| own_reward(bound, self.id, self.created_at)).transpose()?.flatten();
        if let Some(reward) = &reward {
            let (accounts, posting) = grant(app, ctx, &user, reward)?;
            user.accounts = accounts;
            tx.insert(reward);
            tx.insert(&posting);
            tx.send(Message::RewardSettled { reward: reward.id, beneficiary: self.id, granted: true });
        }
        Ok((user, reward.map(|reward| reward.amount)))
    }
}

/// Returns the invitee's registration reward as granted; `None` when its amount is 0.
fn own_reward(bound: &Referral, invitee: UserId, at: Timestamp) -> Result<Option<Reward>, Error> {
    let due = bound.rewards_due(invitee, Trigger::Registration, at)?;
    Ok(due.into_iter().find(|reward| reward.side == Side::Invitee).map(|reward| reward.granted(at)))
}

fn grant(app: &App, ctx: &Ctx, user: &User, reward: &Reward) -> Result<(Accounts, JournalEntry), Fault> {
    let cause = format!("reward:{}", reward.id);
    let header = header(app, ctx, cause, Operator::System, "registration".to_owned(), reward.created_at);
    let movement = NewLine::new(RecordType::Referral, reward.amount, reward.id.to_string());
    let house = vec![PlatformLine::new(PlatformAccount::Rewards, reward.amount.negated())];
    user.accounts.post(user.id, header, &[movement], house).map_err(|error| Fault::bug(error.to_string()))
}

/// Plans a pending sign-up where e-mails are verified; a newer one replaces it (R2.4).
async fn plan_pending(
    app: &App,
    newcomer: &NewAccount,
    mailbox: &EmailIdentity,
    mail: &Mail,
) -> Result<(Registered, Tx), Error> {
    let password_hash = mailbox.password_hash.clone().ok_or_else(|| Fault::bug("a sign-up without a password"))?;
    let programmes = Programmes::now(app, newcomer.created_at).await?;
    let signup = PendingSignup::key(&mailbox.hash);
    let (found, before) = Found::read(app, newcomer, &programmes, Some(signup)).await?;
    mail.allowed.get_or_try_init(|| mailed_code::allow_mail(app, &mailbox.hash)).await?;
    let bound = found.bind(newcomer, &programmes);
    let pending = PendingSignup {
        email_hash: mailbox.hash.clone(),
        email: mailbox.email.clone(),
        user: newcomer.id,
        created_at: newcomer.created_at,
        password_hash,
        referral_code: newcomer.referral_code.clone(),
        locale: newcomer.locale.clone(),
        nonce: mail.nonce.clone(),
        until: good_until(newcomer.created_at),
    };
    let mut tx = app.tx();
    // An attempt with a lost response may have written the sign-up already; keep it then.
    if before.as_ref().is_none_or(|before| before.nonce != mail.nonce) {
        tx.upsert(before.as_ref(), &pending);
        let (email, nonce) = (pending.email_hash.clone(), pending.nonce.clone());
        tx.send(Message::Mail { mail: MailKind::Verification, email, nonce });
    }
    let registered = Registered {
        user: newcomer.id,
        status: Status::Pending,
        created_at: newcomer.created_at,
        balance: programmes.accounts.balance(),
        referral: AppliedReferral { applied: bound.is_ok(), reason: bound.err().flatten(), reward: None },
        session: None,
    };
    Ok((registered, tx))
}
