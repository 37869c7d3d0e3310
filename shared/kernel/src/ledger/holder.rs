//! Whose account an entry is on.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::id::{AssetId, ShopId, UserId};

/// Who holds an account. Written `usr_…`, `ast_…`, `shp_….main`, `shp_….commission`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountOwner {
    /// A user: balance and commission.
    User(UserId),
    /// A shop: what it can spend on orders (R8.12).
    Main(ShopId),
    /// A shop: what it earned of sales (R8.9, R8.10).
    Commission(ShopId),
    /// An asset: what it was recharged with (R8.12).
    Asset(AssetId),
}

impl AccountOwner {
    /// The user, if it is one.
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::User(user) => Some(user),
            _ => None,
        }
    }

    /// The holder that is written so.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(shop) = text.strip_suffix(".main") {
            return ShopId::parse(shop).map(Self::Main);
        }
        if let Some(shop) = text.strip_suffix(".commission") {
            return ShopId::parse(shop).map(Self::Commission);
        }
        UserId::parse(text).map(Self::User).or_else(|| AssetId::parse(text).map(Self::Asset))
    }
}

impl From<UserId> for AccountOwner {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}

impl fmt::Display for AccountOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(f, "{user}"),
            Self::Main(shop) => write!(f, "{shop}.main"),
            Self::Commission(shop) => write!(f, "{shop}.commission"),
            Self::Asset(asset) => write!(f, "{asset}"),
        }
    }
}

impl Serialize for AccountOwner {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AccountOwner {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("nobody who holds an account"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ulid::Ulid;

    #[test]
    fn a_holder_has_one_written_form() {
        let ulid = Ulid::from_parts(1_790_000_000_000, 42);
        let shop = ShopId::new(ulid);
        let all = [
            AccountOwner::User(UserId::new(ulid)),
            AccountOwner::Main(shop),
            AccountOwner::Commission(shop),
            AccountOwner::Asset(AssetId::new(ulid)),
        ];
        for holder in all {
            assert_eq!(AccountOwner::parse(&holder.to_string()), Some(holder));
        }
        for bad in ["", "usr_", "shp_01k9zq4r7x8m2v5b3n6c1d0fgh", ".main", "usr_01k9zq4r7x8m2v5b3n6c1d0fgh.main"] {
            assert_eq!(AccountOwner::parse(bad), None, "{bad}");
        }
    }
}
