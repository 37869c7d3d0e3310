//! The settings of the agency.

use kernel::money::Currency;

kernel::settings! {
    /// The agency (R8); its currency is fixed after its first journal (R9.1).
    pub struct AgencySettings as "agency" {
        enabled: bool = false, "Agency orders are taken", from "the next order";
        currency: Currency = Currency::CNY, unit "ISO 4217",
            note "fixed after the first agency journal: 409 `currency_in_use`",
            "The agency's amounts are in it", from "at once";
    }
}
