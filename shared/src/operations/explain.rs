//! Explanation of an order for the operator: reads the data that its decisions used (R9.3).

use crate::account::model::user::User;
use crate::affiliate::model::commission::{Commission, Earnings};
use crate::app::App;
use crate::operations::model::explain::Facts;
use crate::payment::model::order::Order;
use crate::referral::model::referral::{Reward, Side, Trigger};
use kernel::fault::Fault;
use kernel::id::OrderId;
use table::item::Versioned;

/// Reads all data that decisions about an order use; `None` if the order does not exist.
///
/// # Errors
/// The database can't be reached, or an item does not decode.
pub async fn facts(app: &App, id: OrderId) -> Result<Option<Facts>, Fault> {
    let Some(order) = app.store.get::<Order>(&Order::key(id)).await? else { return Ok(None) };
    let order = order.into_inner();
    let (user, earnings) = (User::key(order.user), Earnings::key(order.user));
    let commission = Commission::key(Commission::id_of(id));
    let reward = |side| Reward::key(Reward::id_of(order.user, Trigger::Qualified, side));
    let rewards = [reward(Side::Inviter), reward(Side::Invitee)];
    let keys = [&user, &earnings, &commission].into_iter().chain(&rewards).cloned().collect::<Vec<_>>();
    let mut batch = app.store.get_many(&keys).await?;
    let missing = || Fault::Item { key: user.pk.clone(), why: "an order names it, but it is not there".to_owned() };
    let mut found = Vec::with_capacity(rewards.len());
    for key in &rewards {
        found.extend(batch.take::<Reward>(key)?.map(Versioned::into_inner));
    }
    Ok(Some(Facts {
        user: batch.take::<User>(&user)?.ok_or_else(missing)?.into_inner(),
        commission: batch.take::<Commission>(&commission)?.map(Versioned::into_inner),
        earnings: batch.take::<Earnings>(&earnings)?.map(Versioned::into_inner),
        rewards: found,
        order,
    }))
}
