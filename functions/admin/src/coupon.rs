//! Coupons and their uses for the operator (R12.2).

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use shared::account::view::{Admin, OrdersRead};
use shared::app::App;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::payment::keep_coupon::{CountedCoupon, coupons};
use shared::payment::model::coupon::Coupon;
use utoipa::ToSchema;

/// Coupons of the settings with their uses.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CouponList)]
pub struct Coupons {
    /// In the order of the settings.
    pub items: Vec<UsedCoupon>,
}

/// A coupon with its uses.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsedCoupon {
    /// The coupon, as in the settings.
    pub terms: Coupon,
    /// Orders that are open or paid with it; null for a coupon without a total, whose uses are not counted.
    pub used: Option<u64>,
}

/// List the coupons with their uses
#[utoipa::path(
    get, path = "/v1/admin/coupons", operation_id = "listCoupons", tag = "admin",
    responses((status = 200, body = Coupons)),
)]
pub async fn list(State(app): State<Arc<App>>, _: Admin<OrdersRead>) -> Result<Reply<Coupons>, Problem> {
    let shown = |CountedCoupon { coupon, used }| UsedCoupon { terms: coupon, used };
    Ok(Reply::ok(Coupons { items: coupons(&app).await?.into_iter().map(shown).collect() }))
}
