//! A decoded full scan. Items that do not decode or have the wrong key or index entries are findings.
//!
//! Every type is decoded by its declaration ([`crate::records`]). A type without a field here is read with [`Snapshot::all`].

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use crate::account::model::access::{EmailClaim, ExternalClaim, PendingSignup};
use crate::account::model::credit_lot::CreditLot;
use crate::account::model::user::User;
use crate::account::token::PublicKeys;
use crate::affiliate::model::commission::{Commission, CommissionAccount, CommissionHold, Earnings};
use crate::affiliate::model::purchase::Purchase;
use crate::affiliate::model::withdrawal::Withdrawal;
use crate::agency::model::asset::{Asset, AssetClaim};
use crate::agency::model::commission_split::{Sales, ShopSales};
use crate::agency::model::grant::{Grant, GrantPlace};
use crate::agency::model::order::AgencyOrder;
use crate::agency::model::series::{Series, SeriesCode};
use crate::agency::model::shop::Shop;
use crate::agency::model::wallet::Wallet;
use crate::operations::model::metrics::{ProjectedMetrics, Tallies};
use crate::operations::table::EXPIRING;
use crate::payment::model::event::ProviderEventRecord;
use crate::payment::model::order::Order;
use crate::payment::model::payment::Payment;
use crate::payment::model::review::Review;
use crate::redemption::model::code::{Batch, Code, CodeShard};
use crate::redemption::model::code_text::CodeHash;
use crate::redemption::model::plan::{Plan, Subscription};
use crate::redemption::model::redemption::Redemption;
use crate::referral::model::counts::{Milestone, ReferralCounts};
use crate::referral::model::referral::{ActiveCodes, Invite, Reward, Trigger};
use crate::webhooks::model::delivery::Delivery;
use crate::webhooks::model::endpoint::Endpoint;
use kernel::fault::Chain;
use kernel::id::{
    AgencyOrderId, AssetId, BatchId, EndpointId, GrantId, Identifier, OrderId, PlanId, RewardId, SeriesId, ShopId,
    SignupId, UserId, WithdrawalId,
};
use kernel::ledger::JournalEntry;
use kernel::month::Month;
use table::item::{Entity, Item, describe, numbers, text};
use table::outbox::Outbox;
use table::records::RecordSchema;
use table::spread::{month_of, stood_there};

/// All entities in the table, by type.
#[derive(Debug, Default)]
pub struct Snapshot {
    pub users: BTreeMap<UserId, User>,
    /// Journal entries of owners and of platform accounts.
    pub postings: Vec<JournalEntry>,
    pub orders: BTreeMap<OrderId, Order>,
    pub payments: Vec<Payment>,
    /// Provider events, those that payments keep included.
    pub events: Vec<ProviderEventRecord>,
    pub reviews: Vec<Review>,
    pub rewards: BTreeMap<RewardId, Reward>,
    /// Milestones of referrals without a reward.
    pub milestones: Vec<(UserId, Trigger)>,
    /// Referral counts of inviters.
    pub counts: BTreeMap<UserId, ReferralCounts>,
    pub invites: Vec<Invite>,
    /// Active codes of users besides the primary one.
    pub active_codes: Vec<ActiveCodes>,
    /// Claims on e-mails.
    pub claims: Vec<EmailClaim>,
    /// Claims on external ids of the operator's backend.
    pub external: Vec<ExternalClaim>,
    /// Purchases reported by the operator's backend.
    pub purchases: BTreeMap<OrderId, Purchase>,
    /// Sign-ups that await their confirmation, or were confirmed a short while ago.
    pub signups: BTreeSet<SignupId>,
    /// Credit lots of users.
    pub lots: BTreeMap<UserId, Vec<CreditLot>>,
    /// Commission accounts of users.
    pub affiliates: BTreeMap<UserId, CommissionAccount>,
    /// Commissions by order.
    pub commissions: BTreeMap<OrderId, Commission>,
    /// Commissions in their hold time, by beneficiary and order.
    pub maturing: BTreeMap<(UserId, OrderId), CommissionHold>,
    /// Commission totals by invitee.
    pub earnings: BTreeMap<UserId, Earnings>,
    pub withdrawals: BTreeMap<WithdrawalId, Withdrawal>,
    pub plans: BTreeMap<PlanId, Plan>,
    pub subscriptions: Vec<Subscription>,
    pub batches: BTreeMap<BatchId, Batch>,
    pub codes: BTreeMap<CodeHash, Code>,
    /// Shards of codes' uses.
    pub shards: Vec<CodeShard>,
    /// Redemptions by partition.
    pub redemptions: BTreeMap<String, Redemption>,
    /// Entities of the agency.
    pub agency: Agency,
    /// Webhook endpoints, deleted ones included.
    pub endpoints: BTreeMap<EndpointId, Endpoint>,
    /// Webhook deliveries.
    pub deliveries: Vec<Delivery>,
    /// Unsent messages.
    pub outbox: Vec<Outbox>,
    /// Counted contributions of the statistics projection.
    pub counted: Vec<ProjectedMetrics>,
    /// Totals of statistics, summed over all shards.
    pub totals: Tallies,
    rest: Decoded,
}

/// Entities that decode, by type.
#[derive(Debug, Default)]
struct Decoded(BTreeMap<&'static str, Vec<Box<dyn Any + Send + Sync>>>);

/// Entities of the agency.
#[derive(Debug, Default)]
pub struct Agency {
    pub shops: BTreeMap<ShopId, Shop>,
    pub wallets: BTreeMap<ShopId, Wallet>,
    /// Sales statistics by shop and series.
    pub sales: BTreeMap<(ShopId, SeriesId), Sales>,
    pub series: BTreeMap<SeriesId, Series>,
    /// Claims on the codes of series.
    pub series_codes: Vec<SeriesCode>,
    /// Grants, deleted ones included.
    pub grants: BTreeMap<GrantId, Grant>,
    /// Index of grants: the place of each.
    pub places: BTreeMap<GrantId, GrantPlace>,
    pub assets: BTreeMap<AssetId, Asset>,
    /// Claims on asset identifiers.
    pub claims: BTreeMap<AssetId, AssetClaim>,
    pub orders: BTreeMap<AgencyOrderId, AgencyOrder>,
}

impl Snapshot {
    /// Decodes a scan and reports items that do not fit.
    pub fn read(items: &[Item]) -> (Self, Vec<Finding>) {
        let schemas: BTreeMap<&str, &RecordSchema> = crate::records().map(|schema| (schema.kind, schema)).collect();
        let (mut decoded, mut totals, mut findings) = (Decoded::default(), Tallies::new(), Vec::new());
        for item in items {
            let found = match text(item, "type").unwrap_or_default() {
                "statistics" => add_totals(&mut totals, item),
                "try" => numbers(item).map(drop).map_err(|fault| Chain(&fault).to_string()),
                "" => Err("has no type".to_owned()),
                kind => match schemas.get(kind) {
                    Some(schema) => decoded.add(schema, item, &mut findings),
                    None => Err(format!("is a {kind}, which no capability declares")),
                },
            };
            if let Err(why) = found {
                findings.push(Finding::new("D1", describe(item), why));
            }
        }
        let snapshot = Self::of(decoded, totals);
        findings.extend(snapshot.older_entries(items));
        (snapshot, findings)
    }

    /// Entries of platform lists from before the deployment began: no list shows them.
    fn older_entries(&self, items: &[Item]) -> Vec<Finding> {
        let Some(begun) = self.all::<PublicKeys>().find_map(PublicKeys::first_month) else {
            return Vec::new();
        };
        let month = |item: &Item| Month::parse(month_of(text(item, "gsi2pk")?)?);
        let older = items.iter().filter(|item| month(item).is_some_and(|month| month < begun));
        older.map(|item| Finding::new("D4", describe(item), format!("is in a list before {begun}"))).collect()
    }

    /// Entities of a type that has no field of its own.
    pub fn all<T: Entity>(&self) -> impl Iterator<Item = &T> {
        self.rest.0.get(T::TYPE).into_iter().flatten().filter_map(|entity| entity.downcast_ref())
    }

    fn of(mut from: Decoded, totals: Tallies) -> Self {
        let agency = Agency::of(&mut from);
        let (payments, mut events): (Vec<Payment>, Vec<ProviderEventRecord>) = (from.take(), from.take());
        events.extend(payments.iter().flat_map(Payment::kept_events));
        Self {
            users: from.by(|it: &User| it.id),
            postings: from.take(),
            orders: from.by(|it: &Order| it.id),
            payments,
            events,
            reviews: from.take(),
            rewards: from.by(|it: &Reward| it.id),
            milestones: from.take().into_iter().map(|it: Milestone| (it.invitee, it.trigger)).collect(),
            counts: from.by(|it: &ReferralCounts| it.user),
            invites: from.take(),
            active_codes: from.take(),
            claims: from.take(),
            external: from.take(),
            purchases: from.by(|it: &Purchase| it.id),
            signups: from.take().into_iter().map(|it: PendingSignup| it.id).collect(),
            lots: from.grouped(|it: &CreditLot| it.user),
            affiliates: from.by(|it: &CommissionAccount| it.user),
            commissions: from.by(|it: &Commission| it.order),
            maturing: from.by(|it: &CommissionHold| (it.beneficiary, it.order)),
            earnings: from.by(|it: &Earnings| it.invitee),
            withdrawals: from.by(|it: &Withdrawal| it.id),
            plans: from.by(|it: &Plan| it.id),
            subscriptions: from.take(),
            batches: from.by(|it: &Batch| it.id),
            codes: from.by(|it: &Code| it.hash),
            shards: from.take(),
            redemptions: from.by(|it: &Redemption| it.own_key().pk),
            agency,
            endpoints: from.by(|it: &Endpoint| it.id),
            deliveries: from.take(),
            outbox: from.take(),
            counted: from.take(),
            totals,
            rest: from,
        }
    }
}

impl Agency {
    fn of(from: &mut Decoded) -> Self {
        let sales: Vec<ShopSales> = from.take();
        Self {
            shops: from.by(|it: &Shop| it.id),
            wallets: from.by(|it: &Wallet| it.shop),
            sales: sales.into_iter().map(|it| ((it.shop, it.series), it.sales)).collect(),
            series: from.by(|it: &Series| it.id),
            series_codes: from.take(),
            grants: from.by(|it: &Grant| it.id),
            places: from.by(|it: &GrantPlace| it.id),
            assets: from.by(|it: &Asset| it.id),
            claims: from.by(|it: &AssetClaim| it.asset),
            orders: from.by(|it: &AgencyOrder| it.id),
        }
    }
}

impl Decoded {
    /// Decodes an item by its declaration and compares its key and index entries with those it should have.
    fn add(&mut self, schema: &RecordSchema, item: &Item, findings: &mut Vec<Finding>) -> Result<(), String> {
        let place = (schema.place)(item.clone()).map_err(|fault| Chain(&fault).to_string())?;
        let is = |name: &str| text(item, name).map(str::to_owned);
        let (pk, sk) = (place.key.pk, place.key.sk);
        let is_at = is("sk").as_ref() == Some(&sk) && is("pk").is_some_and(|is| stood_there(&is, &pk));
        if !is_at {
            findings.push(Finding::new("D2", describe(item), format!("belongs at {pk}/{sk}")));
        }
        let indexes = place.indexes;
        for (pk, sk, entry) in [
            ("gsi1pk", "gsi1sk", indexes.owner),
            ("gsi2pk", "gsi2sk", indexes.platform),
            ("gsi3pk", "gsi3sk", indexes.due),
        ] {
            let is_there = match (is(pk).zip(is(sk)), &entry) {
                (Some((is, sort)), Some((belongs, its))) => sort == *its && stood_there(&is, belongs),
                (is, entry) => is.is_none() && entry.is_none(),
            };
            if !is_there {
                findings.push(Finding::new("D3", describe(item), format!("{pk} should be {entry:?}")));
            }
        }
        self.0.entry(schema.kind).or_default().push(place.entity);
        Ok(())
    }

    /// Takes all entities of a type.
    fn take<T: Entity>(&mut self) -> Vec<T> {
        let all = self.0.remove(T::TYPE).unwrap_or_default();
        all.into_iter().filter_map(|entity| entity.downcast().ok()).map(|entity| *entity).collect()
    }

    /// Takes all entities of a type, by their owners.
    fn grouped<T: Entity, I: Ord>(&mut self, owner: impl Fn(&T) -> I) -> BTreeMap<I, Vec<T>> {
        let mut all: BTreeMap<I, Vec<T>> = BTreeMap::new();
        for entity in self.take::<T>() {
            all.entry(owner(&entity)).or_default().push(entity);
        }
        all
    }

    /// Takes all entities of a type, by their ids.
    fn by<T: Entity, I: Ord>(&mut self, id: impl Fn(&T) -> I) -> BTreeMap<I, T> {
        self.take().into_iter().map(|entity| (id(&entity), entity)).collect()
    }
}

/// Adds totals under their full names.
///
/// A day's totals get the day as a prefix, those of expiring credit the month, uses and invitees their batch, code or invite code.
fn add_totals(totals: &mut Tallies, item: &Item) -> Result<(), String> {
    let of = |list: &str, name: &str| {
        text(item, "pk").and_then(|pk| pk.strip_prefix(list)).map(|code| format!("{name}.{code}."))
    };
    let code = of("USES#", "code").or_else(|| of("INVITED#", "invite"));
    let is_expiring = text(item, "pk").is_some_and(|pk| pk.starts_with(EXPIRING));
    let dated = if is_expiring { "expiring" } else { "day" };
    let dated = text(item, "sk").and_then(|sk| sk.split_once('#')).map(|(date, _)| format!("{dated}.{date}."));
    let prefix = code.or(dated).unwrap_or_default();
    for (name, amount) in numbers(item).map_err(|fault| Chain(&fault).to_string())? {
        let total = totals.entry(format!("{prefix}{name}")).or_default();
        *total = total.checked_add(amount).ok_or("a total that does not fit")?;
    }
    Ok(())
}
