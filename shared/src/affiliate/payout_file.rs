//! File of a payout batch for a bank: an ISO 20022 credit transfer, pain.001.001.09 (R6.9).
//!
//! It is made of the batch's lines, so number and sum are those of the lines. It is the same whenever it is made: its id is the
//! batch's and its time the batch's, by which a bank notices one that is sent twice.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use crate::affiliate::model::iban::Iban;
use crate::affiliate::model::payout_batch::{PayoutBatch, PayoutFormat, PayoutLine};
use crate::affiliate::model::settings::AffiliateSettings;
use crate::affiliate::model::withdrawal::Payout;
use kernel::money::{LedgerMoney, PayMoney};
use kernel::refusal::Refusal;

/// Most symbols of a name in a file for a bank.
const NAME_MAX: usize = 70;

/// A line with the payout account of its withdrawal; `None` once that was erased.
pub type FiledLine<'a> = (&'a PayoutLine, Option<&'a Payout>);

/// Account that a file pays from.
#[derive(Clone, PartialEq, Eq)]
pub struct Debtor {
    pub name: String,
    pub iban: Iban,
    pub bic: Option<String>,
}

impl Debtor {
    /// Reads the account of the settings; `None` if they name none.
    pub fn of(settings: &AffiliateSettings) -> Option<Self> {
        let iban = Iban::parse(&settings.payout_debtor_iban)?;
        let name = Some(settings.payout_debtor_name.trim()).filter(|name| !name.is_empty())?;
        let bic = Some(settings.payout_debtor_bic.clone()).filter(|bic| !bic.is_empty());
        Some(Self { name: name.to_owned(), iban, bic })
    }
}

/// Returns the credit transfer of a batch.
///
/// # Rejects
/// [`Refusal::PayoutFileUnavailable`] for a batch that was made for a CSV only, one without lines, and one with an account that was
/// erased or has more decimals than two.
pub fn payout_xml(batch: &PayoutBatch, lines: &[FiledLine<'_>], debtor: &Debtor) -> Result<String, Refusal> {
    let unavailable = Refusal::PayoutFileUnavailable;
    if batch.format != PayoutFormat::Pain001 || lines.is_empty() || batch.currency.digits() != 2 {
        return Err(unavailable);
    }
    let mut transfers = String::new();
    let mut sum = LedgerMoney::zero(batch.currency);
    for (line, payout) in lines {
        let payout = payout.ok_or(Refusal::PayoutFileUnavailable)?;
        transfers.push_str(&transfer(line, payout)?);
        sum = sum.plus(line.amount).map_err(|_| Refusal::PayoutFileUnavailable)?;
    }
    let id = batch.id.to_string().replace('_', "-");
    let made = batch.created_at.to_zoned(TimeZone::UTC);
    let (time, day) = (made.strftime("%Y-%m-%dT%H:%M:%SZ"), made.date());
    let sums = format!("<NbOfTxs>{}</NbOfTxs><CtrlSum>{}</CtrlSum>", lines.len(), transferred(sum));
    // The rule book of SEPA credit transfers is for euros; other currencies leave level and charges to the agreement with the bank.
    let (level, charges) = match batch.currency.code() {
        "EUR" => ("<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf>", "<ChrgBr>SLEV</ChrgBr>"),
        _ => ("", ""),
    };
    let agent = match &debtor.bic {
        Some(bic) => format!("<BICFI>{}</BICFI>", escaped(bic)),
        None => "<Othr><Id>NOTPROVIDED</Id></Othr>".to_owned(),
    };
    let (name, iban) = (named(&debtor.name), debtor.iban.as_str());
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let written = write!(
        xml,
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09\">\n<CstmrCdtTrfInitn>\n\
         <GrpHdr><MsgId>{id}</MsgId><CreDtTm>{time}</CreDtTm>{sums}<InitgPty><Nm>{name}</Nm></InitgPty></GrpHdr>\n\
         <PmtInf><PmtInfId>{id}</PmtInfId><PmtMtd>TRF</PmtMtd>{sums}{level}<ReqdExctnDt><Dt>{day}</Dt></ReqdExctnDt>\
         <Dbtr><Nm>{name}</Nm></Dbtr><DbtrAcct><Id><IBAN>{iban}</IBAN></Id></DbtrAcct>\
         <DbtrAgt><FinInstnId>{agent}</FinInstnId></DbtrAgt>{charges}\n{transfers}</PmtInf>\n</CstmrCdtTrfInitn>\n</Document>\n"
    );
    written.map_err(|_| unavailable)?;
    Ok(xml)
}

/// One credit transfer.
fn transfer(line: &PayoutLine, payout: &Payout) -> Result<String, Refusal> {
    let unavailable = || Refusal::PayoutFileUnavailable;
    let amount = PayMoney::exact(line.amount.amount(), line.amount.currency()).map_err(|_| unavailable())?;
    let iban = Iban::parse(&payout.account).ok_or_else(unavailable)?;
    let name = named(payout.name.as_deref().ok_or_else(unavailable)?);
    let (id, currency, iban) = (line.end_to_end_id(), amount.currency(), iban.as_str());
    let amount = amount.amount();
    Ok(format!(
        "<CdtTrfTxInf><PmtId><EndToEndId>{id}</EndToEndId></PmtId>\
         <Amt><InstdAmt Ccy=\"{currency}\">{amount}</InstdAmt></Amt><Cdtr><Nm>{name}</Nm></Cdtr>\
         <CdtrAcct><Id><IBAN>{iban}</IBAN></Id></CdtrAcct><RmtInf><Ustrd>{id}</Ustrd></RmtInf></CdtTrfTxInf>\n"
    ))
}

/// An amount with the decimals of its currency, or with its own if they are more.
pub(crate) fn transferred(amount: LedgerMoney) -> String {
    match PayMoney::exact(amount.amount(), amount.currency()) {
        Ok(exact) => exact.amount().to_string(),
        Err(_) => amount.amount().to_string(),
    }
}

/// A name as a bank takes it: one line, not too long, escaped.
fn named(name: &str) -> String {
    let line: Vec<&str> = name.split(|symbol: char| symbol.is_whitespace() || symbol.is_control()).collect();
    let line = line.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    escaped(line.chars().take(NAME_MAX).collect::<String>().trim_end())
}

/// Text of an element: markup escaped, symbols that XML has not left out.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, symbol| {
        match symbol {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => {}
            symbol if symbol.is_control() => {}
            symbol => escaped.push(symbol),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::affiliate::model::payout_batch::tests::batch;

    fn debtor(bic: Option<&str>) -> Debtor {
        let iban = Iban::parse("DE89 3704 0044 0532 0130 00").unwrap();
        Debtor { name: "Acme & Sons".to_owned(), iban, bic: bic.map(str::to_owned) }
    }

    fn payout(account: &str, name: &str) -> Payout {
        Payout { method: "bank".into(), account: account.into(), name: Some(name.into()) }
    }

    fn filed<'a>(batch: &'a PayoutBatch, payout: &'a Payout) -> Vec<FiledLine<'a>> {
        batch.kept().map(|line| (line, Some(payout))).collect()
    }

    /// Names of the elements in the order in which they begin, and each one's text.
    fn elements(xml: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for part in xml.split('<').skip(1) {
            let (tag, text) = part.split_once('>').unwrap();
            if !tag.starts_with(['/', '?']) {
                found.push((tag.split(' ').next().unwrap().to_owned(), text.trim().to_owned()));
            }
        }
        found
    }

    fn text_of<'a>(all: &'a [(String, String)], name: &str) -> Vec<&'a str> {
        all.iter().filter(|(found, _)| found == name).map(|(_, text)| text.as_str()).collect()
    }

    /// R6.9: elements, their order, and the limits of their texts are those of the ISO 20022 schema pain.001.001.09.
    #[test]
    fn the_file_has_the_structure_of_the_schema() {
        let batch = batch(&["12", "0.05", "1000000.5"]);
        let payout = payout("DE02 1203 0000 0000 2020 51", "Ann");
        let xml = payout_xml(&batch, &filed(&batch, &payout), &debtor(Some("DEUTDEFF500"))).unwrap();
        let all = elements(&xml);
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        let header = [
            "Document",
            "CstmrCdtTrfInitn",
            "GrpHdr",
            "MsgId",
            "CreDtTm",
            "NbOfTxs",
            "CtrlSum",
            "InitgPty",
            "Nm",
            "PmtInf",
            "PmtInfId",
            "PmtMtd",
            "NbOfTxs",
            "CtrlSum",
            "ReqdExctnDt",
            "Dt",
            "Dbtr",
            "Nm",
            "DbtrAcct",
            "Id",
            "IBAN",
            "DbtrAgt",
            "FinInstnId",
            "BICFI",
        ];
        let transfer = [
            "CdtTrfTxInf",
            "PmtId",
            "EndToEndId",
            "Amt",
            "InstdAmt",
            "Cdtr",
            "Nm",
            "CdtrAcct",
            "Id",
            "IBAN",
            "RmtInf",
            "Ustrd",
        ];
        let expected: Vec<&str> = header.into_iter().chain(transfer).chain(transfer).chain(transfer).collect();
        assert_eq!(names, expected);
        assert!(xml.contains("xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09\""));
        assert_eq!((text_of(&all, "NbOfTxs"), text_of(&all, "CtrlSum")), (vec!["3"; 2], vec!["1000012.55"; 2]));
        assert_eq!(text_of(&all, "InstdAmt"), ["12.00", "0.05", "1000000.50"]);
        assert_eq!(xml.matches("<InstdAmt Ccy=\"USD\">").count(), 3);
        assert_eq!((text_of(&all, "CreDtTm"), text_of(&all, "Dt")), (vec!["2026-11-30T05:06:07Z"], vec!["2026-11-30"]));
        assert_eq!(text_of(&all, "IBAN")[..2], ["DE89370400440532013000", "DE02120300000000202051"]);
        let ids = [text_of(&all, "MsgId"), text_of(&all, "PmtInfId"), text_of(&all, "EndToEndId")].concat();
        let is_taken =
            |id: &&str| id.len() <= 35 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        assert!(ids.iter().all(is_taken), "{ids:?}");
        assert_eq!(text_of(&all, "EndToEndId"), text_of(&all, "Ustrd"));
        for name in ["GrpHdr", "PmtInf", "CdtTrfTxInf", "Dbtr", "Cdtr", "Document"] {
            let (open, close) = (xml.matches(&format!("<{name}>")).count(), xml.matches(&format!("</{name}>")).count());
            assert_eq!(open.max(1), close, "{name}");
        }
    }

    /// R6.9: euros go under the rule book of SEPA; without a BIC the bank is left to the IBAN.
    #[test]
    fn euros_are_transferred_under_the_rules_of_sepa() {
        let mut batch = batch(&["12"]);
        batch.currency = kernel::money::Currency::parse("EUR").unwrap();
        batch.lines[0].amount = LedgerMoney::exact("12".parse().unwrap(), batch.currency).unwrap();
        let payout = payout("DE02120300000000202051", "Ann");
        let xml = payout_xml(&batch, &filed(&batch, &payout), &debtor(None)).unwrap();
        let order = [
            "<CtrlSum>",
            "<SvcLvl><Cd>SEPA</Cd></SvcLvl>",
            "<ReqdExctnDt>",
            "<DbtrAgt>",
            "<ChrgBr>SLEV</ChrgBr>",
            "<CdtTrfTxInf>",
        ];
        let places: Vec<usize> = order.iter().map(|part| xml.rfind(part).unwrap()).collect();
        assert!(places.is_sorted(), "{xml}");
        assert!(xml.contains("<FinInstnId><Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId>"));
    }

    /// R6.9: names can't break out of their elements, and are one line of at most 70 symbols.
    #[test]
    fn names_are_escaped_and_cut() {
        let batch = batch(&["12"]);
        let name = format!("  A<b>&\"'\u{1}\n\tC{}", "é".repeat(200));
        let payout = payout("DE02120300000000202051", &name);
        let xml = payout_xml(&batch, &filed(&batch, &payout), &debtor(None)).unwrap();
        let shown = text_of(&elements(&xml), "Nm")[2].to_owned();
        assert!(shown.starts_with("A&lt;b&gt;&amp;&quot;&apos; Cé"), "{shown}");
        assert_eq!(shown.matches('é').count(), 61);
        assert!(xml.contains("<Nm>Acme &amp; Sons</Nm>"));
    }

    /// R6.9: no credit transfer for a batch that was made for a CSV, without lines, or with an account that was erased.
    #[test]
    fn a_credit_transfer_is_whole_or_none() {
        let made = batch(&["12", "1"]);
        let (ann, other) = (payout("DE02120300000000202051", "Ann"), payout("a-1", "Ann"));
        let refused = |batch: &PayoutBatch, lines: &[FiledLine<'_>]| {
            assert_eq!(payout_xml(batch, lines, &debtor(None)), Err(Refusal::PayoutFileUnavailable));
        };
        refused(&PayoutBatch { format: PayoutFormat::Csv, ..made.clone() }, &filed(&made, &ann));
        refused(&made, &[]);
        refused(&made, &filed(&made, &other));
        refused(&made, &[(&made.lines[0], Some(&ann)), (&made.lines[1], None)]);
        let fine = batch(&["1.005"]);
        refused(&fine, &filed(&fine, &ann));
    }
}
