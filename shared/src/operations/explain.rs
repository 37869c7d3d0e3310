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
    let reward = |side| Reward::key(Reward::id_of(order.user, Trigger::Qualified, side));
    let rewards = vec![reward(Side::Inviter), reward(Side::Invitee)];
    let commission = Commission::key(Commission::id_of(id));
    let keys = (User::key(order.user), Earnings::key(order.user), commission, rewards);
    let (user, earnings, commission, rewards) = app.store.read(keys).await?;
    let missing = || Fault::item(order.user.to_string(), "an order names it, but it is not there");
    Ok(Some(Facts {
        user: user.ok_or_else(missing)?.into_inner(),
        commission: commission.map(Versioned::into_inner),
        earnings: earnings.map(Versioned::into_inner),
        rewards: rewards.into_iter().flatten().map(Versioned::into_inner).collect(),
        order,
    }))
}
