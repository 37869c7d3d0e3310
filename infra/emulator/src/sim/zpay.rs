//! The simulated Zpay gateway: `submit.php` for browsers, `mapi.php` and `api.php` for merchants.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use jiff::Timestamp;
use jiff::tz::{TimeZone, offset};
use md5::{Digest, Md5};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use shared::kernel::money::{Currency, PayMoney, plain_decimal};

use super::book::Trade;
use super::{Asked, Desk, SimConfig, page};

/// Handles one of the gateway's scripts.
pub(super) fn handle(desk: &mut Desk<'_>, asked: &Asked<'_>, script: &str) -> Response<Bytes> {
    match script {
        "submit.php" => match open(desk, asked) {
            Ok(trade) => page::of_trade(desk, &trade.trade_no),
            Err(message) => page::refusal(message),
        },
        "mapi.php" if asked.is(&Method::POST) => match open(desk, asked) {
            Ok(trade) => said(&created(&trade, desk.config)),
            Err(message) => error(message),
        },
        "api.php" => match merchant(desk, asked) {
            Err(message) => error(message),
            Ok(()) if asked.field("act") == Some("refund") => refund(desk, asked),
            Ok(()) => query(desk, asked),
        },
        _ => error("no such script"),
    }
}

fn said(body: &Value) -> Response<Bytes> {
    super::json(StatusCode::OK, body)
}

/// The gateway returns its errors with status 200.
fn error(message: &str) -> Response<Bytes> {
    said(&json!({ "code": "error", "msg": message }))
}

fn created(trade: &Trade, config: &SimConfig) -> Value {
    let place = format!("{}/_sim/zpay/pay/{}", config.base_url, trade.trade_no);
    json!({
        "code": 1,
        "msg": "success",
        "O_id": trade.trade_no.chars().rev().take(7).collect::<String>(),
        "trade_no": trade.trade_no,
        "payurl": place,
        "qrcode": format!("{place}?qr=1"),
        "img": format!("{place}?img=1"),
    })
}

/// Finds or creates the payment of a signed request.
fn open(desk: &mut Desk<'_>, asked: &Asked<'_>) -> Result<Trade, &'static str> {
    let field = |name: &str| asked.field(name).unwrap_or_default();
    if field("pid") != desk.config.zpay_pid || desk.config.zpay_pid.is_empty() {
        return Err("商户ID不存在");
    }
    let fields = asked.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    if desk.config.zpay_key.is_empty() || field("sign") != sign(fields, &desk.config.zpay_key) {
        return Err("签名错误");
    }
    if field("sign_type") != "MD5" {
        return Err("签名类型错误");
    }
    let money = yuan(field("money")).filter(|money| money.is_positive()).ok_or("金额不合法")?;
    if ["out_trade_no", "notify_url", "return_url", "name"].iter().any(|name| field(name).is_empty()) {
        return Err("参数不完整");
    }
    if let Some(known) = desk.book.trade_of(field("out_trade_no")) {
        let same = known.ended_at.is_some() || known.money == money;
        return if same { Ok(known.clone()) } else { Err("订单已存在，金额不一致") };
    }
    let own = |name: &str| field(name).to_owned();
    let made = Trade {
        trade_no: trade_no(desk),
        method: own("type"),
        name: own("name"),
        param: own("param"),
        notify_url: own("notify_url"),
        return_url: own("return_url"),
        ..strange_trade(desk, field("out_trade_no"), money)
    };
    desk.book.trades.insert(made.trade_no.clone(), made.clone());
    Ok(made)
}

/// A payment of `order` that was never requested, still without a number.
pub(super) fn strange_trade(desk: &Desk<'_>, order: &str, money: PayMoney) -> Trade {
    Trade {
        trade_no: String::new(),
        out_trade_no: order.to_owned(),
        method: "alipay".to_owned(),
        name: "Top-up".to_owned(),
        money,
        param: String::new(),
        notify_url: format!("{}/v1/webhooks/zpay", desk.config.base_url),
        return_url: desk.config.base_url.clone(),
        added_at: desk.now,
        ended_at: None,
        refunds: Vec::new(),
    }
}

/// A trade number in the gateway's format: the time in Beijing, and digits that never repeat.
pub(super) fn trade_no(desk: &mut Desk<'_>) -> String {
    let number = desk.book.number();
    format!("{}{number:014}", beijing(desk.now).strftime("%Y%m%d%H%M%S"))
}

fn beijing(time: Timestamp) -> jiff::Zoned {
    time.to_zoned(TimeZone::fixed(offset(8)))
}

/// Parses an amount of yuan with at most two decimals.
pub(super) fn yuan(text: &str) -> Option<PayMoney> {
    let amount: Decimal = plain_decimal(text, 2)?;
    PayMoney::exact(amount, Currency::parse("CNY")?).ok()
}

fn merchant(desk: &Desk<'_>, asked: &Asked<'_>) -> Result<(), &'static str> {
    let (pid, key) = (desk.config.zpay_pid.as_str(), desk.config.zpay_key.as_str());
    let known = asked.field("pid") == Some(pid) && asked.field("key") == Some(key);
    if known { Ok(()) } else { Err("商户密钥错误") }
}

/// The trade that a request names, by the gateway's number or the merchant's.
fn named<'a>(desk: &'a Desk<'_>, asked: &Asked<'_>) -> Option<&'a Trade> {
    match (asked.field("trade_no"), asked.field("out_trade_no")) {
        (Some(number), _) => desk.book.trades.get(number),
        (None, Some(order)) => desk.book.trade_of(order),
        (None, None) => None,
    }
}

/// Refunds a trade.
/// The gateway has no idempotency key: repeated requests refund again, up to the amount paid.
fn refund(desk: &mut Desk<'_>, asked: &Asked<'_>) -> Response<Bytes> {
    let Some(trade) = named(desk, asked).cloned() else { return error("订单号不存在") };
    let Some(money) = asked.field("money").and_then(yuan) else { return error("金额不合法") };
    match give_back(desk, &trade, money) {
        Ok(()) => said(&json!({ "code": 1, "msg": "退款成功" })),
        Err(message) => error(message),
    }
}

/// Refunds part of a paid trade; the gateway sends no notification.
pub(super) fn give_back(desk: &mut Desk<'_>, trade: &Trade, money: PayMoney) -> Result<(), &'static str> {
    let left = trade.refunds.iter().try_fold(trade.money, |left, refund| left.minus(*refund));
    let fits = left.is_ok_and(|left| left.minus(money).is_ok_and(|rest| !rest.is_negative()));
    if trade.ended_at.is_none() || !money.is_positive() || !fits {
        return Err("退款金额大于可退金额");
    }
    if let Some(trade) = desk.book.trades.get_mut(&trade.trade_no) {
        trade.refunds.push(money);
    }
    Ok(())
}

fn query(desk: &Desk<'_>, asked: &Asked<'_>) -> Response<Bytes> {
    if asked.field("act") != Some("order") {
        return error("不支持的操作");
    }
    let Some(trade) = named(desk, asked) else { return error("订单号不存在") };
    let written = |time: Timestamp| beijing(time).strftime("%Y-%m-%d %H:%M:%S").to_string();
    said(&json!({
        "code": 1,
        "msg": "查询订单号成功！",
        "trade_no": trade.trade_no,
        "out_trade_no": trade.out_trade_no,
        "type": trade.method,
        "pid": desk.config.zpay_pid,
        "addtime": written(trade.added_at),
        "endtime": trade.ended_at.map(written),
        "name": trade.name,
        "money": trade.money.amount().to_string(),
        "status": if trade.ended_at.is_some() { 1 } else { 0 },
        "param": trade.param,
        "buyer": if trade.ended_at.is_some() { "2088****1234" } else { "" },
    }))
}

/// The signed parameters of a paid trade, as on the notify and return URLs.
pub(super) fn notification(trade: &Trade, config: &SimConfig) -> String {
    let money = trade.money.amount().to_string();
    let api_trade_no = format!("20{}", trade.trade_no);
    let fields = [
        ("pid", config.zpay_pid.as_str()),
        ("trade_no", &trade.trade_no),
        ("out_trade_no", &trade.out_trade_no),
        ("type", &trade.method),
        ("name", &trade.name),
        ("money", &money),
        ("trade_status", "TRADE_SUCCESS"),
        ("param", &trade.param),
        ("api_trade_no", &api_trade_no),
        ("buyer", "2088****1234"),
    ];
    let sign = sign(fields, &config.zpay_key);
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields).append_pair("sign", &sign).append_pair("sign_type", "MD5");
    query.finish()
}

/// Appends a query to `url`, which may already have one.
pub(super) fn with_query(url: &str, query: &str) -> String {
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}{query}")
}

/// The gateway's signature: MD5 of the non-empty fields, sorted by name, and the key.
fn sign<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>, key: &str) -> String {
    let unsigned = |name: &str| name == "sign" || name == "sign_type";
    let mut parts: Vec<(&str, &str)> =
        fields.into_iter().filter(|(name, value)| !unsigned(name) && !value.is_empty()).collect();
    parts.sort_unstable();
    let parts: Vec<String> = parts.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    data_encoding::HEXLOWER.encode(&Md5::digest(format!("{}{key}", parts.join("&")).as_bytes()))
}
