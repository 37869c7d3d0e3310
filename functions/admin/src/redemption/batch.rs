//! Batches of redemption codes (R7.1).

use shared::kernel::id::PlanId;
use shared::redemption::model::plan::Unit;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::said;
use shared::account::view::{Admin, AdminSearch, CodesIssue, Dangerous};
use shared::app::App;
use shared::edge::body::{Body, MAX_LIST};
use shared::edge::idempotency::RequiresIdempotencyKey;
use shared::edge::page::Listing;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::id::{BatchId, UserId};
use shared::kernel::refusal::{FieldError, Refusal, code as refusal};
use shared::redemption::codes;
use shared::redemption::create_batch::{CreateBatch, LISTED, Texts, TopUpBatch, create_batch, fill_batch, top_up};
use shared::redemption::edit_code::{extend_batch, set_batch_status, window};
use shared::redemption::model::code::{self, BATCH_MAX, BatchState, Terms};
use shared::redemption::model::code_text::CodeText;
use shared::redemption::texts::texts;
use shared::redemption::view::{BenefitView, code_sheet};
use utoipa::ToSchema;

use super::{Said, USER_MAX, USES_MAX, ranged, taken, time};
use shared::edge;
use shared::edge::export::{BOM, CsvParameters, CsvRow, JsonOrCsv};
use shared::edge::page::{Parameters, Unfiltered};

/// A batch of codes created together.
#[derive(Debug, Serialize, ToSchema)]
pub struct Batch {
    /// Id of the batch.
    pub id: BatchId,
    /// Label given by its creator.
    pub label: String,
    /// State: `creating`, `ready`, or `failed` when another batch had brought one of its codes first.
    ///
    /// Its codes can be redeemed once it is ready; those of a top-up, once it is ready again.
    pub state: BatchState,
    /// Number of codes requested.
    pub count: u32,
    /// Number of codes created so far.
    pub created: u32,
    /// Letters and digits before its codes; null for none.
    pub prefix: Option<String>,
    /// True if its codes were brought from elsewhere.
    pub brought: bool,
    /// True if its codes can be redeemed.
    pub enabled: bool,
    /// Benefit given to its codes at creation.
    pub benefit: BenefitView,
    /// Number of uses of each code; 0 for unlimited.
    pub total_uses: u64,
    /// Number of uses of each code by one user.
    pub per_user_limit: u32,
    /// Start of validity; null for no start.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub starts_at: Option<Timestamp>,
    /// End of validity, after any extension; null for no end.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The new codes; only in the response that creates up to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub codes: Option<Vec<String>>,
}

impl CsvRow for Batch {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "label",
        "state",
        "count",
        "created",
        "prefix",
        "brought",
        "enabled",
        "benefit.kind",
        "benefit.plan_id",
        "benefit.unit",
        "benefit.quantity",
        "benefit.credit",
        "total_uses",
        "per_user_limit",
        "starts_at",
        "expires_at",
        "created_at",
    ];
}

impl From<&code::Batch> for Batch {
    fn from(of: &code::Batch) -> Self {
        Self {
            id: of.id,
            label: of.label.clone(),
            state: of.state,
            count: of.count,
            created: of.created,
            prefix: of.prefix.clone(),
            brought: of.brought,
            enabled: of.enabled,
            benefit: of.terms.benefit.into(),
            total_uses: of.terms.total_uses,
            per_user_limit: of.terms.per_user_limit,
            starts_at: of.terms.starts_at,
            expires_at: of.expires_at(),
            created_at: of.created_at,
            codes: None,
        }
    }
}

/// A batch to create.
///
/// Set `plan_id`, `unit` and `quantity` for plan time, or `credit` for balance.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBatch {
    /// Label, 1 to 500 characters.
    label: String,
    /// Number of codes, 1 to 10 000; absent with `codes`.
    count: Option<i64>,
    /// Letters and digits before each code, 2 to 6.
    prefix: Option<String>,
    /// Codes brought from elsewhere, 1 to 10 000 texts of 6 to 32 letters and digits, each once.
    ///
    /// All are taken or none. One of sixteen symbols that looks like a code of this deployment is refused.
    #[schema(max_items = 10_000)]
    codes: Option<Vec<String>>,
    /// Id of the plan, for plan time.
    #[schema(value_type = Option<PlanId>)]
    plan_id: Option<String>,
    /// Unit of the plan time: `day`, `month`, `quarter`, `half_year` or `year`.
    #[schema(value_type = Option<Unit>)]
    unit: Option<String>,
    /// Number of units, 1 to 1000.
    quantity: Option<i64>,
    /// Balance to credit, in ledger currency.
    credit: Option<String>,
    /// Number of uses of each code; 0 for unlimited.
    total_uses: i64,
    /// Number of uses of each code by one user; 1 if absent.
    per_user_limit: Option<i64>,
    /// Start of validity, in RFC 3339; none if absent.
    starts_at: Option<String>,
    /// End of validity, in RFC 3339; none if absent.
    expires_at: Option<String>,
}

impl NewBatch {
    fn read(&self, admin: UserId, now: Timestamp) -> Result<CreateBatch, Refusal> {
        let mut errors: Vec<FieldError> = Vec::new();
        let label = taken(said("/label", &self.label), &mut errors);
        let texts = self.texts(&mut errors);
        let (plan_id, unit, credit) = (self.plan_id.as_deref(), self.unit.as_deref(), self.credit.as_deref());
        let said = Said { plan_id, unit, quantity: self.quantity, credit };
        let benefit = said.benefit(None, &mut errors);
        if benefit.is_none() && errors.iter().all(|error| !POINTERS.contains(&error.pointer.as_str())) {
            errors.push(FieldError::new("/credit", "required", "plan time or a credit"));
        }
        let total_uses = taken(ranged("/total_uses", self.total_uses, 0, USES_MAX), &mut errors);
        let limit = self.per_user_limit.unwrap_or(1);
        let per_user_limit = taken(ranged("/per_user_limit", limit, 1, USER_MAX), &mut errors);
        let at = |pointer: &str, text: Option<&str>| text.map(|text| time(pointer, text)).transpose();
        let starts_at = taken(at("/starts_at", self.starts_at.as_deref()), &mut errors).flatten();
        let expires_at = taken(at("/expires_at", self.expires_at.as_deref()), &mut errors).flatten();
        errors.extend(window(starts_at, expires_at));
        if expires_at.is_some_and(|expires_at| expires_at <= now) && window(starts_at, expires_at).is_none() {
            errors.push(FieldError::new("/expires_at", "out_of_range", "in the future"));
        }
        Refusal::unless_empty(errors)?;
        match (label, texts, benefit, total_uses, per_user_limit) {
            (Some(label), Some(texts), Some(benefit), Some(total_uses), Some(per_user_limit)) => {
                let terms = Terms { benefit, total_uses, per_user_limit, starts_at, expires_at };
                Ok(CreateBatch { label, texts, terms, admin })
            }
            _ => Err(Refusal::MalformedRequest),
        }
    }

    /// Read how many codes to make, after which prefix, or the codes that were brought.
    fn texts(&self, errors: &mut Vec<FieldError>) -> Option<Texts> {
        let Some(codes) = &self.codes else {
            let missing = || FieldError::new("/count", "required", "a count or codes");
            let count =
                self.count.ok_or_else(missing).and_then(|count| ranged("/count", count, 1, i64::from(BATCH_MAX)));
            let wanted = || FieldError::new("/prefix", "malformed", "2 to 6 letters and digits");
            let prefix = self.prefix.as_deref().map(|text| CodeText::prefix(text).ok_or_else(wanted)).transpose();
            let (count, prefix) = (taken(count, errors), taken(prefix, errors));
            return Some(Texts::Made { count: count?, prefix: prefix? });
        };
        for (is_there, pointer) in [(self.count.is_some(), "/count"), (self.prefix.is_some(), "/prefix")] {
            if is_there {
                errors.push(FieldError::new(pointer, "conflicting", "codes have no count and no prefix"));
            }
        }
        if !(1..=BATCH_MAX).contains(&u32::try_from(codes.len()).unwrap_or(u32::MAX)) {
            errors.push(FieldError::new("/codes", "out_of_range", format!("1 to {BATCH_MAX} codes")));
            return None;
        }
        let read = codes.iter().enumerate().map(|(index, text)| {
            let bad = || FieldError::new(format!("/codes/{index}"), "malformed", "6 to 32 letters and digits");
            CodeText::parse(text).ok_or_else(bad)
        });
        taken(read.collect(), errors).map(Texts::Brought)
    }
}

/// Pointers of the fields that make up a benefit.
const POINTERS: [&str; 4] = ["/plan_id", "/unit", "/quantity", "/credit"];

/// List batches
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/admin/redemption/batches", operation_id = "listBatches", tag = "admin",
    responses((status = 200, content((Listing<Batch> = "application/json"), (String = "text/csv")))),
)]
pub async fn batches(
    State(app): State<Arc<App>>,
    search: AdminSearch<Unfiltered, CodesIssue>,
) -> Result<JsonOrCsv<Batch>, Problem> {
    let page = search.rows(async |window| codes::batches(&app, &window).await).await?;
    Ok(search.found(&app, page, |batch| Batch::from(&batch)))
}

/// Create a batch of codes
///
/// Up to 100 codes are created at once and listed in the response. More codes are created afterwards: the batch is `creating`, then
/// `ready`. The same idempotency key returns the same batch.
#[utoipa::path(
    post, path = "/v1/admin/redemption/batches", operation_id = "createBatch", tag = "admin",
    responses((status = 201, body = Batch), (status = 202, body = Batch)),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous<CodesIssue>>,
    key: RequiresIdempotencyKey,
    body: Body<NewBatch, MAX_LIST>,
) -> Result<Reply<Batch>, Problem> {
    let ask = body.value.read(admin.id, app.clock.now())?;
    let ctx = key.bind(&app, &admin, &body);
    let done = create_batch(&app, &ctx, &ask).await?;
    let made = &done.answer;
    if made.count > LISTED || made.state != BatchState::Ready {
        return Ok(Reply::accepted(Batch::from(made)).replayed(done.replayed));
    }
    Ok(Reply::created(listing(&app, made, 0).await?).replayed(done.replayed))
}

/// The batch with its codes from a number on.
async fn listing(app: &App, batch: &code::Batch, from: u32) -> Result<Batch, Problem> {
    let codes = texts(app, batch, from, batch.count).await?;
    let codes = codes.iter().map(|named| named.text.to_string()).collect();
    Ok(Batch { codes: Some(codes), ..Batch::from(batch) })
}

/// More codes for a batch.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoreCodes {
    /// Number of codes to add; a batch has at most 10 000.
    count: i64,
}

/// Top up a batch
///
/// Adds codes with the terms of the batch; its other codes go on working. Up to 100 are created at once and listed in the response.
#[utoipa::path(
    post, path = "/v1/admin/redemption/batches/{id}/codes", operation_id = "topUpBatch", tag = "admin",
    responses((status = 201, body = Batch), (status = 202, body = Batch), refusal::ChangeUnderWay),
)]
pub async fn more(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous<CodesIssue>>,
    Id(batch): Id<BatchId>,
    key: RequiresIdempotencyKey,
    body: Body<MoreCodes>,
) -> Result<Reply<Batch>, Problem> {
    let count = ranged("/count", body.value.count, 1, i64::from(BATCH_MAX)).map_err(Refusal::from)?;
    let ctx = key.bind(&app, &admin, &body);
    let done = top_up(&app, &ctx, TopUpBatch { batch, count, admin: admin.id }).await?;
    let (made, first) = &done.answer;
    if count > LISTED {
        return Ok(Reply::accepted(Batch::from(made)).replayed(done.replayed));
    }
    Ok(Reply::created(listing(&app, made, *first).await?).replayed(done.replayed))
}

/// A later end of a batch's validity.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// End of validity, in RFC 3339: later than before, and in the future.
    expires_at: String,
}

/// Extend a batch
///
/// One write for any number of codes. Codes whose end was changed one by one keep it.
#[utoipa::path(
    put, path = "/v1/admin/redemption/batches/{id}/expiry", operation_id = "extendBatch", tag = "admin",
    responses((status = 200, body = Batch)),
)]
pub async fn extend(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous<CodesIssue>>,
    Id(id): Id<BatchId>,
    body: Body<Extension>,
) -> Result<Reply<Batch>, Problem> {
    let to = time("/expires_at", &body.value.expires_at).map_err(Refusal::from)?;
    let batch = extend_batch(&app, &edge::context(), id, to, admin.id).await?;
    Ok(Reply::ok(Batch::from(&batch)))
}

/// Get one batch and its progress
#[utoipa::path(
    get, path = "/v1/admin/redemption/batches/{id}", operation_id = "getBatch", tag = "admin",
    responses((status = 200, body = Batch)),
)]
pub async fn batch(
    State(app): State<Arc<App>>,
    _: Admin<CodesIssue>,
    Id(id): Id<BatchId>,
) -> Result<Reply<Batch>, Problem> {
    Ok(Reply::ok(Batch::from(&codes::batch(&app, id).await?)))
}

/// Go on with a batch
///
/// Creates the codes that it still lacks, if whatever creates them stands still. Safe to repeat.
#[utoipa::path(
    post, path = "/v1/admin/redemption/batches/{id}/resume", operation_id = "resumeBatch", tag = "admin",
    responses((status = 200, body = Batch)),
)]
pub async fn resume(
    State(app): State<Arc<App>>,
    _: Admin<CodesIssue>,
    Id(id): Id<BatchId>,
) -> Result<Reply<Batch>, Problem> {
    codes::batch(&app, id).await?;
    fill_batch(&app, id).await?;
    Ok(Reply::ok(Batch::from(&codes::batch(&app, id).await?)))
}

/// Export all codes of a batch
///
/// CSV: a header and one line per created code, safe to open in a spreadsheet.
#[utoipa::path(
    get, path = "/v1/admin/redemption/batches/{id}/export.csv", operation_id = "exportBatch", tag = "admin",
    responses((status = 200, body = String, content_type = "text/csv")),
)]
pub async fn export(
    State(app): State<Arc<App>>,
    _: Admin<CodesIssue>,
    Id(id): Id<BatchId>,
    Parameters(form): Parameters<CsvParameters>,
) -> Result<Response, Problem> {
    let batch = codes::batch(&app, id).await?;
    // The gateway sends no partial response, so gather all codes first: a fault becomes a problem, not half a file.
    let codes = codes::codes_of(&app, &batch).await?;
    let sheet = code_sheet(&codes);
    let sheet = if form.has_bom() { format!("{BOM}{sheet}") } else { sheet };
    let name = format!("attachment; filename=\"{}.csv\"", batch.id);
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CACHE_CONTROL, "no-store".to_owned()),
        (CONTENT_DISPOSITION, name),
    ];
    Ok((headers, sheet).into_response())
}

/// State to set for a batch's codes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeSwitch {
    /// True if the codes can be redeemed.
    pub(super) enabled: bool,
}

/// Disable or enable all codes of a batch
///
/// One write for any number of codes. Codes that were disabled one by one stay disabled.
#[utoipa::path(
    put, path = "/v1/admin/redemption/batches/{id}/status", operation_id = "setBatchStatus", tag = "admin",
    responses((status = 200, body = Batch)),
)]
pub async fn set_status(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous<CodesIssue>>,
    Id(id): Id<BatchId>,
    body: Body<CodeSwitch>,
) -> Result<Reply<Batch>, Problem> {
    let batch = set_batch_status(&app, &edge::context(), id, body.value.enabled, admin.id).await?;
    Ok(Reply::ok(Batch::from(&batch)))
}
