//! The flag on a payout account that another user has (R6.9): kept with each request for cash, shown to admins only.

use std::collections::{BTreeMap, BTreeSet};

use crate::affiliate::model::payout_account::{PayoutAccount, folded};
use crate::affiliate::model::withdrawal::{Payout, Withdrawal};
use crate::app::App;
use kernel::fault::Fault;
use kernel::id::{UserId, WithdrawalId};
use table::item::Versioned;
use table::key::Key;
use table::tx::Tx;

/// Returns the key of an account, which is a keyed hash of it.
pub fn key_of(app: &App, payout: &Payout) -> Key<PayoutAccount> {
    PayoutAccount::key(&hash_of(app, payout))
}

fn hash_of(app: &App, payout: &Payout) -> String {
    let [method, account] = folded(payout);
    app.config.secret.hex("payout-account", &[method.as_bytes(), account.as_bytes()])
}

/// Keeps that a user has the account, in the transaction of the request for cash.
pub fn keep(tx: &mut Tx, app: &App, before: Option<&Versioned<PayoutAccount>>, payout: &Payout, user: UserId) {
    if let Some(after) = PayoutAccount::with(before.map(|before| &**before), &hash_of(app, payout), user) {
        tx.upsert(before, &after);
    }
}

/// Forgets that a user has the account, in the transaction that erases it from a withdrawal.
pub fn forget(tx: &mut Tx, before: Option<&Versioned<PayoutAccount>>, user: UserId) {
    let Some(before) = before.filter(|before| before.users.contains(&user)) else { return };
    let mut after = PayoutAccount::clone(before);
    after.users.remove(&user);
    if after.users.is_empty() {
        tx.remove(before);
    } else {
        tx.replace(before, &after);
    }
}

/// Finds those of some withdrawals whose payout account another user has asked for cash on, too.
///
/// # Errors
/// The database can't be reached, or an item does not decode.
pub async fn shared(app: &App, withdrawals: &[Withdrawal]) -> Result<BTreeSet<WithdrawalId>, Fault> {
    let keys: BTreeMap<WithdrawalId, Key<PayoutAccount>> =
        withdrawals.iter().filter_map(|one| Some((one.id, key_of(app, one.payout.as_ref()?)))).collect();
    let found = app.store.named(keys).await?;
    let is_shared = |one: &&Withdrawal| found.get(&one.id).is_some_and(|account| account.is_shared(one.user));
    Ok(withdrawals.iter().filter(is_shared).map(|one| one.id).collect())
}
