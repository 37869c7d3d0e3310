//! Zpay notification: parsed and verified from the raw query (R4.8).
//!
//! The signed text joins names and values with `&` and `=` unescaped, so a name or value that holds one could be read in two
//! ways. Such a notification is authentic and not believed: it is kept as unreadable. So is one whose amount or numbers can't be
//! read. A product name may hold any bytes: gateways write it in their own encoding. A repeated name is rejected.

use std::collections::BTreeMap;

use percent_encoding::percent_decode;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::payment::gateway::Forged;
use crate::payment::gateway::zpay::{signature, signed_text, yuan};
use kernel::id::OrderId;
use kernel::money::PayMoney;

/// Claims of a verified notification; the gateway's query decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZpayNotice {
    /// Hash of the signed parameters, since Zpay sends no event id (R4.9).
    pub event_id: String,
    /// The gateway's own payment number; empty if it can't be read.
    pub trade_no: String,
    /// Order id as sent to the gateway.
    pub out_trade_no: String,
    /// Payment method: `alipay`, `wxpay`.
    pub method: String,
    /// Amount paid, in yuan; the reason if the notification can't be read.
    pub read: Result<PayMoney, &'static str>,
    /// `TRADE_SUCCESS` for money that was taken.
    pub trade_status: String,
    /// Numeric status beside it, which some gateways send; `1` is paid.
    pub status: String,
}

impl ZpayNotice {
    /// True if it says plainly that the money was taken.
    pub fn is_success(&self) -> bool {
        self.trade_status == "TRADE_SUCCESS" && matches!(self.status.as_str(), "" | "1")
    }

    /// True if any part of it claims that the money was taken; then the gateway's query decides.
    ///
    /// `TRADE_FINISHED` is a success that can't be refunded any more. A `status` may contradict the `trade_status`.
    pub fn claims_success(&self) -> bool {
        matches!(self.trade_status.as_str(), "TRADE_SUCCESS" | "TRADE_FINISHED") || self.status == "1"
    }

    /// The order, if `out_trade_no` is an order id.
    pub fn order(&self) -> Option<OrderId> {
        OrderId::parse(&self.out_trade_no)
    }
}

/// Verifies and parses a notification from its raw query or form. A blank key never verifies anything.
///
/// # Rejects
/// See [`Forged`]: repeated or malformed parameters, another merchant, another `sign_type`, or a wrong signature.
pub fn verify(raw: &[u8], pid: &str, key: &str) -> Result<ZpayNotice, Forged> {
    let fields = read(raw)?;
    let field = |name: &str| fields.get(name.as_bytes()).filter(|value| !value.is_empty());
    let claimed = field("sign").ok_or(Forged::Unsigned)?;
    if field("sign_type").map(Vec::as_slice) != Some(b"MD5") {
        return Err(Forged::Malformed);
    }
    if pid.trim().is_empty() || field("pid").map(Vec::as_slice) != Some(pid.as_bytes()) {
        return Err(Forged::Merchant);
    }
    let text = signed_text(fields.iter().map(|(name, value)| (name.as_slice(), value.as_slice())));
    let expected = signature(&text, key);
    if key.trim().is_empty() || !bool::from(expected.as_bytes().ct_eq(&claimed.to_ascii_lowercase())) {
        return Err(Forged::Signature);
    }
    let ambiguous =
        fields.iter().any(|(name, value)| name.contains(&b'=') || [name, value].iter().any(|of| of.contains(&b'&')));
    // Another reading of the same signed text must not pass for the event that it was taken from.
    let hashed = if ambiguous { [text.as_slice(), b"\0ambiguous"].concat() } else { text };
    let plain =
        |name: &str| field(name).and_then(|value| std::str::from_utf8(value).ok()).filter(|text| is_plain(text));
    let said = |name: &str| plain(name).unwrap_or_default().to_owned();
    let amount = match plain("money").and_then(yuan) {
        _ if ambiguous => Err("a parameter that could be two"),
        _ if ["trade_no", "out_trade_no", "trade_status"].iter().any(|name| plain(name).is_none()) => {
            Err("a parameter that is missing or no plain text")
        }
        amount => amount.ok_or("an amount that is none"),
    };
    Ok(ZpayNotice {
        event_id: data_encoding::HEXLOWER.encode(&Sha256::digest(&hashed)),
        trade_no: if ambiguous { String::new() } else { said("trade_no") },
        out_trade_no: said("out_trade_no"),
        method: said("type"),
        read: amount,
        trade_status: said("trade_status"),
        status: said("status"),
    })
}

fn is_plain(text: &str) -> bool {
    text.len() <= 255 && !text.contains(char::is_control)
}

/// Parses the parameters, decoding each once.
fn read(raw: &[u8]) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Forged> {
    let mut fields = BTreeMap::new();
    for pair in raw.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let (Some(name), Some(value)) = (halves.next(), halves.next()) else { return Err(Forged::Malformed) };
        let (name, value) = (decode(name)?, decode(value)?);
        if name.is_empty() {
            return Err(Forged::Malformed);
        }
        if fields.insert(name, value).is_some() {
            return Err(Forged::Repeated);
        }
    }
    Ok(fields)
}

fn decode(text: &[u8]) -> Result<Vec<u8>, Forged> {
    let mut after_percent = text.split(|byte| *byte == b'%').skip(1);
    if !after_percent.all(|part| part.len() >= 2 && part.iter().take(2).all(u8::is_ascii_hexdigit)) {
        return Err(Forged::Malformed);
    }
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    Ok(percent_decode(&spaced).collect())
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
    fn money(notice: &ZpayNotice) -> String {
        notice.read.unwrap().to_string()
    }
    /// Reason why an authentic notification can't be read.
    fn unreadable(raw: &str) -> &'static str {
        check(raw).unwrap().read.unwrap_err()
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
        assert_eq!(money(&notice), "100.00 CNY");
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
        assert_eq!(money(&notice), "0.01 CNY");
    }

    /// R4.8: of two values it is unknown which one was signed.
    #[test]
    fn a_repeated_parameter_is_forged() {
        for extra in ["money=0.01", "money=100.00", "m%6fney=0.01", "sign=00", "pid=20220726190052"] {
            assert_eq!(check(&format!("{}&{extra}", GENUINE.trim_end())), Err(Forged::Repeated), "{extra}");
            assert_eq!(check(&format!("{extra}&{GENUINE}")), Err(Forged::Repeated), "{extra}");
        }
    }

    /// R4.8, F11: a value joined by an intermediate gateway is no amount. It is authentic and kept.
    #[test]
    fn comma_joined_values_are_unreadable_even_when_signed() {
        let joined = GENUINE.replace("money=100.00", "money=100.00%2C0.01");
        assert_eq!(check(&joined), Err(Forged::Signature));
        assert_eq!(unreadable(&signed(|fields| set(fields, "money", "100.00,0.01"))), "an amount that is none");
    }

    /// R4.8: fields moved out of a signed value keep the signature; such a reading is never believed.
    ///
    /// It has an event id of its own, so it can't take the place of the genuine notification.
    #[test]
    fn an_ampersand_inside_a_signed_field_is_never_believed() {
        let smuggled = signed(|fields| set(fields, "name", "x&trade_status=TRADE_SUCCESS"));
        assert_eq!(unreadable(&smuggled), "a parameter that could be two");
        assert_eq!(check(&smuggled).unwrap().trade_no, "");
        assert_eq!(
            unreadable(&signed(|fields| fields.push(("a&b".to_owned(), "1".to_owned())))),
            "a parameter that could be two"
        );
        let folded: Vec<(String, String)> = genuine_fields().into_iter().filter(|(name, _)| name != "sign").collect();
        let value = |wanted: &str| folded.iter().find(|(name, _)| name == wanted).unwrap().1.clone();
        let mut folded: Vec<(String, String)> =
            folded.iter().filter(|(name, _)| name != "out_trade_no").cloned().collect();
        let name = format!("{}&out_trade_no={}", value("name"), value("out_trade_no"));
        set(&mut folded, "name", &name);
        let sign = genuine_fields().into_iter().find(|(name, _)| name == "sign").unwrap().1;
        folded.push(("sign".to_owned(), sign));
        let folded = check(&encode(&folded)).unwrap();
        assert_eq!(folded.read, Err("a parameter that could be two"));
        assert_ne!(folded.event_id, check(GENUINE).unwrap().event_id);
    }

    /// R4.8: an `=` is valid in a value and ambiguous in a name.
    #[test]
    fn an_equals_sign_is_part_of_a_value_but_not_of_a_name() {
        assert_eq!(money(&check(&signed(|fields| set(fields, "name", "a=b"))).unwrap()), "100.00 CNY");
        let in_a_name = signed(|fields| fields.push(("a=b".to_owned(), "1".to_owned())));
        assert_eq!(unreadable(&in_a_name), "a parameter that could be two");
    }

    /// R4.8: a name in the gateway's own encoding, or with a newline, is signed as its bytes and read as the rest.
    #[test]
    fn a_name_of_any_bytes_is_no_hindrance() {
        for name in [&b"\xb3\xe4\xd6\xb5"[..], b"two\nlines", b"tab\t", b"\xff\xfe\x00"] {
            let mut fields: Vec<(Vec<u8>, Vec<u8>)> = genuine_fields()
                .into_iter()
                .filter(|(name, _)| name != "sign" && name != "name")
                .map(|(name, value)| (name.into_bytes(), value.into_bytes()))
                .collect();
            fields.push((b"name".to_vec(), name.to_vec()));
            let text = signed_text(fields.iter().map(|(name, value)| (name.as_slice(), value.as_slice())));
            fields.push((b"sign".to_vec(), signature(&text, KEY).into_bytes()));
            let escaped = |bytes: &[u8]| bytes.iter().map(|byte| format!("%{byte:02X}")).collect::<String>();
            let raw: Vec<String> =
                fields.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
            let notice = check(&raw.join("&")).unwrap();
            assert_eq!((money(&notice).as_str(), notice.is_success()), ("100.00 CNY", true), "{name:?}");
        }
    }

    /// R4.8: a success in other words is a claim that only the gateway's query makes true.
    #[test]
    fn a_success_in_other_words_is_only_a_claim() {
        for (trade_status, status, plain, claims) in [
            ("TRADE_SUCCESS", "", true, true),
            ("TRADE_SUCCESS", "1", true, true),
            ("TRADE_SUCCESS", "0", false, true),
            ("TRADE_FINISHED", "", false, true),
            ("TRADE_CLOSED", "1", false, true),
            ("TRADE_CLOSED", "0", false, false),
            ("WAIT_BUYER_PAY", "", false, false),
        ] {
            let raw = signed(|fields| {
                set(fields, "trade_status", trade_status);
                fields.push(("status".to_owned(), status.to_owned()));
            });
            let notice = check(&raw).unwrap();
            assert_eq!((notice.is_success(), notice.claims_success()), (plain, claims), "{trade_status} {status}");
        }
    }

    /// R4.8: parameters are decoded once and not twice.
    #[test]
    fn parameters_are_decoded_exactly_once() {
        let raw = signed(|fields| set(fields, "name", "100%25 + %E4"));
        assert!(check(&raw).is_ok());
        assert_eq!(check(&raw.replace("%25", "%")), Err(Forged::Signature), "decoded twice it is another text");
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

    /// R1.2, F11: what is no amount is kept as unreadable; an amount equal to the cent is that amount.
    #[test]
    fn f11_an_amount_equal_to_the_cent_is_that_amount_and_a_strange_one_is_unreadable() {
        for bad in
            ["-1.00", "1e2", "NaN", "１００", "100.001", "0100.00", "+100", "1,000.00", "", "100.", &"9".repeat(40)]
        {
            let read = check(&signed(|fields| set(fields, "money", bad))).unwrap().read;
            assert_eq!(read, Err("an amount that is none"), "{bad}");
        }
        for same in ["100", "100.0", "100.0000", " 100.00", "100.00000000000000000000000000000000000000"] {
            assert_eq!(money(&check(&signed(|fields| set(fields, "money", same))).unwrap()), "100.00 CNY", "{same}");
        }
    }

    /// R4.8: an authentic notification without its numbers is kept as unreadable.
    #[test]
    fn f11_a_notification_without_its_numbers_is_unreadable() {
        for name in ["trade_no", "out_trade_no", "trade_status"] {
            for value in ["", "a\nb", &"9".repeat(256)] {
                let read = check(&signed(|fields| set(fields, name, value))).unwrap().read;
                assert_eq!(read, Err("a parameter that is missing or no plain text"), "{name} {value}");
            }
        }
    }

    /// R4.8
    #[test]
    fn invalid_text_is_forged() {
        for raw in [&b"pid=%"[..], b"pid=%zz", b"pid", b"=1"] {
            assert_eq!(verify(raw, PID, KEY), Err(Forged::Malformed), "{raw:?}");
        }
        for raw in [&b""[..], b"pid=\xff\xfe", b"pid=%ff%fe", b"pid=a%00b"] {
            assert_eq!(verify(raw, PID, KEY), Err(Forged::Unsigned), "{raw:?}");
        }
    }

    /// R4.8: another system's order names are genuine but no order of ours.
    #[test]
    fn an_order_that_is_not_ours_is_read_all_the_same() {
        assert_eq!(check(&signed(|fields| set(fields, "out_trade_no", "cart-17"))).unwrap().order(), None);
    }
}
