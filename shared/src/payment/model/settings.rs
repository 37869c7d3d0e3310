//! The settings of top-ups (R4.1, R4.2, R4.7, R4.8) and of the new-user promotion (R5).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kernel::money::{AMOUNT_MAX, Currency};
use kernel::provider::Provider;
use kernel::settings::{Checks, Decimals, Entries, List, ProgrammeSettings, Text};
use rust_decimal::Decimal;

use crate::payment::model::bonus::{AmountBonus, AmountOrPercent};
use kernel::refusal::Refusal;

use crate::payment::model::coupon::{self, COUPONS_MAX, Coupon, CouponCode};

/// Types that every gateway of the family has.
const ZPAY_METHODS: [&str; 2] = ["alipay", "wxpay"];
const RATE_MAX: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
const ONE_MILLIONTH: Decimal = Decimal::from_parts(1, 0, 0, false, 6);

kernel::settings! {
    /// Top-ups; the ledger currency is fixed after the first journal (R9.1).
    pub struct PaymentSettings as "payment", check with PaymentSettings::check_across {
        enabled: bool = false, "Orders can be made", from "the next order";
        pay_currency: Currency = Currency::CNY, unit "ISO 4217", "Providers are paid in it", from "the next order";
        ledger_currency: Currency = Currency::USD, unit "ISO 4217",
            note "fixed after the first journal: 409 `currency_in_use`",
            "Balances are kept in it", from "the next sign-up";
        min_amount: Decimal = Decimal::ONE, in Decimals::positive(AMOUNT_MAX), unit "pay currency",
            note "the currency's digits", "The least amount of an order", from "the next order";
        max_amount: Decimal = Decimal::new(10_000, 0), in Decimals::checked_across(), unit "pay currency",
            note "`min_amount` or more, the currency's digits", "The highest amount of an order", from "the next order";
        exchange_rate: Decimal = Decimal::new(72, 1), in Decimals::between(ONE_MILLIONTH, RATE_MAX),
            unit "pay per ledger unit",
            "Credit = amount ÷ rate, rounded down", from "the next order or reported purchase";
        discount_rate: Decimal = Decimal::ONE, in Decimals::positive(Decimal::ONE), unit "part of the amount",
            "Charge = amount × rate, rounded up", from "the next order";
        order_expire_minutes: u32 = 30, in 5..=1440, unit "minutes", "An unpaid order expires then", from "the next order";
        max_orders_per_minute: u32 = 3, in 1..=100_000, unit "orders", "Orders of one user in 60 seconds", from "at once";
        return_url: Option<String> = None, in Text::Url, unit "URL",
            "The provider sends the payer there afterwards; `null` is the deployment's `/payment/result`",
            from "the next order";
        cancel_url: Option<String> = None, in Text::Url, unit "URL",
            "The provider sends a payer who gives up there; `null` is the deployment's `/payment/result`",
            from "the next order";
        offers: Vec<Offer> = [(10, false), (50, false), (100, true), (500, false)].map(Offer::of).to_vec(),
            in List::of(0..=50, ()), note "each `id` once, the currency's digits",
            "Configured amounts; orders name them by `id`. A bonus is an amount, 5, or a part of the credit, 10%", from "the next order";
        bonus_tiers: Vec<BonusTier> = Vec::new(), in List::of(0..=20, ()), unit "pay currency",
            note "`from` ascending, the currency's digits",
            "Bonus from an amount on: an amount, 5, or a part of the credit, 10%. An offer's own comes first", from "the next order";
        coupons: Vec<Coupon> = Vec::new(), in List::of(0..=COUPONS_MAX, ()), note "each `code` once, the currency's digits",
            "Codes that take something off the charge, or add to the credit. A use is reserved while its order is open", from "the next order";
        grant_expiry_days: u32 = 0, in 0..=3_650, unit "days",
            "Granted credit (bonus, reward, redemption code) expires so long after it was granted; 0 is never", from "the next grant";
        foreign_payments: ForeignPayments = ForeignPayments::Ignore,
            note "kept with their events either way",
            "Payments of other products on the same account need a person, or nobody", from "at once";
        providers: PaymentProviders = PaymentProviders::default(), "The providers";
    }
}

kernel::text_enum! {
    /// Handling of payments that name no order, of other products on the same account (R4.5).
    pub enum ForeignPayments {
        /// They are kept and change nothing.
        Ignore = "ignore",
        /// They go to the review queue like money that names an unknown order.
        Review = "review",
    }
}

kernel::word_setting!(ForeignPayments);

kernel::settings! {
    /// A configured amount with a stable id.
    pub struct Offer {
        id: String = String::new(), in Text::Name, "Orders name it";
        amount: Decimal = Decimal::ZERO, in Decimals::positive(AMOUNT_MAX), unit "pay currency", "The amount";
        label: String = String::new(), in Text::Label(50), "People read it";
        popular: bool = false, "It is shown first";
        bonus: AmountOrPercent = AmountOrPercent::None, "An amount, 5, or a part of the credit, 10%";
        stackable: bool = false, "It is given beside the promotion's bonus; otherwise the higher of the two is";
    }
}

kernel::settings! {
    /// A bonus from an amount on (R12.1).
    #[derive(Copy)]
    pub struct BonusTier {
        from: Decimal = Decimal::ZERO, in Decimals::positive(AMOUNT_MAX), unit "pay currency", "The least amount that has it";
        bonus: AmountOrPercent = AmountOrPercent::None, "An amount, 5, or a part of the credit, 10%";
        stackable: bool = false, "It is given beside the promotion's bonus; otherwise the higher of the two is";
    }
}

kernel::settings! {
    /// Settings by provider; one without its secret is off whatever this says.
    pub struct PaymentProviders {
        stripe: StripeSettings = StripeSettings::default(), "Stripe";
        zpay: ZpaySettings = ZpaySettings::default(), "Zpay";
    }
}

kernel::settings! {
    /// Stripe's settings.
    pub struct StripeSettings {
        enabled: bool = true, note "without its secret it is off whatever this says",
            "Orders can use Stripe", from "the next order";
        methods: Vec<String> = vec!["card".to_owned()], in List::of(0..=20, Text::Name).unique(), unit "Stripe's names",
            note "none: those that Stripe's Dashboard switches on",
            "Payment methods; the first is the default", from "the next order";
    }
}

kernel::settings! {
    /// Zpay's settings (R4.8, R4.10).
    pub struct ZpaySettings {
        enabled: bool = true, note "without its secret it is off whatever this says",
            "Orders can use Zpay", from "the next order";
        methods: Vec<String> = ZPAY_METHODS.map(String::from).to_vec(),
            in List::of(1..=20, Text::Name).unique(), unit "the gateway's types", note "`alipay`, `wxpay`, `qqpay`, `bank`, `usdt` …",
            "Payment methods; the first is the default", from "the next order";
        create: ZpayCreate = ZpayCreate::Redirect,
            "The payer is sent to `submit.php`, or `mapi.php` answers a link and a QR code", from "the next order";
        channel_ids: BTreeMap<String, String> = BTreeMap::new(),
            in Entries { keys: &[], each: Text::Name }, unit "method → channel",
            "The gateway's channel per method, for gateways that have several", from "the next order";
        ip_allow_list: Vec<String> = Vec::new(), in List::of(0..=50, Text::Network),
            "Notifications are taken from these only; none is anywhere", from "at once";
        confirm_by_query: bool = true,
            "A notification is confirmed by the gateway's query before it credits", from "at once";
    }
}

kernel::text_enum! {
    /// How a Zpay payment is made (R4.8).
    pub enum ZpayCreate {
        /// The payer is sent to `submit.php`.
        Redirect = "redirect",
        /// `mapi.php` answers a link and a QR code.
        Api = "api",
    }
}

kernel::word_setting!(ZpayCreate);

impl Offer {
    fn of((amount, popular): (i64, bool)) -> Self {
        let (id, amount, label) = (format!("o{amount}"), Decimal::new(amount, 0), format!("¥{amount}"));
        Self { id, amount, label, popular, ..Self::default() }
    }
}

/// Method of an order whose payer chooses among those of Stripe's Dashboard.
pub const DASHBOARD: &str = "dashboard";
/// Stripe's methods that need parameters which only a merchant's own integration can know.
const UNSUPPORTED: [&str; 2] = ["acss_debit", "customer_balance"];

impl PaymentSettings {
    /// Expiry of credit that is granted at this time; `None` if it never expires (R12.3).
    pub fn granted_until(&self, at: Timestamp) -> Option<Timestamp> {
        let days = (self.grant_expiry_days > 0).then_some(self.grant_expiry_days)?;
        at.checked_add(jiff::SignedDuration::from_hours(24_i64.saturating_mul(days.into()))).ok()
    }

    /// True if the settings allow orders with this provider.
    pub fn provider_enabled(&self, provider: Provider) -> bool {
        match provider {
            Provider::Stripe => self.providers.stripe.enabled,
            Provider::Zpay => self.providers.zpay.enabled,
        }
    }

    /// True if top-ups are on and the settings allow this provider with a method.
    pub fn may_use(&self, provider: Provider) -> bool {
        let has_method = provider == Provider::Stripe || !self.methods(provider).is_empty();
        self.enabled && self.provider_enabled(provider) && has_method
    }

    /// A provider's methods; the first is the one for orders that name none.
    pub fn methods(&self, provider: Provider) -> &[String] {
        match provider {
            Provider::Stripe => &self.providers.stripe.methods,
            Provider::Zpay => &self.providers.zpay.methods,
        }
    }

    /// Bonus of an offer, or else of the highest tier that an amount reaches (R12.1).
    pub fn bonus_of(&self, offer: Option<&Offer>, amount: Decimal) -> Option<AmountBonus> {
        let own = offer.filter(|offer| offer.bonus != AmountOrPercent::None);
        let tier = self.bonus_tiers.iter().rfind(|tier| tier.from <= amount);
        own.map(|offer| AmountBonus { size: offer.bonus, stackable: offer.stackable })
            .or_else(|| tier.map(|tier| AmountBonus { size: tier.bonus, stackable: tier.stackable }))
    }

    /// The coupon with this code.
    ///
    /// # Rejects
    /// [`Refusal::Invalid`] at `/coupon` if there is none.
    pub fn coupon(&self, code: &CouponCode) -> Result<&Coupon, Refusal> {
        self.coupons.iter().find(|one| one.code().as_ref() == Some(code)).ok_or_else(coupon::unknown)
    }

    /// The bounds are in order, amounts have the currency's digits, tiers rise, and every offer has its own id.
    fn check_across(&self, checks: &mut Checks) {
        let digits = self.pay_currency.digits();
        checks.digits("/min_amount", self.min_amount, digits);
        checks.range("/max_amount", self.max_amount, self.min_amount, AMOUNT_MAX);
        checks.digits("/max_amount", self.max_amount, digits);
        for (index, method) in self.providers.stripe.methods.iter().enumerate() {
            if method == DASHBOARD || UNSUPPORTED.contains(&method.as_str()) {
                let pointer = format!("/providers/stripe/methods/{index}");
                checks.add(pointer, "unsupported", "a method that a Checkout Session takes without further parameters");
            }
        }
        let mut seen = BTreeSet::new();
        for (index, offer) in self.offers.iter().enumerate() {
            if !seen.insert(&offer.id) {
                checks.add(format!("/offers/{index}/id"), "duplicate", "each id only once");
            }
            checks.digits(format!("/offers/{index}/amount"), offer.amount, digits);
        }
        let mut last = Decimal::ZERO;
        for (index, tier) in self.bonus_tiers.iter().enumerate() {
            let pointer = format!("/bonus_tiers/{index}/from");
            checks.digits(&pointer, tier.from, digits);
            if tier.from <= last {
                checks.add(pointer, "not_ascending", "more than the tier before");
            }
            last = tier.from;
        }
        self.check_coupons(checks);
    }

    /// Every coupon has its own code, does something, and names offers that there are.
    fn check_coupons(&self, checks: &mut Checks) {
        let mut seen = BTreeSet::new();
        for (index, coupon) in self.coupons.iter().enumerate() {
            let mut check = |checks: &mut Checks| {
                if !seen.insert(coupon.code.to_ascii_uppercase()) {
                    checks.add("/code", "duplicate", "each code only once, whatever its capitals");
                }
                let known = |id: &str| self.offers.iter().any(|offer| offer.id == id);
                if !coupon.offer_ids().all(known) {
                    checks.add("/offers", "unknown_offer", "ids of offers, separated by commas");
                }
                coupon.check_across(self.pay_currency, checks);
            };
            checks.within("coupons", |checks| checks.within(index, &mut check));
        }
    }
}

kernel::settings! {
    /// The new-user promotion (R5).
    pub struct PromotionSettings as "promotion", check with PromotionSettings::check_across {
        enabled: bool = false, "New users are enrolled", from "the next sign-up";
        starts_at: Option<Timestamp> = None,
            "The programme is off before; `null` is no start", from "at once";
        ends_at: Option<Timestamp> = None, note "after `starts_at`",
            "The programme is off from then on; `null` is no end", from "at once";
        budget: Decimal = Decimal::ZERO, unit "ledger currency",
            "Bonuses of a calendar month (UTC) above it are held; 0 is no limit", from "the next of them";
        enrol_existing: bool = false,
            "Who signed up before the promotion was on is enrolled too, in the window from their sign-up", from "the next order";
        duration_hours: u32 = 72, in 1..=8760, unit "hours", "Window from sign-up", from "the next sign-up";
        min_amount: Decimal = Decimal::ZERO, unit "pay currency",
            "The least order that earns a bonus", from "the next sign-up";
        tiers: Vec<PromotionTier> = [(24, 30), (36, 20), (48, 10), (72, 5)].map(PromotionTier::of).to_vec(),
            in List::of(1..=20, ()), unit "hours, per cent", note "`hours` ascending, 1 to `duration_hours`",
            "Bonus in per cent of the credit, until so many hours after sign-up", from "the next sign-up";
    }
}

kernel::programme!(PromotionSettings);

kernel::settings! {
    /// One step of the promotion's ladder.
    #[derive(Copy)]
    pub struct PromotionTier {
        hours: u32 = 0, unit "hours", "Hours from sign-up, inclusive";
        percent: Decimal = Decimal::ZERO, in Decimals::positive(Decimal::ONE_HUNDRED).digits(4), unit "per cent",
            "The bonus in per cent of the credit";
    }
}

impl PromotionTier {
    fn of((hours, percent): (u32, i64)) -> Self {
        Self { hours, percent: Decimal::new(percent, 0) }
    }
}

impl PromotionSettings {
    /// The ladder rises within the window, and the programme ends after its start.
    fn check_across(&self, checks: &mut Checks) {
        self.check_window(checks);
        let mut last = 0;
        for (index, tier) in self.tiers.iter().enumerate() {
            let pointer = format!("/tiers/{index}/hours");
            checks.range(&pointer, tier.hours, 1, self.duration_hours);
            if tier.hours <= last {
                checks.add(pointer, "not_ascending", "more hours than the tier before");
            }
            last = tier.hours;
        }
    }
}
