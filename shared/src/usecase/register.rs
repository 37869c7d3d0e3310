//! Registration (R2.1–R2.4): everything that sign-up means is one transaction.
//!
//! One read brings the claim on the e-mail and the invite code; the claim is the marker. The code's owner is not read: their
//! item is busy when they are popular, so what matters of them stands on the code.

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::credit::header;
use super::session::{begin, email_hash, rate_limited};
use crate::app::{App, Done};
use crate::domain::access::{EmailClaim, PendingSignup, Session};
use crate::domain::id::UserId;
use crate::domain::identity::{Email, Password, Role, Status};
use crate::domain::ledger::{Accounts, House, HouseEntry, Movement, Operator, Posting, RecordType};
use crate::domain::money::LedgerMoney;
use crate::domain::promotion::Promotion;
use crate::domain::referral::{
    Attribution, CodeOwner, Invite, InviteCode, NotApplied, Reward, RewardTerms, Side, Trigger, attribute,
};
use crate::domain::refusal::Refusal;
use crate::domain::settings::{
    AffiliateSettings, IdentitySettings, PaymentSettings, PromotionSettings, ReferralSettings,
};
use crate::domain::tally::InviteeLimit;
use crate::domain::user::{AffiliatePolicy, User};
use crate::fault::{Error, Fault};
use crate::message::{MailKind, Message};
use crate::once::{Once, fingerprint};
use crate::password;
use crate::store::item::Stored;
use crate::store::key::Key;
use crate::store::tx::{Otherwise, Tx};

/// How long a mailed code is good, in minutes.
pub const CODE_MINUTES: i64 = 15;
/// Most codes mailed to one address in an hour.
const CODES: (i64, i64) = (5, 3_600);

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
    pub referral: Referral,
    /// The session that began; none while pending, and none in a replay: whoever repeats gets a new one.
    pub session: Option<Session>,
}

/// What a referral code did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Referral {
    /// Whether it bound the user to its owner.
    pub applied: bool,
    /// If not, why; none when no code was given.
    pub reason: Option<NotApplied>,
    /// What the user got for registering with it.
    pub reward: Option<LedgerMoney>,
}

/// Registers somebody, or makes a pending sign-up where e-mails are verified.
///
/// # Refuses
/// `email_taken`; `rate_limited` when too many codes were mailed. A bad referral code refuses nothing (R2.3).
pub async fn register(app: &App, once: &Once, ask: &Register) -> Result<Done<Registered>, Error> {
    let password_hash = password::hash(app, &ask.password)?;
    let newcomer = Newcomer {
        id: UserId::new(app.ulid()),
        email_hash: email_hash(app, &ask.email),
        email: ask.email.clone(),
        password_hash,
        referral_code: ask.referral_code.clone(),
        locale: ask.locale.clone(),
        created_at: app.clock.now(),
        fingerprint: fingerprint_of(app, ask),
    };
    if app.settings::<IdentitySettings>().await?.settings.email_verification {
        allow_mail(app, &newcomer.email_hash).await?;
        return app
            .run(once, || async { or_known(app, ask, &newcomer, plan_pending(app, &newcomer).await).await })
            .await;
    }
    app.run(once, || async { or_known(app, ask, &newcomer, sign_up(app, &newcomer).await).await }).await
}

/// One code more is mailed to an address.
///
/// # Refuses
/// `rate_limited` after five in an hour.
pub async fn allow_mail(app: &App, email_hash: &str) -> Result<(), Error> {
    let now = app.clock.now();
    if app.store.count_try("mail", email_hash, now, CODES.1).await? > CODES.0 {
        return Err(rate_limited(now, CODES.1).into());
    }
    Ok(())
}

fn fingerprint_of(app: &App, ask: &Register) -> String {
    let body = serde_json::json!({
        "email": ask.email.as_str(), "referral_code": ask.referral_code, "locale": ask.locale,
    });
    fingerprint(&app.config.secret, &body)
}

/// Somebody who is about to have an account.
pub(super) struct Newcomer {
    pub id: UserId,
    pub email_hash: String,
    pub email: Email,
    pub password_hash: String,
    pub referral_code: Option<String>,
    pub locale: Option<String>,
    pub created_at: Timestamp,
    pub fingerprint: String,
}

/// A repeated registration finds its own account: same address, same body, and the password is right.
async fn or_known(
    app: &App,
    ask: &Register,
    newcomer: &Newcomer,
    planned: Result<(Registered, Tx), Error>,
) -> Result<(Registered, Tx), Error> {
    let Err(Error::Refused(Refusal::EmailTaken)) = planned else { return planned };
    let claim = app.store.get::<EmailClaim>(&Key::email(&newcomer.email_hash)).await?.ok_or(Refusal::EmailTaken)?;
    if claim.fingerprint != newcomer.fingerprint {
        return planned;
    }
    let user = app.store.get::<User>(&Key::user(claim.user)).await?.ok_or(Refusal::EmailTaken)?;
    if !password::verify(app, &ask.password, user.password_hash.as_deref())? {
        return planned;
    }
    let reward = user.attribution.as_ref().map(|bound| own_reward(bound, user.id, user.created_at));
    let referral = Referral {
        applied: user.attribution.is_some(),
        reason: claim.not_applied,
        reward: reward.transpose()?.flatten().map(|reward| reward.amount),
    };
    let registered = Registered {
        user: user.id,
        status: user.status,
        created_at: user.created_at,
        balance: user.accounts.balance(),
        referral,
        session: None,
    };
    Ok((registered, app.tx()))
}

/// What the programmes give whoever signs up now.
struct Programmes {
    referral: ReferralSettings,
    affiliate: AffiliateSettings,
    terms: RewardTerms,
    promotion: Option<Promotion>,
    accounts: Accounts,
}

impl Programmes {
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

/// The whole of sign-up as one transaction (R2.2); its marker is the claim on the e-mail.
pub(super) async fn sign_up(app: &App, newcomer: &Newcomer) -> Result<(Registered, Tx), Error> {
    let now = newcomer.created_at;
    let programmes = Programmes::now(app, now).await?;
    let code = newcomer.referral_code.as_deref().map(InviteCode::parse);
    let found = Found::read(app, newcomer, code.as_ref().and_then(Option::as_ref), &programmes.referral).await?;
    let bound = match &code {
        None => Err(None),
        Some(None) => Err(Some(NotApplied::Unknown)),
        Some(Some(code)) => found.bind(code, newcomer, &programmes).map_err(Some),
    };
    let mut tx = app.tx();
    tx.insert(&newcomer.claim(bound.as_ref().err().copied().flatten()), Otherwise::Again);
    let (user, reward) = newcomer.user(app, programmes, bound.as_ref().ok(), &mut tx)?;
    tx.insert(&user, Otherwise::Again);
    if bound.is_ok() {
        found.count(&mut tx);
    }
    let session = begin(app, user.id);
    tx.insert(&session, Otherwise::Again);
    let inviter = user.attribution.as_ref().map(|attribution| attribution.inviter);
    tx.send(Message::UserRegistered { user: user.id, inviter });
    let referral = Referral { applied: bound.is_ok(), reason: bound.err().flatten(), reward };
    let registered = Registered {
        user: user.id,
        status: user.status,
        created_at: now,
        balance: user.accounts.balance(),
        referral,
        session: Some(session),
    };
    Ok((registered, tx))
}

/// What is stored about an invite code.
struct Found {
    invite: Option<Stored<Invite>>,
    limit: Option<(Option<Stored<InviteeLimit>>, InviteeLimit)>,
}

impl Found {
    async fn read(
        app: &App,
        newcomer: &Newcomer,
        code: Option<&InviteCode>,
        settings: &ReferralSettings,
    ) -> Result<Self, Error> {
        let claim = Key::email(&newcomer.email_hash);
        let invite = code.map(|code| Key::invite(code.as_str()));
        let keys: Vec<Key> = std::iter::once(claim.clone()).chain(invite.clone()).collect();
        let mut batch = app.store.get_many(&keys).await?;
        if batch.take::<EmailClaim>(&claim)?.is_some() {
            return Err(Refusal::EmailTaken.into());
        }
        let invite = match &invite {
            Some(invite) => batch.take::<Invite>(invite)?,
            None => None,
        };
        let limit = match &invite {
            Some(invite) if settings.max_invitees_per_user > 0 => {
                let stored = app.store.get::<InviteeLimit>(&Key::invitee_limit(invite.owner)).await?;
                let now = stored.as_deref().cloned().unwrap_or(InviteeLimit { user: invite.owner, invitees: 0 });
                Some((stored, now))
            }
            _ => None,
        };
        Ok(Self { invite, limit })
    }

    fn bind(&self, code: &InviteCode, newcomer: &Newcomer, programmes: &Programmes) -> Result<Attribution, NotApplied> {
        let owner = self.invite.as_ref().map(|invite| CodeOwner {
            inviter: invite.owner,
            status: if invite.blocked { Status::Blocked } else { Status::Active },
            can_invite: true,
            active: invite.active,
            invitees: self.limit.as_ref().map_or(0, |(_, limit)| limit.invitees),
        });
        let (settings, terms) = (&programmes.referral, programmes.terms);
        attribute(code, owner.as_ref(), newcomer.id, settings, programmes.affiliate.enabled, terms, newcomer.created_at)
    }

    /// Under a limit, the count is written with what it was read as: it is exact however many sign up at once.
    fn count(&self, tx: &mut Tx) {
        if let Some((stored, limit)) = &self.limit {
            let next = InviteeLimit { user: limit.user, invitees: limit.invitees.saturating_add(1) };
            tx.upsert(stored.as_ref(), &next, Otherwise::Again);
        }
    }
}

impl Newcomer {
    fn claim(&self, not_applied: Option<NotApplied>) -> EmailClaim {
        EmailClaim {
            not_applied,
            email_hash: self.email_hash.clone(),
            user: self.id,
            fingerprint: self.fingerprint.clone(),
            at: self.created_at,
        }
    }

    /// The user, with the own registration reward on their balance; its items are added to the transaction.
    fn user(
        &self,
        app: &App,
        programmes: Programmes,
        bound: Option<&Attribution>,
        tx: &mut Tx,
    ) -> Result<(User, Option<LedgerMoney>), Error> {
        let mut user = User {
            id: self.id,
            email: Some(self.email.clone()),
            password_hash: Some(self.password_hash.clone()),
            status: Status::Active,
            role: Role::User,
            locale: self.locale.clone(),
            created_at: self.created_at,
            attribution: bound.cloned(),
            promotion: programmes.promotion,
            affiliate: AffiliatePolicy::of(&programmes.affiliate),
            accounts: programmes.accounts,
            signed_out_at: None,
            invite_code: None,
        };
        let reward = bound.map(|bound| own_reward(bound, self.id, self.created_at)).transpose()?.flatten();
        if let Some(reward) = &reward {
            let (accounts, posting) = grant(app, &user, reward)?;
            user.accounts = accounts;
            tx.insert(reward, Otherwise::Again);
            tx.insert(&posting, Otherwise::Again);
            tx.send(Message::RewardSettled { reward: reward.id, beneficiary: self.id });
        }
        Ok((user, reward.map(|reward| reward.amount)))
    }
}

/// The invitee's own reward for registering, granted; none where its amount is 0.
fn own_reward(bound: &Attribution, invitee: UserId, at: Timestamp) -> Result<Option<Reward>, Error> {
    let due = bound.rewards_due(invitee, Trigger::Registration, at)?;
    Ok(due.into_iter().find(|reward| reward.side == Side::Invitee).map(|reward| reward.granted(at)))
}

fn grant(app: &App, user: &User, reward: &Reward) -> Result<(Accounts, Posting), Fault> {
    let cause = format!("reward:{}", reward.id);
    let header = header(app, cause, Operator::System, "registration".to_owned(), reward.created_at);
    let movement = Movement::new(RecordType::Referral, reward.amount, reward.id.to_string());
    let house = vec![HouseEntry::new(House::Rewards, reward.amount.negated())];
    user.accounts.post(user.id, header, &[movement], house).map_err(|error| Fault::bug(error.to_string()))
}

/// Where e-mails are verified, only a pending sign-up is written; a newer one replaces it (R2.4).
async fn plan_pending(app: &App, newcomer: &Newcomer) -> Result<(Registered, Tx), Error> {
    let programmes = Programmes::now(app, newcomer.created_at).await?;
    let code = newcomer.referral_code.as_deref().map(InviteCode::parse);
    let found = Found::read(app, newcomer, code.as_ref().and_then(Option::as_ref), &programmes.referral).await?;
    let bound = match &code {
        None => Err(None),
        Some(None) => Err(Some(NotApplied::Unknown)),
        Some(Some(code)) => found.bind(code, newcomer, &programmes).map_err(Some),
    };
    let before = app.store.get::<PendingSignup>(&Key::signup(&newcomer.email_hash)).await?;
    let pending = PendingSignup {
        email_hash: newcomer.email_hash.clone(),
        email: newcomer.email.clone(),
        user: newcomer.id,
        created_at: newcomer.created_at,
        password_hash: newcomer.password_hash.clone(),
        referral_code: newcomer.referral_code.clone(),
        locale: newcomer.locale.clone(),
        nonce: app.ulid().to_string(),
        until: code_until(newcomer.created_at),
    };
    let mut tx = app.tx();
    tx.upsert(before.as_ref(), &pending, Otherwise::Again);
    tx.send(Message::Mail {
        mail: MailKind::Verification,
        email: pending.email_hash.clone(),
        nonce: pending.nonce.clone(),
    });
    let registered = Registered {
        user: newcomer.id,
        status: Status::Pending,
        created_at: newcomer.created_at,
        balance: programmes.accounts.balance(),
        referral: Referral { applied: bound.is_ok(), reason: bound.err().flatten(), reward: None },
        session: None,
    };
    Ok((registered, tx))
}

/// Until when a code mailed now is good.
pub fn code_until(now: Timestamp) -> Timestamp {
    now.checked_add(CODE_MINUTES.minutes()).unwrap_or(now)
}
