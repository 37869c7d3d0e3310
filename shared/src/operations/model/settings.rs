//! Settings: one versioned document per area, typed, with the documented defaults (R9.1).
//!
//! [`AnySettings::parse`] is how a document comes in: unknown fields and wrong types are malformed, values that a rule
//! refuses are named by JSON pointer, and what comes out is valid. Reading a stored document ignores fields it does not
//! know, so that a function one release behind goes on working. Decimals are strings in the document. Stored as one
//! item per area; what an effect used of it is snapshotted on the effect.

mod check;
mod payment;

use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use crate::operations::model::settings::payment::{
    Offer, PaymentProviders, PaymentSettings, StripeSettings, ZpayCreate, ZpaySettings,
};

use crate::operations::model::settings::check::{Checks, Field, Kind};
use kernel::money::Currency;
use kernel::refusal::{FieldError, Refusal};
use kernel::text_enum;

/// The highest reward, threshold, cap or minimum a document may name.
pub const AMOUNT_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// A document and its version, which is its `ETag`; 0 is the default that nobody has written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionedSettings<T> {
    /// How often the document was written.
    pub version: u64,
    /// The document.
    pub settings: T,
}

impl<T: Default> Default for VersionedSettings<T> {
    fn default() -> Self {
        Self { version: 0, settings: T::default() }
    }
}

text_enum! {
    /// What a document is about.
    pub enum Area {
        /// Sign-up.
        Identity = "identity",
        /// The referral programme.
        Referral = "referral",
        /// The new-user promotion.
        Promotion = "promotion",
        /// Top-ups.
        Payment = "payment",
        /// The affiliate programme.
        Affiliate = "affiliate",
        /// Redemption codes.
        Redemption = "redemption",
        /// The agency.
        Agency = "agency",
    }
}

/// One area's document.
pub trait Settings: Serialize + DeserializeOwned + Default + Clone {
    /// Which area.
    const AREA: Area;

    /// Every rule the document breaks.
    fn validate(&self) -> Vec<FieldError>;
}

/// Sign-up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct IdentitySettings {
    /// Whether an e-mail is verified before the account exists (R2.4).
    pub email_verification: bool,
}

impl Settings for IdentitySettings {
    const AREA: Area = Area::Identity;

    fn validate(&self) -> Vec<FieldError> {
        Vec::new()
    }
}

/// The referral programme (R3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReferralSettings {
    /// Whether rewards accrue.
    pub enabled: bool,
    /// What invite links start with; none means the deployment's registration page.
    pub link_base_url: Option<String>,
    /// How many invitees one user may have; 0 is unlimited.
    pub max_invitees_per_user: u64,
    /// Rewards for signing up, in ledger currency.
    pub registration: RegistrationRewards,
    /// Rewards for paying enough.
    pub qualified: QualifiedRewards,
}

/// Rewards for signing up, in ledger currency; 0 makes none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegistrationRewards {
    /// For the inviter.
    #[serde(with = "kernel::decimal")]
    pub inviter_reward: Decimal,
    /// For the invitee.
    #[serde(with = "kernel::decimal")]
    pub invitee_reward: Decimal,
}

/// Rewards for an invitee's charges reaching a threshold; 0 makes none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QualifiedRewards {
    /// The sum of online charges, in pay currency.
    #[serde(with = "kernel::decimal")]
    pub threshold: Decimal,
    /// For the inviter, in ledger currency.
    #[serde(with = "kernel::decimal")]
    pub inviter_reward: Decimal,
    /// For the invitee, in ledger currency.
    #[serde(with = "kernel::decimal")]
    pub invitee_reward: Decimal,
}

impl Default for ReferralSettings {
    fn default() -> Self {
        let none = Decimal::ZERO;
        Self {
            enabled: false,
            link_base_url: None,
            max_invitees_per_user: 0,
            registration: RegistrationRewards { inviter_reward: none, invitee_reward: none },
            qualified: QualifiedRewards {
                threshold: Decimal::new(2000, 2),
                inviter_reward: none,
                invitee_reward: none,
            },
        }
    }
}

impl Settings for ReferralSettings {
    const AREA: Area = Area::Referral;

    fn validate(&self) -> Vec<FieldError> {
        let mut checks = Checks::default();
        checks.link_base("/link_base_url", self.link_base_url.as_deref());
        for (pointer, amount) in [
            ("/registration/inviter_reward", self.registration.inviter_reward),
            ("/registration/invitee_reward", self.registration.invitee_reward),
            ("/qualified/threshold", self.qualified.threshold),
            ("/qualified/inviter_reward", self.qualified.inviter_reward),
            ("/qualified/invitee_reward", self.qualified.invitee_reward),
        ] {
            checks.range(pointer, amount, Decimal::ZERO, AMOUNT_MAX);
        }
        checks.found()
    }
}

/// One step of the promotion's ladder.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PromotionTier {
    /// Hours from sign-up, inclusive.
    pub hours: u32,
    /// The bonus in per cent of the credit.
    #[serde(with = "kernel::decimal")]
    pub percent: Decimal,
}

/// The new-user promotion (R5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromotionSettings {
    /// Whether new users are enrolled.
    pub enabled: bool,
    /// The window from sign-up.
    pub duration_hours: u32,
    /// The least order that earns a bonus, in pay currency.
    #[serde(with = "kernel::decimal")]
    pub min_amount: Decimal,
    /// The ladder, by rising hours.
    pub tiers: Vec<PromotionTier>,
}

impl Default for PromotionSettings {
    fn default() -> Self {
        let tier = |(hours, percent)| PromotionTier { hours, percent: Decimal::new(percent, 0) };
        Self {
            enabled: false,
            duration_hours: 72,
            min_amount: Decimal::ZERO,
            tiers: [(24, 30), (36, 20), (48, 10), (72, 5)].map(tier).to_vec(),
        }
    }
}

impl Settings for PromotionSettings {
    const AREA: Area = Area::Promotion;

    fn validate(&self) -> Vec<FieldError> {
        let mut checks = Checks::default();
        checks.count("/duration_hours", self.duration_hours, 1, 8760);
        checks.range("/min_amount", self.min_amount, Decimal::ZERO, AMOUNT_MAX);
        checks.length("/tiers", self.tiers.len(), 1, 20);
        let mut last = 0;
        for (index, tier) in self.tiers.iter().enumerate() {
            checks.count(format!("/tiers/{index}/hours"), tier.hours, 1, self.duration_hours);
            if tier.hours <= last {
                checks.add(format!("/tiers/{index}/hours"), "not_ascending", "more hours than the tier before");
            }
            checks.share(format!("/tiers/{index}/percent"), tier.percent, Decimal::ONE_HUNDRED);
            last = tier.hours;
        }
        checks.found()
    }
}

/// The affiliate programme (R6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AffiliateSettings {
    /// Whether commissions accrue.
    pub enabled: bool,
    /// The rate new users get (R6.1).
    #[serde(with = "kernel::decimal")]
    pub default_rate: Decimal,
    /// How many orders of one invitee earn; 0 is no limit.
    pub default_trigger_limit: u32,
    /// Active codes besides the primary.
    pub max_codes_per_user: u32,
    /// Hours until a commission can be withdrawn; 0 is at once.
    pub hold_hours: u32,
    /// Days after binding in which orders earn; 0 is no limit.
    pub valid_days: u32,
    /// The most one invitee earns its inviter, in ledger currency; 0 is no cap.
    #[serde(with = "kernel::decimal")]
    pub cap_per_invitee: Decimal,
    /// The least cash withdrawal, in ledger currency; 0 is none.
    #[serde(with = "kernel::decimal")]
    pub min_cash_withdrawal: Decimal,
    /// How cash can be paid out.
    pub withdrawal_methods: Vec<String>,
}

impl Default for AffiliateSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            default_rate: Decimal::new(1, 1),
            default_trigger_limit: 3,
            max_codes_per_user: 10,
            hold_hours: 0,
            valid_days: 0,
            cap_per_invitee: Decimal::ZERO,
            min_cash_withdrawal: Decimal::TEN,
            withdrawal_methods: ["bank", "paypal", "alipay"].map(String::from).to_vec(),
        }
    }
}

impl Settings for AffiliateSettings {
    const AREA: Area = Area::Affiliate;

    fn validate(&self) -> Vec<FieldError> {
        let mut checks = Checks::default();
        checks.share("/default_rate", self.default_rate, Decimal::ONE);
        checks.count("/default_trigger_limit", self.default_trigger_limit, 0, 1_000_000);
        // A user's codes are read in one call, and told of their owner's state in one transaction.
        checks.count("/max_codes_per_user", self.max_codes_per_user, 0, 50);
        checks.count("/hold_hours", self.hold_hours, 0, 720);
        checks.count("/valid_days", self.valid_days, 0, 36_500);
        checks.range("/cap_per_invitee", self.cap_per_invitee, Decimal::ZERO, AMOUNT_MAX);
        checks.range("/min_cash_withdrawal", self.min_cash_withdrawal, Decimal::ZERO, AMOUNT_MAX);
        checks.names("/withdrawal_methods", &self.withdrawal_methods, 20);
        checks.found()
    }
}

/// Redemption codes (R7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RedemptionSettings {
    /// Whether codes can be redeemed.
    pub enabled: bool,
    /// After how many unknown codes in an hour a user has to wait (R7.7).
    pub max_failed_attempts_per_hour: u32,
}

impl Default for RedemptionSettings {
    fn default() -> Self {
        Self { enabled: true, max_failed_attempts_per_hour: 20 }
    }
}

impl Settings for RedemptionSettings {
    const AREA: Area = Area::Redemption;

    fn validate(&self) -> Vec<FieldError> {
        let mut checks = Checks::default();
        checks.count("/max_failed_attempts_per_hour", self.max_failed_attempts_per_hour, 1, 1_000);
        checks.found()
    }
}

/// The agency (R8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgencySettings {
    /// Whether orders are taken.
    pub enabled: bool,
    /// What everything in it is counted in; fixed after the first journal (R9.1).
    pub currency: Currency,
}

impl Default for AgencySettings {
    fn default() -> Self {
        Self { enabled: false, currency: Currency::CNY }
    }
}

impl Settings for AgencySettings {
    const AREA: Area = Area::Agency;

    fn validate(&self) -> Vec<FieldError> {
        Vec::new()
    }
}

/// A document of any area, as the admin route takes it.
#[derive(Debug, Clone, PartialEq)]
pub enum AnySettings {
    /// Sign-up.
    Identity(IdentitySettings),
    /// The referral programme.
    Referral(ReferralSettings),
    /// The new-user promotion.
    Promotion(PromotionSettings),
    /// Top-ups.
    Payment(PaymentSettings),
    /// The affiliate programme.
    Affiliate(AffiliateSettings),
    /// Redemption codes.
    Redemption(RedemptionSettings),
    /// The agency.
    Agency(AgencySettings),
}

impl AnySettings {
    /// The documented defaults of an area.
    pub fn defaults(area: Area) -> Self {
        match area {
            Area::Identity => Self::Identity(IdentitySettings::default()),
            Area::Referral => Self::Referral(ReferralSettings::default()),
            Area::Promotion => Self::Promotion(PromotionSettings::default()),
            Area::Payment => Self::Payment(PaymentSettings::default()),
            Area::Affiliate => Self::Affiliate(AffiliateSettings::default()),
            Area::Redemption => Self::Redemption(RedemptionSettings::default()),
            Area::Agency => Self::Agency(AgencySettings::default()),
        }
    }

    /// Reads a document that somebody wants to be the area's.
    ///
    /// # Refuses
    /// [`Refusal::MalformedRequest`] for unknown or missing fields and wrong types; [`Refusal::Invalid`] with the pointer
    /// of every value that a rule refuses.
    pub fn parse(area: Area, document: Value) -> Result<Self, Refusal> {
        Ok(match area {
            Area::Identity => Self::Identity(read(document)?),
            Area::Referral => Self::Referral(read(document)?),
            Area::Promotion => Self::Promotion(read(document)?),
            Area::Payment => Self::Payment(read(document)?),
            Area::Affiliate => Self::Affiliate(read(document)?),
            Area::Redemption => Self::Redemption(read(document)?),
            Area::Agency => Self::Agency(read(document)?),
        })
    }

    /// Which area it is of.
    pub fn area(&self) -> Area {
        match self {
            Self::Identity(_) => Area::Identity,
            Self::Referral(_) => Area::Referral,
            Self::Promotion(_) => Area::Promotion,
            Self::Payment(_) => Area::Payment,
            Self::Affiliate(_) => Area::Affiliate,
            Self::Redemption(_) => Area::Redemption,
            Self::Agency(_) => Area::Agency,
        }
    }

    /// The document as JSON.
    pub fn document(&self) -> Value {
        let written = match self {
            Self::Identity(settings) => serde_json::to_value(settings),
            Self::Referral(settings) => serde_json::to_value(settings),
            Self::Promotion(settings) => serde_json::to_value(settings),
            Self::Payment(settings) => serde_json::to_value(settings),
            Self::Affiliate(settings) => serde_json::to_value(settings),
            Self::Redemption(settings) => serde_json::to_value(settings),
            Self::Agency(settings) => serde_json::to_value(settings),
        };
        written.unwrap_or(Value::Null)
    }
}

/// Fields whose JSON type is right more often than their text or size is; `*` stands for every element.
const FIELDS: &[Field] = &[
    Field(Area::Referral, "/max_invitees_per_user", Kind::Count),
    Field(Area::Referral, "/registration/inviter_reward", Kind::Decimal(8)),
    Field(Area::Referral, "/registration/invitee_reward", Kind::Decimal(8)),
    Field(Area::Referral, "/qualified/threshold", Kind::Decimal(8)),
    Field(Area::Referral, "/qualified/inviter_reward", Kind::Decimal(8)),
    Field(Area::Referral, "/qualified/invitee_reward", Kind::Decimal(8)),
    Field(Area::Promotion, "/duration_hours", Kind::Count),
    Field(Area::Promotion, "/min_amount", Kind::Decimal(8)),
    Field(Area::Promotion, "/tiers/*/hours", Kind::Count),
    Field(Area::Promotion, "/tiers/*/percent", Kind::Decimal(4)),
    Field(Area::Payment, "/pay_currency", Kind::Currency),
    Field(Area::Payment, "/ledger_currency", Kind::Currency),
    Field(Area::Payment, "/min_amount", Kind::Decimal(8)),
    Field(Area::Payment, "/max_amount", Kind::Decimal(8)),
    Field(Area::Payment, "/exchange_rate", Kind::Decimal(8)),
    Field(Area::Payment, "/discount_rate", Kind::Decimal(8)),
    Field(Area::Payment, "/order_expire_minutes", Kind::Count),
    Field(Area::Payment, "/max_orders_per_minute", Kind::Count),
    Field(Area::Payment, "/offers/*/amount", Kind::Decimal(8)),
    Field(Area::Payment, "/providers/zpay/create", Kind::OneOf(&["redirect", "api"])),
    Field(Area::Affiliate, "/default_rate", Kind::Decimal(8)),
    Field(Area::Affiliate, "/default_trigger_limit", Kind::Count),
    Field(Area::Affiliate, "/max_codes_per_user", Kind::Count),
    Field(Area::Affiliate, "/hold_hours", Kind::Count),
    Field(Area::Affiliate, "/valid_days", Kind::Count),
    Field(Area::Affiliate, "/cap_per_invitee", Kind::Decimal(8)),
    Field(Area::Affiliate, "/min_cash_withdrawal", Kind::Decimal(8)),
    Field(Area::Redemption, "/max_failed_attempts_per_hour", Kind::Count),
    Field(Area::Agency, "/currency", Kind::Currency),
];

fn read<T: Settings>(mut document: Value) -> Result<T, Refusal> {
    let mut errors = check::values(T::AREA, FIELDS, &mut document);
    let settings: T = serde_json::from_value(document.clone()).map_err(|_| Refusal::MalformedRequest)?;
    let known = serde_json::to_value(&settings).map_err(|_| Refusal::MalformedRequest)?;
    if check::has_unknown(&document, &known) {
        return Err(Refusal::MalformedRequest);
    }
    for error in settings.validate() {
        if errors.iter().all(|earlier| earlier.pointer != error.pointer) {
            errors.push(error);
        }
    }
    Refusal::unless_empty(errors)?;
    Ok(settings)
}

#[cfg(test)]
mod tests;
