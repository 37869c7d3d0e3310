//! The review queue for the operator (R4.5, R4.12).

use shared::kernel::id::UserId;
use shared::kernel::provider::Provider;
use shared::payment::model::review::ReviewReason;
use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::said;
use shared::account::view::{Admin, AdminSearch, Dangerous, OrdersRead};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::{Idempotent, RequiresIdempotencyKey};
use shared::edge::page::Listing;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::view::Amount;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::{OrderId, ReviewId};
use shared::kernel::money::PayMoney;
use shared::kernel::refusal::{FieldError, Refusal, code};
use shared::operations::search;
use shared::payment::confirm_review::{ConfirmReview, confirm_review};
use shared::payment::model::review::{self, Review, ReviewState};
use shared::payment::resolve_review::{ResolveReview, ReviewResolution, resolve_review};
use utoipa::{IntoParams, ToSchema};

use shared::edge::export::{CsvRow, JsonOrCsv};
use shared::edge::search::named;

/// A review item: provider money that awaits a decision.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminReview {
    /// Id of the review item.
    pub id: ReviewId,
    /// Provider: `stripe` or `zpay`.
    pub provider: Provider,
    /// Id of the provider's payment.
    pub payment_id: String,
    /// Id of the provider event that opened the item.
    pub event_id: Option<String>,
    /// Id of the order that the payment refers to.
    pub order_id: Option<OrderId>,
    /// Reason for the review.
    pub reason: ReviewReason,
    /// Amount received, or taken back, by the provider.
    pub received: Amount,
    /// Amount remaining on the platform account `suspense`.
    pub remaining: Amount,
    /// State: `open`, `credited`, `refund_due`, `refunded` or `ignored`.
    pub state: ReviewState,
    /// Decision about the item.
    pub resolution: Option<AdminResolution>,
    /// Time the item was opened.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl CsvRow for AdminReview {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "created_at",
        "state",
        "reason",
        "provider",
        "payment_id",
        "event_id",
        "order_id",
        "received.amount",
        "received.currency",
        "remaining.amount",
        "resolution.reason",
        "resolution.order_id",
    ];
}

/// Decision about a review item.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminResolution {
    /// Reason for the decision.
    pub reason: String,
    /// Id of the admin who decided.
    pub admin: UserId,
    /// Time of the decision.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Id of the order that credited the money.
    pub order_id: Option<OrderId>,
}

impl From<review::Resolution> for AdminResolution {
    fn from(of: review::Resolution) -> Self {
        let order_id = of.order;
        Self { reason: of.reason, admin: of.admin, at: of.at, order_id }
    }
}

impl From<review::Review> for AdminReview {
    fn from(of: review::Review) -> Self {
        let held = of.reason.holds_money() && of.state != ReviewState::Credited;
        let left = if held { of.held() } else { PayMoney::zero(of.received.currency()) };
        Self {
            remaining: left.into(),
            resolution: of.resolution.map(AdminResolution::from),
            id: of.id,
            provider: of.provider,
            payment_id: of.payment_id,
            event_id: of.event_id,
            order_id: of.order_id,
            reason: of.reason,
            received: of.received.into(),
            state: of.state,
            created_at: of.created_at,
        }
    }
}

/// Filters of the review queue.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Reviews {
    /// State: `open`, `credited`, `refund_due`, `refunded` or `ignored`.
    #[param(inline, value_type = Option<ReviewState>)]
    state: Option<String>,
}

/// List review items
///
/// Provider money that could not be credited automatically, newest first.
#[utoipa::path(
    get, path = "/v1/admin/payment/reviews", operation_id = "listReviews", tag = "admin",
    responses((status = 200, content((Listing<AdminReview> = "application/json"), (String = "text/csv")))),
)]
pub async fn reviews(
    State(app): State<Arc<App>>,
    search: AdminSearch<Reviews, OrdersRead>,
) -> Result<JsonOrCsv<AdminReview>, Problem> {
    let wanted = named("/state", search.filters.state.as_deref())?;
    let page = search.rows(async |window| search::reviews(&app, wanted, &window).await).await?;
    Ok(search.found(&app, page, AdminReview::from))
}

/// A decision about a review item.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewDecision {
    /// Action: `credit`, `refund_due` or `ignore`.
    #[schema(pattern = "^(credit|refund_due|ignore)$")]
    action: String,
    /// Id of an order of the user who gets the money; for `credit`.
    #[schema(value_type = Option<OrderId>)]
    order_id: Option<String>,
    /// Reason, 1 to 500 characters.
    reason: String,
}

impl ReviewDecision {
    fn read(&self, review: ReviewId, admin: &Admin<Dangerous>) -> Result<ResolveReview, Refusal> {
        let wrong = |pointer: &str, code, detail: &str| FieldError::new(pointer, code, detail);
        let decision = match (self.action.as_str(), &self.order_id) {
            ("credit", Some(order)) => OrderId::parse(order)
                .map(ReviewResolution::Credit)
                .ok_or_else(|| wrong("/order_id", "unknown", "An order of the user who is to be credited.")),
            ("credit", None) => Err(wrong("/order_id", "required", "An order of the user who is to be credited.")),
            ("refund_due", None) => Ok(ReviewResolution::RefundDue),
            ("ignore", None) => Ok(ReviewResolution::Ignore),
            ("refund_due" | "ignore", Some(_)) => Err(wrong("/order_id", "unexpected", "Only to credit.")),
            _ => Err(wrong("/action", "unknown", "credit, refund_due or ignore")),
        };
        match (decision, said("/reason", &self.reason)) {
            (Ok(decision), Ok(reason)) => Ok(ResolveReview { review, decision, reason, admin: admin.id }),
            (decision, reason) => Err(Refusal::Invalid(decision.err().into_iter().chain(reason.err()).collect())),
        }
    }
}

/// Resolve a review item
///
/// Decided once: credit the money by a new order without bonus, expect its refund, or leave it on `suspense`.
#[utoipa::path(
    post, path = "/v1/admin/payment/reviews/{id}/resolve", operation_id = "resolveReview", tag = "admin",
    responses((status = 200, body = AdminReview), code::ReviewClosed),
)]
pub async fn resolve(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    Id(id): Id<ReviewId>,
    key: RequiresIdempotencyKey,
    body: Body<ReviewDecision>,
) -> Result<Reply<AdminReview>, Problem> {
    let ask = body.value.read(id, &admin)?;
    let ctx = key.bind(&app, &admin, &body);
    let done = resolve_review(&app, &ctx, &ask).await?;
    Ok(Reply::ok(shown(&app, done.answer.review).await?).replayed(done.replayed))
}

/// Confirmation that the money of a review item went back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewConfirmation {
    /// Reference of the refund at the gateway, 1 to 500 characters.
    reference: String,
}

/// Confirm the refund of a review item
///
/// For an item resolved as `refund_due`: the money went back at the gateway, which does not report it. It leaves `suspense`, and
/// the item is `refunded`. For an item of Stripe, Stripe is asked.
#[utoipa::path(
    post, path = "/v1/admin/payment/reviews/{id}/confirm", operation_id = "confirmReview", tag = "admin",
    responses((status = 200, body = AdminReview), code::RefundNotDue, code::ReviewClosed),
)]
pub async fn confirm(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    Id(id): Id<ReviewId>,
    key: Idempotent,
    body: Body<ReviewConfirmation>,
) -> Result<Reply<AdminReview>, Problem> {
    let reference = said("/reference", &body.value.reference).map_err(Refusal::from)?;
    let ctx = key.bind(&app, &admin, &body);
    let done = confirm_review(&app, &ctx, &ConfirmReview { review: id, reference, admin: admin.id }).await?;
    Ok(Reply::ok(shown(&app, done.answer.review).await?).replayed(done.replayed))
}

async fn shown(app: &App, id: ReviewId) -> Result<AdminReview, Error> {
    let review = app.store.get::<review::Review>(&Review::key(id)).await?;
    Ok(review.ok_or_else(|| Fault::bug("a review that was there is not"))?.into_inner().into())
}
