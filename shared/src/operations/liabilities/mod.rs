//! Liabilities of the platform by kind and month of expiry (R12.4).
//!
//! Balances, commission and wallets are the totals of the statistics, which the auditor compares with the ledger. The part of the
//! balances that expires is counted with them, user by user, so the rest is what never expires.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use tokio::try_join;

use crate::app::App;
use crate::operations::statistics;
use crate::operations::totals::view::Reading;
use crate::redemption::model::outstanding::Outstanding;
use crate::redemption::outstanding::outstanding;
use kernel::fault::{Error, Fault};
use kernel::ledger::LotKind;
use kernel::money::Currency;
use kernel::month::Month;
use kernel::text_enum;

pub mod view;

text_enum! {
    /// Kind of a liability (R12.4).
    pub enum LiabilityKind {
        /// Part of users' balances that never expires.
        Balance = "balance",
        /// Unspent part of bonuses that expire.
        Bonus = "bonus",
        /// Unspent part of referral rewards that expire.
        Reward = "reward",
        /// Unspent part of redeemed codes' credit that expires.
        Code = "code",
        /// Credit of the uses that limited redemption codes have left.
        OutstandingCodes = "outstanding_codes",
        /// Commission of affiliates on hold.
        CommissionPending = "commission_pending",
        /// Commission of affiliates that can be withdrawn.
        CommissionAvailable = "commission_available",
        /// Commission of affiliates in requested cash withdrawals.
        CommissionHeld = "commission_held",
        /// Main balances of shops.
        ShopMain = "shop_main",
        /// Commission of shops.
        ShopCommission = "shop_commission",
        /// Commission of shops in requested cash withdrawals.
        ShopHeld = "shop_held",
        /// Balances of shops' assets from recharges, less their debts.
        ShopAssets = "shop_assets",
    }
}

impl From<LotKind> for LiabilityKind {
    fn from(kind: LotKind) -> Self {
        match kind {
            LotKind::Bonus => Self::Bonus,
            LotKind::Reward => Self::Reward,
            LotKind::Code => Self::Code,
        }
    }
}

/// A liability: what is owed of one kind and expires in one month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Liability {
    /// Month in which it expires, in UTC; `None` if it never does.
    pub expires_in: Option<Month>,
    pub kind: LiabilityKind,
    pub amount: Decimal,
    pub currency: Currency,
    /// Remaining uses, of outstanding codes.
    pub uses: Option<u64>,
}

/// All liabilities, by month, what never expires first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiabilitiesByMonth {
    pub all: Vec<Liability>,
    /// Number of unlimited redemption codes for balance, whose credit has no limit.
    pub unlimited_codes: u64,
    /// False if there are more batches of codes than were read.
    pub is_whole: bool,
}

/// Reads the liabilities as they are now; changes of the last moments may be missing.
///
/// # Errors
/// A fault when the database cannot be reached or the sums overflow.
pub async fn liabilities(app: &App) -> Result<LiabilitiesByMonth, Error> {
    let (reading, expiring, codes) =
        try_join!(Reading::now(app), async { Ok(statistics::expiring(app).await?) }, async {
            Ok(outstanding(app).await?)
        })?;
    let (codes, is_whole) = codes;
    let mut all = of_ledger(&reading, &expiring)?;
    all.extend(of_codes(&codes, reading.ledger()));
    all.retain(|one| !one.amount.is_zero());
    all.sort_by_key(|one| (one.currency != reading.ledger(), one.expires_in, one.kind));
    Ok(LiabilitiesByMonth { all, unlimited_codes: codes.unlimited, is_whole })
}

/// Liabilities that are in the ledger: their sum is that of the balances, commission and wallets.
fn of_ledger(reading: &Reading, expiring: &BTreeMap<(Month, LotKind), Decimal>) -> Result<Vec<Liability>, Fault> {
    let of = |kind, expires_in, amount, currency| Liability { expires_in, kind, amount, currency, uses: None };
    let ledger = reading.ledger();
    let granted = expiring.values().try_fold(Decimal::ZERO, |sum, amount| sum.checked_add(*amount));
    let lasting = granted.and_then(|granted| reading.number("liabilities.balance").checked_sub(granted));
    let lasting = lasting.ok_or_else(|| Fault::bug("credit that expires overflows"))?;
    let mut all = vec![of(LiabilityKind::Balance, None, lasting, ledger)];
    all.extend(expiring.iter().map(|((month, kind), amount)| of((*kind).into(), Some(*month), *amount, ledger)));
    for (kind, name) in [
        (LiabilityKind::CommissionPending, "liabilities.commission.pending"),
        (LiabilityKind::CommissionAvailable, "liabilities.commission.available"),
        (LiabilityKind::CommissionHeld, "liabilities.commission.held"),
    ] {
        all.push(of(kind, None, reading.number(name), ledger));
    }
    for (kind, name) in [
        (LiabilityKind::ShopMain, "liabilities.agency.main"),
        (LiabilityKind::ShopCommission, "liabilities.agency.commission"),
        (LiabilityKind::ShopHeld, "liabilities.agency.held"),
        (LiabilityKind::ShopAssets, "liabilities.agency.assets"),
    ] {
        all.push(of(kind, None, reading.agency_number(name), reading.agency_currency()));
    }
    Ok(all)
}

fn of_codes(codes: &Outstanding, ledger: Currency) -> impl Iterator<Item = Liability> {
    codes.by_month.iter().map(move |(expires_in, left)| Liability {
        expires_in: *expires_in,
        kind: LiabilityKind::OutstandingCodes,
        amount: left.credit,
        currency: ledger,
        uses: Some(left.uses),
    })
}
