//! Redemption codes as their users see them: redeeming one, what was redeemed, the own subscriptions (R7).

pub mod wire;

use std::sync::Arc;

use axum::extract::State;
use shared::account::view::Caller;
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::RequiresIdempotencyKey;
use shared::edge::page::{Listing, Paging, seal};
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::refusal::Refusal;
use shared::redemption::codes::{self, RedemptionFilter};
use shared::redemption::model::code::CodeText;
use shared::redemption::redeem::{self as verb, Redeem, Redeemed};
use shared::redemption::view::RedemptionView;
use shared::redemption::view::SubscriptionView;
use shared::table::list::Window;
use shared::table::store::Page;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::wire::Ask;

/// The variables that it can't do without, besides those that every function has.
pub const NEEDS: [&str; 2] = ["MAIL_QUEUE_URL", "STATISTICS_QUEUE_URL"];

/// The routes of redemption codes.
pub fn api() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(redeem, redemptions)).routes(routes!(subscriptions))
}

/// Redeems a code
///
/// For plan time it extends the subscription of that plan that ends last, or begins one; for balance it credits. The answer shows the
/// new end or the credit.
#[utoipa::path(
    post, path = "/v1/redemptions", operation_id = "redeem", tag = "redemption", security(("bearer" = [])),
    request_body = Ask,
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses(
        (status = 201, body = RedemptionView), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, description = "`code_not_found`", body = Problem),
        (status = 409, description = "`already_redeemed`, `code_disabled`, `code_expired`, `code_not_yet_valid`, `code_used_up`, `plan_off_sale`, `plan_quota`, `programme_off`", body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem),
        (status = 503, body = Problem),
    ),
)]
async fn redeem(
    State(app): State<Arc<App>>,
    caller: Caller,
    key: RequiresIdempotencyKey,
    body: Body<Ask>,
) -> Result<Reply<RedemptionView>, Problem> {
    let code = CodeText::parse(&body.value.code).ok_or(Refusal::CodeNotFound)?;
    let ctx = key.bind(&app, &caller.id().to_string(), &body.raw);
    let ask = Redeem { user: caller.id(), code, new_subscription: body.value.new_subscription };
    let done = verb::redeem(&app, &ctx, &ask).await?;
    Ok(Reply::created(done.answer.into()).replayed(done.replayed))
}

/// The caller's redemptions
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/redemptions", operation_id = "listRedemptions", tag = "redemption", security(("bearer" = [])),
    params(("limit" = Option<i32>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query)),
    responses(
        (status = 200, body = Listing<RedemptionView>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
async fn redemptions(
    State(app): State<Arc<App>>,
    caller: Caller,
    paging: Paging,
) -> Result<Reply<Listing<RedemptionView>>, Problem> {
    let list = format!("redemptions:{}", caller.id());
    let filter = RedemptionFilter { user: Some(caller.id()), code: None };
    let page = codes::redemptions(&app, &filter, &window(&app, &paging, &list)?).await?;
    Ok(listing(&app, &list, page, |of| Redeemed::from(&of).into()))
}

/// The caller's subscriptions
///
/// By plan, the latest first.
#[utoipa::path(
    get, path = "/v1/subscriptions", operation_id = "listSubscriptions", tag = "redemption",
    security(("bearer" = [])),
    params(("limit" = Option<i32>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query)),
    responses(
        (status = 200, body = Listing<SubscriptionView>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    ),
)]
async fn subscriptions(
    State(app): State<Arc<App>>,
    caller: Caller,
    paging: Paging,
) -> Result<Reply<Listing<SubscriptionView>>, Problem> {
    let list = format!("subscriptions:{}", caller.id());
    let page = codes::subscriptions(&app, caller.id(), &window(&app, &paging, &list)?).await?;
    let now = app.clock.now();
    Ok(listing(&app, &list, page, |(subscription, plan)| SubscriptionView::of(&subscription, &plan, now)))
}

fn window(app: &App, paging: &Paging, list: &str) -> Result<Window, Refusal> {
    let after = paging.position(&app.config.secret, list)?;
    Ok(Window { from: None, to: None, limit: paging.limit, after })
}

fn listing<N, T: serde::Serialize>(app: &App, list: &str, page: Page<N>, view: impl Fn(N) -> T) -> Reply<Listing<T>> {
    let next_cursor = page.next.map(|next| seal(&app.config.secret, list, &next));
    Reply::ok(Listing { items: page.items.into_iter().map(view).collect(), next_cursor })
}
