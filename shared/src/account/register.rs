//! Registration (R2.1–R2.4): everything that sign-up means is one transaction.
//!
//! One read brings the claim on the e-mail and the invite code; the claim is the marker. The code's owner is not read: their
//! item is busy when they are popular, so what matters of them stands on the code.

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
use table::execute::Answered;
use table::idempotency::{Idempotency, fingerprint};
use table::item::Versioned;
use table::key::Key;
use table::tx::{OnConflict, Tx};

/// Who wants an account.
#[derive(Debug, Clone)]
pub struct Register {
    /// Their address.
    pub email: Email,
    /// Their password.
    pub password: Password,
    /// The code they were given, as they typed it.
    pub referral_code: Option<String>,
    /// Preferred language.
    pub locale: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Registered {
    /// Who they are.
    pub user: UserId,
    /// `active`, or `pending` until the e-mail is verified.
    pub status: Status,
    /// When they registered.
    pub created_at: Timestamp,
    /// Their balance.
    pub balance: LedgerMoney,
    /// What the code did; provisional while pending (R2.4).
    pub referral: AppliedReferral,
    /// The session that began; none while pending, and none in a replay: whoever repeats gets a new one.
    pub session: Option<Session>,
}

/// What a referral code did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppliedReferral {
    /// Whether it bound the user to its owner.
    pub applied: bool,
    /// If not, why; none when no code was given.
    pub reason: Option<NotApplied>,
    /// What the user got for registering with it.
    pub reward: Option<LedgerMoney>,
}

/// An account as its owner gets it.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// What came of the registration.
    pub registered: Registered,
    /// A session, unless the e-mail is to be verified first.
    pub tokens: Option<Tokens>,
}

/// Registers somebody, or makes a pending sign-up where e-mails are verified. Whoever repeats a registration finds their own and gets a
/// new session, if the password is theirs.
///
/// # Refuses
/// `email_taken`; `rate_limited` when too many codes were mailed. A bad referral code refuses nothing (R2.3).
pub async fn register(app: &App, once: &Idempotency, ask: &Register) -> Result<Answered<NewSession>, Error> {
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
            false => sign_up(app, &newcomer).await,
        };
        match planned {
            Err(Error::Refused(Refusal::EmailTaken)) if *once == Idempotency::Natural => {
                own(app, &newcomer, &mailbox).await
            }
            planned => planned,
        }
    };
    let done = app.execute(once, plan).await?;
    admit(app, &mailbox.hash, done, Credential::Password(&ask.password)).await
}

/// The mail of one request: one nonce, and counted once, however often it is planned.
struct Mail {
    nonce: String,
    allowed: OnceCell<()>,
}

/// How somebody shows that an account is theirs.
pub(crate) enum Credential<'a> {
    /// By its password.
    Password(&'a Password),
    /// They have: by a mailed code.
    Shown,
}

/// The answer to a registration, with its session. A first answer that is given again holds none: whoever repeats shows that the
/// account is theirs and gets a new one, so that neither an address nor a guessed `Idempotency-Key` opens a session.
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
            let (user, claim) = (User::key(registered.user), EmailClaim::key(email_hash));
            let mut batch = app.store.get_many(&[user.clone(), claim.clone()]).await?;
            let user = batch.take::<User>(&user)?.ok_or(Refusal::EmailTaken)?;
            let claim = batch.take::<EmailClaim>(&claim)?.ok_or(Refusal::EmailTaken)?;
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

/// Whoever tried too many passwords is told what any stranger is.
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

/// Somebody who is about to have an account: known by an e-mail, by an id of the operator's backend, or by both.
pub(crate) struct NewAccount {
    pub id: UserId,
    pub mailbox: Option<EmailIdentity>,
    pub external: Option<External>,
    pub referral_code: Option<String>,
    pub locale: Option<String>,
    pub created_at: Timestamp,
    pub fingerprint: String,
}

/// An e-mail to claim.
#[derive(Clone)]
pub(crate) struct EmailIdentity {
    pub hash: String,
    pub email: Email,
    /// None for whom the operator's backend authenticates.
    pub password_hash: Option<String>,
}

/// An id of the operator's backend to claim.
pub(crate) struct External {
    pub hash: String,
    pub id: ExternalId,
}

/// A repeated registration finds its own account: same address, same body. Whether the password is right is looked at when it is
/// answered. What this very request wrote, without learning of it, is not a repetition.
async fn own(app: &App, newcomer: &NewAccount, mailbox: &EmailIdentity) -> Result<(Registered, Tx), Error> {
    let claim = app.store.get::<EmailClaim>(&EmailClaim::key(&mailbox.hash)).await?.ok_or(Refusal::EmailTaken)?;
    if claim.fingerprint != newcomer.fingerprint || claim.user == newcomer.id {
        return Err(Refusal::EmailTaken.into());
    }
    Ok((known(app, claim.user, claim.not_applied).await?, app.tx()))
}

/// What came of the registration of a user, without its session; why its code did not bind stands on what it claimed.
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

/// What the programmes give whoever signs up now.
struct Programmes {
    referral: Arc<ReferralSettings>,
    affiliate: Arc<AffiliateSettings>,
    terms: RewardTerms,
    promotion: Option<Promotion>,
    accounts: Accounts,
}

impl Programmes {
    /// A code that may bind while a programme is on (R3.8).
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

/// The whole of sign-up as one transaction (R2.2); its marker is the claim on the backend's id, else that on the e-mail. Whom the
/// backend authenticates gets no session by it.
pub(crate) async fn sign_up(app: &App, newcomer: &NewAccount) -> Result<(Registered, Tx), Error> {
    let now = newcomer.created_at;
    let programmes = Programmes::now(app, now).await?;
    let (found, _) = Found::read(app, newcomer, &programmes, None).await?;
    let bound = found.bind(newcomer, &programmes);
    let mut tx = app.tx();
    newcomer.claim(bound.as_ref().err().copied().flatten(), &mut tx);
    let (user, reward) = newcomer.user(app, programmes, bound.as_ref().ok(), &mut tx)?;
    tx.insert(&user, OnConflict::Retry);
    if bound.is_ok() {
        found.count(&mut tx);
    }
    let session = newcomer.external.is_none().then(|| begin(app, user.id, user.password_number));
    if let Some(session) = &session {
        tx.insert(session, OnConflict::Retry);
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

/// What was given as a referral code, and what is stored about it.
struct Found {
    code: Option<Result<InviteCode, NotApplied>>,
    invite: Option<Versioned<Invite>>,
    limit: Option<(Option<Versioned<InviteeLimit>>, InviteeLimit)>,
}

impl Found {
    /// One read: the claim, the code and, where e-mails are verified, the sign-up that stands at `signup`. Under a limit one more.
    async fn read(
        app: &App,
        newcomer: &NewAccount,
        programmes: &Programmes,
        signup: Option<Key>,
    ) -> Result<(Self, Option<Versioned<PendingSignup>>), Error> {
        let code = newcomer.referral_code.as_deref().map(|code| programmes.readable(code));
        let claim = newcomer.mailbox.as_ref().map(|mailbox| EmailClaim::key(&mailbox.hash));
        let invite = code.iter().flatten().map(|code| Invite::key(code.as_str())).next();
        let keys: Vec<Key> = claim.clone().into_iter().chain(invite.clone()).chain(signup.clone()).collect();
        let mut batch = app.store.get_many(&keys).await?;
        if let Some(claim) = claim
            && batch.take::<EmailClaim>(&claim)?.is_some()
        {
            return Err(Refusal::EmailTaken.into());
        }
        let mut found = Self { code, invite: None, limit: None };
        if let Some(invite) = invite {
            found.invite = batch.take(&invite)?;
        }
        if let Some(invite) = &found.invite
            && programmes.referral.max_invitees_per_user > 0
        {
            let stored = app.store.get::<InviteeLimit>(&InviteeLimit::key(invite.owner)).await?;
            let now = stored.as_deref().cloned().unwrap_or(InviteeLimit { user: invite.owner, invitees: 0 });
            found.limit = Some((stored, now));
        }
        let pending = signup.map(|signup| batch.take(&signup)).transpose()?.flatten();
        Ok((found, pending))
    }

    /// The bond that the code makes, or why it makes none; no reason when none was given.
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

    /// Under a limit, the count is written with what it was read as: it is exact however many sign up at once.
    fn count(&self, tx: &mut Tx) {
        if let Some((stored, limit)) = &self.limit {
            let next = InviteeLimit { user: limit.user, invitees: limit.invitees.saturating_add(1) };
            tx.upsert(stored.as_ref(), &next, OnConflict::Retry);
        }
    }
}

impl NewAccount {
    /// Claims what makes the account unique; the first claim is the marker.
    fn claim(&self, not_applied: Option<NotApplied>, tx: &mut Tx) {
        let (user, at) = (self.id, self.created_at);
        if let Some(external) = &self.external {
            let external_hash = external.hash.clone();
            tx.insert(&ExternalClaim { external_hash, user, not_applied, at }, OnConflict::Retry);
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
            tx.insert(&claim, OnConflict::Retry);
        }
    }

    /// The user, with the own registration reward on their balance; its items are added to the transaction.
    fn user(
        &self,
        app: &App,
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
        };
        let reward = bound.map(|bound| own_reward(bound, self.id, self.created_at)).transpose()?.flatten();
        if let Some(reward) = &reward {
            let (accounts, posting) = grant(app, &user, reward)?;
            user.accounts = accounts;
            tx.insert(reward, OnConflict::Retry);
            tx.insert(&posting, OnConflict::Retry);
            tx.send(Message::RewardSettled { reward: reward.id, beneficiary: self.id, granted: true });
        }
        Ok((user, reward.map(|reward| reward.amount)))
    }
}

/// The invitee's own reward for registering, granted; none where its amount is 0.
fn own_reward(bound: &Referral, invitee: UserId, at: Timestamp) -> Result<Option<Reward>, Error> {
    let due = bound.rewards_due(invitee, Trigger::Registration, at)?;
    Ok(due.into_iter().find(|reward| reward.side == Side::Invitee).map(|reward| reward.granted(at)))
}

fn grant(app: &App, user: &User, reward: &Reward) -> Result<(Accounts, JournalEntry), Fault> {
    let cause = format!("reward:{}", reward.id);
    let header = header(app, cause, Operator::System, "registration".to_owned(), reward.created_at);
    let movement = NewLine::new(RecordType::Referral, reward.amount, reward.id.to_string());
    let house = vec![PlatformLine::new(PlatformAccount::Rewards, reward.amount.negated())];
    user.accounts.post(user.id, header, &[movement], house).map_err(|error| Fault::bug(error.to_string()))
}

/// Where e-mails are verified, only a pending sign-up is written; a newer one replaces it (R2.4).
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
    // What this very request wrote without learning of it stands as it is.
    if before.as_ref().is_none_or(|before| before.nonce != mail.nonce) {
        tx.upsert(before.as_ref(), &pending, OnConflict::Retry);
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
