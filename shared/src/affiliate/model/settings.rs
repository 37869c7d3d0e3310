//! The settings of the affiliate programme.

use crate::affiliate::model::iban::{Iban, is_bic};
use crate::payment::model::bonus::AmountOrPercent;
use jiff::Timestamp;
use kernel::settings::{Checks, Decimals, List, ProgrammeSettings, Text};
use kernel::text_enum;
use rust_decimal::Decimal;

kernel::settings! {
    /// The affiliate programme (R6).
    pub struct AffiliateSettings as "affiliate", check with AffiliateSettings::check_across {
        enabled: bool = false, "Orders earn commission for the inviter", from "the next order";
        starts_at: Option<Timestamp> = None,
            "The programme is off before; `null` is no start", from "at once";
        ends_at: Option<Timestamp> = None, note "after `starts_at`",
            "The programme is off from then on; `null` is no end", from "at once";
        budget: Decimal = Decimal::ZERO, unit "ledger currency",
            "Commissions of a calendar month (UTC) above it are held; 0 is no limit", from "the next of them";
        default_rate: Decimal = Decimal::new(1, 1), in Decimals::positive(Decimal::ONE), unit "part of the credit",
            "The rate new users get", from "the next sign-up";
        base: CommissionBase = CommissionBase::Credited,
            "What the rates are a part of", from "the next order";
        provider_fee: AmountOrPercent = AmountOrPercent::None, unit "pay currency",
            "What a provider takes of a payment, where the base leaves it out", from "the next order";
        second_level_rate: Decimal = Decimal::ZERO, in Decimals::between(Decimal::ZERO, Decimal::ONE), unit "part of the credit",
            note "with the inviter's rate at most 1",
            "Commission of the inviter's inviter, on each order that earns the inviter one; 0 is none", from "the next order";
        default_trigger_limit: u32 = 3, in 0..=1_000_000, unit "orders",
            "How many orders of one invitee earn; 0 is no limit", from "the next sign-up";
        // A user's codes are read in one call, and told of their owner's state in one transaction.
        max_codes_per_user: u32 = 10, in 0..=50, unit "codes", "Active codes beside the primary one", from "the next code";
        hold_hours: u32 = 0, in 0..=720, unit "hours",
            "A commission can be withdrawn so long after payment; 0 is at once", from "the next order";
        valid_days: u32 = 0, in 0..=36_500, unit "days",
            "Orders earn so long after sign-up; 0 is no limit", from "the next order";
        cap_per_invitee: Decimal = Decimal::ZERO, unit "ledger currency",
            "The most one invitee earns its inviter; 0 is no cap", from "the next order";
        min_cash_withdrawal: Decimal = Decimal::TEN, unit "ledger currency",
            "The least cash withdrawal; 0 is none", from "the next withdrawal";
        min_paying_invitees: u32 = 0, in 0..=1_000, unit "invitees",
            "Invitees who must have paid before the first cash withdrawal; 0 is none", from "the next withdrawal";
        second_approval_above: Decimal = Decimal::ZERO, unit "ledger currency",
            "A cash withdrawal above it is paid once a second admin has approved it, too; 0 is none",
            from "the next approval";
        withdrawal_methods: Vec<String> = ["bank", "paypal", "alipay"].map(String::from).to_vec(),
            in List::of(1..=20, Text::Name).unique(), unit "names",
            "How cash can be paid out", from "the next withdrawal";
        payout_debtor_name: String = String::new(), in Text::Label(70), note "with `payout_debtor_iban`",
            "Name of the account that payout files pay from; empty is none", from "the next payout file";
        payout_debtor_iban: String = String::new(), in Text::Label(42), unit "IBAN",
            "Account that payout files pay from; empty is none", from "the next payout file";
        payout_debtor_bic: String = String::new(), in Text::Label(11), unit "BIC",
            "Bank of that account; empty leaves it to the IBAN", from "the next payout file";
    }
}

kernel::programme!(AffiliateSettings);

text_enum! {
    /// Amount that commission is a part of (R6.10).
    pub enum CommissionBase {
        /// Credit without bonuses.
        Credited = "credited",
        /// Charge after discounts, in ledger currency.
        Paid = "paid",
        /// Charge less the provider's fee, in ledger currency.
        PaidNetOfFee = "paid_net_of_fee",
    }
}
kernel::word_setting!(CommissionBase);

impl AffiliateSettings {
    /// The programme ends after its start, both levels together pay no more than the credit (R6.11), and payout files have an account (R6.9).
    fn check_across(&self, checks: &mut Checks) {
        self.check_window(checks);
        let most = Decimal::ONE.saturating_sub(self.default_rate).max(Decimal::ZERO);
        checks.range("/second_level_rate", self.second_level_rate, Decimal::ZERO, most);
        if !self.payout_debtor_iban.is_empty() && Iban::parse(&self.payout_debtor_iban).is_none() {
            checks.add("/payout_debtor_iban", "malformed", "an IBAN whose check digits are right");
        }
        if !self.payout_debtor_bic.is_empty() && !is_bic(&self.payout_debtor_bic) {
            checks.add("/payout_debtor_bic", "malformed", "8 or 11 letters and digits");
        }
        if self.payout_debtor_name.trim().is_empty() && !self.payout_debtor_iban.is_empty() {
            checks.add("/payout_debtor_name", "required", "with the account");
        }
    }
}
