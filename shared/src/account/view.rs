//! Callers, the authorization that a handler's signature shows, and records, the user's view of the ledger.

use crate::account::model::identity::Email;
use crate::account::model::identity::Role;
use crate::account::model::scope::AdminScope;
use crate::account::model::service_key::{self, ServiceKey};
use crate::account::model::user::User;
use crate::account::service_keys::recognise;
use crate::account::token::{Claims, KeyRing};
use crate::agency::model::shop::{Reach, Seller};
use crate::app::App;
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use edge::application::{Application, Identity};
use edge::openapi::{Describe, Operation};
use edge::problem::Problem;
use edge::search::{Search, given};
use edge::view::Amount;
use jiff::Timestamp;
use kernel::id::{ServiceKeyId, UserId};
use kernel::ledger::{self, AccountKind};
use kernel::ledger::{Part, RecordType};
use kernel::refusal::Refusal;
use kernel::secret::Secret;
use serde::Serialize;
use std::marker::PhantomData;
use std::sync::Arc;
use utoipa::ToSchema;

/// Somebody with a valid access token. What they may do to money is decided by their account, which the use case reads.
#[derive(Debug, Clone)]
pub struct Caller(pub Claims);

/// An active admin, by the table's word and not the token's (R2.5). `D` says which admins a route is for: `Admin` alone for those
/// without scopes, `Admin<OrdersRead>` also for those with that scope.
#[derive(Debug, Clone)]
pub struct Admin<D = Everything> {
    /// Who.
    pub id: UserId,
    duty: PhantomData<D>,
}

/// A seller who moves money: like any, but no admin with scopes.
#[derive(Debug, Clone)]
pub struct Trader(pub Seller);

impl FromRequestParts<Arc<App>> for Seller {
    type Rejection = Problem;

    /// An active admin or agent with a shop, by the table's word (R2.5, R8.1); an admin with scopes needs that of the agency.
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        seller(parts, app, Some(AdminScope::GrantsWrite)).await
    }
}

impl FromRequestParts<Arc<App>> for Trader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        Ok(Self(seller(parts, app, None).await?))
    }
}

/// The caller's account as the table has it.
async fn account(parts: &mut Parts, app: &Arc<App>) -> Result<User, Problem> {
    let caller = Caller::from_request_parts(parts, app).await?;
    let user = app.store.get::<User>(&User::key(caller.id())).await?;
    Ok(user.ok_or(Refusal::Unauthenticated)?.into_inner())
}

async fn seller(parts: &mut Parts, app: &Arc<App>, needed: Option<AdminScope>) -> Result<Seller, Problem> {
    let user = account(parts, app).await?;
    user.must_be_active()?;
    let reach = match (user.role, &user.shop) {
        (Role::Admin, _) => {
            user.must_be_admin(needed)?;
            Reach::Platform
        }
        (Role::Agent, Some(shop)) => Reach::Below(shop.clone()),
        _ => return Err(Refusal::Forbidden.into()),
    };
    Ok(Seller { id: user.id, reach })
}

/// The operator's backend, by the table's word, with a service key that carries the scope `S` (R2.6).
#[derive(Debug, Clone)]
pub struct Backend<S> {
    /// Its key.
    pub key: ServiceKeyId,
    /// The key's name.
    pub name: String,
    scope: PhantomData<S>,
}

/// What a route lets admins do.
pub trait Duty: Send + Sync {
    /// The scope that is enough for it; none when only admins without scopes may.
    const SCOPE: Option<AdminScope>;
}

/// What only admins without scopes do.
#[derive(Debug, Clone, Copy)]
pub struct Everything;

impl Duty for Everything {
    const SCOPE: Option<AdminScope> = None;
}

macro_rules! duties {
    ($($scope:ident)*) => {$(
        #[doc = concat!("See [`Scope::", stringify!($scope), "`].")]
        #[derive(Debug, Clone, Copy)]
        pub struct $scope;

        impl Duty for $scope {
            const SCOPE: Option<AdminScope> = Some(AdminScope::$scope);
        }
    )*};
}

duties!(OrdersRead OrdersRefund SettingsWrite WithdrawalsApprove CodesIssue GrantsWrite StatsRead);

/// A service key's scope in a handler's signature.
pub trait Scoped {
    /// Which.
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
}

impl Caller {
    /// Who calls.
    pub fn id(&self) -> UserId {
        self.0.sub
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let token = bearer(parts).ok_or(Refusal::Unauthenticated)?;
        let kid = KeyRing::names(token).ok_or(Refusal::Unauthenticated)?;
        app.learn_key(&kid).await?;
        let claims = app.keys.verify(token, &app.config.public_base_url, app.clock.now());
        Ok(Self(claims.ok_or(Refusal::Unauthenticated)?))
    }
}

impl<D: Duty> FromRequestParts<Arc<App>> for Admin<D> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let user = account(parts, app).await?;
        user.must_be_admin(D::SCOPE)?;
        Ok(Self { id: user.id, duty: PhantomData })
    }
}

impl<S: Scoped> FromRequestParts<Arc<App>> for Backend<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let token = bearer(parts).ok_or(Refusal::Unauthenticated)?;
        let Some((id, secret)) = ServiceKey::read(token) else {
            // A person is known, and may not do what only the backend may.
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

/// One entry of an account.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Record {
    /// Journal, account and number.
    pub id: String,
    /// The entry's number on its account, from 1 without gaps.
    pub seq: u64,
    /// What moved: `payment`, `promotion`, `referral`, `admin`, `debt` …
    #[serde(rename = "type")]
    pub kind: RecordType,
    /// Which part of the commission account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// How much, with its sign.
    pub amount: Amount,
    /// The account before.
    pub balance_before: Amount,
    /// The account after.
    pub balance_after: Amount,
    /// Who moved it: `system`, `user`, `admin`, `service:…`.
    pub operator: String,
    /// For a person.
    pub remark: Option<String>,
    /// The order, reward or code it belongs to.
    pub related_id: Option<String>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
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
    }
}

impl Describe for Seller {
    fn describe(operation: &mut Operation) {
        operation.access(Some("seller")).refusal(&Refusal::AccountBlocked).refusal(&Refusal::Forbidden);
    }
}

impl Describe for Trader {
    fn describe(operation: &mut Operation) {
        operation.access(Some("trader")).refusal(&Refusal::AccountBlocked).refusal(&Refusal::Forbidden);
    }
}

impl<S: Scoped> Describe for Backend<S> {
    fn describe(operation: &mut Operation) {
        operation.access(Some(S::SCOPE.as_str())).refusal(&Refusal::Forbidden);
    }
}

/// The search of an admin whom `D` lets see the list.
pub type AdminSearch<F, D = Everything> = Search<F, Admin<D>>;

/// The e-mail that a filter names.
///
/// # Refuses
/// 422 for what is not an address.
pub fn email(text: Option<&str>) -> Result<Option<Email>, Refusal> {
    given("/email", text, Email::parse)
}

impl Application for App {
    fn secret(&self) -> &Secret {
        &self.config.secret
    }
}
