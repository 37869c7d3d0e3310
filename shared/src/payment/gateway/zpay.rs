//! Gateway client for Zpay, a gateway of the epay family (R4.8).
//!
//! Requests are signed with MD5 and a shared key. The query for an order carries that key in its URL, which is therefore never
//! logged and appears in no error. A notification is parsed from the raw query by [`notify`]. Even with a valid signature it is
//! only a claim; the gateway's query decides. Amounts are in yuan.

pub mod notify;

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::DateTime;
use jiff::{Timestamp, tz};
use md5::{Digest, Md5};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::payment::gateway::http::{GatewayFault, Https, encode};
use crate::payment::gateway::{
    CreateFailure, Created, Forged, NewPayment, ProviderConfig, RefundFailure, ZpayCreate, api_url, present,
    refusal_detail,
};
use kernel::id::OrderId;
use kernel::money::{Currency, PayMoney, plain_decimal};
use notify::ZpayNotice;

/// A Zpay gateway with merchant id and key.
#[derive(Clone)]
pub struct Zpay {
    https: Https,
    page: RedirectPage,
    key: String,
    /// The key before; notifications signed with it are still taken while the key is changed.
    key_previous: Option<String>,
}

/// Page of a gateway on which to pay by redirect: everything of its URL but the signature, so without a secret.
#[derive(Debug, Clone)]
pub struct RedirectPage {
    api_url: String,
    pid: String,
    notify_url: String,
}

impl fmt::Debug for Zpay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zpay").field("api_url", &self.page.api_url).finish_non_exhaustive()
    }
}

/// The gateway's report of an order, which decides about payment (R4.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZpayOrder {
    /// The gateway's own payment number.
    pub trade_no: String,
    /// Order id as sent to the gateway.
    pub out_trade_no: String,
    /// True if the money was taken.
    pub paid: bool,
    /// Amount paid; `None` if it is no amount in yuan.
    pub money: Option<PayMoney>,
    /// Payment time, if the gateway reports it (R5.2).
    pub ended_at: Option<Timestamp>,
}

impl ZpayOrder {
    /// The order, if `out_trade_no` is an order id.
    pub fn order(&self) -> Option<OrderId> {
        OrderId::parse(&self.out_trade_no)
    }
}

impl RedirectPage {
    /// The page of the deployment's gateway; `None` while a parameter is missing or blank.
    pub fn new(config: &ProviderConfig) -> Option<Self> {
        let base = present(&config.public_base_url)?;
        Some(Self {
            api_url: api_url(&config.zpay_api_url)?,
            pid: present(&config.zpay_pid)?,
            notify_url: format!("{}/v1/webhooks/zpay", base.trim_end_matches('/')),
        })
    }

    /// URL of a redirect payment that was signed when it was created.
    pub fn url(&self, ask: &NewPayment<'_>, signature: &str) -> Option<String> {
        Some(self.signed_url(self.fields(ask).ok()?, signature.to_owned()))
    }

    fn signed_url(&self, fields: BTreeMap<String, String>, sign: String) -> String {
        format!("{}/submit.php?{}", self.api_url, encode(&with_signature(fields, sign)))
    }

    fn fields(&self, ask: &NewPayment<'_>) -> Result<BTreeMap<String, String>, CreateFailure> {
        if !takes(ask.charge.currency()) {
            return Err(CreateFailure::Refused(format!("Zpay cannot take {}", ask.charge.currency())));
        }
        let method = ask.methods.first().copied().unwrap_or_default();
        let channel = ask.channel_ids.get(method).map(String::as_str).unwrap_or_default();
        // The signed text joins values with `&` unescaped: a name that holds one could be read as two fields.
        let name: String = ask.name.chars().filter(|c| !c.is_control() && *c != '&').take(100).collect();
        Ok([
            ("pid", self.pid.as_str()),
            ("type", method),
            ("cid", channel),
            ("out_trade_no", &ask.order.to_string()),
            ("notify_url", &self.notify_url),
            ("return_url", ask.return_url),
            ("name", &name),
            ("money", &ask.charge.amount().to_string()),
        ]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
    }
}

fn with_signature(fields: BTreeMap<String, String>, sign: String) -> Vec<(String, String)> {
    let signature = [("sign".to_owned(), sign), ("sign_type".to_owned(), "MD5".to_owned())];
    fields.into_iter().chain(signature).collect()
}

impl Zpay {
    /// The gateway configured by the deployment; `None` while a parameter is missing or blank.
    pub fn new(config: &ProviderConfig, https: Https) -> Option<Self> {
        Some(Self {
            https,
            page: RedirectPage::new(config)?,
            key: present(&config.zpay_key)?,
            key_previous: present(&config.zpay_key_previous),
        })
    }

    /// Creates a payment for an order (R4.8): a signed redirect URL, or the API's payment.
    ///
    /// # Rejects
    /// See [`CreateFailure`]; a currency other than CNY is rejected.
    pub async fn create(&self, ask: &NewPayment<'_>) -> Result<Created, CreateFailure> {
        match ask.zpay_create {
            ZpayCreate::Redirect => self.redirect(ask),
            ZpayCreate::Api => self.ask_for_payment(ask).await,
        }
    }

    /// Signed URL of a redirect payment; the same input gives the same URL.
    pub fn pay_url(&self, ask: &NewPayment<'_>) -> Option<String> {
        self.redirect(ask).ok().map(|created| created.pay_url)
    }

    /// Signature of a redirect payment, by which [`RedirectPage::url`] makes its URL without the key.
    pub fn signature(&self, ask: &NewPayment<'_>) -> Option<String> {
        Some(self.sign(&self.page.fields(ask).ok()?))
    }

    fn redirect(&self, ask: &NewPayment<'_>) -> Result<Created, CreateFailure> {
        let fields = self.page.fields(ask)?;
        let sign = self.sign(&fields);
        let pay_url = self.page.signed_url(fields, sign);
        Ok(Created { provider_ref: None, qr_content: Some(pay_url.clone()), pay_url })
    }

    async fn ask_for_payment(&self, ask: &NewPayment<'_>) -> Result<Created, CreateFailure> {
        let mut fields = self.page.fields(ask)?;
        fields.extend(ask.client_ip.map(|ip| ("clientip".to_owned(), ip.to_owned())));
        let url = format!("{}/mapi.php", self.page.api_url);
        let answer = self.https.post_form(&url, &[], &self.signed(fields)).await?;
        if answer.status >= 500 || answer.status == 429 {
            return Err(CreateFailure::Unavailable);
        }
        let said: ApiAnswer = answer.json()?;
        if said.code != "1" {
            return Err(CreateFailure::Refused(refusal_detail(&said.msg, &[&self.key])));
        }
        let place = |field: Option<String>| field.filter(|text| !text.trim().is_empty());
        let page = |field: Option<String>| place(field).map(|text| self.absolute(&text));
        let (payurl, qrcode, img) = (page(said.payurl), place(said.qrcode), page(said.img));
        let pay_url = payurl.or_else(|| qrcode.clone()).or(img).ok_or(CreateFailure::Unavailable)?;
        let qr_content = qrcode.or_else(|| Some(pay_url.clone()));
        Ok(Created { provider_ref: place(said.trade_no), pay_url, qr_content })
    }

    /// A URL of the gateway as a payer's browser needs it: some gateways answer a path (F11).
    fn absolute(&self, text: &str) -> String {
        let base = url::Url::parse(&format!("{}/", self.page.api_url));
        let joined = base.and_then(|base| base.join(text.trim())).map(String::from);
        match url::Url::parse(text.trim()) {
            Err(url::ParseError::RelativeUrlWithoutBase) => joined.unwrap_or_else(|_| text.to_owned()),
            _ => text.to_owned(),
        }
    }

    fn sign(&self, fields: &BTreeMap<String, String>) -> String {
        sign(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())), &self.key)
    }

    fn signed(&self, fields: BTreeMap<String, String>) -> Vec<(String, String)> {
        let sign = self.sign(&fields);
        with_signature(fields, sign)
    }

    /// Queries an order (R4.10); `None` if the gateway reports that it does not exist.
    ///
    /// # Rejects
    /// See [`GatewayFault`]; any other error of the gateway is a [`GatewayFault::BadAnswer`].
    pub async fn query(&self, order: OrderId) -> Result<Option<ZpayOrder>, GatewayFault> {
        self.ask("out_trade_no", &order.to_string()).await
    }

    /// Queries a payment by its trade number, since a second payment of an order has its own number.
    ///
    /// `None` if the gateway does not know it, or does not support such a query.
    ///
    /// # Rejects
    /// See [`GatewayFault`].
    pub async fn query_trade(&self, trade_no: &str) -> Result<Option<ZpayOrder>, GatewayFault> {
        self.ask("trade_no", trade_no).await
    }

    async fn ask(&self, by: &str, value: &str) -> Result<Option<ZpayOrder>, GatewayFault> {
        let fields = [("act", "order"), ("pid", &self.page.pid), ("key", &self.key), (by, value)];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let url = format!("{}/api.php?{}", self.page.api_url, encode(&fields));
        let answer = self.https.get(&url, &[]).await?;
        if !answer.is_success() {
            return Err(GatewayFault::BadAnswer);
        }
        let said: OrderAnswer = answer.json()?;
        if said.code != "1" {
            // Any other error, such as a wrong key, says nothing about the order.
            let no_such_order = said.msg.contains("订单") && said.msg.contains("不存在");
            return if no_such_order { Ok(None) } else { Err(GatewayFault::BadAnswer) };
        }
        let (Some(trade_no), Some(out_trade_no), Some(status)) = (said.trade_no, said.out_trade_no, said.status) else {
            return Err(GatewayFault::BadAnswer);
        };
        let asked_for = if by == "trade_no" { &trade_no } else { &out_trade_no };
        if asked_for != value {
            return Err(GatewayFault::BadAnswer);
        }
        let money = said.money.as_deref().and_then(yuan);
        let ended_at = said.endtime.as_deref().and_then(beijing_time);
        Ok(Some(ZpayOrder { trade_no, out_trade_no, paid: status == "1", money, ended_at }))
    }

    /// Refunds `amount` of a payment.
    ///
    /// Gateways take no idempotency key: two requests refund twice. So this sends one request and never retries.
    ///
    /// # Rejects
    /// See [`RefundFailure`]; after [`RefundFailure::Unknown`] a person has to check at the gateway.
    pub async fn refund(&self, trade_no: &str, order: OrderId, amount: PayMoney) -> Result<(), RefundFailure> {
        if !takes(amount.currency()) {
            return Err(RefundFailure::Refused(format!("Zpay cannot give back {}", amount.currency())));
        }
        let fields = [
            ("act", "refund"),
            ("pid", &self.page.pid),
            ("key", &self.key),
            ("trade_no", trade_no),
            ("out_trade_no", &order.to_string()),
            ("money", &amount.amount().to_string()),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let url = format!("{}/api.php?act=refund", self.page.api_url);
        let answer = self.https.post_form_once(&url, &fields).await?;
        if !answer.is_success() {
            return Err(RefundFailure::Unknown);
        }
        let said: ApiAnswer = answer.json()?;
        match said.code.as_str() {
            "1" => Ok(()),
            _ => Err(RefundFailure::Refused(refusal_detail(&said.msg, &[&self.key]))),
        }
    }

    /// Verifies and parses a notification: see [`notify::verify`].
    ///
    /// # Rejects
    /// See [`Forged`].
    pub fn verify(&self, raw: impl AsRef<[u8]>) -> Result<ZpayNotice, Forged> {
        let raw = raw.as_ref();
        match (notify::verify(raw, &self.page.pid, &self.key), &self.key_previous) {
            (Err(Forged::Signature), Some(previous)) => notify::verify(raw, &self.page.pid, previous),
            (verified, _) => verified,
        }
    }
}

/// True if gateways of this family take payments in `currency`.
pub(super) fn takes(currency: Currency) -> bool {
    currency.code() == "CNY"
}

/// Text to sign: non-empty fields but `sign` and `sign_type`, sorted by name, joined unescaped (R4.8).
///
/// Bytes, since gateways sign a name in their own encoding.
pub fn signed_text<'a>(fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Vec<u8> {
    let sorted: BTreeMap<&[u8], &[u8]> = fields
        .into_iter()
        .filter(|(name, value)| !value.is_empty() && *name != b"sign" && *name != b"sign_type")
        .collect();
    let joined: Vec<Vec<u8>> = sorted.into_iter().map(|(name, value)| [name, value].join(&b"="[..])).collect();
    joined.join(&b"&"[..])
}

/// Signature of `fields`: lower-case hex MD5 of the signed text followed by the key (R4.8).
pub fn sign<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>, key: &str) -> String {
    signature(&signed_text(fields.into_iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()))), key)
}

/// Signature of a signed text.
pub fn signature(text: &[u8], key: &str) -> String {
    data_encoding::HEXLOWER.encode(&Md5::digest([text, key.as_bytes()].concat()))
}

/// Parses an amount in yuan, as gateways write it: zeros beyond the cent change nothing (F11).
fn yuan(text: &str) -> Option<PayMoney> {
    let text = text.trim();
    let short = match text.split_once('.') {
        Some((whole, part)) if part.len() > 2 => match part.trim_end_matches('0') {
            "" => whole.to_owned(),
            kept => format!("{whole}.{kept}"),
        },
        _ => text.to_owned(),
    };
    let amount: Decimal = plain_decimal(&short, 2)?;
    PayMoney::exact(amount, Currency::parse("CNY")?).ok()
}

/// Parses a time in Beijing time, which gateways write without a zone.
fn beijing_time(text: &str) -> Option<Timestamp> {
    let local: DateTime = text.trim().replace(' ', "T").parse().ok()?;
    local.to_zoned(tz::TimeZone::fixed(tz::offset(8))).ok().map(|zoned| zoned.timestamp())
}

#[derive(Deserialize)]
struct ApiAnswer {
    #[serde(deserialize_with = "text")]
    code: String,
    #[serde(default, deserialize_with = "words")]
    msg: String,
    #[serde(default, deserialize_with = "optional_text")]
    trade_no: Option<String>,
    #[serde(default, deserialize_with = "optional_text")]
    payurl: Option<String>,
    #[serde(default, deserialize_with = "optional_text")]
    qrcode: Option<String>,
    #[serde(default, deserialize_with = "optional_text")]
    img: Option<String>,
}

#[derive(Deserialize)]
struct OrderAnswer {
    #[serde(deserialize_with = "text")]
    code: String,
    #[serde(default, deserialize_with = "words")]
    msg: String,
    #[serde(default, deserialize_with = "optional_text")]
    trade_no: Option<String>,
    #[serde(default, deserialize_with = "optional_text")]
    out_trade_no: Option<String>,
    #[serde(default, deserialize_with = "optional_text")]
    status: Option<String>,
    #[serde(default, deserialize_with = "optional_text")]
    money: Option<String>,
    #[serde(default, deserialize_with = "optional_text")]
    endtime: Option<String>,
}

/// Deserializes text that gateways write as a number or as a string.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    optional_text(from)?.ok_or_else(|| D::Error::custom("missing"))
}

/// A message: empty unless it is a text or a number.
fn words<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(optional_text(from)?.unwrap_or_default())
}

fn optional_text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    match serde_json::Value::deserialize(from)? {
        serde_json::Value::Null => Ok(None),
        serde_json::Value::String(text) => Ok(Some(text)),
        serde_json::Value::Number(number) => Ok(Some(number.to_string())),
        _ => Err(D::Error::custom("neither text nor number")),
    }
}

#[cfg(test)]
mod tests;
