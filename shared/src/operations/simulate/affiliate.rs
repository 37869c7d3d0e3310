//! Replay of the commissions of a month's paid orders.

use std::collections::{BTreeMap, BTreeSet};

use super::{Draft, SimulatedGrant, orders_since};
use crate::account::model::identity::Status;
use crate::account::model::user::User;
use crate::affiliate::model::commission::{Commission, CommissionSource, Earnings};
use crate::affiliate::model::settings::AffiliateSettings;
use crate::affiliate::model::simulation::{PastOrder, ReplayedCommission, replay as replayed};
use crate::affiliate::model::terms::{CommissionedPayment, terms_under};
use crate::app::App;
use crate::operations::search::users_of;
use crate::payment::model::order::Order;
use crate::payment::table::ORDERS;
use kernel::fault::{Error, Fault};
use kernel::id::{OrderId, UserId};
use kernel::money::MoneyError;
use table::item::values;
use table::key::Key;
use table::list::{ListSource, Window, only, walk};
use table::store::Page;

pub(super) const LIMITS: &[&str] = &[
    "The policy of an affiliate follows the draft's rate and trigger limit where it has those of the current settings; one that an admin gave stays.",
    "Inviters and erased accounts are taken as they are now.",
    "Purchases that the operator's backend reported, and commissions that an admin posted, are left out on both sides.",
    "A budget holds commissions and takes none away, so it is left out.",
    "Where a commission had no cap, what refunds gave back of one is taken as it is now.",
    "The payments are those of the month: nobody would have paid more or less.",
];

pub(super) async fn replay(
    app: &App,
    draft: &Draft<AffiliateSettings>,
    window: &Window,
) -> Result<Page<SimulatedGrant>, Error> {
    let page = walk(app, &window.walk(ListSource::Platform(ORDERS), true), |order: &Order| {
        only(window.holds(order.created_at) && may_earn(order), order)
    })
    .await?;
    let here: BTreeSet<OrderId> = page.items.iter().map(|order| order.id).collect();
    let invitees: BTreeSet<UserId> = page.items.iter().map(|order| order.user).collect();
    let mut items = Vec::new();
    for invitee in invitees {
        let mut since = orders_since(app, invitee, window.from.unwrap_or_default()).await?;
        since.retain(may_earn);
        let newest = since.iter().filter(|order| window.holds(order.created_at)).map(|order| order.id).max();
        if newest.is_some_and(|newest| here.contains(&newest)) {
            items.extend(of_invitee(app, draft, window, invitee, &since).await?);
        }
    }
    Ok(Page { items, next: page.next })
}

/// Tests whether an order can earn commission: captured, a top-up, of an invitee.
fn may_earn(order: &Order) -> bool {
    order.status.is_captured() && order.paid_at.is_some() && order.inviter.is_some() && order.agency.is_none()
}

/// Entities that the replay of an invitee reads.
struct Past {
    users: BTreeMap<UserId, User>,
    commissions: BTreeMap<OrderId, Commission>,
    earnings: Option<Earnings>,
}

async fn read(app: &App, invitee: UserId, orders: &[Order]) -> Result<Past, Fault> {
    let both = orders.iter().flat_map(|order| [order.id, Commission::second_level(order.id)]);
    let commissions: BTreeMap<OrderId, Key<Commission>> =
        both.map(|order| (order, Commission::key(Commission::id_of(order)))).collect();
    let people = orders.iter().filter_map(|order| order.inviter).chain([invitee]);
    let people: BTreeMap<UserId, Key<User>> = people.map(|user| (user, User::key(user))).collect();
    let (commissions, users, earnings) = app.store.read((commissions, people, Earnings::key(invitee))).await?;
    let mut users: BTreeMap<UserId, User> = values(&users);
    let above: Vec<UserId> = users.values().filter_map(|user| Some(user.attribution.as_ref()?.inviter)).collect();
    users.extend(users_of(app, above).await?);
    Ok(Past { users, commissions: values(&commissions), earnings: earnings.map(|earnings| earnings.into_inner()) })
}

async fn of_invitee(
    app: &App,
    draft: &Draft<AffiliateSettings>,
    window: &Window,
    invitee: UserId,
    since: &[Order],
) -> Result<Vec<SimulatedGrant>, Error> {
    let past = read(app, invitee, since).await?;
    let mut orders = Vec::new();
    for order in since.iter().filter(|order| window.holds(order.created_at)) {
        orders.push(PastOrder {
            source: past.under(draft, order).map_err(Fault::bug)?,
            first: past.commissions.get(&order.id).cloned(),
            second: past.commissions.get(&Commission::second_level(order.id)).cloned(),
        });
    }
    let Some(first) = orders.first().map(|order| order.source) else { return Ok(Vec::new()) };
    let before = past.before(&first, since).map_err(Fault::bug)?;
    let is_erased = |user: UserId| past.users.get(&user).is_none_or(|user| user.status == Status::Erased);
    let all = replayed(orders, &before, is_erased).map_err(Fault::bug)?;
    let grant = |ReplayedCommission { beneficiary, real, simulated }| SimulatedGrant {
        user: beneficiary,
        invitee: Some(invitee),
        real,
        simulated,
    };
    Ok(all.into_iter().map(grant).collect())
}

impl Past {
    /// An order as the source of a commission under the draft.
    fn under(&self, draft: &Draft<AffiliateSettings>, order: &Order) -> Result<CommissionSource, MoneyError> {
        let source = CommissionSource::from(order);
        let at = order.created_at;
        let attribution = self.users.get(&order.user).and_then(|user| user.attribution.as_ref());
        let bound_at = attribution.map_or(at, |attribution| attribution.bound_at);
        let (current, drafted) = draft.at(at);
        let inviter = order.inviter.and_then(|inviter| self.users.get(&inviter));
        let (charge, exchange_rate, ledger) = (order.charge, order.exchange_rate, order.credit.currency());
        let paid = CommissionedPayment { charge, exchange_rate, ledger };
        let terms =
            inviter.map(|inviter| terms_under(&drafted, &inviter.drafted(&current, &drafted), bound_at, paid, at));
        Ok(source.under(terms.transpose()?.flatten(), order.credit))
    }

    /// Earnings of the invitee before the month: those of now, less what the orders since made.
    fn before(&self, of: &CommissionSource, since: &[Order]) -> Result<Earnings, MoneyError> {
        let mut before = self.earnings.clone().unwrap_or_else(|| Earnings::none(of));
        for made in since.iter().filter_map(|order| self.commissions.get(&order.id)) {
            before.orders = before.orders.saturating_sub(1);
            before.earned = before.earned.minus(made.left())?;
        }
        Ok(before)
    }
}
