//! Requests to the gateway and the parsing of its responses.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use super::*;
use crate::payment::gateway::http::tests::Scripted;

const ORDER: &str = "ord_01k9zq4r7x8m2v5b3n6c1d0fgh";
const KEY: &str = "89unJUB8HZ54Hj7x4nUj56HN4nUzUJ8i";

fn order() -> OrderId {
    OrderId::parse(ORDER).unwrap()
}

fn zpay(answers: &Scripted) -> Zpay {
    let config = ProviderConfig {
        public_base_url: "https://shop.example.com/".to_owned(),
        zpay_api_url: "https://gateway.example.com/".to_owned(),
        zpay_pid: "20220726190052".to_owned(),
        zpay_key: KEY.to_owned(),
        ..ProviderConfig::default()
    };
    Zpay::new(&config, answers.https()).unwrap()
}

async fn create(answers: &Scripted, how: ZpayCreate, amount: &str, code: &str) -> Result<Created, CreateFailure> {
    let charge = PayMoney::exact(Decimal::from_str_exact(amount).unwrap(), Currency::parse(code).unwrap()).unwrap();
    let ask = NewPayment {
        order: order(),
        charge,
        name: "Top-up & more ¥100",
        methods: vec!["alipay", "wxpay"],
        return_url: "https://shop.example.com/payment/result",
        cancel_url: "https://shop.example.com/payment/result",
        expires_at: Timestamp::UNIX_EPOCH,
        now: Timestamp::UNIX_EPOCH,
        client_ip: Some("203.0.113.9"),
        zpay_create: how,
        channel_ids: &BTreeMap::from([("alipay".to_owned(), "123".to_owned())]),
    };
    zpay(answers).create(&ask).await
}

fn fields(encoded: &str) -> BTreeMap<String, String> {
    form_urlencoded::parse(encoded.as_bytes()).into_owned().collect()
}

fn assert_signed(fields: &BTreeMap<String, String>) {
    let expected = sign(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())), KEY);
    assert_eq!(fields["sign"], expected);
    assert_eq!(fields["sign_type"], "MD5");
}

/// R4.8: a known answer, computed with another implementation.
#[test]
fn the_signature_is_md5_of_the_sorted_fields_and_the_key() {
    let fields = [
        ("sign_type", "MD5"),
        ("type", "alipay"),
        ("pid", "1000"),
        ("out_trade_no", "20160806151343349"),
        ("name", "VIP会员"),
        ("money", "1.00"),
        ("param", ""),
        ("sign", "ignored"),
    ];
    let signed = signed_text(fields.map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    let expected = "money=1.00&name=VIP会员&out_trade_no=20160806151343349&pid=1000&type=alipay";
    assert_eq!(String::from_utf8(signed).unwrap(), expected);
    assert_eq!(sign(fields, "key"), "040cc737d8d89089b8b5432dea162f81");
}

/// R4.8: the pay URL is built without a call, and its notify URL has no query.
#[tokio::test]
async fn a_redirect_payment_is_a_signed_address() {
    let nobody = Scripted::new(vec![]);
    let created = create(&nobody, ZpayCreate::Redirect, "100", "CNY").await.unwrap();
    let query = created.pay_url.strip_prefix("https://gateway.example.com/submit.php?").unwrap();
    let fields = fields(query);
    assert_signed(&fields);
    assert_eq!(fields["money"], "100.00");
    assert_eq!(fields["type"], "alipay");
    assert_eq!(fields["cid"], "123");
    assert_eq!(fields["out_trade_no"], ORDER);
    assert_eq!(fields["notify_url"], "https://shop.example.com/v1/webhooks/zpay");
    assert_eq!(fields["name"], "Top-up  more ¥100");
    assert_eq!(created.qr_content.as_deref(), Some(created.pay_url.as_str()));
    assert_eq!(created.provider_ref, None);
    assert!(nobody.seen().is_empty() && !created.pay_url.contains(KEY));
}

/// R4.8
#[tokio::test]
async fn an_api_payment_is_what_the_gateway_answers() {
    let answers = Scripted::answering(200, include_str!("../../../../../tests/fixtures/zpay/mapi.created.txt"));
    let created = create(&answers, ZpayCreate::Api, "100", "CNY").await.unwrap();
    assert_eq!(created.provider_ref.as_deref(), Some("2026112022001412341234123412"));
    assert_eq!(created.pay_url, "https://gateway.example.com/pay/alipay/2026112022001412341234123412/");
    assert_eq!(created.qr_content.as_deref(), Some("https://qr.alipay.com/bax08861qzbhejp1fwdm5533"));
    let seen = &answers.seen()[0];
    assert_eq!((seen.method.as_str(), seen.url.as_str()), ("POST", "https://gateway.example.com/mapi.php"));
    let sent = fields(&seen.body);
    assert_signed(&sent);
    assert_eq!(sent["clientip"], "203.0.113.9");
}

/// R4.8: a response with only a QR code is paid by scanning it.
#[tokio::test]
async fn a_code_alone_is_enough_to_pay() {
    let answers = Scripted::answering(200, r#"{"code":"1","msg":"ok","qrcode":"weixin://wxpay/bizpayurl?pr=04IPMKM"}"#);
    let created = create(&answers, ZpayCreate::Api, "100", "CNY").await.unwrap();
    assert_eq!(created.pay_url, "weixin://wxpay/bizpayurl?pr=04IPMKM");
    assert_eq!(created.qr_content.as_deref(), Some("weixin://wxpay/bizpayurl?pr=04IPMKM"));
}

/// R4.3: `code` is the number 1 or the text `error`.
#[tokio::test]
async fn a_refusal_of_the_gateway_is_told_without_secrets() {
    let answers = Scripted::answering(200, &format!(r#"{{"code":"error","msg":"签名错误 {KEY}"}}"#));
    let refused = create(&answers, ZpayCreate::Api, "100", "CNY").await;
    assert_eq!(refused, Err(CreateFailure::Refused("签名错误 ***".to_owned())));
}

/// R4.3
#[tokio::test]
async fn no_verdict_of_the_gateway_is_unavailable() {
    for (status, body) in [(500, "{}"), (200, "<html>"), (200, r#"{"code":1}"#), (502, r#"{"code":"error"}"#)] {
        let failed = create(&Scripted::answering(status, body), ZpayCreate::Api, "100", "CNY").await;
        assert_eq!(failed, Err(CreateFailure::Unavailable), "{status} {body}");
    }
}

#[tokio::test]
async fn the_gateway_takes_yuan_only() {
    let refused = create(&Scripted::new(vec![]), ZpayCreate::Redirect, "5", "USD").await;
    assert_eq!(refused, Err(CreateFailure::Refused("Zpay cannot take USD".to_owned())));
}

/// R4.10, R5.2: the end time is in Beijing time.
#[tokio::test]
async fn the_query_tells_whether_how_much_and_when_an_order_was_paid() {
    let answers = Scripted::answering(200, include_str!("../../../../../tests/fixtures/zpay/order.paid.txt"));
    let found = zpay(&answers).query(order()).await.unwrap().unwrap();
    assert!(found.paid);
    assert_eq!(found.order(), Some(order()));
    assert_eq!(found.money.unwrap().to_string(), "100.00 CNY");
    assert_eq!(found.ended_at.unwrap().to_string(), "2026-11-20T12:00:01Z");
    let asked = answers.seen()[0].url.clone();
    assert!(asked.starts_with("https://gateway.example.com/api.php?act=order&pid=20220726190052&key="), "{asked}");
}

/// R4.10
#[tokio::test]
async fn an_unpaid_order_and_an_unknown_one_are_told_apart() {
    let unpaid = Scripted::answering(200, include_str!("../../../../../tests/fixtures/zpay/order.unpaid.txt"));
    let found = zpay(&unpaid).query(order()).await.unwrap().unwrap();
    assert_eq!((found.paid, found.ended_at), (false, None));
    for unknown in [r#"{"code":"error","msg":"订单号不存在"}"#, r#"{"code":-1,"msg":"订单不存在"}"#] {
        assert_eq!(zpay(&Scripted::answering(200, unknown)).query(order()).await.unwrap(), None);
    }
    let other = Scripted::answering(200, r#"{"code":"error","msg":"商户密钥错误"}"#);
    assert_eq!(zpay(&other).query(order()).await, Err(GatewayFault::BadAnswer));
}

/// R4.10: a response about another order is rejected.
#[tokio::test]
async fn an_answer_about_another_order_is_not_believed() {
    let other = include_str!("../../../../../tests/fixtures/zpay/order.paid.txt").replace(ORDER, "ord_other");
    assert_eq!(zpay(&Scripted::answering(200, &other)).query(order()).await, Err(GatewayFault::BadAnswer));
}

#[test]
fn a_gateway_shows_no_key_when_printed() {
    assert!(!format!("{:?}", zpay(&Scripted::new(vec![]))).contains(KEY));
}

/// R4.8, R4.11: a refund is requested once; only an explicit result counts; the key is in no URL.
#[tokio::test]
async fn a_gateway_is_asked_once_for_a_refund() {
    let amount = PayMoney::from_minor_units(3_000, Currency::parse("CNY").unwrap()).unwrap();
    let no = RefundFailure::Refused("余额不足 ***".to_owned());
    for (answer, wanted) in [
        (Ok((200, r#"{"code":1,"msg":"ok"}"#.to_owned())), Ok(())),
        (Ok((200, r#"{"code":"1"}"#.to_owned())), Ok(())),
        (Ok((200, format!(r#"{{"code":-1,"msg":"余额不足 {KEY}"}}"#))), Err(no)),
        (Ok((200, "<html>".to_owned())), Err(RefundFailure::Unknown)),
        (Ok((500, r#"{"code":1}"#.to_owned())), Err(RefundFailure::Unknown)),
        (Err(GatewayFault::Unreachable), Err(RefundFailure::Unknown)),
    ] {
        let answers = Scripted::new(vec![answer, Ok((200, r#"{"code":1}"#.to_owned()))]);
        assert_eq!(zpay(&answers).refund("2026", order(), amount).await, wanted);
        let [seen] = &answers.seen()[..] else { panic!("asked more than once") };
        assert_eq!(
            (seen.method.as_str(), seen.url.as_str()),
            ("POST", "https://gateway.example.com/api.php?act=refund")
        );
        let form = fields(&seen.body);
        assert_eq!((form["trade_no"].as_str(), form["money"].as_str(), form["key"].as_str()), ("2026", "30.00", KEY));
    }
}
