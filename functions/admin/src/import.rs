//! Moving in from another system: accounts, invite codes, opening balances and referrals, up to 100 lines a request (R13.1).

use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::{said, unsigned_amount};
use shared::account::import::balances::BalanceLine;
use shared::account::import::codes::CodeLine;
use shared::account::import::referrals::ReferralLine;
use shared::account::import::users::UserLine;
use shared::account::import::{Import, ImportLine, Importer, import};
use shared::account::model::external::ExternalId;
use shared::account::model::foreign_hash::{
    ARGON2_LANES_MAX, ARGON2_MEMORY_MAX, ARGON2_PASSES_MAX, BCRYPT_COSTS, UnfitHash, check_foreign,
};
use shared::account::model::identity::{Email, Status};
use shared::account::model::import::{ImportOutcome, ImportSource, ImportedLine, SOURCE_MAX, UserRef};
use shared::account::view::{Admin, Dangerous};
use shared::affiliate::in_bulk::TOGETHER;
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::RequiresIdempotencyKey;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::id::UserId;
use shared::kernel::money::Currency;
use shared::kernel::refusal::{FieldError, Refusal};
use shared::referral::model::referral::InviteCode;
use shared::table::context::Ctx;
use utoipa::ToSchema;

use super::user::StatusChoice;

/// Accounts that move in.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportUsers {
    /// Name of the system they come from: 1 to 40 of `a–z`, `0–9`, `.`, `_` and `-`.
    #[schema(example = "sub2api", pattern = "^[a-z0-9._-]{1,40}$")]
    source: String,
    /// True to write nothing, and to tell what would become of the lines.
    dry_run: bool,
    /// The accounts, 1 to 100.
    #[schema(min_items = 1, max_items = 100)]
    lines: Vec<ImportedUser>,
}

/// An account that moves in. A line that is not right is refused alone.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedUser {
    /// E-mail address; it counts as verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "ann@example.com")]
    email: Option<String>,
    /// Id in the operator's own system. An account needs one, or an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    /// Hash of the password: bcrypt (`$2a$`, `$2b$`, `$2y$`) or Argon2 (`$argon2id$`, `$argon2i$`). Without one a reset sets a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password_hash: Option<String>,
    /// `active`, which is the default, or `blocked`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<StatusChoice>)]
    status: Option<String>,
    /// Language of e-mails: `en` or `zh`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
    /// Time of the sign-up, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed_up_at: Option<String>,
}

/// Invite codes that move in.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportCodes {
    /// Name of the system they come from: 1 to 40 of `a–z`, `0–9`, `.`, `_` and `-`.
    #[schema(example = "sub2api", pattern = "^[a-z0-9._-]{1,40}$")]
    source: String,
    /// True to write nothing, and to tell what would become of the lines.
    dry_run: bool,
    /// The codes, 1 to 100.
    #[schema(min_items = 1, max_items = 100)]
    lines: Vec<ImportedCode>,
}

/// An invite code that moves in, with its owner: one of `user_id`, `external_id` and `email`.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedCode {
    /// Id of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// Id of the account in the operator's own system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    /// E-mail address with which the account moved in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// The code: 4 to 32 letters and digits, read without regard to case, white space and dashes.
    #[schema(example = "K7QX")]
    code: String,
}

/// Opening balances.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportBalances {
    /// Name of the system they come from: 1 to 40 of `a–z`, `0–9`, `.`, `_` and `-`. A user has one balance from each, ever.
    #[schema(example = "sub2api", pattern = "^[a-z0-9._-]{1,40}$")]
    source: String,
    /// True to write nothing, and to tell what would become of the lines.
    dry_run: bool,
    /// Text that the users read beside it, 1 to 500 characters; the source if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Balance from the old site")]
    remark: Option<String>,
    /// The balances, 1 to 100.
    #[schema(min_items = 1, max_items = 100)]
    lines: Vec<ImportedBalance>,
}

/// An opening balance, with its owner: one of `user_id`, `external_id` and `email`.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedBalance {
    /// Id of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// Id of the account in the operator's own system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    /// E-mail address with which the account moved in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Amount in ledger currency, above zero, of at most 8 fractional digits.
    #[schema(example = "12.5")]
    amount: String,
    /// Currency that the amount is meant in; refused unless it is that of the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "USD")]
    currency: Option<String>,
}

/// Referrals that move in.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportReferrals {
    /// Name of the system they come from: 1 to 40 of `a–z`, `0–9`, `.`, `_` and `-`.
    #[schema(example = "sub2api", pattern = "^[a-z0-9._-]{1,40}$")]
    source: String,
    /// True to write nothing, and to tell what would become of the lines.
    dry_run: bool,
    /// The referrals, 1 to 100.
    #[schema(min_items = 1, max_items = 100)]
    lines: Vec<ImportedReferral>,
}

/// A referral that moves in: the invitee by one of `user_id`, `external_id` and `email`, the inviter by one of the others.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedReferral {
    /// Id of the invitee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// Id of the invitee in the operator's own system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    /// E-mail address with which the invitee moved in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Id of the inviter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inviter_id: Option<String>,
    /// Id of the inviter in the operator's own system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inviter_external_id: Option<String>,
    /// E-mail address with which the inviter moved in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inviter_email: Option<String>,
    /// True if payments made here may still reach the threshold, and its reward. Without it they earn commission only.
    #[serde(default)]
    may_qualify: bool,
}

/// Outcomes of the lines, in their order.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportOutcomes {
    /// True if nothing was written.
    dry_run: bool,
    /// An outcome for each line.
    lines: Vec<ImportLineOutcome>,
}

/// Outcome of a line.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportLineOutcome {
    /// Number of the line in the request, from 1.
    line: usize,
    /// `imported`, `would_import`, `exists`, `conflict` or `refused`.
    outcome: ImportOutcome,
    /// Code of the reason, where it did not take effect.
    code: Option<String>,
    /// Advice for people to read.
    detail: Option<String>,
    /// Id of the account that the line is about, if there is one.
    user_id: Option<UserId>,
}

/// Import accounts
///
/// Each line is a transaction of its own, and takes effect once: a known external id or address is `exists`, or a `conflict` if it is
/// somebody else's. Imported accounts are in no promotion and get no reward; no event is sent for them. A fault ends the request with 5xx;
/// repeat it with the same key.
#[utoipa::path(
    post, path = "/v1/admin/import/users", operation_id = "importUsers", tag = "admin",
    responses((status = 200, body = ImportOutcomes)),
)]
pub async fn users(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    key: RequiresIdempotencyKey,
    body: Body<ImportUsers>,
) -> Result<Reply<ImportOutcomes>, Problem> {
    let now = app.clock.now();
    let of = (body.value.source.as_str(), body.value.dry_run);
    let ask = read(of, admin.id, &body.value.lines, |line| line.read(now))?;
    carried_out(&app, &key.bind(&app, &admin, &body), &ask).await
}

/// Import invite codes
///
/// The first code of an account without one becomes its primary code; others are kept beside it. All of them go on creating referrals.
#[utoipa::path(
    post, path = "/v1/admin/import/codes", operation_id = "importCodes", tag = "admin",
    responses((status = 200, body = ImportOutcomes)),
)]
pub async fn codes(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    key: RequiresIdempotencyKey,
    body: Body<ImportCodes>,
) -> Result<Reply<ImportOutcomes>, Problem> {
    let of = (body.value.source.as_str(), body.value.dry_run);
    let ask = read(of, admin.id, &body.value.lines, ImportedCode::read)?;
    carried_out(&app, &key.bind(&app, &admin, &body), &ask).await
}

/// Import opening balances
///
/// Each is a journal against the platform account `adjustment`, of type `admin`, with the source as `related_id`. An account has one
/// from each source, ever: the same amount again is `exists`, another one a `conflict`.
#[utoipa::path(
    post, path = "/v1/admin/import/balances", operation_id = "importBalances", tag = "admin",
    responses((status = 200, body = ImportOutcomes)),
)]
pub async fn balances(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    key: RequiresIdempotencyKey,
    body: Body<ImportBalances>,
) -> Result<Reply<ImportOutcomes>, Problem> {
    let remark = body.value.remark.as_deref().map(|remark| said("/remark", remark)).transpose();
    let remark = remark.map_err(Refusal::from)?;
    let of = (body.value.source.as_str(), body.value.dry_run);
    let ask = read(of, admin.id, &body.value.lines, |line| line.read(remark.as_deref()))?;
    carried_out(&app, &key.bind(&app, &admin, &body), &ask).await
}

/// Import referrals
///
/// Payments made before count for nobody; orders made since earn the inviter commission. The registration is not rewarded again, and the
/// threshold only with `may_qualify`. An account with another inviter is a `conflict`; a ring of inviters is `refused`.
#[utoipa::path(
    post, path = "/v1/admin/import/referrals", operation_id = "importReferrals", tag = "admin",
    responses((status = 200, body = ImportOutcomes)),
)]
pub async fn referrals(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    key: RequiresIdempotencyKey,
    body: Body<ImportReferrals>,
) -> Result<Reply<ImportOutcomes>, Problem> {
    let of = (body.value.source.as_str(), body.value.dry_run);
    let ask = read(of, admin.id, &body.value.lines, ImportedReferral::read)?;
    carried_out(&app, &key.bind(&app, &admin, &body), &ask).await
}

/// Reads a request; a line that is not right is refused alone.
fn read<R, L: ImportLine>(
    (source, dry_run): (&str, bool),
    admin: UserId,
    lines: &[R],
    line: impl Fn(&R) -> Result<L, FieldError>,
) -> Result<Import<L>, Refusal> {
    let bad_source =
        || Refusal::field("/source", "not_a_source", format!("1 to {SOURCE_MAX} of a–z, 0–9, `.`, `_`, `-`"));
    let source = ImportSource::parse(source).ok_or_else(bad_source)?;
    if !(1..=TOGETHER).contains(&lines.len()) {
        return Err(Refusal::field("/lines", "out_of_range", format!("1 to {TOGETHER} lines")));
    }
    let refused = |error: FieldError| ImportedLine::refused(error.code, error.detail);
    let lines = lines.iter().map(|raw| line(raw).map_err(refused)).collect();
    Ok(Import { lines, dry_run, by: Importer { source, admin } })
}

/// Imports the lines and tells their outcomes.
async fn carried_out<L: ImportLine>(app: &App, ctx: &Ctx, ask: &Import<L>) -> Result<Reply<ImportOutcomes>, Problem> {
    let done = import(app, ctx, ask).await?;
    let line = |(place, told): (usize, ImportedLine)| ImportLineOutcome {
        line: place.saturating_add(1),
        outcome: told.outcome,
        code: told.code,
        detail: told.detail,
        user_id: told.user,
    };
    let lines = done.answer.into_iter().enumerate().map(line).collect();
    Ok(Reply::ok(ImportOutcomes { dry_run: ask.dry_run, lines }).replayed(done.replayed))
}

/// The names of a user, of which a line has one.
type Names<'a> = (&'a Option<String>, &'a Option<String>, &'a Option<String>);

/// Reads the user whom a line names by id, external id or address.
fn user_ref(pointer: &str, (id, external, email): Names<'_>) -> Result<UserRef, FieldError> {
    match (id, external, email) {
        (Some(id), None, None) => {
            let wrong = || FieldError::new(pointer, "not_an_id", "an id, usr_…");
            UserId::parse(id).map(UserRef::Id).ok_or_else(wrong)
        }
        (None, Some(id), None) => ExternalId::at(pointer, id).map(UserRef::External),
        (None, None, Some(email)) => Email::at(pointer, email).map(UserRef::Email),
        _ => Err(FieldError::new(pointer, "one_name", "one of the id, the external id and the e-mail")),
    }
}

impl ImportedUser {
    fn read(&self, now: Timestamp) -> Result<UserLine, FieldError> {
        let email = self.email.as_deref().map(|email| Email::at("/email", email)).transpose()?;
        let external_id = self.external_id.as_deref().map(|id| ExternalId::at("/external_id", id)).transpose()?;
        if email.is_none() && external_id.is_none() {
            return Err(FieldError::new("/email", "required", "an e-mail, an external id, or both"));
        }
        if self.password_hash.is_some() && email.is_none() {
            return Err(FieldError::new("/password_hash", "email_required", "a hash beside an e-mail, which signs in"));
        }
        self.password_hash.as_deref().map(fit).transpose()?;
        let locale = self.locale.clone();
        let plain = |text: &str| text.len() <= 35 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !locale.as_deref().is_none_or(plain) {
            return Err(FieldError::new("/locale", "not_a_locale", "a language tag, `en` or `zh`"));
        }
        let status = match self.status.as_deref().map(StatusChoice::parse) {
            None | Some(Some(StatusChoice::Active)) => Status::Active,
            Some(Some(StatusChoice::Blocked)) => Status::Blocked,
            Some(None) => return Err(FieldError::new("/status", "unknown", "`active` or `blocked`")),
        };
        let not_a_time = || FieldError::new("/signed_up_at", "not_a_time", "a time that is over, 2026-11-20T10:00:00Z");
        let time = |text: &str| text.parse().ok().filter(|at: &Timestamp| *at <= now).ok_or_else(not_a_time);
        let signed_up_at = self.signed_up_at.as_deref().map(time).transpose()?;
        let password_hash = self.password_hash.clone();
        Ok(UserLine { email, external_id, password_hash, status, locale, signed_up_at })
    }
}

/// Checks a hash; the refusal does not repeat it.
fn fit(hash: &str) -> Result<(), FieldError> {
    let (least, most) = BCRYPT_COSTS;
    check_foreign(hash).map_err(|unfit| match unfit {
        UnfitHash::Unknown => FieldError::new("/password_hash", "not_a_hash", "a bcrypt or Argon2 hash"),
        UnfitHash::OutOfBounds => FieldError::new(
            "/password_hash",
            "hash_out_of_bounds",
            format!(
                "bcrypt of a cost from {least} to {most}, or Argon2 of m ≤ {ARGON2_MEMORY_MAX}, t ≤ {ARGON2_PASSES_MAX} and \
                 p ≤ {ARGON2_LANES_MAX}; without the hash, the user resets their password"
            ),
        ),
    })
}

impl ImportedCode {
    fn read(&self) -> Result<CodeLine, FieldError> {
        let user = user_ref("/user_id", (&self.user_id, &self.external_id, &self.email))?;
        let bad = || FieldError::new("/code", "not_a_code", "4 to 32 of A–Z and 0–9");
        Ok(CodeLine { user, code: InviteCode::parse(&self.code).ok_or_else(bad)? })
    }
}

impl ImportedBalance {
    fn read(&self, remark: Option<&str>) -> Result<BalanceLine, FieldError> {
        let user = user_ref("/user_id", (&self.user_id, &self.external_id, &self.email))?;
        if self.amount.trim_start().starts_with('-') {
            let detail = "an amount above zero; a debt is made by an adjustment with allow_debt";
            return Err(FieldError::new("/amount", "negative", detail));
        }
        let amount = unsigned_amount("/amount", self.amount.trim())?;
        let unknown = || FieldError::new("/currency", "not_a_currency", "a currency code, such as USD");
        let currency = self.currency.as_deref().map(|code| Currency::parse(code).ok_or_else(unknown)).transpose()?;
        Ok(BalanceLine { user, amount, currency, remark: remark.map(str::to_owned) })
    }
}

impl ImportedReferral {
    fn read(&self) -> Result<ReferralLine, FieldError> {
        let invitee = user_ref("/user_id", (&self.user_id, &self.external_id, &self.email))?;
        let inviter = (&self.inviter_id, &self.inviter_external_id, &self.inviter_email);
        Ok(ReferralLine { invitee, inviter: user_ref("/inviter_id", inviter)?, may_qualify: self.may_qualify })
    }
}
