//! Callers, role and scope extractors that authorise handlers, and statement lines on the wire.

use crate::account::browser::{self, BrowserSession, Visitor};
use crate::account::model::access::Bearer;
use crate::account::model::identity::Email;
use crate::account::model::identity::Role;
use crate::account::model::network::Network;
use crate::account::model::scope::AdminScope;
use crate::account::model::second_factor::FactorAsked;
use crate::account::model::service_key::{self, ServiceKey};
use crate::account::model::settings::{AdminTotp, IdentitySettings};
use crate::account::model::user::User;
use crate::account::service_keys::recognise;
use crate::account::staff::{self, Presence};
use crate::account::token::{Claims, KeyRing};
use crate::agency::model::shop::{Reach, Seller};
use crate::app::App;
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use edge::application::{Application, FormHost, Identity};
use edge::cookies::{Cookies, FRESH, SEEN, SESSION};
use edge::export::CsvRow;
use edge::openapi::{Describe, Operation};
use edge::problem::Problem;
use edge::search::{Search, given};
use edge::view::Amount;
use jiff::Timestamp;
use kernel::fault::Error;
use kernel::id::{ServiceKeyId, UserId};
use kernel::ledger::{self, AccountKind};
use kernel::ledger::{Part, RecordType};
use kernel::refusal::Refusal;
use kernel::secret::{OriginSecrets, Secret};
use serde::Serialize;
use std::marker::PhantomData;
use std::sync::Arc;
use utoipa::ToSchema;

/// Caller with a valid access token.
///
/// The use case reads the account and decides what it may do with money.
#[derive(Debug, Clone)]
pub struct Caller(pub Claims);

/// Active admin, checked against the table, not the token (R2.5).
///
/// `D` is the route's duty: `Admin` alone needs an admin without scopes; `Admin<OrdersRead>` also takes admins with that scope.
/// `Admin<Dangerous>` and `Admin<Dangerous<OrdersRefund>>` ask for a second factor given not long ago (R2.12).
#[derive(Debug, Clone)]
pub struct Admin<D = Everything> {
    pub id: UserId,
    duty: PhantomData<D>,
}

/// Seller who moves money: an agent, or an admin without scopes, who gave the second factor not long ago (R2.12).
#[derive(Debug, Clone)]
pub struct Trader(pub Seller);

impl FromRequestParts<Arc<App>> for Seller {
    type Rejection = Problem;

    /// Requires an active admin or an agent with a shop, read from the table (R2.5, R8.1).
    ///
    /// An admin with scopes needs `grants:write`.
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        seller(parts, app, Some(AdminScope::GrantsWrite), FactorAsked::Once).await
    }
}

impl FromRequestParts<Arc<App>> for Trader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        Ok(Self(seller(parts, app, None, FactorAsked::Recent).await?))
    }
}

/// Reads the caller's account from the table, with the role that the token's session may use.
async fn account(parts: &mut Parts, app: &Arc<App>) -> Result<(User, Claims), Problem> {
    let caller = Caller::from_request_parts(parts, app).await?;
    let user = app.store.get::<User>(&User::key(caller.id())).await?.ok_or(Refusal::Unauthenticated)?.into_inner();
    user.must_admit(&caller.bearer())?;
    // Growth ends sessions, so only a session of a service key has less than the account (R2.11).
    let role = caller.0.role.min(user.role);
    Ok((user, Claims { role, ..caller.0 }))
}

/// Requires the second factor of an admin's session (R2.12); the one place where it is asked for.
///
/// # Rejects
/// `second_factor_required`; `second_factor_enrolment_required`.
pub async fn must_have_given(app: &App, user: &User, by: &Claims, asked: FactorAsked) -> Result<(), Error> {
    // Only who has none depends on the setting.
    let every_admin = user.second_factor_since.is_none()
        && app.settings::<IdentitySettings>().await?.settings.admin_totp == AdminTotp::Required;
    Ok(user.must_have_given(by.second_factor_given(), asked, every_admin, app.clock.now())?)
}

async fn seller(
    parts: &mut Parts,
    app: &Arc<App>,
    needed: Option<AdminScope>,
    asked: FactorAsked,
) -> Result<Seller, Problem> {
    let (user, by) = account(parts, app).await?;
    let reach = match (by.role, &user.shop) {
        (Role::Admin, _) => {
            user.must_be_admin(needed)?;
            must_have_given(app, &user, &by, asked).await?;
            Reach::Platform
        }
        (Role::Agent, Some(shop)) => Reach::Below(shop.clone()),
        _ => return Err(Refusal::Forbidden.into()),
    };
    Ok(Seller { id: user.id, reach })
}

/// Operator's backend, authenticated by a service key with scope `S`, read from the table (R2.6).
#[derive(Debug, Clone)]
pub struct Backend<S> {
    pub key: ServiceKeyId,
    /// Name of the key.
    pub name: String,
    scope: PhantomData<S>,
}

/// Duty of an admin route.
pub trait Duty: Send + Sync {
    /// Scope that suffices for it; `None` when only admins without scopes may use it.
    const SCOPE: Option<AdminScope>;
    /// Need of it for a second factor (R2.12).
    const FACTOR: FactorAsked = FactorAsked::Once;
}

/// Duty reserved to admins without scopes.
#[derive(Debug, Clone, Copy)]
pub struct Everything;

impl Duty for Everything {
    const SCOPE: Option<AdminScope> = None;
}

/// The same duty `D` where it moves money, or gives rights to: it asks for a second factor given not long ago (R2.12).
#[derive(Debug, Clone, Copy)]
pub struct Dangerous<D = Everything>(PhantomData<D>);

impl<D: Duty> Duty for Dangerous<D> {
    const SCOPE: Option<AdminScope> = D::SCOPE;
    const FACTOR: FactorAsked = FactorAsked::Recent;
}

macro_rules! duties {
    ($($scope:ident)*) => {$(
        #[doc = concat!("See [`AdminScope::", stringify!($scope), "`].")]
        #[derive(Debug, Clone, Copy)]
        pub struct $scope;

        impl Duty for $scope {
            const SCOPE: Option<AdminScope> = Some(AdminScope::$scope);
        }
    )*};
}

duties!(OrdersRead OrdersRefund SettingsWrite WithdrawalsApprove CodesIssue GrantsWrite StatsRead);

/// Service key scope in a handler's signature.
pub trait Scoped {
    const SCOPE: service_key::ServiceScope;
}

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl Scoped for $name {
            const SCOPE: service_key::ServiceScope = service_key::ServiceScope::$name;
        }
    )*};
}

scopes! {
    /// May register users.
    UsersWrite
    /// May read users.
    UsersRead
    /// May open sessions.
    SessionsCreate
    /// May credit and debit.
    LedgerWrite
    /// May report purchases.
    PurchasesWrite
    /// May settle withdrawals of payout batches.
    WithdrawalsSettle
}

impl Caller {
    /// Returns what the account compares before money moves (R2.5).
    pub fn bearer(&self) -> Bearer {
        self.0.bearer()
    }

    /// Returns the caller's user id.
    pub fn id(&self) -> UserId {
        self.0.sub
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        if let Some(session) = parts.extensions.get::<BrowserSession>() {
            return Ok(Self(session.claims.clone()));
        }
        let token = bearer(parts).ok_or(Refusal::Unauthenticated)?;
        let kid = KeyRing::names(token).ok_or(Refusal::Unauthenticated)?;
        app.learn_key(&kid).await?;
        let (issuer, now) = (&app.config.public_base_url, app.clock.now());
        let refusal = || match app.keys.has_expired(token, issuer, now) {
            true => Refusal::TokenExpired,
            false => Refusal::Unauthenticated,
        };
        Ok(Self(app.keys.verify(token, issuer, now).ok_or_else(refusal)?))
    }
}

impl<D: Duty> FromRequestParts<Arc<App>> for Admin<D> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let (user, by) = account(parts, app).await?;
        user.must_be_admin(D::SCOPE)?;
        if by.role != Role::Admin {
            return Err(Refusal::Forbidden.into());
        }
        must_have_given(app, &user, &by, D::FACTOR).await?;
        Ok(Self { id: user.id, duty: PhantomData })
    }
}

impl<S: Scoped> FromRequestParts<Arc<App>> for Backend<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let token = bearer(parts).ok_or(Refusal::Unauthenticated)?;
        let Some((id, secret)) = ServiceKey::read(token) else {
            // A user's access token is valid, but this route is the backend's: 403, not 401.
            Caller::from_request_parts(parts, app).await?;
            return Err(Refusal::Forbidden.into());
        };
        let key = recognise(app, id, secret).await?;
        if !key.scopes.contains(&S::SCOPE) {
            return Err(Refusal::Forbidden.into());
        }
        Ok(Self { key: key.id, name: key.name, scope: PhantomData })
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    let mut all = parts.headers.get_all(AUTHORIZATION).iter();
    let (scheme, token) = all.next()?.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && all.next().is_none()).then_some(token)
}

/// Network of the current request's client (R2.9).
pub fn network() -> Network {
    Network::of(table::request::origin().client_ip.as_deref())
}

/// One statement line of an account.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = StatementRecord)]
pub struct Record {
    /// Unique id: journal, account and number.
    pub id: String,
    /// Number of the line on its account, from 1 without gaps.
    pub seq: u64,
    /// Record type: `payment`, `promotion`, `referral`, `admin`, `debt` and others.
    #[serde(rename = "type")]
    pub kind: RecordType,
    /// Part of the commission account; only for commission lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub part: Option<Part>,
    /// Signed amount.
    pub amount: Amount,
    /// Balance of the account before the line.
    pub balance_before: Amount,
    /// Balance of the account after the line.
    pub balance_after: Amount,
    /// Actor: `system`, `user`, `admin` or `service:{name}`.
    pub operator: String,
    /// Remark for the user.
    pub remark: Option<String>,
    /// Id of the related order, reward, code or withdrawal.
    pub related_id: Option<String>,
    /// Time of the line.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl CsvRow for Record {
    const COLUMNS: &'static [&'static str] = &[
        "created_at",
        "seq",
        "type",
        "amount.amount",
        "amount.currency",
        "balance_before.amount",
        "balance_after.amount",
        "operator",
        "remark",
        "related_id",
        "id",
    ];
}

impl From<ledger::StatementLine> for Record {
    fn from(record: ledger::StatementLine) -> Self {
        let account = match record.account {
            AccountKind::Receivable => "debt",
            AccountKind::Balance => "balance",
            AccountKind::Commission => "commission",
            AccountKind::CommissionReceivable => "commission_debt",
        };
        Self {
            id: format!("{}.{account}.{}", record.journal, record.seq),
            seq: record.seq,
            kind: record.kind,
            part: record.part,
            amount: record.amount.into(),
            balance_before: record.balance_before.into(),
            balance_after: record.balance_after.into(),
            operator: record.operator.to_string(),
            remark: record.remark,
            related_id: record.related_id,
            created_at: record.created_at,
        }
    }
}

impl Identity for Caller {
    fn identity(&self) -> String {
        self.id().to_string()
    }
}

impl<D> Identity for Admin<D> {
    fn identity(&self) -> String {
        self.id.to_string()
    }
}

impl Identity for Seller {
    fn identity(&self) -> String {
        self.id.to_string()
    }
}

impl<S> Identity for Backend<S> {
    fn identity(&self) -> String {
        self.key.to_string()
    }
}

impl Describe for Caller {
    fn describe(operation: &mut Operation) {
        operation.access(None);
    }
}

impl<D: Duty> Describe for Admin<D> {
    fn describe(operation: &mut Operation) {
        operation.access(Some(D::SCOPE.map_or("admin", AdminScope::as_str)));
        operation.refusal(&Refusal::AccountBlocked).refusal(&Refusal::Forbidden);
        second_factor(operation, D::FACTOR);
    }
}

impl Describe for Seller {
    fn describe(operation: &mut Operation) {
        operation.access(Some("seller")).refusal(&Refusal::AccountBlocked).refusal(&Refusal::Forbidden);
        second_factor(operation, FactorAsked::Once);
    }
}

impl Describe for Trader {
    fn describe(operation: &mut Operation) {
        operation.access(Some("trader")).refusal(&Refusal::AccountBlocked).refusal(&Refusal::Forbidden);
        second_factor(operation, FactorAsked::Recent);
    }
}

fn second_factor(operation: &mut Operation, asked: FactorAsked) {
    operation.refusal(&Refusal::SecondFactorRequired).refusal(&Refusal::SecondFactorEnrolmentRequired);
    if asked == FactorAsked::Recent {
        operation.recent_second_factor();
    }
}

impl<S: Scoped> Describe for Backend<S> {
    fn describe(operation: &mut Operation) {
        operation.service_access(S::SCOPE.as_str()).refusal(&Refusal::Forbidden);
    }
}

/// A user, by id and e-mail.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Person {
    /// Id of the user.
    pub id: String,
    /// E-mail of the user; null if the account has none.
    pub email: Option<String>,
}

impl Person {
    /// Create a person from an id, with the e-mail of its account if that exists.
    pub fn new(id: impl ToString, user: Option<&User>) -> Self {
        let email = user.and_then(|user| user.email.as_ref()).map(|email| email.as_str().to_owned());
        Self { id: id.to_string(), email }
    }
}

/// Search by an admin whose duty is `D`.
pub type AdminSearch<F, D = Everything> = Search<F, Admin<D>>;

/// Parses the e-mail of a list filter.
///
/// # Rejects
/// 422 when it is not an address.
pub fn email(text: Option<&str>) -> Result<Option<Email>, Refusal> {
    given("/email", text, "An e-mail address.", Email::parse)
}

impl Application for App {
    fn secret(&self) -> &Secret {
        &self.config.secret
    }

    fn origins(&self) -> &OriginSecrets {
        &self.config.origins
    }
}

impl FormHost for App {
    type Session = BrowserSession;

    fn base_url(&self) -> &str {
        &self.config.public_base_url
    }

    fn nonce(&self) -> [u8; edge::sealed::NONCE] {
        self.entropy.bytes()
    }

    async fn session(&self, cookies: &Cookies, path: &str) -> Result<Option<(String, BrowserSession)>, Error> {
        let Some(token) = cookies.get(SESSION) else { return Ok(None) };
        let visitor = browser::visitor(self, token).await?;
        let is_there = |visitor: &Visitor| {
            !staff::is_of_staff(path) || staff::presence(self, visitor, cookies.get(SEEN)) != Presence::Away
        };
        let there = visitor.filter(is_there);
        Ok(there.map(|visitor| (visitor.session.claims.sid.to_string(), visitor.session)))
    }

    fn admits(&self, session: &BrowserSession, cookies: &Cookies, method: &str, path: &str) -> Result<(), Refusal> {
        staff::must_be_fresh(self, session, cookies.get(FRESH), method, path)
    }
}
