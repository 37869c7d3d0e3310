//! The new-user promotion as its user sees it (R5.4).

use shared::kernel::id::OrderId;
use shared::payment::model::promotion::PromotionStatus;
use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use shared::account::model::user::User;
use shared::account::view::Caller;
use shared::app::App;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::view::Amount;
use shared::kernel::refusal::Refusal;
use shared::payment::model::promotion::{self as domain, PromotionView};
use shared::payment::offers::promotion_now;
use utoipa::ToSchema;

/// The caller's promotion.
#[derive(Debug, Serialize, ToSchema)]
pub struct Promotion {
    /// True if new users are enrolled now.
    enabled: bool,
    /// State of the caller's promotion: `none`, `active`, `used` or `expired`.
    status: PromotionStatus,
    /// Start of the caller's window; null if not enrolled.
    #[schema(value_type = Option<String>, format = DateTime)]
    activated_at: Option<Timestamp>,
    /// End of the caller's window; null if not enrolled.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// Tier that applies to an order created now; null if none applies.
    current_tier: Option<CurrentTier>,
    /// Seconds until the current tier ends.
    tier_seconds_left: u64,
    /// Seconds until the end of the window.
    window_seconds_left: u64,
    /// All tiers of the promotion, in order of time.
    tiers: Vec<LadderTier>,
    /// Smallest order amount that earns a bonus, in pay currency.
    min_amount: String,
    /// Use of the promotion; null until it is used.
    used: Option<Used>,
}

/// The tier that applies now.
#[derive(Debug, Serialize, ToSchema)]
pub struct CurrentTier {
    /// Position of the tier in `tiers`, from 0.
    index: u32,
    /// Bonus in percent.
    percent: String,
    /// End of the tier.
    #[schema(value_type = String, format = DateTime)]
    ends_at: Timestamp,
}

/// A tier of the promotion.
#[derive(Debug, Serialize, ToSchema)]
pub struct LadderTier {
    /// Hours from registration until the tier ends.
    hours: u32,
    /// Bonus in percent.
    percent: String,
}

/// The use of a promotion.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PromotionUse)]
pub struct Used {
    /// Order that used the promotion.
    order_id: OrderId,
    /// Position of the tier in `tiers`, from 0.
    tier: u32,
    /// Amount of the order, in pay currency.
    amount: Amount,
    /// Bonus credited, in ledger currency.
    bonus: Amount,
    /// Capture time of the order.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// Get the caller's promotion
#[utoipa::path(
    get, path = "/v1/promotion", operation_id = "getPromotion", tag = "payment",
    responses((status = 200, body = Promotion)),
)]
pub async fn promotion(State(app): State<Arc<App>>, caller: Caller) -> Result<Reply<Promotion>, Problem> {
    let user = app.store.get::<User>(&User::key(caller.id())).await?.ok_or(Refusal::Unauthenticated)?;
    let (_, view) = promotion_now(&app, &user).await?;
    Ok(Reply::ok(view.into()))
}

impl From<PromotionView> for Promotion {
    fn from(view: PromotionView) -> Self {
        Self {
            enabled: view.enabled,
            status: view.status,
            activated_at: view.activated_at,
            expires_at: view.expires_at,
            current_tier: view.current_tier.map(|tier| CurrentTier {
                index: tier.index,
                percent: tier.percent.to_string(),
                ends_at: tier.ends_at,
            }),
            tier_seconds_left: view.tier_seconds_left,
            window_seconds_left: view.window_seconds_left,
            tiers: view
                .tiers
                .iter()
                .map(|tier| LadderTier { hours: tier.hours, percent: tier.percent.to_string() })
                .collect(),
            min_amount: view.min_amount.amount().to_string(),
            used: view.used.map(Used::from),
        }
    }
}

impl From<domain::Used> for Used {
    fn from(used: domain::Used) -> Self {
        Self {
            order_id: used.order_id,
            tier: used.tier,
            amount: used.amount.into(),
            bonus: used.bonus.into(),
            at: used.at,
        }
    }
}
