//! A decoded full scan. Items that do not decode or have the wrong key or index entries are findings.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use crate::account::model::access::{EmailChange, EmailClaim, ExternalClaim, PendingSignup, Session};
use crate::account::model::service_key::ServiceKey;
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
use crate::agency::model::wallet::{AgencyBegun, Wallet};
use crate::operations::model::audit_record::AuditRecord;
use crate::operations::model::metrics::{ProjectedMetrics, Tallies};
use crate::operations::settings::SettingsRecord;
use crate::payment::model::event::{ProviderEventRecord, RawEvent};
use crate::payment::model::order::{Order, OrderWindow};
use crate::payment::model::payment::Payment;
use crate::payment::model::reconciliation::{Differences, Reconciliation};
use crate::payment::model::review::Review;
use crate::redemption::model::code::{Batch, Code, CodeShard, CodeText};
use crate::redemption::model::plan::{Plan, Subscription};
use crate::redemption::model::redemption::Redemption;
use crate::referral::model::counts::{InviteeLimit, Milestone, ReferralCounts};
use crate::referral::model::referral::{ActiveCodes, Invite, Reward, Trigger};
use crate::webhooks::model::delivery::Delivery;
use crate::webhooks::model::endpoint::Endpoint;
use kernel::id::{
    AgencyOrderId, AssetId, BatchId, EndpointId, GrantId, OrderId, PlanId, RewardId, SeriesId, ShopId, SignupId,
    UserId, WithdrawalId,
};
use kernel::ledger::JournalEntry;
use table::idempotency::IdempotencyRecord;
use table::item::{Entity, Item, Versioned, describe, numbers, text};
use table::ledger::LedgerBegun;
use table::outbox::Outbox;

/// All entities in the table, by type.
#[derive(Debug, Default)]
pub struct Snapshot {
    pub users: BTreeMap<UserId, User>,
    /// Journal entries of owners and of platform accounts.
    pub postings: Vec<JournalEntry>,
    pub orders: BTreeMap<OrderId, Order>,
    pub payments: Vec<Payment>,
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
    pub codes: BTreeMap<CodeText, Code>,
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
}

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
        let mut snapshot = Self::default();
        let mut findings = Vec::new();
        for item in items {
            if let Err(why) = snapshot.add(item, &mut findings) {
                findings.push(Finding::new("D1", describe(item), why));
            }
        }
        (snapshot, findings)
    }

    fn add(&mut self, item: &Item, findings: &mut Vec<Finding>) -> Result<(), String> {
        match text(item, "type").unwrap_or_default() {
            "user" => {
                let user: User = decode(item, findings)?;
                self.users.insert(user.id, user);
            }
            "posting" => self.postings.push(decode(item, findings)?),
            "order" => {
                let order: Order = decode(item, findings)?;
                self.orders.insert(order.id, order);
            }
            "payment" => self.payments.push(decode(item, findings)?),
            "event" => self.events.push(decode(item, findings)?),
            "review" => self.reviews.push(decode(item, findings)?),
            "reward" => {
                let reward: Reward = decode(item, findings)?;
                self.rewards.insert(reward.id, reward);
            }
            "milestone" => {
                let milestone: Milestone = decode(item, findings)?;
                self.milestones.push((milestone.invitee, milestone.trigger));
            }
            "referral_counts" => {
                let counts: ReferralCounts = decode(item, findings)?;
                self.counts.insert(counts.user, counts);
            }
            "invite" => self.invites.push(decode(item, findings)?),
            "active_codes" => self.active_codes.push(decode(item, findings)?),
            "outbox" => self.outbox.push(decode(item, findings)?),
            "counted" => self.counted.push(decode(item, findings)?),
            "statistics" => self.add_totals(item)?,
            _ => self.add_service(item, findings)?,
        }
        Ok(())
    }

    /// Adds entities of the operator's backend and product.
    fn add_service(&mut self, item: &Item, findings: &mut Vec<Finding>) -> Result<(), String> {
        match text(item, "type").unwrap_or_default() {
            "external" => self.external.push(decode(item, findings)?),
            "purchase" => {
                let purchase: Purchase = decode(item, findings)?;
                self.purchases.insert(purchase.id, purchase);
            }
            "service_key" => fits::<ServiceKey>(item, findings)?,
            "endpoint" => {
                let endpoint: Endpoint = decode(item, findings)?;
                self.endpoints.insert(endpoint.id, endpoint);
            }
            "delivery" => self.deliveries.push(decode(item, findings)?),
            _ => self.add_commissions(item, findings)?,
        }
        Ok(())
    }

    /// Adds commissions, their accounts and withdrawals.
    fn add_commissions(&mut self, item: &Item, findings: &mut Vec<Finding>) -> Result<(), String> {
        match text(item, "type").unwrap_or_default() {
            "commission_account" => {
                let account: CommissionAccount = decode(item, findings)?;
                self.affiliates.insert(account.user, account);
            }
            "commission" => {
                let commission: Commission = decode(item, findings)?;
                self.commissions.insert(commission.order, commission);
            }
            "maturing" => {
                let maturing: CommissionHold = decode(item, findings)?;
                self.maturing.insert((maturing.beneficiary, maturing.order), maturing);
            }
            "earnings" => {
                let earnings: Earnings = decode(item, findings)?;
                self.earnings.insert(earnings.invitee, earnings);
            }
            "withdrawal" => {
                let withdrawal: Withdrawal = decode(item, findings)?;
                self.withdrawals.insert(withdrawal.id, withdrawal);
            }
            _ => self.add_codes(item, findings)?,
        }
        Ok(())
    }

    /// Adds plans, redemption codes and redemptions.
    fn add_codes(&mut self, item: &Item, findings: &mut Vec<Finding>) -> Result<(), String> {
        match text(item, "type").unwrap_or_default() {
            "plan" => {
                let plan: Plan = decode(item, findings)?;
                self.plans.insert(plan.id, plan);
            }
            "subscription" => self.subscriptions.push(decode(item, findings)?),
            "batch" => {
                let batch: Batch = decode(item, findings)?;
                self.batches.insert(batch.id, batch);
            }
            "code" => {
                let code: Code = decode(item, findings)?;
                self.codes.insert(code.text.clone(), code);
            }
            "code_shard" => self.shards.push(decode(item, findings)?),
            "redemption" => {
                let redemption: Redemption = decode(item, findings)?;
                self.redemptions.insert(redemption.own_key().pk, redemption);
            }
            _ => self.add_agency(item, findings)?,
        }
        Ok(())
    }

    /// Adds entities of the agency.
    fn add_agency(&mut self, item: &Item, findings: &mut Vec<Finding>) -> Result<(), String> {
        let agency = &mut self.agency;
        match text(item, "type").unwrap_or_default() {
            "shop" => {
                let shop: Shop = decode(item, findings)?;
                agency.shops.insert(shop.id, shop);
            }
            "wallet" => {
                let wallet: Wallet = decode(item, findings)?;
                agency.wallets.insert(wallet.shop, wallet);
            }
            "shop_sales" => {
                let of: ShopSales = decode(item, findings)?;
                agency.sales.insert((of.shop, of.series), of.sales);
            }
            "series_code" => agency.series_codes.push(decode(item, findings)?),
            "series" => {
                let series: Series = decode(item, findings)?;
                agency.series.insert(series.id, series);
            }
            "grant" => {
                let grant: Grant = decode(item, findings)?;
                agency.grants.insert(grant.id, grant);
            }
            "grant_place" => {
                let place: GrantPlace = decode(item, findings)?;
                agency.places.insert(place.id, place);
            }
            "asset" => {
                let asset: Asset = decode(item, findings)?;
                agency.assets.insert(asset.id, asset);
            }
            "asset_claim" => {
                let claim: AssetClaim = decode(item, findings)?;
                agency.claims.insert(claim.asset, claim);
            }
            "agency_order" => {
                let order: AgencyOrder = decode(item, findings)?;
                agency.orders.insert(order.id, order);
            }
            _ => self.add_rest(item, findings)?,
        }
        Ok(())
    }

    /// Adds sign-in entities, and entities that no invariant compares with others.
    ///
    /// For the latter, decoding with the right key and index entries is the whole check.
    fn add_rest(&mut self, item: &Item, findings: &mut Vec<Finding>) -> Result<(), String> {
        match text(item, "type").unwrap_or_default() {
            "email" => {
                self.claims.push(decode(item, findings)?);
            }
            "signup" => {
                self.signups.insert(decode::<PendingSignup>(item, findings)?.id);
            }
            "email_change" => fits::<EmailChange>(item, findings)?,
            "session" => fits::<Session>(item, findings)?,
            "raw_event" => fits::<RawEvent>(item, findings)?,
            "settings" => fits::<SettingsRecord>(item, findings)?,
            "agency_begun" => fits::<AgencyBegun>(item, findings)?,
            "ledger_begun" => fits::<LedgerBegun>(item, findings)?,
            "once" => fits::<IdempotencyRecord>(item, findings)?,
            "public_keys" => fits::<PublicKeys>(item, findings)?,
            "audit" => fits::<AuditRecord>(item, findings)?,
            "reconciliation" => fits::<Reconciliation>(item, findings)?,
            "differences" => fits::<Differences>(item, findings)?,
            "invitee_limit" => fits::<InviteeLimit>(item, findings)?,
            "order_window" => fits::<OrderWindow>(item, findings)?,
            "try" => numbers(item).map(|_| ()).map_err(|fault| fault.to_string())?,
            "" => return Err("has no type".to_owned()),
            other => return Err(format!("is a {other}, which the auditor does not know")),
        }
        Ok(())
    }

    /// Adds totals under their full names.
    ///
    /// A day's totals get the day as a prefix, an unlimited code's uses and an invite code's invitees the code.
    fn add_totals(&mut self, item: &Item) -> Result<(), String> {
        let of = |list: &str, name: &str| {
            text(item, "pk").and_then(|pk| pk.strip_prefix(list)).map(|code| format!("{name}.{code}."))
        };
        let code = of("USES#", "code").or_else(|| of("INVITED#", "invite"));
        let day = text(item, "sk").and_then(|sk| sk.split_once('#')).map(|(day, _)| format!("day.{day}."));
        let prefix = code.or(day).unwrap_or_default();
        for (name, amount) in numbers(item).map_err(|fault| fault.to_string())? {
            let total = self.totals.entry(format!("{prefix}{name}")).or_default();
            *total = total.checked_add(amount).ok_or("a total that does not fit")?;
        }
        Ok(())
    }
}

fn fits<T: Entity>(item: &Item, findings: &mut Vec<Finding>) -> Result<(), String> {
    decode::<T>(item, findings).map(|_| ())
}

fn decode<T: Entity>(item: &Item, findings: &mut Vec<Finding>) -> Result<T, String> {
    let stored = Versioned::<T>::read(item.clone()).map_err(|fault| fault.to_string())?;
    let (key, indexes) = (stored.own_key(), stored.indexes());
    let is = |name: &str| text(item, name).map(str::to_owned);
    if (is("pk"), is("sk")) != (Some(key.pk.clone()), Some(key.sk.clone())) {
        findings.push(Finding::new("D2", describe(item), format!("belongs at {}/{}", key.pk, key.sk)));
    }
    for (pk, sk, entry) in
        [("gsi1pk", "gsi1sk", indexes.owner), ("gsi2pk", "gsi2sk", indexes.platform), ("gsi3pk", "gsi3sk", indexes.due)]
    {
        if is(pk).zip(is(sk)) != entry {
            findings.push(Finding::new("D3", describe(item), format!("{pk} should be {entry:?}")));
        }
    }
    Ok(stored.into_inner())
}
