//! Accounts for the operator: list, block, role, invite code, balance (R2.5, R2.8, R3.1, R1.6).

use shared::account::model::scope::AdminScope;
use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::{Adjust, AdjustedBy, adjust_balance, said, signed_amount};
use shared::account::model::identity::{Role, Status};
use shared::account::model::scope::scopes_of;
use shared::account::model::user::{self, AffiliatePolicy};
use shared::account::set_role::{self as role, SetRole};
use shared::account::set_status::{self as status, SetStatus};
use shared::account::view::Record;
use shared::account::view::{Admin, AdminSearch, Dangerous, email};
use shared::affiliate::set_policy::{self as policy, SetPolicy};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::RequiresIdempotencyKey;
use shared::edge::page::Listing;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::view::Amount;
use shared::kernel::fault::Fault;
use shared::kernel::id::UserId;
use shared::kernel::ledger::{self, RecordType};
use shared::kernel::money::{LEDGER_DIGITS, plain_decimal};
use shared::kernel::refusal::{Refusal, code};
use shared::operations::search::{self, RecordFilter, UserFilter};
use shared::referral::model::referral::InviteCode;
use shared::referral::set_invite_code::{self as invite_code, SetInviteCode};
use utoipa::{IntoParams, ToSchema};

use shared::edge;
use shared::edge::export::{CsvRow, JsonOrCsv};
use shared::edge::search::{given, named, user as user_filter};

/// An account for the operator.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminUser {
    /// Id of the account.
    pub id: UserId,
    /// E-mail address.
    pub email: Option<String>,
    /// Status: `pending`, `active`, `blocked` or `erased`.
    pub status: Status,
    /// Role: `user`, `agent` or `admin`.
    pub role: Role,
    /// Scopes an admin is limited to; empty for full access.
    pub scopes: Vec<AdminScope>,
    /// Time since which it has a second factor; null without one.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub second_factor_since: Option<Timestamp>,
    /// Time of registration.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Balance to spend, in ledger currency.
    pub balance: Amount,
    /// Part of the balance that never expires.
    pub paid: Amount,
    /// Part of the balance that was granted and expires; it is spent first.
    pub granted: Amount,
    /// Debt to the platform, in ledger currency.
    pub debt: Amount,
    /// Inviter of the account.
    pub inviter: Option<String>,
    /// Primary invite code, once one was needed.
    pub invite_code: Option<String>,
    /// Affiliate policy of the account as an inviter.
    pub affiliate_policy: Policy,
}

impl CsvRow for AdminUser {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "email",
        "status",
        "role",
        "created_at",
        "balance.amount",
        "balance.currency",
        "paid.amount",
        "granted.amount",
        "debt.amount",
        "inviter",
        "invite_code",
        "affiliate_policy.rate",
        "affiliate_policy.trigger_limit",
        "affiliate_policy.can_invite",
    ];
}

impl From<user::User> for AdminUser {
    fn from(of: user::User) -> Self {
        Self {
            id: of.id,
            email: of.email.as_ref().map(|email| email.as_str().to_owned()),
            status: of.status,
            role: of.role,
            scopes: of.scopes.iter().copied().collect(),
            second_factor_since: of.second_factor_since,
            created_at: of.created_at,
            balance: of.accounts.balance().into(),
            paid: of.accounts.paid().into(),
            granted: of.accounts.granted().into(),
            debt: of.accounts.owed().into(),
            inviter: of.attribution.as_ref().map(|bond| bond.inviter.to_string()),
            invite_code: of.invite_code.as_ref().map(ToString::to_string),
            affiliate_policy: Policy {
                rate: of.affiliate.rate.normalize().to_string(),
                trigger_limit: of.affiliate.trigger_limit,
                can_invite: of.affiliate.can_invite,
            },
        }
    }
}

/// Filters of the accounts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Users {
    /// E-mail of the account, in any spelling.
    email: Option<String>,
    /// Beginning of the e-mail of the accounts, 2 characters or more, in any spelling.
    /// Every account is read, newest first: pages may have few items, even none.
    email_begins: Option<String>,
    /// Invite code of the account, active or not, in any case.
    invite_code: Option<String>,
}

impl Users {
    fn read(&self) -> Result<UserFilter, Refusal> {
        let begin =
            |text: &str| Some(text.trim().to_lowercase()).filter(|text| (2..=254).contains(&text.chars().count()));
        let begins = given("/email_begins", self.email_begins.as_deref(), "2 to 254 characters.", begin)?;
        let code =
            |text: &str| Some(text.trim().to_uppercase()).filter(|text| (1..=32).contains(&text.chars().count()));
        let invite = given("/invite_code", self.invite_code.as_deref(), "An invite code.", code)?;
        Ok(UserFilter { email: email(self.email.as_deref())?, begins, invite })
    }
}

/// List accounts
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/admin/users", operation_id = "listUsers", tag = "admin",
    responses((status = 200, content((Listing<AdminUser> = "application/json"), (String = "text/csv")))),
)]
pub async fn users(State(app): State<Arc<App>>, search: AdminSearch<Users>) -> Result<JsonOrCsv<AdminUser>, Problem> {
    let filter = search.filters.read()?;
    let page = search.rows(async |window| search::users(&app, &filter, &window).await).await?;
    Ok(search.found(&app, page, AdminUser::from))
}

shared::kernel::text_enum! {
    /// Status that an operator can set.
    pub enum StatusChoice {
        /// The account can be used.
        Active = "active",
        /// The account can't be used.
        Blocked = "blocked",
    }
}

shared::kernel::text_enum! {
    /// Account of statement lines.
    pub enum AccountChoice {
        /// The balance and its debt.
        Balance = "balance",
        /// The commission account.
        Commission = "commission",
    }
}

/// Status to set for an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusSetting {
    /// New status: `active` or `blocked`.
    #[schema(value_type = StatusChoice)]
    status: String,
    /// Reason, 1 to 500 characters.
    reason: String,
}

/// Block or unblock an account
///
/// Unblocking retries the rewards that were held.
#[utoipa::path(
    put, path = "/v1/admin/users/{id}/status", operation_id = "setStatus", tag = "admin",
    responses((status = 200, body = AdminUser), code::AccountErased),
)]
pub async fn set_status(
    State(app): State<Arc<App>>,
    admin: Admin,
    Id(user): Id<UserId>,
    Body { value, .. }: Body<StatusSetting>,
) -> Result<Reply<AdminUser>, Problem> {
    let (status, reason) = value.read()?;
    let done = status::set_status(&app, &edge::context(), &SetStatus { user, status, reason, admin: admin.id }).await?;
    Ok(Reply::ok(done.answer.into()))
}

impl StatusSetting {
    fn read(&self) -> Result<(Status, String), Refusal> {
        let status = match StatusChoice::parse(&self.status) {
            Some(StatusChoice::Active) => Status::Active,
            Some(StatusChoice::Blocked) => Status::Blocked,
            None => return Err(Refusal::field("/status", "unknown", "`active` or `blocked`")),
        };
        let reason = said("/reason", &self.reason).map_err(Refusal::from)?;
        Ok((status, reason))
    }
}

/// Role and scopes to set for an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleSetting {
    /// New role: `user`, `agent` or `admin`.
    #[schema(value_type = Role)]
    role: String,
    /// Scopes to limit an admin to; empty for full access.
    /// One or more of `orders:read`, `orders:refund`, `settings:write`, `withdrawals:approve`, `codes:issue`, `grants:write`,
    /// `stats:read`.
    #[serde(default)]
    #[schema(value_type = Vec<AdminScope>)]
    scopes: Vec<String>,
}

/// Set an account's role
#[utoipa::path(
    put, path = "/v1/admin/users/{id}/role", operation_id = "setRole", tag = "admin",
    responses((status = 200, body = AdminUser)),
)]
pub async fn set_role(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    Id(id): Id<UserId>,
    Body { value, .. }: Body<RoleSetting>,
) -> Result<Reply<AdminUser>, Problem> {
    let ask = value.read(id, &admin)?;
    let done = role::set_role(&app, &edge::context(), &ask).await?;
    Ok(Reply::ok(done.answer.into()))
}

impl RoleSetting {
    fn read(&self, user: UserId, admin: &Admin<Dangerous>) -> Result<SetRole, Refusal> {
        let all = [Role::User, Role::Agent, Role::Admin];
        let role = all.into_iter().find(|role| role.as_str() == self.role);
        let role = role.ok_or_else(|| Refusal::field("/role", "unknown", "`user`, `agent` or `admin`"))?;
        Ok(SetRole { user, role, scopes: scopes_of(role, &self.scopes)?, admin: admin.id })
    }
}

/// Affiliate policy to set for an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicySetting {
    /// Commission rate: the part of an order's credit, 0 to 1.
    #[schema(example = "0.15")]
    rate: String,
    /// Number of orders per invitee that accrue commission; 0 for no limit.
    trigger_limit: u32,
    /// True if the account's codes create referrals.
    can_invite: bool,
}

/// Change an account's affiliate policy
///
/// Applies to orders made from now on. Without `can_invite` the account's codes create no referrals.
#[utoipa::path(
    put, path = "/v1/admin/users/{id}/affiliate-policy", operation_id = "setAffiliatePolicy", tag = "admin",
    responses((status = 200, body = AdminUser)),
)]
pub async fn set_policy(
    State(app): State<Arc<App>>,
    admin: Admin,
    Id(user): Id<UserId>,
    Body { value, .. }: Body<PolicySetting>,
) -> Result<Reply<AdminUser>, Problem> {
    let policy = value.read()?;
    let done = policy::set_policy(&app, &edge::context(), &SetPolicy { user, policy, admin: admin.id }).await?;
    Ok(Reply::ok(done.answer.into()))
}

impl PolicySetting {
    fn read(&self) -> Result<AffiliatePolicy, Refusal> {
        let rate = plain_decimal(&self.rate, LEDGER_DIGITS).filter(|rate| *rate <= Decimal::ONE);
        let rate = rate.ok_or_else(|| Refusal::field("/rate", "out_of_range", "a decimal from 0 to 1"))?;
        Ok(AffiliatePolicy { rate, trigger_limit: self.trigger_limit, can_invite: self.can_invite })
    }
}

/// Affiliate policy of an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct Policy {
    /// Commission rate: the part of an order's credit, 0 to 1.
    pub rate: String,
    /// Number of orders per invitee that accrue commission; 0 for no limit.
    pub trigger_limit: u32,
    /// True if the account's codes create referrals.
    pub can_invite: bool,
}

/// A vanity invite code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeSetting {
    /// The code: 4 to 32 of A–Z and 0–9, read without regard to case, white space and dashes.
    code: String,
}

/// Set an account's vanity invite code
///
/// It becomes the primary code, which is shown first. The previous code was shared, so it goes on creating referrals.
#[utoipa::path(
    put, path = "/v1/admin/users/{id}/invite-code", operation_id = "setInviteCode", tag = "admin",
    responses((status = 200, body = AdminUser), code::InviteCodeTaken, code::InviteCodeLimit),
)]
pub async fn set_invite_code(
    State(app): State<Arc<App>>,
    admin: Admin,
    Id(user): Id<UserId>,
    Body { value, .. }: Body<CodeSetting>,
) -> Result<Reply<AdminUser>, Problem> {
    let bad = || Refusal::field("/code", "not_a_code", "4 to 32 of A–Z and 0–9");
    let code = InviteCode::parse(&value.code).ok_or_else(bad)?;
    let done =
        invite_code::set_invite_code(&app, &edge::context(), &SetInviteCode { user, code, admin: admin.id }).await?;
    Ok(Reply::ok(done.answer.into()))
}

/// A manual balance adjustment.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    /// Amount in ledger currency; negative for a debit.
    #[schema(example = "-5.00")]
    amount: String,
    /// Remark that the user reads, 1 to 500 characters.
    remark: String,
    /// True to take more than there is: the rest becomes debt, which the user's next credit pays. A wallet has no such thing.
    #[serde(default)]
    allow_debt: bool,
}

/// Adjust an account's balance
///
/// A debit above the balance is refused, unless `allow_debt` is set.
#[utoipa::path(
    post, path = "/v1/admin/users/{id}/adjustments", operation_id = "adjustBalance", tag = "admin",
    responses((status = 200, body = Record), code::InsufficientBalance),
)]
pub async fn adjust(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    Id(id): Id<UserId>,
    key: RequiresIdempotencyKey,
    body: Body<Adjustment>,
) -> Result<Reply<Record>, Problem> {
    let ask = body.value.read(id, admin.id)?;
    let ctx = key.bind(&app, &admin, &body);
    let done = adjust_balance(&app, &ctx, &ask).await?;
    let record = done.answer.records().into_iter().next().ok_or_else(|| Fault::bug("a journal without entries"))?;
    Ok(Reply::ok(Record::from(record)).replayed(done.replayed))
}

impl Adjustment {
    fn read(&self, user: UserId, admin: UserId) -> Result<Adjust, Refusal> {
        let (amount, remark) = self.said()?;
        Ok(Adjust { user, amount, remark, allow_debt: self.allow_debt, by: AdjustedBy::Admin(admin) })
    }

    /// The adjustment of a wallet, which makes no debt.
    ///
    /// # Rejects
    /// 422 at `/allow_debt`.
    pub fn without_debt(&self) -> Result<&Self, Refusal> {
        if self.allow_debt {
            Err(Refusal::field("/allow_debt", "unsupported", "false: a wallet makes no debt by hand"))
        } else {
            Ok(self)
        }
    }

    /// Read the amount and the remark.
    ///
    /// # Rejects
    /// 422 with all findings.
    pub fn said(&self) -> Result<(Decimal, String), Refusal> {
        match (signed_amount("/amount", &self.amount), said("/remark", &self.remark)) {
            (Ok(amount), Ok(remark)) => Ok((amount, remark)),
            (amount, remark) => Err(Refusal::Invalid([amount.err(), remark.err()].into_iter().flatten().collect())),
        }
    }
}

/// A statement line of a user's account.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminRecord {
    /// Id of the user.
    pub user_id: UserId,
    /// Account of the line: `balance`, `debt`, `commission` or `commission_debt`.
    pub account: &'static str,
    /// The statement line.
    #[serde(flatten)]
    pub record: Record,
}

impl CsvRow for AdminRecord {
    const COLUMNS: &'static [&'static str] = &[
        "created_at",
        "user_id",
        "account",
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

impl From<(UserId, ledger::StatementLine)> for AdminRecord {
    fn from((user, record): (UserId, ledger::StatementLine)) -> Self {
        let account = match record.account {
            ledger::AccountKind::Balance => "balance",
            ledger::AccountKind::Receivable => "debt",
            ledger::AccountKind::Commission => "commission",
            ledger::AccountKind::CommissionReceivable => "commission_debt",
        };
        Self { user_id: user, account, record: record.into() }
    }
}

/// Filters of the statement lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Records {
    /// Id of the user.
    #[param(inline, value_type = Option<UserId>)]
    user: Option<String>,
    /// Type of the lines.
    #[serde(rename = "type")]
    #[param(rename = "type")]
    #[param(inline, value_type = Option<RecordType>)]
    kind: Option<String>,
    /// Account of the lines, only with `user`: `balance` (the default) or `commission`.
    #[param(inline, value_type = Option<AccountChoice>)]
    account: Option<String>,
    /// Id of the related order, reward, code or withdrawal.
    related_id: Option<String>,
}

/// List statement lines of all accounts
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/admin/records", operation_id = "listAllRecords", tag = "admin",
    responses((status = 200, content((Listing<AdminRecord> = "application/json"), (String = "text/csv")))),
)]
pub async fn records(
    State(app): State<Arc<App>>,
    search: AdminSearch<Records>,
) -> Result<JsonOrCsv<AdminRecord>, Problem> {
    let filters = &search.filters;
    let filter = RecordFilter {
        user: user_filter("/user", filters.user.as_deref())?,
        of_commission: named("/account", filters.account.as_deref())? == Some(AccountChoice::Commission),
        kind: named("/type", filters.kind.as_deref())?,
        related_id: filters.related_id.clone().filter(|id| !id.is_empty()),
    };
    let page = search.rows(async |window| search::records(&app, &filter, &window).await).await?;
    Ok(search.found(&app, page, AdminRecord::from))
}
