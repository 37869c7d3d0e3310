//! Payment page of an order.
//!
//! A Zpay redirect URL is signed and derived entirely from the order and the deployment. It is rebuilt on demand and not
//! stored, which keeps the order and its index entries within 1 KB (performance budget of an order). The order keeps the
//! signature: the console, which has no provider's secret, rebuilds the URL by it.

use std::collections::BTreeMap;

use crate::app::App;
use crate::payment::gateway::{CreateFailure, Created, NewPayment};
use crate::payment::model::order::Order;
use crate::payment::model::settings::{DASHBOARD, PaymentSettings, ZpayCreate};
use kernel::provider::Provider;

/// A redirect names no channel.
static NO_CHANNELS: BTreeMap<String, String> = BTreeMap::new();

/// The order with its payment page; without one if its provider created no payment.
pub fn with_pay_url(app: &App, order: &Order) -> Order {
    let mut order = order.clone();
    if order.failure.is_none() && order.pay_url.is_none() {
        order.pay_url = redirect(app, &order);
    }
    order
}

/// The order as stored: without a page that [`with_pay_url`] can rebuild.
pub fn without_pay_url(app: &App, order: &Order) -> Order {
    let bare = Order { pay_url: None, ..order.clone() };
    let same = with_pay_url(app, &bare).pay_url == order.pay_url;
    if same {
        Order { pay_signature: signature(app, &bare).filter(|_| order.pay_url.is_some()), ..bare }
    } else {
        Order { return_url: None, ..order.clone() }
    }
}

/// Requests a payment from the order's provider, once.
///
/// # Rejects
/// See [`CreateFailure`].
pub async fn ask(app: &App, settings: &PaymentSettings, order: &Order) -> Result<Created, CreateFailure> {
    let result = result_page(app, order);
    let cancel_url = settings.cancel_url.as_deref().unwrap_or(&result);
    let name = name(order);
    let zpay = &settings.providers.zpay;
    let payment = payment(order, &name, &result, zpay.create, &zpay.channel_ids);
    app.providers.create(order.provider, &NewPayment { cancel_url, ..payment }).await
}

/// The URL of a redirect payment, signed anew by who has the key, else by the signature that the order keeps.
fn redirect(app: &App, order: &Order) -> Option<String> {
    if order.provider != Provider::Zpay {
        return None;
    }
    let (name, result) = (name(order), result_page(app, order));
    let ask = payment(order, &name, &result, ZpayCreate::Redirect, &NO_CHANNELS);
    match (&app.providers.zpay, &app.providers.zpay_page, &order.pay_signature) {
        (Some(zpay), _, _) => zpay.pay_url(&ask),
        (None, Some(page), Some(signature)) => page.url(&ask, signature),
        _ => None,
    }
}

fn signature(app: &App, order: &Order) -> Option<String> {
    let zpay = app.providers.zpay.as_ref().filter(|_| order.provider == Provider::Zpay)?;
    zpay.signature(&payment(order, &name(order), &result_page(app, order), ZpayCreate::Redirect, &NO_CHANNELS))
}

/// The page to which a provider sends the payer back. Gateways add the order by themselves, and some only to a bare URL.
fn result_page(app: &App, order: &Order) -> String {
    let page = format!("{}/payment/result", app.config.public_base_url);
    match order.provider {
        Provider::Stripe => format!("{page}?order={}", order.id),
        Provider::Zpay => page,
    }
}

/// Product name shown to the payer.
fn name(order: &Order) -> String {
    format!("Top-up {}", order.amount)
}

fn payment<'a>(
    order: &'a Order,
    name: &'a str,
    result: &'a str,
    zpay_create: ZpayCreate,
    channel_ids: &'a BTreeMap<String, String>,
) -> NewPayment<'a> {
    NewPayment {
        order: order.id,
        charge: order.charge,
        name,
        methods: Some(order.method.as_str()).filter(|method| *method != DASHBOARD).into_iter().collect(),
        return_url: order.return_url.as_deref().unwrap_or(result),
        cancel_url: result,
        expires_at: order.expires_at,
        now: order.created_at,
        client_ip: order.client_ip.as_deref(),
        zpay_create,
        channel_ids,
    }
}
