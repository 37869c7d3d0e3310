//! Creates an order (R4.1–R4.3): prices it, requests the payment from the provider once, commits both.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::account::model::access::Bearer;
use crate::account::model::user::User;
use crate::affiliate::model::settings::AffiliateSettings;
use crate::affiliate::model::terms::{CommissionedPayment, terms_under};
use crate::app::App;
use crate::message::Message;
use crate::payment::enrol_late::enrol_late;
use crate::payment::gateway::{CreateFailure, Created};
use crate::payment::keep_coupon::{Counters, price_with};
use crate::payment::model::coupon::{CouponCode, CouponState};
use crate::payment::model::order::{
    AffiliateTerms, Failure, FailureCode, ForAgency, Order, OrderRequest, OrderStatus, OrderWindow,
};
use crate::payment::model::price::{Quote, TopUp, quote};
use crate::payment::model::settings::{DASHBOARD, Offer, PaymentSettings};
use crate::payment::pay_page;
use crate::referral::model::referral::Referral;
use kernel::fault::{Error, Fault};
use kernel::id::{OrderId, UserId};
use kernel::money::{Currency, LedgerMoney, MoneyError, PayMoney};
use kernel::provider::Provider;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::idempotency::Guard;
use table::item::Versioned;
use table::telemetry as metrics;
use table::tx::Tx;

/// Length of the window in which a user's new orders are counted (R4.2).
const WINDOW: SignedDuration = SignedDuration::from_secs(60);

/// Command to create a top-up order.
#[derive(Debug, Clone)]
pub struct CreateOrder {
    pub user: UserId,
    pub wanted: TopUp,
    /// Coupon as typed.
    pub coupon: Option<String>,
    pub provider: Provider,
    /// Payment method; `None` takes the provider's first configured one.
    pub method: Option<String>,
    /// IP address of the request.
    pub client_ip: Option<String>,
    /// `User-Agent` of the request.
    pub user_agent: Option<String>,
}

impl Guard<Self> for Order {
    fn fingerprint(&self) -> Option<&str> {
        self.request.as_ref().map(|request| request.fingerprint.as_str())
    }

    fn first_answer(&self) -> Result<Self, Fault> {
        Ok(self.as_created())
    }
}

/// Creates an order; the provider is called once, before the commit.
///
/// If the provider rejects the payment, the order is committed as `failed` (R4.3).
///
/// # Rejects
/// `programme_off`; `account_blocked`; 422 for the amount, coupon, provider or method; `rate_limited`.
pub async fn create_order(app: &App, ctx: &Ctx, by: &Bearer, ask: &CreateOrder) -> Result<Answered<Order>, Error> {
    let settings = app.settings::<PaymentSettings>().await?.settings;
    let now = app.clock.now();
    enrol_late(app, ask.user).await?;
    let coupon = ask.coupon.as_deref().map(CouponCode::read).transpose()?;
    let id = OrderId::new(app.id_of(ctx));
    let first = match read(app, ctx, (by, ask, id), coupon.as_ref(), now, &settings).await? {
        Read::Answered(done) => return Ok(shown(app, *done)),
        Read::New(first) => first,
    };
    let method = method(app, &settings, ask, settings.pay_currency)?;
    let named = coupon.as_ref().map(|code| (code, &first.counters));
    let quote = price_with(&settings, &ask.wanted, named, (first.user.promotion.as_ref(), first.user.has_paid), now)?;
    payable(app, ask, quote.charge)?;
    let paid = CommissionedPayment {
        charge: quote.charge,
        exchange_rate: quote.exchange_rate,
        ledger: quote.credit.currency(),
    };
    let affiliate = affiliate_terms(app, &first.user, paid, now).await?;
    let mut order = drafted((id, ask), method, &quote, first.user.attribution.as_ref(), affiliate, now);
    order.return_url.clone_from(&settings.return_url);
    ask_for(app, &settings, &mut order).await;
    let failure = order.failure.clone();
    order.request = ctx.fingerprint().map(|fingerprint| Box::new(OrderRequest { fingerprint, failure }));
    let (counters, bare) = (Mutex::new(Some(first.counters)), pay_page::without_pay_url(app, &order));
    let done = app.execute_making(ctx, Order::key(id), || plan(app, &counters, &bare, &settings)).await?;
    if done.replayed {
        return Ok(shown(app, done));
    }
    metrics::metric("Orders", 1, "Count", &[("State", order.status.as_str())]);
    Ok(Answered { answer: order, replayed: false })
}

enum Read {
    Answered(Box<Answered<Order>>),
    New(Box<First>),
}

/// The ordering user, and the counters of the user's orders and coupon.
struct First {
    user: Versioned<User>,
    counters: Counters,
}

/// Reads the user, the counters and an order that this key made, before the provider is called.
async fn read(
    app: &App,
    ctx: &Ctx,
    (by, ask, id): (&Bearer, &CreateOrder, OrderId),
    coupon: Option<&CouponCode>,
    now: Timestamp,
    settings: &PaymentSettings,
) -> Result<Read, Error> {
    let (window, uses) = Counters::keys(ask.user, coupon);
    let (user, window, uses, made) = app.store.read((User::key(ask.user), window, uses, Order::key(id))).await?;
    if let Some(made) = made
        && let Some(done) = app.answered(ctx, &*made)?
    {
        return Ok(Read::Answered(Box::new(done)));
    }
    let user = user.ok_or(Refusal::Unauthenticated)?;
    user.must_admit(by)?;
    count(window.as_deref(), ask.user, now, settings)?;
    Ok(Read::New(Box::new(First { user, counters: Counters::of((window, uses)) })))
}

/// The window with one more order, or a new window.
fn count(
    window: Option<&OrderWindow>,
    user: UserId,
    now: Timestamp,
    settings: &PaymentSettings,
) -> Result<OrderWindow, Refusal> {
    let open = window.filter(|window| now.duration_since(window.started_at).abs() < WINDOW);
    let Some(open) = open else {
        let coupons = window.map(|window| window.coupons.clone()).unwrap_or_default();
        return Ok(OrderWindow { user, started_at: now, orders: 1, coupons });
    };
    if open.orders >= settings.max_orders_per_minute {
        let left = WINDOW.saturating_sub(now.duration_since(open.started_at).abs()).as_secs();
        let limit = format!("{} orders in a minute", settings.max_orders_per_minute);
        return Err(Refusal::RateLimited { limit, retry_after: u32::try_from(left).unwrap_or(60).max(1) });
    }
    Ok(OrderWindow { orders: open.orders.saturating_add(1), ..open.clone() })
}

/// True if the provider is configured, takes the currency, and the settings allow payments by it.
fn usable(app: &App, settings: &PaymentSettings, provider: Provider, currency: Currency) -> bool {
    settings.may_use(provider) && app.providers.takes(provider, currency)
}

/// Refuses a charge that the provider can't take, before anything is tried or counted.
fn payable(app: &App, ask: &CreateOrder, charge: PayMoney) -> Result<(), Refusal> {
    let pointer = match ask.wanted {
        TopUp::Offer(_) => "/offer_id",
        TopUp::Amount(_) => "/amount",
    };
    let why = || format!("An amount that {} can take; it can't take {charge}.", ask.provider.as_str());
    match app.providers.can_take(ask.provider, charge) {
        true => Ok(()),
        false => Err(Refusal::field(pointer, "not_payable", why())),
    }
}

fn method(app: &App, settings: &PaymentSettings, ask: &CreateOrder, currency: Currency) -> Result<String, Refusal> {
    let usable = usable(app, settings, ask.provider, currency);
    let offered = if usable { settings.methods(ask.provider) } else { &[] };
    let dashboard = DASHBOARD.to_owned();
    let chosen_there = usable && offered.is_empty();
    let first = if chosen_there { Some(&dashboard) } else { offered.first() };
    match (&ask.method, first.filter(|_| settings.enabled)) {
        (_, None) if settings.enabled => {
            Err(Refusal::field("/provider", "not_offered", "One of the providers of /v1/payment/config."))
        }
        (_, None) => Err(Refusal::ProgrammeOff),
        (None, Some(first)) => Ok(first.clone()),
        (Some(method), _) if offered.contains(method) => Ok(method.clone()),
        (Some(_), _) => {
            Err(Refusal::field("/method", "not_offered", "One of the provider's methods of /v1/payment/config."))
        }
    }
}

/// Inviter's terms for an order made or a purchase paid at `now` (R6.3).
///
/// `None` while the affiliate programme is off, without an inviter, or after the terms' validity.
pub(crate) async fn affiliate_terms(
    app: &App,
    user: &User,
    paid: CommissionedPayment,
    now: Timestamp,
) -> Result<Option<AffiliateTerms>, Error> {
    let settings = app.settings::<AffiliateSettings>().await?.settings;
    let Some(attribution) = user.attribution.as_ref().filter(|_| settings.enabled) else { return Ok(None) };
    let inviter = app.store.get::<User>(&User::key(attribution.inviter)).await?;
    let Some(inviter) = inviter else { return Ok(None) };
    Ok(terms_under(&settings, &inviter, attribution.bound_at, paid, now)?)
}

fn drafted(
    (id, ask): (OrderId, &CreateOrder),
    method: String,
    quote: &Quote,
    attribution: Option<&Referral>,
    affiliate: Option<AffiliateTerms>,
    now: Timestamp,
) -> Order {
    Order {
        id,
        user: ask.user,
        status: OrderStatus::Pending,
        provider: ask.provider,
        method,
        amount: quote.amount,
        charge: quote.charge,
        credit: quote.credit,
        exchange_rate: quote.exchange_rate,
        discount_rate: quote.discount_rate,
        promotion: quote.promotion,
        offered_bonus: quote.offered_bonus,
        coupon: quote.coupon.clone(),
        inviter: attribution.map(|attribution| attribution.inviter),
        affiliate,
        pay_url: None,
        pay_signature: None,
        return_url: None,
        qr_content: None,
        failure: None,
        created_at: now,
        expires_at: quote.expires_at,
        looks: 0,
        under_way: None,
        paid_at: None,
        late: false,
        provider_ref: None,
        payment_id: None,
        bonus: None,
        amount_bonus: None,
        bonus_held: false,
        bonus_budget_month: None,
        left: None,
        has_refunds: false,
        completed: None,
        claimed: None,
        agency: None,
        client_ip: ask.client_ip.clone(),
        user_agent: ask.user_agent.clone(),
        request: None,
    }
}

/// Payment of an agency order: input of its payment order (R8.12).
#[derive(Debug)]
pub struct Bare<'a> {
    /// The user who pays.
    pub user: UserId,
    pub provider: Provider,
    /// Payment method; `None` takes the provider's first configured one.
    pub method: Option<&'a str>,
    pub charge: PayMoney,
    /// The agency order to pay.
    pub agency: ForAgency,
    /// IP address of the request.
    pub client_ip: Option<String>,
    /// `User-Agent` of the request.
    pub user_agent: Option<String>,
}

/// Requests a payment for an agency order and returns its payment order.
///
/// The order credits no balance. The caller commits it.
///
/// # Rejects
/// `programme_off` while top-ups are off; 422 for the provider or method.
pub async fn drafted_for_agency(app: &App, settings: &PaymentSettings, bare: Bare<'_>) -> Result<Order, Error> {
    let now = app.clock.now();
    let ask = CreateOrder {
        user: bare.user,
        wanted: TopUp::Amount(bare.charge.amount().to_string()),
        coupon: None,
        provider: bare.provider,
        method: bare.method.map(str::to_owned),
        client_ip: bare.client_ip,
        user_agent: bare.user_agent,
    };
    let method = method(app, settings, &ask, bare.charge.currency())?;
    payable(app, &ask, bare.charge)?;
    let quote = quote(settings, bare.charge, None, None, now)?;
    let nothing = LedgerMoney::zero(settings.ledger_currency);
    let mut order = Order {
        charge: bare.charge,
        credit: nothing,
        discount_rate: Decimal::ONE,
        return_url: settings.return_url.clone(),
        agency: Some(bare.agency),
        ..drafted((OrderId::new(app.ulid()), &ask), method, &quote, None, None, now)
    };
    ask_for(app, settings, &mut order).await;
    Ok(pay_page::without_pay_url(app, &order))
}

/// Requests the payment; the order then carries the provider's answer, or has failed.
async fn ask_for(app: &App, settings: &PaymentSettings, order: &mut Order) {
    match asked(app, settings, order).await {
        Ok(created) => {
            order.pay_url = Some(created.pay_url);
            order.qr_content = created.qr_content.filter(|qr| Some(qr) != order.pay_url.as_ref());
            order.provider_ref = created.provider_ref;
        }
        Err(failure) => {
            order.status = OrderStatus::Failed;
            order.failure = Some(failure);
            if let Some(coupon) = &mut order.coupon {
                coupon.state = CouponState::Released;
            }
        }
    }
}

/// Requests a payment for the order from its provider.
async fn asked(app: &App, settings: &PaymentSettings, order: &Order) -> Result<Created, Failure> {
    pay_page::ask(app, settings, order).await.map_err(|failure| {
        tracing::warn!(order = %order.id, %failure, "the provider made no payment");
        match failure {
            CreateFailure::Refused(detail) => Failure { code: FailureCode::ProviderRefused, detail },
            CreateFailure::Unavailable => Failure {
                code: FailureCode::ProviderUnavailable,
                detail: "The payment provider can't be reached. Try again with a new Idempotency-Key.".to_owned(),
            },
        }
    })
}

/// Counters read before the provider call; the first plan takes them, a re-plan reads again.
type FirstCounters = Mutex<Option<Counters>>;

/// Plans order and counters in one transaction.
async fn plan(
    app: &App,
    first: &FirstCounters,
    order: &Order,
    settings: &PaymentSettings,
) -> Result<(Order, Tx), Error> {
    let first = first.lock().unwrap_or_else(PoisonError::into_inner).take();
    let stored = match first {
        Some(counters) => counters,
        None => {
            let counted = order.coupon.as_ref().filter(|coupon| coupon.is_counted).map(|coupon| &coupon.code);
            Counters::of(app.store.read(Counters::keys(order.user, counted)).await?)
        }
    };
    let window = count(stored.window.as_deref(), order.user, order.created_at, settings)?;
    let mut tx = app.tx();
    tx.mark(|tx| tx.insert(order).or_retry());
    let window = stored.take(order, settings, window, &mut tx)?;
    tx.upsert(stored.window.as_ref(), &window);
    if order.status == OrderStatus::Failed {
        tx.send(Message::OrderClosed { order: order.id });
    }
    Ok((order.clone(), tx))
}

/// The first answer, with the payment page of that order.
fn shown(app: &App, done: Answered<Order>) -> Answered<Order> {
    Answered { answer: pay_page::with_pay_url(app, &done.answer), ..done }
}

/// Price of an offer now, without the promotion of a user.
///
/// # Errors
/// Overflow.
pub fn offered(settings: &PaymentSettings, offer: &Offer, now: Timestamp) -> Result<Quote, MoneyError> {
    let amount = PayMoney::exact(offer.amount, settings.pay_currency)?;
    quote(settings, amount, settings.bonus_of(Some(offer), offer.amount), None, now)
}
