//! Stripe client: Checkout Sessions, their payments, and webhook events (R4.7).
//!
//! A small client of our own. It creates, retrieves and expires sessions, retrieves payment intents, and makes and lists
//! refunds. For webhooks, [`signature`] verifies a delivery and [`event`] parses it.

pub mod event;
pub mod returned;
pub mod signature;
mod units;
mod wire;

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::payment::gateway::http::{Answer, GatewayFault, Https};
use crate::payment::gateway::{
    CreateFailure, Created, Forged, NewPayment, ProviderConfig, api_url, present, refusal_detail,
};
use event::{OrderNames, RefundFact, StripeEvent, Unreadable};
use kernel::id::RefundId;
use kernel::money::PayMoney;
use returned::ListedCharge;
pub use wire::PaymentStatus;

/// API version of requests and fixtures.
pub const API_VERSION: &str = "2026-08-26.dahlia";
/// Stripe's base URL, unless the deployment overrides it.
pub const API_URL: &str = "https://api.stripe.com";
/// Shortest session: Stripe's minimum of 30 minutes, plus a minute for the request (R4.7).
const SHORTEST_SESSION: SignedDuration = SignedDuration::from_mins(31);

/// Longest session: Stripe's maximum of a day, less a minute for clock skew.
const LONGEST_SESSION: SignedDuration = SignedDuration::from_mins(24 * 60 - 1);

/// Stripe client with its API key and webhook secrets.
#[derive(Clone)]
pub struct Stripe {
    https: Https,
    api_url: String,
    secret_key: String,
    webhook_secrets: Vec<String>,
}

impl fmt::Debug for Stripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stripe").field("api_url", &self.api_url).finish_non_exhaustive()
    }
}

/// A checkout session, as Stripe reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutSession {
    /// Session id, `cs_…`.
    pub id: String,
    /// Page on which to pay; present while the session is open.
    pub url: Option<String>,
    /// State of the session.
    pub status: SessionStatus,
    /// State of the payment.
    pub payment_status: PaymentStatus,
    /// The payment intent, `pi_…`, once there is one.
    pub payment_intent: Option<String>,
    /// Orders named by the session.
    pub names: OrderNames,
    /// Total amount.
    pub amount: Option<PayMoney>,
    /// True for real money, false for test mode.
    pub livemode: bool,
}

/// State of a checkout session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionStatus {
    /// Waits for its payer.
    Open,
    /// Completed by the payer; see the payment status.
    Complete,
    /// Can no longer be paid.
    Expired,
    /// A state unknown to this client.
    Other(String),
}

/// A payment intent as Stripe reports it, which decides about its payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentIntent {
    /// Payment intent id, `pi_…`.
    pub id: String,
    /// True if the money was taken.
    pub succeeded: bool,
    /// True while the payer or the provider still has to do something about it.
    pub processing: bool,
    /// Amount taken so far.
    pub received: PayMoney,
    /// Amount refunded so far, if the charge is known.
    pub refunded: Option<PayMoney>,
    /// Orders named by the intent.
    pub names: OrderNames,
    /// Capture time; the intent's creation time if no charge is known.
    pub taken_at: Timestamp,
    /// True for real money, false for test mode.
    pub livemode: bool,
}

/// A page of Stripe's list of charges.
#[derive(Debug, Clone)]
pub struct Charges {
    /// Paid charges.
    pub charges: Vec<ListedCharge>,
    /// Cursor of the next page.
    pub next: Option<String>,
}

/// Asks for the balance transaction of each charge of a list (F5).
const BALANCES: &str = "&expand%5B%5D=data.balance_transaction";

/// Charges per page.
const PAGE: usize = 50;

/// Path of checkout sessions.
const SESSIONS: &str = "/v1/checkout/sessions";

/// Reason why a Stripe request failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskFailure {
    /// The object does not exist.
    #[error("not known to the provider")]
    Unknown,
    /// Rejected by Stripe. Holds its message, bounded and without secrets.
    #[error("the provider refused: {0}")]
    Refused(String),
    /// Holds a value that is unknown here, such as a currency; asking again does not help (F14).
    #[error("the provider's answer can't be read: {0}")]
    Unreadable(&'static str),
    /// Unreachable, or response unreadable.
    #[error("the provider is unavailable")]
    Unavailable,
}

impl From<GatewayFault> for AskFailure {
    fn from(_: GatewayFault) -> Self {
        Self::Unavailable
    }
}

impl From<AskFailure> for CreateFailure {
    fn from(failure: AskFailure) -> Self {
        match failure {
            AskFailure::Unknown => Self::Refused("not found".to_owned()),
            AskFailure::Refused(detail) => Self::Refused(detail),
            AskFailure::Unreadable(_) | AskFailure::Unavailable => Self::Unavailable,
        }
    }
}

impl Stripe {
    /// Stripe as configured by the deployment; `None` while a secret is missing or blank.
    pub fn new(config: &ProviderConfig, https: Https) -> Option<Self> {
        let secret_key = present(&config.stripe_secret_key)?;
        let current = present(&config.stripe_webhook_secret)?;
        let previous = present(&config.stripe_webhook_secret_previous);
        let url = present(&config.stripe_api_url).unwrap_or_else(|| API_URL.to_owned());
        let webhook_secrets = std::iter::once(current).chain(previous).collect();
        Some(Self { https, api_url: api_url(&url)?, secret_key, webhook_secrets })
    }

    /// True for a live secret key; an event's `livemode` must equal it (R4.7).
    pub fn livemode(&self) -> bool {
        self.secret_key.starts_with("sk_live_") || self.secret_key.starts_with("rk_live_")
    }

    /// Creates a checkout session for an order.
    ///
    /// The order id is the idempotency key: a repeated call returns the same session (R4.7). A call for the same order at another
    /// time, which a lost answer leads to, is another request to Stripe and makes a session of its own.
    ///
    /// # Rejects
    /// See [`CreateFailure`].
    pub async fn create(&self, ask: &NewPayment<'_>) -> Result<Created, CreateFailure> {
        let form = session_form(ask)?;
        let key = ask.order.to_string();
        let mut answer = self.post(SESSIONS, &form, Some(&key)).await?;
        if is_of_another_request(&answer) {
            answer = self.post(SESSIONS, &form, Some(&format!("{key}-{}", ask.now.as_second()))).await?;
        }
        let session = self.session(&answer)?;
        let pay_url = session.url.ok_or(CreateFailure::Unavailable)?;
        Ok(Created { provider_ref: Some(session.id), pay_url, qr_content: None })
    }

    /// Retrieves a session.
    ///
    /// # Rejects
    /// See [`AskFailure`].
    pub async fn retrieve(&self, session: &str) -> Result<CheckoutSession, AskFailure> {
        let answer = self.get(&format!("/v1/checkout/sessions/{}", segment(session)?)).await?;
        self.session(&answer)
    }

    /// Expires a session, so that a cancelled order can no longer be paid.
    ///
    /// # Rejects
    /// See [`AskFailure`]; a session that is complete or expired is rejected: retrieve it for its state.
    pub async fn expire(&self, session: &str) -> Result<CheckoutSession, AskFailure> {
        let path = format!("/v1/checkout/sessions/{}/expire", segment(session)?);
        let answer = self.post(&path, &[], None).await?;
        self.session(&answer)
    }

    /// Retrieves a payment intent with its latest charge.
    ///
    /// # Rejects
    /// See [`AskFailure`].
    pub async fn payment_intent(&self, intent: &str) -> Result<PaymentIntent, AskFailure> {
        let path = format!("/v1/payment_intents/{}?expand%5B%5D=latest_charge.balance_transaction", segment(intent)?);
        let answer = self.get(&path).await?;
        let intent: wire::PaymentIntent = self.read(&answer)?;
        payment_intent(intent).ok_or(AskFailure::Unavailable)
    }

    /// Refunds `amount` of a payment, with the request's id as idempotency key.
    ///
    /// A repeated call makes no second refund while Stripe keeps the key, which is a day at least. After that check
    /// [`Self::refunds`] first.
    ///
    /// # Rejects
    /// See [`AskFailure`].
    pub async fn refund(&self, payment: &str, amount: PayMoney, request: RefundId) -> Result<RefundFact, AskFailure> {
        let units = units::from_money(amount).map_err(|_| AskFailure::Refused(format!("not {amount}")))?;
        let request = request.to_string();
        let form = [
            (of_payment(payment), segment(payment)?.to_owned()),
            ("amount", units.to_string()),
            ("metadata[refund_id]", request.clone()),
        ];
        let form = form.map(|(name, value)| (name.to_owned(), value));
        let answer = self.post("/v1/refunds", &form, Some(&request)).await?;
        event::refund(self.read(&answer)?).map_err(|_| AskFailure::Unavailable)
    }

    /// The newest hundred refunds of a payment.
    ///
    /// # Rejects
    /// See [`AskFailure`].
    pub async fn refunds(&self, payment: &str) -> Result<Vec<RefundFact>, AskFailure> {
        let path = format!("/v1/refunds?limit=100&{}={}", of_payment(payment), segment(payment)?);
        let answer = self.get(&path).await?;
        let list: wire::List<wire::Refund> = self.read(&answer)?;
        let refunds = list.data.into_iter().map(event::refund).collect::<Result<_, _>>();
        refunds.map_err(AskFailure::Unreadable)
    }

    /// The newest hundred disputes of a payment.
    ///
    /// # Rejects
    /// See [`AskFailure`].
    pub async fn disputes(&self, payment: &str) -> Result<Vec<event::DisputeFact>, AskFailure> {
        let path = format!("/v1/disputes?limit=100&{}={}", of_payment(payment), segment(payment)?);
        let list: wire::List<wire::Dispute> = self.read(&self.get(&path).await?)?;
        let disputes = list.data.into_iter().map(|one| event::dispute_fact(one, false)).collect::<Result<_, _>>();
        disputes.map_err(AskFailure::Unreadable)
    }

    /// A page of the paid charges created from `from` on and before `to`, newest first.
    ///
    /// `after` is the cursor of the page.
    ///
    /// # Rejects
    /// See [`AskFailure`].
    pub async fn charges(&self, from: Timestamp, to: Timestamp, after: Option<&str>) -> Result<Charges, AskFailure> {
        let list: wire::List<wire::Charge> =
            self.read(&self.get(&(page_of("charges", PAGE, from, to, after)? + BALANCES)).await?)?;
        let next = list.data.last().map(|last| last.id.clone()).filter(|_| list.has_more);
        let paid = list.data.into_iter().filter(|charge| charge.paid && charge.livemode == self.livemode());
        Ok(Charges { charges: paid.map(ListedCharge::of).collect(), next })
    }

    /// Verifies a webhook's signature: see [`signature::verify`].
    ///
    /// # Rejects
    /// See [`Forged`].
    pub fn verify(&self, signature: &str, body: &[u8], now: Timestamp) -> Result<(), Forged> {
        let secrets: Vec<&str> = self.webhook_secrets.iter().map(String::as_str).collect();
        signature::verify(signature, body, &secrets, now)
    }

    /// Parses a verified webhook: see [`event::parse`].
    ///
    /// # Rejects
    /// See [`Unreadable`].
    pub fn parse(&self, body: &[u8]) -> Result<StripeEvent, Unreadable> {
        event::parse(body, self.livemode())
    }

    async fn get(&self, path: &str) -> Result<Answer, GatewayFault> {
        let url = format!("{}{path}", self.api_url);
        let bearer = format!("Bearer {}", self.secret_key);
        self.https.get(&url, &[("authorization", &bearer), ("stripe-version", API_VERSION)]).await
    }

    async fn post(&self, path: &str, form: &[(String, String)], key: Option<&str>) -> Result<Answer, GatewayFault> {
        let url = format!("{}{path}", self.api_url);
        let bearer = format!("Bearer {}", self.secret_key);
        let mut headers = vec![("authorization", bearer.as_str()), ("stripe-version", API_VERSION)];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        self.https.post_form(&url, &headers, form).await
    }

    fn session(&self, answer: &Answer) -> Result<CheckoutSession, AskFailure> {
        session(self.read(answer)?).ok_or(AskFailure::Unavailable)
    }

    fn read<T: serde::de::DeserializeOwned>(&self, answer: &Answer) -> Result<T, AskFailure> {
        match answer.status {
            200..300 => Ok(answer.json()?),
            404 => Err(AskFailure::Unknown),
            // 409: another request with the same key is running; 429: too many requests. Neither is a rejection.
            400..500 if answer.status != 409 && answer.status != 429 => {
                let failure: wire::Failure = answer.json()?;
                let words = failure.error.message.or(failure.error.code).unwrap_or_default();
                Err(AskFailure::Refused(refusal_detail(&words, &[&self.secret_key])))
            }
            _ => Err(AskFailure::Unavailable),
        }
    }
}

/// True if the request's idempotency key is known with other parameters.
fn is_of_another_request(answer: &Answer) -> bool {
    let failure = (!answer.is_success()).then(|| answer.json::<wire::Failure>().ok()).flatten();
    failure.is_some_and(|failure| failure.error.kind.as_deref() == Some("idempotency_error"))
}

/// Path of a page of a list: what was created from `from` on and before `to`, newest first.
fn page_of(
    list: &str,
    limit: usize,
    from: Timestamp,
    to: Timestamp,
    after: Option<&str>,
) -> Result<String, AskFailure> {
    let (from, to) = (from.as_second(), to.as_second());
    let mut path = format!("/v1/{list}?limit={limit}&created%5Bgte%5D={from}&created%5Blt%5D={to}");
    if let Some(after) = after {
        path.push_str(&format!("&starting_after={}", segment(after)?));
    }
    Ok(path)
}

/// Parameter that names a payment in refund requests: a charge can exist without an intent.
fn of_payment(payment: &str) -> &'static str {
    if payment.starts_with("ch_") { "charge" } else { "payment_intent" }
}

/// An id as a path segment; rejects characters that could form another path.
fn segment(id: &str) -> Result<&str, AskFailure> {
    let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain { Ok(id) } else { Err(AskFailure::Unknown) }
}

fn session(session: wire::Session) -> Option<CheckoutSession> {
    let amount = match (session.amount_total, &session.currency) {
        (Some(units), Some(code)) => Some(units::to_money(units, wire::currency(code)?).ok()?),
        _ => None,
    };
    let status = match session.status.as_deref() {
        Some("open") => SessionStatus::Open,
        Some("complete") => SessionStatus::Complete,
        Some("expired") => SessionStatus::Expired,
        other => SessionStatus::Other(other.unwrap_or_default().to_owned()),
    };
    Some(CheckoutSession {
        names: session.names(),
        id: session.id,
        url: session.url,
        status,
        payment_status: session.payment_status,
        payment_intent: session.payment_intent.map(wire::Reference::into_id),
        amount,
        livemode: session.livemode,
    })
}

fn payment_intent(intent: wire::PaymentIntent) -> Option<PaymentIntent> {
    let currency = wire::currency(&intent.currency)?;
    let money = |units| units::to_money(units, currency).ok();
    let (refunded, taken) = match &intent.latest_charge {
        Some(wire::LatestCharge::Expanded(charge)) => (Some(money(charge.amount_refunded)?), charge.available_at()),
        Some(wire::LatestCharge::Id(_)) | None => (None, wire::time(intent.created)),
    };
    Some(PaymentIntent {
        succeeded: intent.status == "succeeded",
        processing: !matches!(intent.status.as_str(), "succeeded" | "requires_payment_method" | "canceled"),
        received: money(intent.amount_received)?,
        refunded,
        names: OrderNames::of([intent.metadata.order_id.as_deref()]),
        taken_at: taken?,
        livemode: intent.livemode,
        id: intent.id,
    })
}

/// Parameters that Stripe requires with a payment method: method, name and value.
const METHOD_OPTIONS: [(&str, &str, &str); 1] = [("wechat_pay", "client", "web")];

/// True if Stripe counts `charge` in whole units.
pub(super) fn can_take(charge: PayMoney) -> bool {
    units::from_money(charge).is_ok()
}

/// Form of a session request: one line item, priced inline (R4.7).
fn session_form(ask: &NewPayment<'_>) -> Result<Vec<(String, String)>, CreateFailure> {
    let units = units::from_money(ask.charge)
        .map_err(|_| CreateFailure::Refused(format!("Stripe cannot take {}", ask.charge)))?;
    let order = ask.order.to_string();
    let currency = ask.charge.currency().code().to_ascii_lowercase();
    let mut form: Vec<(String, String)> = [
        ("mode", "payment"),
        ("client_reference_id", &order),
        ("metadata[order_id]", &order),
        ("payment_intent_data[metadata][order_id]", &order),
        ("success_url", ask.return_url),
        ("cancel_url", ask.cancel_url),
        ("expires_at", &session_end(ask)?.as_second().to_string()),
        ("line_items[0][quantity]", "1"),
        ("line_items[0][price_data][currency]", &currency),
        ("line_items[0][price_data][unit_amount]", &units.to_string()),
        ("line_items[0][price_data][product_data][name]", ask.name),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    for (index, method) in ask.methods.iter().enumerate() {
        form.push((format!("payment_method_types[{index}]"), (*method).to_owned()));
        let options = METHOD_OPTIONS.iter().filter(|(of, ..)| of == method);
        let option = |name: &str| format!("payment_method_options[{method}][{name}]");
        form.extend(options.map(|(_, name, value)| (option(name), (*value).to_owned())));
    }
    Ok(form)
}

/// Expiry of the session: that of the order, within Stripe's limits (R4.7).
fn session_end(ask: &NewPayment<'_>) -> Result<Timestamp, CreateFailure> {
    let after = |life| ask.now.checked_add(life).map_err(|_| CreateFailure::Unavailable);
    Ok(ask.expires_at.clamp(after(SHORTEST_SESSION)?, after(LONGEST_SESSION)?))
}

#[cfg(test)]
mod tests;
