//! Names of the ledger: accounts, platform accounts, record types, operators (R1.4–R1.6).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::provider::Provider;

crate::text_enum! {
    /// Ledger account of a user.
    pub enum AccountKind {
        /// Spendable balance.
        Balance = "balance",
        /// Affiliate commission.
        Commission = "commission",
        /// Debt against the balance: credit taken back after it was spent (R1.7).
        Receivable = "debt",
        /// Debt against the commission account.
        CommissionReceivable = "commission_debt",
    }
}

crate::text_enum! {
    /// A part of the commission account (R1.5).
    pub enum Part as CommissionPart {
        /// The hold time is not over.
        Pending = "pending",
        /// Can be withdrawn.
        Available = "available",
        /// Set aside for an open cash withdrawal.
        Held = "held",
    }
}

/// Platform account: lines of a journal, without a stored balance (R1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlatformAccount {
    /// Money at a provider.
    Provider(Provider),
    /// Sold credit: pay currency in, ledger currency out.
    Sales,
    /// Bonuses of the new-user promotion.
    Promotion,
    /// Rewards of the referral programme.
    Rewards,
    /// Affiliate and agency commissions.
    Commission,
    /// Redemption codes for balance.
    Codes,
    /// Adjustments by an admin, credits and debits by a service.
    Adjustment,
    /// Cash withdrawals.
    Payout,
    /// Received money that is credited to no user (R4.5).
    Suspense,
}

impl PlatformAccount {
    /// Every platform account.
    pub const ALL: [Self; 10] = [
        Self::Provider(Provider::Stripe),
        Self::Provider(Provider::Zpay),
        Self::Sales,
        Self::Promotion,
        Self::Rewards,
        Self::Commission,
        Self::Codes,
        Self::Adjustment,
        Self::Payout,
        Self::Suspense,
    ];

    /// Stable name, `provider:stripe`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider(Provider::Stripe) => "provider:stripe",
            Self::Provider(Provider::Zpay) => "provider:zpay",
            Self::Sales => "sales",
            Self::Promotion => "promotion",
            Self::Rewards => "rewards",
            Self::Commission => "commission",
            Self::Codes => "codes",
            Self::Adjustment => "adjustment",
            Self::Payout => "payout",
            Self::Suspense => "suspense",
        }
    }
}

impl Serialize for PlatformAccount {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for PlatformAccount {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        Self::ALL
            .into_iter()
            .find(|house| house.as_str() == name)
            .ok_or_else(|| de::Error::custom("not a house account"))
    }
}

crate::text_enum! {
    /// Kind of a statement line (R1.6).
    pub enum RecordType {
        /// The credit of an order.
        Payment = "payment",
        /// A promotion's bonus.
        Promotion = "promotion",
        /// A referral reward.
        Referral = "referral",
        /// A commission earned or matured.
        Commission = "commission",
        /// A redemption code for balance.
        Redeem = "redeem",
        /// An admin's adjustment or a service's credit.
        Admin = "admin",
        /// A service's debit.
        Deduct = "deduct",
        /// Taken back or reinstated.
        Refund = "refund",
        /// Commission leaving its account.
        Withdrawal = "withdrawal",
        /// Debt paid by a credit, or made by a take-back (R1.7).
        Debt = "debt",
        /// Granted credit whose time is over (R12.3).
        Expiry = "expiry",
    }
}

/// Role that moves money (R1.6): `system`, `user`, `admin`, `service:{name}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operator {
    /// A business rule.
    System,
    /// The account's owner.
    User,
    /// The operator's staff.
    Admin,
    /// The operator's backend, with the name of its service key.
    Service(String),
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::User => f.write_str("user"),
            Self::Admin => f.write_str("admin"),
            Self::Service(name) => write!(f, "service:{name}"),
        }
    }
}

impl Serialize for Operator {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Operator {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        match text.as_str() {
            "system" => Ok(Self::System),
            "user" => Ok(Self::User),
            "admin" => Ok(Self::Admin),
            other => match other.strip_prefix("service:") {
                Some(name) => Ok(Self::Service(name.to_owned())),
                None => Err(de::Error::custom("not an operator")),
            },
        }
    }
}
