//! Redemption codes as their users see them: redeeming, past redemptions, subscriptions (R7).

pub mod wire;

use std::sync::Arc;

use axum::extract::State;
use shared::account::view::Caller;
use shared::app::App;
use shared::edge::api;
use shared::edge::body::Body;
use shared::edge::idempotency::RequiresIdempotencyKey;
use shared::edge::openapi::{Api, Operation, Routes};
use shared::edge::page::{Listing, Paging};
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::refusal::{Refusal, code};
use shared::redemption::codes::{self, RedemptionFilter};
use shared::redemption::model::code_text::CodeText;
use shared::redemption::redeem::{self as verb, Redeem, Redeemed};
use shared::redemption::view::RedemptionView;
use shared::redemption::view::SubscriptionView;

use self::wire::Ask;

/// Environment variables that this function needs, besides those that every function has.
pub const NEEDS: [&str; 2] = ["MAIL_QUEUE_URL", "STATISTICS_QUEUE_URL"];

/// The routes of redemption codes.
pub fn api() -> Api<Arc<App>> {
    add(Api::new())
}

/// Their documentation.
pub fn operations() -> Vec<Operation> {
    add(Vec::new())
}

fn add<R: Routes<Arc<App>>>(routes: R) -> R {
    api![routes; redeem, redemptions, subscriptions,]
}

/// Redeem a code
///
/// A plan code extends the plan's subscription that ends last, or starts one. A balance code credits the balance. The response shows
/// the new end or the credit.
#[utoipa::path(
    post, path = "/v1/redemptions", operation_id = "redeem", tag = "redemption",
    responses(
        (status = 201, body = RedemptionView), code::AccountBlocked, code::CodeNotFound, code::AlreadyRedeemed,
        code::CodeDisabled, code::CodeExpired, code::CodeNotYetValid, code::CodeUsedUp, code::PlanOffSale,
        code::PlanQuota, code::ProgrammeOff, code::RateLimited,
    ),
)]
async fn redeem(
    State(app): State<Arc<App>>,
    caller: Caller,
    key: RequiresIdempotencyKey,
    body: Body<Ask>,
) -> Result<Reply<RedemptionView>, Problem> {
    let code = CodeText::parse(&body.value.code).ok_or(Refusal::CodeNotFound)?;
    let ctx = key.bind(&app, &caller, &body);
    let ask = Redeem { by: caller.bearer(), code, new_subscription: body.value.new_subscription };
    let done = verb::redeem(&app, &ctx, &ask).await?;
    Ok(Reply::created(done.answer.into()).replayed(done.replayed))
}

/// The caller's redemptions
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/redemptions", operation_id = "listRedemptions", tag = "redemption",
    responses((status = 200, body = Listing<RedemptionView>)),
)]
async fn redemptions(
    State(app): State<Arc<App>>,
    list: Paging<Caller>,
) -> Result<Reply<Listing<RedemptionView>>, Problem> {
    let filter = RedemptionFilter { user: Some(list.by.id()), code: None };
    let page = codes::redemptions(&app, &filter, &list.window).await?;
    Ok(list.page(&app, page, |of| Redeemed::from(&of).into()))
}

/// The caller's subscriptions
///
/// Grouped by plan, latest first.
#[utoipa::path(
    get, path = "/v1/subscriptions", operation_id = "listSubscriptions", tag = "redemption",
    responses((status = 200, body = Listing<SubscriptionView>)),
)]
async fn subscriptions(
    State(app): State<Arc<App>>,
    list: Paging<Caller>,
) -> Result<Reply<Listing<SubscriptionView>>, Problem> {
    let page = codes::subscriptions(&app, list.by.id(), &list.window).await?;
    let now = app.clock.now();
    Ok(list.page(&app, page, |(subscription, plan)| SubscriptionView::of(&subscription, &plan, now)))
}
