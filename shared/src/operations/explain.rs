//! Explanations of orders and reported purchases: read the data that their decisions used (R9.3).

use crate::account::model::user::User;
use crate::affiliate::model::commission::{Commission, Earnings};
use crate::affiliate::model::purchase::Purchase;
use crate::app::App;
use crate::operations::model::explain::{Facts, PurchaseFacts};
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

/// Reads all data that decisions about a reported purchase use.
///
/// # Errors
/// The database can't be reached, or an item does not decode.
pub async fn purchase_facts(app: &App, purchase: Purchase) -> Result<PurchaseFacts, Fault> {
    let Some(buyer) = purchase.bought.as_ref().map(|bought| bought.user) else {
        return Ok(PurchaseFacts { purchase, user: None, rewards: Vec::new(), commission: None, earnings: None });
    };
    let reward = |side| Reward::key(Reward::id_of(buyer, Trigger::Qualified, side));
    let rewards = vec![reward(Side::Inviter), reward(Side::Invitee)];
    let commission = Commission::key(Commission::id_of(purchase.id));
    let (user, earnings, commission, rewards) =
        app.store.read((User::key(buyer), Earnings::key(buyer), commission, rewards)).await?;
    Ok(PurchaseFacts {
        user: user.map(Versioned::into_inner),
        commission: commission.map(Versioned::into_inner),
        earnings: earnings.map(Versioned::into_inner),
        rewards: rewards.into_iter().flatten().map(Versioned::into_inner).collect(),
        purchase,
    })
}
