//! Zpay notification: parsed and verified from the raw query (R4.8).
//!
//! The signed text joins names and values with `&` and `=` unescaped. For a unique reading, an `&` in a name or value, an `=`
//! in a name, and a repeated name are rejected.

use std::collections::BTreeMap;

use md5::{Digest, Md5};
use percent_encoding::percent_decode_str;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::payment::gateway::Forged;
use crate::payment::gateway::zpay::{signed_text, yuan};
use kernel::id::OrderId;
use kernel::money::PayMoney;

/// Claims of a verified notification; the gateway's query decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZpayNotice {
    /// Hash of the signed parameters, since Zpay sends no event id (R4.9).
    pub event_id: String,
    /// The gateway's own payment number.
    pub trade_no: String,
    /// Order id as sent to the gateway.
    pub out_trade_no: String,
    /// Payment method: `alipay`, `wxpay`.
    pub method: String,
    /// Amount paid, in yuan.
    pub money: PayMoney,
    /// `TRADE_SUCCESS`; any other value credits nothing.
    pub trade_status: String,
}

impl ZpayNotice {
    /// True if it claims that the money was taken.
    pub fn is_success(&self) -> bool {
        self.trade_status == "TRADE_SUCCESS"
    }

    /// The order, if `out_trade_no` is an order id.
    pub fn order(&self) -> Option<OrderId> {
        OrderId::parse(&self.out_trade_no)
    }
}

/// Verifies and parses a notification from its raw query or form. A blank key never verifies anything.
///
/// # Rejects
/// See [`Forged`]: repeated or malformed parameters, another merchant, another `sign_type`, a wrong signature, or an amount
/// that is no plain decimal of at most two digits.
pub fn verify(raw: &[u8], pid: &str, key: &str) -> Result<ZpayNotice, Forged> {
    let fields = read(raw)?;
    let field = |name: &str| fields.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let signature = field("sign").ok_or(Forged::Unsigned)?;
    if field("sign_type") != Some("MD5") {
        return Err(Forged::Malformed);
    }
    if pid.trim().is_empty() || field("pid") != Some(pid) {
        return Err(Forged::Merchant);
    }
    let text = signed_text(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    if key.trim().is_empty() || !genuine(&text, key, signature) {
        return Err(Forged::Signature);
    }
    let needed = |name: &str| field(name).map(str::to_owned).ok_or(Forged::Malformed);
    Ok(ZpayNotice {
        event_id: data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes())),
        trade_no: needed("trade_no")?,
        out_trade_no: needed("out_trade_no")?,
        method: field("type").unwrap_or_default().to_owned(),
        money: field("money").and_then(yuan).ok_or(Forged::Malformed)?,
        trade_status: needed("trade_status")?,
    })
}

fn genuine(text: &str, key: &str, signature: &str) -> bool {
    let expected = data_encoding::HEXLOWER.encode(&Md5::digest(format!("{text}{key}").as_bytes()));
    let claimed = signature.to_ascii_lowercase();
    bool::from(expected.as_bytes().ct_eq(claimed.as_bytes()))
}

/// Parses the parameters, decoding each once.
fn read(raw: &[u8]) -> Result<BTreeMap<String, String>, Forged> {
    let raw = std::str::from_utf8(raw).map_err(|_| Forged::Malformed)?;
    let mut fields = BTreeMap::new();
    for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or(Forged::Malformed)?;
        let (name, value) = (decode(name)?, decode(value)?);
        if name.is_empty() || name.contains(['&', '=']) || value.contains('&') {
            return Err(Forged::Malformed);
        }
        if fields.insert(name, value).is_some() {
            return Err(Forged::Repeated);
        }
    }
    Ok(fields)
}

fn decode(text: &str) -> Result<String, Forged> {
    let mut after_percent = text.split('%').skip(1);
    let escaped = |part: &str| part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if !after_percent.all(escaped) {
        return Err(Forged::Malformed);
    }
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().map_err(|_| Forged::Malformed)?;
    if decoded.contains(char::is_control) {
        return Err(Forged::Malformed);
    }
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::payment::gateway::http::encode;
    use crate::payment::gateway::zpay::sign;

    const KEY: &str = "89unJUB8HZ54Hj7x4nUj56HN4nUzUJ8i";
    const PID: &str = "20220726190052";
    const GENUINE: &str = include_str!("../../../../../tests/fixtures/zpay/notify.success.txt");
    const UPPER: &str = include_str!("../../../../../tests/fixtures/zpay/notify.upper_case_sign.txt");
    const CLOSED: &str = include_str!("../../../../../tests/fixtures/zpay/notify.closed.txt");

    fn check(raw: &str) -> Result<ZpayNotice, Forged> {
        verify(raw.trim_end().as_bytes(), PID, KEY)
    }
    fn genuine_fields() -> Vec<(String, String)> {
        form_urlencoded::parse(GENUINE.trim_end().as_bytes()).into_owned().collect()
    }
    /// A notification by the gateway, with `change` applied before signing.
    fn signed(change: impl FnOnce(&mut Vec<(String, String)>)) -> String {
        let mut fields = genuine_fields();
        fields.retain(|(name, _)| name != "sign");
        change(&mut fields);
        let sign = sign(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())), KEY);
        fields.push(("sign".to_owned(), sign));
        encode(&fields)
    }
    fn set(fields: &mut [(String, String)], name: &str, value: &str) {
        fields.iter_mut().filter(|(n, _)| n == name).for_each(|(_, v)| *v = value.to_owned());
    }

    /// R4.8
    #[test]
    fn a_genuine_notification_tells_order_trade_money_and_status() {
        let notice = check(GENUINE).unwrap();
        assert!(notice.is_success());
        assert_eq!(notice.order().unwrap().to_string(), "ord_01k9zq4r7x8m2v5b3n6c1d0fgh");
        assert_eq!(notice.trade_no, "2026112022001412341234123412");
        assert_eq!(notice.money.to_string(), "100.00 CNY");
        assert_eq!(notice.method, "alipay");
        assert_eq!(notice.event_id.len(), 64);
    }

    /// R4.8: the signature covers extra parameters of the gateway.
    #[test]
    fn unknown_extra_parameters_are_signed_like_all_others() {
        assert!(check(&signed(|fields| fields.push(("buyer".to_owned(), "2088*1".to_owned())))).is_ok());
        assert_eq!(check(&format!("{}&extra=1", GENUINE.trim_end())), Err(Forged::Signature));
        let without: Vec<_> = genuine_fields().into_iter().filter(|(name, _)| name != "param").collect();
        assert_eq!(check(&encode(&without)), Err(Forged::Signature));
    }

    /// R4.8: empty parameters are not signed and change nothing.
    #[test]
    fn an_empty_extra_parameter_changes_nothing() {
        let with_empty = format!("{}&attach=", GENUINE.trim_end());
        assert_eq!(check(&with_empty).unwrap().event_id, check(GENUINE).unwrap().event_id);
    }

    /// R4.8
    #[test]
    fn the_case_of_the_signature_does_not_matter() {
        assert_eq!(check(UPPER).unwrap().event_id, check(GENUINE).unwrap().event_id);
    }

    /// R4.8
    #[test]
    fn a_changed_amount_is_forged() {
        let cheaper = GENUINE.replace("money=100.00", "money=0.01");
        assert_eq!(check(&cheaper), Err(Forged::Signature));
    }

    /// R4.5: a validly signed cent is genuine; the mismatch with the order's amount is found later.
    #[test]
    fn a_validly_signed_cent_is_read_as_a_cent() {
        let notice = check(&signed(|fields| set(fields, "money", "0.01"))).unwrap();
        assert_eq!(notice.money.to_string(), "0.01 CNY");
    }

    /// R4.8: of two values it is unknown which one was signed.
    #[test]
    fn a_repeated_parameter_is_forged() {
        for extra in ["money=0.01", "money=100.00", "m%6fney=0.01", "sign=00", "pid=20220726190052"] {
            assert_eq!(check(&format!("{}&{extra}", GENUINE.trim_end())), Err(Forged::Repeated), "{extra}");
            assert_eq!(check(&format!("{extra}&{GENUINE}")), Err(Forged::Repeated), "{extra}");
        }
    }

    /// R4.8: a value joined by an intermediate gateway is no amount.
    #[test]
    fn comma_joined_values_are_forged_even_when_signed() {
        let joined = GENUINE.replace("money=100.00", "money=100.00%2C0.01");
        assert_eq!(check(&joined), Err(Forged::Signature));
        assert_eq!(check(&signed(|fields| set(fields, "money", "100.00,0.01"))), Err(Forged::Malformed));
    }

    /// R4.8: fields moved out of a signed value keep the signature and must be rejected.
    #[test]
    fn an_ampersand_inside_a_signed_field_is_forged() {
        let smuggled = signed(|fields| set(fields, "name", "x&trade_status=TRADE_SUCCESS"));
        assert_eq!(check(&smuggled), Err(Forged::Malformed));
        let in_a_name = signed(|fields| fields.push(("a&b".to_owned(), "1".to_owned())));
        assert_eq!(check(&in_a_name), Err(Forged::Malformed));
    }

    /// R4.8: an `=` is valid in a value and forged in a name.
    #[test]
    fn an_equals_sign_is_part_of_a_value_but_not_of_a_name() {
        assert!(check(&signed(|fields| set(fields, "name", "a=b"))).is_ok());
        let in_a_name = signed(|fields| fields.push(("a=b".to_owned(), "1".to_owned())));
        assert_eq!(check(&in_a_name), Err(Forged::Malformed));
    }

    /// R4.8: parameters are decoded once and not twice.
    #[test]
    fn parameters_are_decoded_exactly_once() {
        let raw = signed(|fields| set(fields, "name", "100%25 + %E4"));
        assert!(check(&raw).is_ok());
        assert_eq!(check(&raw.replace("%25", "%")), Err(Forged::Malformed));
    }

    /// R4.8
    #[test]
    fn another_merchant_is_forged() {
        assert_eq!(check(&signed(|fields| set(fields, "pid", "1001"))), Err(Forged::Merchant));
        assert_eq!(check(&signed(|fields| fields.retain(|(name, _)| name != "pid"))), Err(Forged::Merchant));
        assert_eq!(verify(GENUINE.trim_end().as_bytes(), "", KEY), Err(Forged::Merchant));
    }

    /// R4.8
    #[test]
    fn another_sign_type_is_forged() {
        for other in ["RSA", "SHA256", "md5", ""] {
            assert_eq!(check(&signed(|fields| set(fields, "sign_type", other))), Err(Forged::Malformed), "{other}");
        }
    }

    /// R4.8
    #[test]
    fn a_missing_or_truncated_signature_is_forged() {
        let without: Vec<_> = genuine_fields().into_iter().filter(|(name, _)| name != "sign").collect();
        assert_eq!(check(&encode(&without)), Err(Forged::Unsigned));
        let mut short = genuine_fields();
        short.iter_mut().filter(|(name, _)| name == "sign").for_each(|(_, value)| value.truncate(31));
        assert_eq!(check(&encode(&short)), Err(Forged::Signature));
    }

    /// R4.8: an empty key verifies nothing, not even a notification signed with it.
    #[test]
    fn an_empty_key_fails_closed() {
        let mut fields = genuine_fields();
        let sign = sign(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())), "");
        set(&mut fields, "sign", &sign);
        assert_eq!(verify(encode(&fields).as_bytes(), PID, ""), Err(Forged::Signature));
    }

    /// R4.8: another status is genuine, is answered with `success`, and credits nothing.
    #[test]
    fn another_trade_status_is_genuine_but_no_success() {
        let notice = check(CLOSED).unwrap();
        assert_eq!((notice.is_success(), notice.trade_status.as_str()), (false, "TRADE_CLOSED"));
    }

    /// R1.2: only plain amounts with at most two digits.
    #[test]
    fn strange_amounts_are_forged_even_when_signed() {
        for bad in ["-1.00", "1e2", "NaN", "１００", "100.001", "0100.00", "+100", " 100", "", "100.", &"9".repeat(40)]
        {
            assert_eq!(check(&signed(|fields| set(fields, "money", bad))), Err(Forged::Malformed), "{bad}");
        }
        assert_eq!(check(&signed(|fields| set(fields, "money", "100"))).unwrap().money.to_string(), "100.00 CNY");
    }

    /// R4.8
    #[test]
    fn invalid_text_is_forged() {
        for raw in [&b"pid=\xff\xfe"[..], b"pid=%ff%fe", b"pid=%", b"pid=%zz", b"pid", b"=1", b"pid=a%00b"] {
            assert_eq!(verify(raw, PID, KEY), Err(Forged::Malformed), "{raw:?}");
        }
        assert_eq!(verify(b"", PID, KEY), Err(Forged::Unsigned));
    }

    /// R4.8: another system's order names are genuine but no order of ours.
    #[test]
    fn an_order_that_is_not_ours_is_read_all_the_same() {
        assert_eq!(check(&signed(|fields| set(fields, "out_trade_no", "cart-17"))).unwrap().order(), None);
    }
}
