//! Payment instruments: what paid, and who paid with it (R10.1).

use serde::{Deserialize, Serialize};

use crate::risk::model::signal::{Sighting, compared_until, latest_with, others_near};
use jiff::Timestamp;
use kernel::id::UserId;

/// Payers with one card or account, under a keyed hash of the provider's fingerprint of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentInstrument {
    pub instrument_hash: String,
    /// The latest, as many as of any hash, each with the first payment of the last 90 days; oldest first.
    pub seen: Vec<Sighting>,
}

impl PaymentInstrument {
    /// Returns an instrument that nobody paid with.
    pub fn none(hash: &str) -> Self {
        Self { instrument_hash: hash.to_owned(), seen: Vec::new() }
    }

    /// Returns the instrument with one more payer; `None` if it has that one.
    pub fn with(&self, own: Sighting) -> Option<Self> {
        if self.seen.iter().any(|known| known.user == own.user && known.is_near(own)) {
            return None;
        }
        let others = self.seen.iter().filter(|known| known.user != own.user).copied().collect();
        Some(Self { seen: latest_with(others, own), instrument_hash: self.instrument_hash.clone() })
    }

    /// Returns the others who paid with it within 90 days.
    pub fn others(&self, own: Sighting) -> Vec<UserId> {
        others_near(&self.seen, own).map(|other| other.user).collect()
    }

    /// Returns the time after which none of them is compared any more.
    pub fn until(&self) -> Option<Timestamp> {
        compared_until(&self.seen)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::risk::model::signal::{SEEN, kept_until};
    use jiff::ToSpan;
    use ulid::Ulid;

    fn seen(number: u128, day: i64) -> Sighting {
        let at: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        Sighting { user: UserId::new(Ulid::from_parts(1, number)), at: at.checked_add((day * 24).hours()).unwrap() }
    }

    /// R10.1: payers are compared within 90 days; one who pays again changes nothing until then.
    #[test]
    fn an_instrument_has_its_payers_of_ninety_days() {
        let one = PaymentInstrument::none("h").with(seen(1, 0)).unwrap();
        assert_eq!((one.with(seen(1, 89)), one.others(seen(1, 89))), (None, vec![]));
        assert_eq!(one.others(seen(2, 89)), [seen(1, 0).user]);
        assert_eq!(one.others(seen(2, 90)), []);
        let two = one.with(seen(2, 50)).unwrap().with(seen(1, 90)).unwrap();
        assert_eq!(two.seen, [seen(2, 50), seen(1, 90)]);
        assert_eq!(two.until(), kept_until(seen(1, 90).at));
        let all = (0_u128..50).fold(two, |all, number| all.with(seen(number + 10, 91)).unwrap());
        assert_eq!(all.seen.len(), SEEN);
    }
}
