//! Replay of the rewards for a month's sign-ups.

use std::collections::BTreeMap;

use super::{Draft, SimulatedGrant};
use crate::account::model::user::User;
use crate::account::table::USERS;
use crate::app::App;
use crate::payment::model::settings::PaymentSettings;
use crate::referral::model::referral::{Referral, Reward, RewardTerms};
use crate::referral::model::settings::ReferralSettings;
use crate::referral::model::simulation::{ReplayedReward, reward_ids};
use kernel::fault::{Error, Fault};
use kernel::id::{RewardId, UserId};
use table::key::Key;
use table::list::{ListSource, Window, walk};
use table::store::Page;

pub(super) const LIMITS: &[&str] = &[
    "Rewards are those for the month's sign-ups, as far as these have paid until now, less refunds.",
    "A sign-up follows the draft where it has the terms of the current settings; where these have changed since, it keeps its own.",
    "Who invited whom is taken as it is: a draft's limit of invitees and late naming change nothing.",
    "A reward that was withheld or taken back for another reason than its terms is withheld under the draft, too.",
    "A budget holds rewards and takes none away, so it is left out.",
];

pub(super) async fn replay(
    app: &App,
    draft: &Draft<ReferralSettings>,
    window: &Window,
) -> Result<Page<SimulatedGrant>, Error> {
    let page = walk(app, &window.walk(ListSource::Platform(USERS), true), |user: &User| {
        let bond = user.attribution.clone().filter(|_| window.holds(user.created_at));
        bond.map(|bond| (user.id, bond)).into_iter().collect()
    })
    .await?;
    let keys: BTreeMap<RewardId, Key<Reward>> =
        page.items.iter().flat_map(|(invitee, _)| reward_ids(*invitee)).map(|id| (id, Reward::key(id))).collect();
    let rewards = app.store.named(keys).await?;
    let payment = app.settings::<PaymentSettings>().await?.settings;
    let mut items = Vec::new();
    for (invitee, bond) in &page.items {
        let drafted = under(draft, bond, &payment)?;
        let all = bond.replay(&drafted, *invitee, &rewards).map_err(Fault::bug)?;
        items.extend(all.into_iter().map(|reward| granted(reward, *invitee)));
    }
    Ok(Page { items, next: page.next })
}

fn under(draft: &Draft<ReferralSettings>, bond: &Referral, payment: &PaymentSettings) -> Result<Referral, Fault> {
    let (current, drafted) = draft.at(bond.bound_at);
    let terms = |settings: &ReferralSettings| {
        RewardTerms::of(settings, payment.ledger_currency, payment.pay_currency).map_err(Fault::bug)
    };
    Ok(bond.drafted(terms(&current)?, terms(&drafted)?))
}

fn granted(reward: ReplayedReward, invitee: UserId) -> SimulatedGrant {
    let ReplayedReward { beneficiary, real, simulated } = reward;
    SimulatedGrant { user: beneficiary, invitee: Some(invitee), real, simulated }
}
