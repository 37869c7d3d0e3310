//! Users of a payout account, kept under a keyed hash of it (R6.9).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::affiliate::model::withdrawal::Payout;
use kernel::id::UserId;
use kernel::typed;

/// Most users that an account keeps; it is flagged long before.
pub const USERS: usize = 20;

/// Users who asked for cash on one payout account. The account itself is nowhere in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutAccount {
    pub account_hash: String,
    /// The first of them, at most [`USERS`]; an erased user is removed.
    pub users: BTreeSet<UserId>,
}

impl PayoutAccount {
    /// Returns the account with this user; `None` if nothing changes.
    pub fn with(before: Option<&Self>, hash: &str, user: UserId) -> Option<Self> {
        let mut after = match before {
            Some(before) => before.clone(),
            None => Self { account_hash: hash.to_owned(), users: BTreeSet::new() },
        };
        (after.users.len() < USERS && after.users.insert(user)).then_some(after)
    }

    /// Tests whether somebody else has it, too.
    pub fn is_shared(&self, user: UserId) -> bool {
        !self.others(user).is_empty()
    }

    /// Returns who else has it.
    pub fn others(&self, user: UserId) -> Vec<UserId> {
        self.users.iter().copied().filter(|other| *other != user).collect()
    }
}

/// Method and account as they are compared: folded as other texts that people type (G5), without dashes and dots.
pub fn folded(payout: &Payout) -> [String; 2] {
    let fold = |text: &str| typed::folded(text).replace(['-', '.'], "");
    [fold(&payout.method), fold(&payout.account)]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ulid::Ulid;

    fn user(number: u128) -> UserId {
        UserId::new(Ulid::from_parts(1, number))
    }

    /// R6.9: spelling makes no other account; another method does.
    #[test]
    fn an_account_is_the_same_however_it_is_spelt() {
        let payout =
            |method: &str, account: &str| Payout { method: method.into(), account: account.into(), name: None };
        let one = folded(&payout("bank", "DE02 1203 0000 0000 2020 51"));
        assert_eq!(one, folded(&payout("bank", "de02-12030000-0000202051")));
        assert_eq!(one, folded(&payout("bank", "ＤＥ０２ 12030000–0000202051")), "as a phone's keyboard types it");
        assert_ne!(one, folded(&payout("paypal", "DE02120300000000202051")));
        assert_ne!(one, folded(&payout("bank", "DE02120300000000202052")));
    }

    /// R6.9: a user's own account is not shared, however often it is used; the number of users kept is bounded.
    #[test]
    fn an_account_is_shared_once_another_user_has_it() {
        let own = PayoutAccount::with(None, "h", user(1)).unwrap();
        assert_eq!(PayoutAccount::with(Some(&own), "h", user(1)), None);
        assert!(!own.is_shared(user(1)));
        let both = PayoutAccount::with(Some(&own), "h", user(2)).unwrap();
        assert!(both.is_shared(user(1)) && both.is_shared(user(2)));
        let all = (0..100).fold(own, |all, number| PayoutAccount::with(Some(&all), "h", user(number)).unwrap_or(all));
        assert_eq!(all.users.len(), USERS);
        assert!(all.is_shared(user(99)));
    }
}
