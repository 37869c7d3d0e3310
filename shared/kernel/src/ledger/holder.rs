//! Owners of ledger accounts.

use std::fmt;

use crate::id::{AssetId, ShopId, UserId};

/// Owner of ledger accounts, written `usr_…`, `ast_…`, `shp_….main`, `shp_….commission` or `shp_….held`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountOwner {
    /// A user: balance and commission.
    User(UserId),
    /// A shop's main wallet, which pays its orders (R8.12).
    Main(ShopId),
    /// A shop's commission wallet, which collects commission and cost differences (R8.9, R8.10).
    Commission(ShopId),
    /// Commission of a shop that is set aside for open cash withdrawals (R6.6).
    Held(ShopId),
    /// An asset's balance from recharges (R8.12).
    Asset(AssetId),
}

impl AccountOwner {
    /// The user id, if the owner is a user.
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::User(user) => Some(user),
            _ => None,
        }
    }

    /// Parses the `Display` form.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(shop) = text.strip_suffix(".main") {
            return ShopId::parse(shop).map(Self::Main);
        }
        if let Some(shop) = text.strip_suffix(".commission") {
            return ShopId::parse(shop).map(Self::Commission);
        }
        if let Some(shop) = text.strip_suffix(".held") {
            return ShopId::parse(shop).map(Self::Held);
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
            Self::Held(shop) => write!(f, "{shop}.held"),
            Self::Asset(asset) => write!(f, "{asset}"),
        }
    }
}

crate::as_text!(AccountOwner, "nobody who holds an account");

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
            AccountOwner::Held(shop),
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
