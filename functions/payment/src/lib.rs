//! A user's orders, promotion and prices (R4, R5).

mod promotion;
pub mod wire;

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use shared::account::view::Caller;
use shared::app::App;
use shared::edge::api;
use shared::edge::body::Body;
use shared::edge::idempotency::RequiresIdempotencyKey;
use shared::edge::openapi::{Api, Operation, Routes};
use shared::edge::page::{Listing, Paging, Parameters};
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::fault::Error;
use shared::kernel::id::OrderId;
use shared::kernel::money::LedgerMoney;
use shared::kernel::refusal::{Refusal, code};
use shared::payment::cancel_order::{self, own};
use shared::payment::create_order::{self as create_verb, CreateOrder};
use shared::payment::issue_receipt::{issue_receipt, receipt_of};
use shared::payment::model::order::OrderStatus;
use shared::payment::model::price::Quote;
use shared::payment::model::settings::{Offer as Promised, PaymentSettings};
use shared::payment::offers::{Offering, offering};
use shared::payment::orders_of::{orders_of, view, views};
use shared::payment::poll_provider;
use shared::payment::price_now;
use shared::payment::receipt_view::ReceiptView;
use shared::payment::view::OrderView;
use shared::table::store::Page;
use utoipa::IntoParams;

use self::wire::{Config, NewOrder, Offer, Price, Priced, ProviderChoice};
use shared::edge;

/// Environment variables that this function needs, besides those that every function has.
pub const NEEDS: [&str; 3] = ["REWARD_QUEUE_URL", "MAIL_QUEUE_URL", "STATISTICS_QUEUE_URL"];

/// The routes of this function.
pub fn api() -> Api<Arc<App>> {
    add(Api::new())
}

/// Their documentation.
pub fn operations() -> Vec<Operation> {
    add(Vec::new())
}

fn add<R: Routes<Arc<App>>>(routes: R) -> R {
    api![routes; promotion::promotion, config, price, create, list, show, cancel, verify, receipt, issue,]
}

/// Offers, prices and payment methods
#[utoipa::path(
    get, path = "/v1/payment/config", operation_id = "getPaymentConfig", tag = "payment",
    responses((status = 200, body = Config)),
)]
async fn config(State(app): State<Arc<App>>, _caller: Caller) -> Result<Reply<Config>, Problem> {
    let settings = app.settings::<PaymentSettings>().await?.settings;
    Ok(Reply::ok(offered(&app, &settings)?))
}

fn offered(app: &App, settings: &PaymentSettings) -> Result<Config, Error> {
    let has = |provider| app.providers.takes(provider, settings.pay_currency);
    let Offering { offers, providers } = offering(settings, app.clock.now(), has)?;
    let offer = |(offer, quote): (Promised, Quote)| Offer {
        id: offer.id,
        amount: quote.amount.into(),
        charge: quote.charge.into(),
        credit: quote.credit.into(),
        bonus: quote.offered_bonus.map_or(LedgerMoney::zero(quote.credit.currency()), |bonus| bonus.amount).into(),
        stackable: quote.offered_bonus.is_some_and(|bonus| bonus.stackable),
        label: offer.label,
        popular: offer.popular,
    };
    Ok(Config {
        currency: settings.pay_currency.code().to_owned(),
        min_amount: settings.min_amount.to_string(),
        max_amount: settings.max_amount.to_string(),
        exchange_rate: settings.exchange_rate.to_string(),
        discount_rate: settings.discount_rate.to_string(),
        offers: offers.into_iter().map(offer).collect(),
        bonus_tiers: settings.bonus_tiers.clone(),
        providers: providers.into_iter().map(|(id, methods)| ProviderChoice { id, methods }).collect(),
    })
}

/// The price of an order that would be made now
///
/// With a coupon its uses by the caller and by all are looked at too; only an order reserves one.
#[utoipa::path(
    get, path = "/v1/payment/price", operation_id = "getPrice", tag = "payment",
    responses((status = 200, body = Price), code::ProgrammeOff),
)]
async fn price(
    State(app): State<Arc<App>>,
    caller: Caller,
    Parameters(asked): Parameters<Priced>,
) -> Result<Reply<Price>, Problem> {
    let (wanted, coupon) = asked.checked()?;
    let quote = price_now::price_now(&app, caller.id(), &wanted, coupon.as_deref()).await?;
    Ok(Reply::ok(Price::try_from(&quote)?))
}

/// Create an order and its payment at the provider
///
/// If the provider refuses or cannot be reached, the response is the order in state `failed`.
#[utoipa::path(
    post, path = "/v1/payment/orders", operation_id = "createOrder", tag = "payment",
    responses((status = 201, body = OrderView), code::AccountBlocked, code::ProgrammeOff, code::RateLimited),
)]
async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    key: RequiresIdempotencyKey,
    body: Body<NewOrder>,
) -> Result<Reply<OrderView>, Problem> {
    let ctx = key.bind(&app, &caller, &body);
    let coupon = body.value.coupon();
    let (wanted, provider, method) = body.value.checked()?;
    let origin = shared::table::request::origin();
    let (user, client_ip, user_agent) = (caller.id(), origin.client_ip, origin.user_agent);
    let ask = CreateOrder { user, wanted, coupon, provider, method, client_ip, user_agent };
    let done = create_verb::create_order(&app, &ctx, &caller.bearer(), &ask).await?;
    Ok(Reply::created(OrderView::try_from(&done.answer)?).replayed(done.replayed))
}

/// Filters of the caller's orders.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Orders {
    /// State of the orders.
    #[param(inline, value_type = Option<OrderStatus>)]
    status: Option<String>,
    /// `true`: orders with a payment under way; `false`: all others.
    processing: Option<bool>,
}

/// The caller's orders, newest first
#[utoipa::path(
    get, path = "/v1/payment/orders", operation_id = "listOrders", tag = "payment",
    responses((status = 200, body = Listing<OrderView>)),
)]
async fn list(State(app): State<Arc<App>>, list: Paging<Caller, Orders>) -> Result<Reply<Listing<OrderView>>, Problem> {
    let status = list.filters.status.as_deref().map(status).transpose()?;
    let page = orders_of(&app, list.by.id(), list.window.limit, list.window.after.clone()).await?;
    let mut orders = page.items;
    let processing = list.filters.processing;
    orders.retain(|order| status.is_none_or(|status| order.status == status));
    orders.retain(|order| processing.is_none_or(|wanted| order.is_processing() == wanted));
    let items = views(&app, &orders).await?;
    Ok(list.page(&app, Page { items, next: page.next }, |of| of))
}

fn status(text: &str) -> Result<OrderStatus, Refusal> {
    OrderStatus::parse(text).ok_or_else(|| Refusal::field("/status", "unknown", "A state of an order."))
}

/// One of the caller's orders
#[utoipa::path(
    get, path = "/v1/payment/orders/{id}", operation_id = "getOrder", tag = "payment",
    responses((status = 200, body = OrderView)),
)]
async fn show(State(app): State<Arc<App>>, caller: Caller, Id(id): Id<OrderId>) -> Result<Reply<OrderView>, Problem> {
    let order = own(&app, caller.id(), id).await?;
    Ok(Reply::ok(view(&app, &order).await?))
}

/// Cancel a pending order
///
/// A payment that still arrives is credited. A payment that the provider is processing can't be called back: 409
/// `payment_under_way`.
#[utoipa::path(
    post, path = "/v1/payment/orders/{id}/cancel", operation_id = "cancelOrder", tag = "payment",
    responses((status = 200, body = OrderView), code::AccountBlocked, code::OrderNotPending,
              code::PaymentUnderWay),
)]
async fn cancel(State(app): State<Arc<App>>, caller: Caller, Id(id): Id<OrderId>) -> Result<Reply<OrderView>, Problem> {
    let order = cancel_order::cancel_order(&app, &caller.bearer(), id).await?;
    Ok(Reply::ok(OrderView::try_from(&order)?))
}

/// Verify an order's payment now
///
/// Polls the provider at once, in case its webhook was lost, and returns the resulting order.
#[utoipa::path(
    post, path = "/v1/payment/orders/{id}/verify", operation_id = "verifyOrder", tag = "payment",
    responses((status = 200, body = OrderView), code::RateLimited),
)]
async fn verify(State(app): State<Arc<App>>, caller: Caller, Id(id): Id<OrderId>) -> Result<Reply<OrderView>, Problem> {
    let order = poll_provider::verify_own(&app, &edge::context(), caller.id(), id).await?;
    Ok(Reply::ok(view(&app, &order).await?))
}

/// Get the receipt of an order
///
/// 404 while none is issued.
#[utoipa::path(
    get, path = "/v1/payment/orders/{id}/receipt", operation_id = "getReceipt", tag = "payment",
    responses((status = 200, body = ReceiptView)),
)]
async fn receipt(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<OrderId>,
) -> Result<Reply<ReceiptView>, Problem> {
    let receipt = receipt_of(&app, caller.id(), id).await?.ok_or(Refusal::NotFound)?;
    Ok(Reply::ok(ReceiptView::from(&receipt)))
}

/// Issue the receipt of a paid order
///
/// With the next number of the year (UTC), which have no gap. An order has one receipt: repeating the request answers the same one.
#[utoipa::path(
    post, path = "/v1/payment/orders/{id}/receipt", operation_id = "issueReceipt", tag = "payment",
    responses((status = 200, body = ReceiptView), code::AccountBlocked, code::OrderNotPaid),
)]
async fn issue(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<OrderId>,
) -> Result<Reply<ReceiptView>, Problem> {
    let done = issue_receipt(&app, &edge::context(), &caller.bearer(), id).await?;
    Ok(Reply::ok(ReceiptView::from(&done.answer)))
}
