//! Ids: a type prefix and a time-ordered part, `ord_01k9…` (26 symbols of Crockford's base 32).
//!
//! The alphabet excludes the key separator `#`, so an id is a safe part of a key. An id has 30 characters and fits the 32 that
//! Zpay gateways allow for `out_trade_no`.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use ulid::Ulid;
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, schema::Type};
use utoipa::{PartialSchema, ToSchema};

use crate::refusal::Refusal;

/// A value that a path names.
pub trait Identifier: Sized {
    /// The refusal for a text that cannot be one; none where every text can.
    const UNKNOWN: Option<Refusal> = Some(Refusal::NotFound);

    /// Reads the one written form.
    fn parse(text: &str) -> Option<Self>;

    /// The schema of the written form.
    fn schema() -> RefOr<Schema>;

    /// The written form in words.
    fn expected() -> String {
        "A text.".to_owned()
    }
}

/// A text that its use case reads: any.
impl Identifier for String {
    const UNKNOWN: Option<Refusal> = None;

    fn parse(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn schema() -> RefOr<Schema> {
        <Self as PartialSchema>::schema()
    }
}

/// A day, `2026-11-20`.
impl Identifier for Date {
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn schema() -> RefOr<Schema> {
        let day = ObjectBuilder::new().schema_type(Type::String);
        day.format(Some(SchemaFormat::KnownFormat(KnownFormat::Date))).into()
    }
}

macro_rules! ids {
    ($(#[doc = $doc:literal] $name:ident = $prefix:literal;)*) => {$(
        #[doc = $doc]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl $name {
            /// The type prefix with its underscore.
            pub const PREFIX: &'static str = $prefix;

            /// The id with this time-ordered part.
            pub const fn new(ulid: Ulid) -> Self {
                Self(ulid)
            }

            /// The time-ordered part.
            pub const fn ulid(self) -> Ulid {
                self.0
            }

            /// Creation time, from the time-ordered part.
            pub fn made_at(self) -> Option<Timestamp> {
                Timestamp::from_millisecond(i64::try_from(self.0.timestamp_ms()).ok()?).ok()
            }

            /// Parses the canonical form.
            ///
            /// # Rejects
            /// `None` for another prefix, length or alphabet, and for upper case.
            pub fn parse(text: &str) -> Option<Self> {
                let rest = text.strip_prefix($prefix)?;
                let id = Self(Ulid::from_string(&rest.to_ascii_uppercase()).ok()?);
                (id.to_string() == text).then_some(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, self.0.to_string().to_ascii_lowercase())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Identifier for $name {
            fn parse(text: &str) -> Option<Self> {
                Self::parse(text)
            }

            fn schema() -> RefOr<Schema> {
                <Self as PartialSchema>::schema()
            }

            fn expected() -> String {
                concat!("An id, such as ", $prefix, "01k9h3v7t2c8m4x6w0a5z1n3qr.").to_owned()
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new().schema_type(Type::String).description(Some($doc.trim()));
                text.pattern(Some(concat!("^", $prefix, "[0-9a-hjkmnp-tv-z]{26}$")))
                    .examples([concat!($prefix, "01k9h3v7t2c8m4x6w0a5z1n3qr")])
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }

        impl $crate::key_part::KeyPart for $name {
            type Part = Self;

            fn part(self) -> Self {
                self
            }
        }

        $crate::as_text!($name, concat!("not an id ", $prefix));
    )*};
}

ids! {
    /// A user account.
    UserId = "usr_";
    /// A sign-up that awaits its confirmation.
    SignupId = "sgn_";
    /// A top-up payment order.
    OrderId = "ord_";
    /// A reward of a referral.
    RewardId = "rwd_";
    /// An item of the review queue.
    ReviewId = "rvw_";
    /// A refund requested by an admin.
    RefundId = "rfd_";
    /// A journal: one cause and its lines in the ledger.
    JournalId = "jrn_";
    /// A sign-in and its chain of refresh tokens.
    SessionId = "ses_";
    /// One transaction's outbox item.
    OutboxId = "obx_";
    /// An audit record.
    AuditId = "aud_";
    /// A plan.
    PlanId = "pln_";
    /// A subscription of a plan.
    SubscriptionId = "sub_";
    /// A batch of redemption codes.
    BatchId = "bat_";
    /// A redemption of a code.
    RedemptionId = "rdm_";
    /// A commission.
    CommissionId = "cms_";
    /// A withdrawal.
    WithdrawalId = "wdr_";
    /// A batch of cash withdrawals that are paid together.
    PayoutBatchId = "pbt_";
    /// A shop of the agency tree.
    ShopId = "shp_";
    /// A series of packages.
    SeriesId = "ser_";
    /// A package of a series.
    PackageId = "pkg_";
    /// A grant of a series to a shop.
    GrantId = "grt_";
    /// A service key.
    ServiceKeyId = "svk_";
    /// A card or device that packages are sold for.
    AssetId = "ast_";
    /// An agency order.
    AgencyOrderId = "ago_";
    /// A webhook endpoint of the operator's product.
    EndpointId = "whe_";
    /// An outbound event for the operator's product.
    EventId = "evt_";
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_id_has_one_written_form() {
        let id = OrderId::new(Ulid::from_parts(1_790_000_000_000, 42));
        let text = id.to_string();
        assert_eq!(text.len(), 30);
        assert_eq!(OrderId::parse(&text), Some(id));
        assert_eq!(OrderId::parse(&text.to_uppercase()), None);
        assert_eq!(UserId::parse(&text), None);
        assert_eq!(OrderId::parse("ord_#"), None);
    }

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        let early = OrderId::new(Ulid::from_parts(1, u128::MAX >> 48));
        let late = OrderId::new(Ulid::from_parts(2, 0));
        assert!(early.to_string() < late.to_string());
    }
}
