//! The settings of the agency.

use kernel::money::Currency;
use kernel::settings::{List, Text};
use rust_decimal::Decimal;

kernel::settings! {
    /// The agency (R8); its currency is fixed after its first journal (R9.1).
    pub struct AgencySettings as "agency" {
        enabled: bool = false, "Agency orders are taken", from "the next order";
        currency: Currency = Currency::CNY, unit "ISO 4217",
            note "fixed after the first agency journal: 409 `currency_in_use`",
            "The agency's amounts are in it", from "at once";
        min_cash_withdrawal: Decimal = Decimal::TEN, unit "agency currency",
            "The least cash withdrawal of a shop; 0 is none", from "the next withdrawal";
        withdrawal_methods: Vec<String> = ["bank", "paypal", "alipay"].map(String::from).to_vec(),
            in List::of(1..=20, Text::Name).unique(), unit "names",
            "How a shop's cash can be paid out", from "the next withdrawal";
    }
}
