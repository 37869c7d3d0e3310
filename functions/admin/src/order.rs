//! Orders for the operator, and their events (R4.5, R4.12).

use shared::kernel::id::UserId;
use std::sync::Arc;

use super::reason::Reason;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::said;
use shared::account::view::{Admin, AdminSearch, Dangerous, OrdersRead, email};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::{Idempotent, RequiresIdempotencyKey};
use shared::edge::page::Listing;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::OrderId;
use shared::kernel::money::{Currency, MoneyError, PayMoney};
use shared::kernel::provider::Provider;
use shared::kernel::refusal::{Refusal, code};
use shared::operations::order_summary::{OrderSums, order_sums};
use shared::operations::search::{self, OrderFilter};
use shared::payment::complete_order::{Complete, complete_order};
use shared::payment::model::coupon::CouponCode;
use shared::payment::model::event::EventOutcome;
use shared::payment::model::order::{self, OrderStatus};
use shared::payment::model::settings::PaymentSettings;
use shared::payment::order_file::{OrderFile, order_file};
use shared::payment::pay_page::with_pay_url;
use shared::payment::payments_of::payments_of;
use shared::payment::poll_provider::verify_any;
use shared::payment::receipt_view::ReceiptView;
use shared::payment::release_bonus::{ReleaseBonus, release_bonus};
use shared::payment::staff::view::{AdminOrder, Transition, transitions};
use shared::payment::undo_completion::{UndoCompletion, undo_completion};
use shared::table::store::Page;
use utoipa::{IntoParams, ToSchema};

use shared::edge;
use shared::edge::export::JsonOrCsv;
use shared::edge::search::{named, user as user_filter};
use shared::operations::totals::view::Reading;

/// An order with its provider events and state changes.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminOrderFile {
    /// The order.
    #[serde(flatten)]
    pub order: AdminOrder,
    /// Events received from the provider, oldest first.
    pub events: Vec<ProviderEvent>,
    /// States of the order over time.
    pub transitions: Vec<Transition>,
    /// Numbered receipt; null while the user has made none.
    pub receipt: Option<ReceiptView>,
}

/// An event received from the provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderEvent {
    /// The provider's id of the event.
    pub id: String,
    /// The provider's type of the event.
    #[serde(rename = "type")]
    pub kind: String,
    /// Time of receipt.
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
    /// Outcome: `credited`, `already_credited`, `reversed`, `review`, `noted`, `closed`, `foreign` or `ignored`.
    pub outcome: EventOutcome,
    /// Body as received; null once it is deleted.
    pub raw: Option<String>,
}

impl AdminOrderFile {
    fn new(app: &App, file: OrderFile) -> Result<Self, MoneyError> {
        let order = AdminOrder::new(&with_pay_url(app, &file.order), file.user.as_ref(), file.payment.as_ref())?;
        let transitions = transitions(&file.order);
        let event =
            |(event, raw): (shared::payment::model::event::ProviderEventRecord, Option<String>)| ProviderEvent {
                id: event.id,
                kind: event.kind,
                received_at: event.received_at,
                outcome: event.outcome,
                raw,
            };
        let receipt = file.receipt.as_ref().map(ReceiptView::from);
        Ok(Self { order, events: file.events.into_iter().map(event).collect(), transitions, receipt })
    }
}

/// Filters of the orders.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Orders {
    /// State of the orders.
    #[param(inline, value_type = Option<OrderStatus>)]
    status: Option<String>,
    /// Provider: `stripe` or `zpay`.
    #[param(inline, value_type = Option<Provider>)]
    provider: Option<String>,
    /// Payment method of the provider.
    method: Option<String>,
    /// Id of the user.
    #[param(inline, value_type = Option<UserId>)]
    user: Option<String>,
    /// E-mail of the user.
    email: Option<String>,
    /// `true`: orders with a payment under way; `false`: all others.
    processing: Option<bool>,
    /// Code of the orders' coupon.
    coupon: Option<String>,
    /// Provider's id of the order's payment.
    payment_id: Option<String>,
}

impl Orders {
    fn coupon(&self) -> Result<Option<CouponCode>, Refusal> {
        let typed = self.coupon.as_deref().filter(|code| !code.is_empty());
        typed.map(CouponCode::read).transpose()
    }

    fn read(&self) -> Result<OrderFilter, Refusal> {
        Ok(OrderFilter {
            status: named("/status", self.status.as_deref())?,
            provider: named("/provider", self.provider.as_deref())?,
            method: self.method.clone().filter(|method| !method.is_empty()),
            user: user_filter("/user", self.user.as_deref())?,
            email: email(self.email.as_deref())?,
            processing: self.processing,
            coupon: self.coupon()?,
            payment_id: self.payment_id.clone().filter(|id| !id.is_empty()),
        })
    }
}

/// List orders
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/admin/payment/orders", operation_id = "listAllOrders", tag = "admin",
    responses((status = 200, content((Listing<AdminOrder> = "application/json"), (String = "text/csv")))),
)]
pub async fn orders(
    State(app): State<Arc<App>>,
    search: AdminSearch<Orders, OrdersRead>,
) -> Result<JsonOrCsv<AdminOrder>, Problem> {
    let filter = search.filters.read()?;
    let page = search.rows(async |window| search::orders(&app, &filter, &window).await).await?;
    let users = search::users_of(&app, page.items.iter().map(|order| order.user)).await?;
    let payments = payments_of(&app, &page.items).await?;
    let shown = |order: &order::Order| {
        AdminOrder::new(&with_pay_url(&app, order), users.get(&order.user), payments.get(&order.id))
    };
    let items = page.items.iter().map(shown).collect::<Result<Vec<_>, _>>()?;
    Ok(search.found(&app, Page { items, next: page.next }, |order| order))
}

/// Totals of paid orders.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderSummary {
    /// Number of paid orders.
    pub orders: u64,
    /// Sum charged, in the current pay currency.
    pub charge: Amount,
    /// Sums charged in former pay currencies.
    pub other_charges: Vec<Amount>,
    /// Credit bought, in ledger currency.
    pub credit: Amount,
    /// Bonus added by promotions, in ledger currency.
    pub bonus: Amount,
    /// Sums after refunds and disputes; those above are before them.
    pub net: NetSummary,
}

/// Totals of paid orders after refunds and disputes.
#[derive(Debug, Serialize, ToSchema)]
pub struct NetSummary {
    /// Sum left of the charges, in the current pay currency.
    pub charge: Amount,
    /// Sums left of charges in former pay currencies.
    pub other_charges: Vec<Amount>,
    /// Credit and bonus left, in ledger currency.
    pub total: Amount,
}

impl OrderSummary {
    /// The totals, with the sums of former pay currencies apart.
    pub fn of(sums: OrderSums, pay: Currency) -> Self {
        let split = |mut of: Vec<PayMoney>| -> (Amount, Vec<Amount>) {
            let ours = of.iter().position(|sum| sum.currency() == pay);
            let ours = ours.map_or_else(|| PayMoney::zero(pay), |ours| of.remove(ours));
            (ours.into(), of.into_iter().map(Amount::from).collect())
        };
        let ((charge, other_charges), (net, other_nets)) = (split(sums.charges), split(sums.nets));
        Self {
            orders: sums.orders,
            charge,
            other_charges,
            credit: sums.credit.into(),
            bonus: sums.bonus.into(),
            net: NetSummary { charge: net, other_charges: other_nets, total: sums.net_total.into() },
        }
    }
}

/// Get the totals of paid orders
///
/// Takes the list's filters, before and after refunds. Without any they are projected from messages, each order counted once,
/// and updated within moments. A filter reads the orders, 5,000 at most; more are 422 `range_too_large`.
#[utoipa::path(
    get, path = "/v1/admin/payment/orders/summary", operation_id = "summariseOrders", tag = "admin",
    responses((status = 200, body = OrderSummary), code::RangeTooLarge),
)]
pub async fn summary(
    State(app): State<Arc<App>>,
    search: AdminSearch<Orders, OrdersRead>,
) -> Result<Reply<OrderSummary>, Problem> {
    let filter = search.filters.read()?;
    let settings = app.settings::<PaymentSettings>().await?.settings;
    let sums = match filter == OrderFilter::default() && search.window.from.is_none() && search.window.to.is_none() {
        true => Reading::now(&app).await?.order_sums()?,
        false => order_sums(&app, settings.ledger_currency, &filter, &search.window).await?,
    };
    Ok(Reply::ok(OrderSummary::of(sums, settings.pay_currency)))
}

/// Get one order with its provider's events
#[utoipa::path(
    get, path = "/v1/admin/payment/orders/{id}", operation_id = "getOrderFile", tag = "admin",
    responses((status = 200, body = AdminOrderFile)),
)]
pub async fn order(
    State(app): State<Arc<App>>,
    _: Admin<OrdersRead>,
    Id(id): Id<OrderId>,
) -> Result<Reply<AdminOrderFile>, Problem> {
    Ok(Reply::ok(file(&app, id).await?))
}

async fn file(app: &App, id: OrderId) -> Result<AdminOrderFile, Error> {
    let file = order_file(app, id).await?.ok_or(Refusal::NotFound)?;
    Ok(AdminOrderFile::new(app, file)?)
}

/// Manual completion of an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Completion {
    /// Id of the provider's payment, if known.
    provider_payment_id: Option<String>,
    /// Reason, 1 to 500 characters.
    reason: String,
}

/// Complete an order manually
///
/// Closes the payment page, and credits the order once, as its payment would have. A later event of the provider only adds the
/// payment's id; money that is taken after the completion is a surplus.
#[utoipa::path(
    post, path = "/v1/admin/payment/orders/{id}/complete", operation_id = "completeOrder", tag = "admin",
    responses((status = 200, body = AdminOrderFile), code::OrderAlreadyPaid, code::PaymentDiffers),
)]
pub async fn complete(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    Id(id): Id<OrderId>,
    key: RequiresIdempotencyKey,
    body: Body<Completion>,
) -> Result<Reply<AdminOrderFile>, Problem> {
    let ask = body.value.read(id, &admin)?;
    let ctx = key.bind(&app, &admin, &body);
    let done = complete_order(&app, &ctx, &ask).await?;
    Ok(Reply::ok(file(&app, done.answer.order).await?).replayed(done.replayed))
}

/// Reason for undoing a completion.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Undoing {
    /// Reason, 1 to 500 characters.
    reason: String,
}

/// Undo a manual completion
///
/// For one made by mistake, while no payment of the provider confirms it. Credit and bonus are taken back, commission and reward
/// follow; the order ends as `refunded`, and a payment that still arrives is a surplus.
#[utoipa::path(
    post, path = "/v1/admin/payment/orders/{id}/complete/undo", operation_id = "undoCompletion", tag = "admin",
    responses((status = 200, body = AdminOrderFile), code::NotCompletedByHand),
)]
pub async fn undo(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    Id(id): Id<OrderId>,
    key: Idempotent,
    body: Body<Undoing>,
) -> Result<Reply<AdminOrderFile>, Problem> {
    let reason = said("/reason", &body.value.reason).map_err(Refusal::from)?;
    let ctx = key.bind(&app, &admin, &body);
    let done = undo_completion(&app, &ctx, &UndoCompletion { order: id, reason, admin: admin.id }).await?;
    Ok(Reply::ok(file(&app, done.answer.order).await?).replayed(done.replayed))
}

/// Release a bonus that exceeds the budget
///
/// It is taken from the current month's budget. The part that refunds leave of it is credited.
#[utoipa::path(
    post, path = "/v1/admin/payment/orders/{id}/bonus/release", operation_id = "releaseBonus", tag = "admin",
    responses((status = 200, body = AdminOrderFile), code::NotHeld, code::BudgetExceeded),
)]
pub async fn bonus(
    State(app): State<Arc<App>>,
    admin: Admin<Dangerous>,
    Id(order): Id<OrderId>,
    key: Idempotent,
    body: Body<Reason>,
) -> Result<Reply<AdminOrderFile>, Problem> {
    let reason = body.value.read()?;
    let ctx = key.bind(&app, &admin, &body);
    let done = release_bonus(&app, &ctx, &ReleaseBonus { order, reason, admin: admin.id }).await?;
    Ok(Reply::ok(file(&app, done.answer.id).await?).replayed(done.replayed))
}

/// Poll the provider about an order
///
/// Polls at once, in any state of the order, to recover a lost webhook. The response is the order afterwards.
#[utoipa::path(
    post, path = "/v1/admin/payment/orders/{id}/verify", operation_id = "verifyAnyOrder", tag = "admin",
    responses((status = 200, body = AdminOrderFile)),
)]
pub async fn verify(
    State(app): State<Arc<App>>,
    _: Admin<Dangerous>,
    Id(id): Id<OrderId>,
) -> Result<Reply<AdminOrderFile>, Problem> {
    let order = verify_any(&app, &edge::context(), id).await?;
    Ok(Reply::ok(file(&app, order.id).await?))
}

impl Completion {
    fn read(&self, order: OrderId, admin: &Admin<Dangerous>) -> Result<Complete, Refusal> {
        let text = |pointer: &str, text: &str| said(pointer, text).map_err(Refusal::from);
        let reason = text("/reason", &self.reason)?;
        let payment_id = self.provider_payment_id.as_deref().map(|id| text("/provider_payment_id", id)).transpose()?;
        Ok(Complete { order, payment_id, reason, admin: admin.id })
    }
}
