//! Replay of the new-user bonuses of a month's sign-ups.

use super::{Draft, SimulatedGrant, orders_since};
use crate::account::model::user::User;
use crate::account::table::USERS;
use crate::app::App;
use crate::payment::model::promotion::Promotion;
use crate::payment::model::settings::{PaymentSettings, PromotionSettings};
use kernel::fault::{Error, Fault};
use kernel::money::{Currency, LedgerMoney, MoneyError};
use table::list::{ListSource, Window, only, walk};
use table::store::Page;

pub(super) const LIMITS: &[&str] = &[
    "Bonuses are those of the month's sign-ups, as far as these have paid until now, before refunds.",
    "A sign-up follows the draft where it has the ladder of the current settings; where these have changed since, it keeps its own.",
    "Bonuses of offers, amounts and coupons are those of the orders, as they were made.",
    "A budget holds bonuses and takes none away, so it is left out.",
    "The orders are those that were made: nobody would have ordered more, less or earlier.",
];

pub(super) async fn replay(
    app: &App,
    draft: &Draft<PromotionSettings>,
    window: &Window,
) -> Result<Page<SimulatedGrant>, Error> {
    let page = walk(app, &window.walk(ListSource::Platform(USERS), true), |user: &User| {
        only(window.holds(user.created_at) && user.has_paid, user)
    })
    .await?;
    let payment = app.settings::<PaymentSettings>().await?.settings;
    let none = LedgerMoney::zero(payment.ledger_currency);
    let mut items = Vec::new();
    for user in &page.items {
        let own = user.promotion.as_ref();
        let drafted = under(draft, user, payment.pay_currency).map_err(Fault::bug)?;
        let simulated = match drafted {
            Some(drafted) => {
                let orders = orders_since(app, user.id, user.created_at).await?;
                drafted.replay(own, orders).map_err(Fault::bug)?
            }
            None => None,
        };
        let real = own.and_then(|own| own.used).map(|used| used.bonus);
        if real.is_some() || simulated.is_some() {
            let (real, simulated) = (real.unwrap_or(none), simulated.unwrap_or(none));
            items.push(SimulatedGrant { user: user.id, invitee: None, real, simulated });
        }
    }
    Ok(Page { items, next: page.next })
}

/// The promotion that the draft would have given a user; their own where it is not that of the current settings.
fn under(draft: &Draft<PromotionSettings>, user: &User, pay: Currency) -> Result<Option<Promotion>, MoneyError> {
    let (current, drafted) = draft.at(user.created_at);
    let own = user.promotion.as_ref().map(Promotion::terms);
    let enrolled = Promotion::enrol(&current, pay, user.created_at)?;
    let is_followed = user.imported.is_none() && own == enrolled.as_ref().map(Promotion::terms);
    if is_followed { Promotion::enrol(&drafted, pay, user.created_at) } else { Ok(own) }
}
