//! Request and response bodies of grants.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use shared::agency::grants::{ChangeGrant, CreateGrant};
use shared::agency::model::commission_split::{Sales, SalesTally};
use shared::agency::model::grant::{self, GrantStatus, OwnTier, PackageChange};
use shared::agency::model::minimum_recharge::effective;
use shared::agency::model::series::{CommissionKind, Series};
use shared::agency::model::shop::Shop;
use shared::agency::model::{CHANGES_MAX, PACKAGES_MAX, TIERS_MAX};
use shared::agency::queries::{self, GrantFilter};
use shared::app::App;
use shared::edge::export::CsvRow;
use shared::edge::view::Amount;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::{GrantId, PackageId, SeriesId, ShopId};
use shared::kernel::money::{Currency, LEDGER_DIGITS, MoneyError, plain_decimal};
use shared::kernel::refusal::Refusal;
use utoipa::{IntoParams, ToSchema};

use crate::series::{TierView, tier};
use crate::wire::{Findings, ForcedDocument, Named, StatusChoice, currency, shown};

/// A shop's terms for a series.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShopSeriesGrant)]
pub struct Grant {
    /// Id of the grant.
    pub id: GrantId,
    /// Shop that holds the grant.
    pub shop: Named,
    /// Series that is granted.
    pub series: SeriesView,
    /// Commission type of the series: `none`, `fixed` or `tiered`.
    pub commission_type: CommissionKind,
    /// The shop's part of a fixed commission, in agency currency.
    pub commission_amount: Amount,
    /// The shop's amount at each tier, with the series' dimension, scope and operator.
    pub commission_tiers: Vec<TierView>,
    /// Effective forced recharge.
    pub forced_recharge: ForcedView,
    /// Shop that granted it; the id is null for the platform.
    pub allocator: Named,
    /// State of the grant: `active`, `disabled` or `deleted`.
    pub status: GrantStatus,
    /// Number of packages in the grant.
    pub package_count: usize,
    /// Packages of the grant.
    pub packages: Vec<PackageView>,
    /// Sales of the series as tiers count them; only in the response for a single grant.
    pub sales: Option<SalesView>,
    /// True while an earlier change is still being applied to the grants below.
    pub changing: bool,
    /// Version of the grant, increased by each change; also the `ETag`.
    pub version: u64,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Time of the last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl CsvRow for Grant {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "shop.id",
        "shop.name",
        "series.id",
        "series.code",
        "commission_type",
        "commission_amount.amount",
        "commission_amount.currency",
        "allocator.id",
        "status",
        "package_count",
        "forced_recharge.amount.amount",
        "created_at",
        "updated_at",
    ];
}

/// A shop's sales of a series: paid orders, not on behalf, less refunds (R8.8).
#[derive(Debug, Serialize, ToSchema)]
pub struct SalesView {
    /// Sales of the shop itself.
    #[serde(rename = "self")]
    pub own: TallyView,
    /// Sales of the shop and all shops below it.
    pub self_and_sub: TallyView,
}

/// A number and a sum of sales.
#[derive(Debug, Serialize, ToSchema)]
pub struct TallyView {
    /// Number of sales.
    pub sales_count: u64,
    /// Sum of their payments less refunds, in agency currency.
    pub sales_amount: Amount,
}

impl SalesView {
    /// Render sales in agency currency.
    ///
    /// # Errors
    /// If the amount has more digits than the currency.
    pub fn of(sales: Sales, currency: Currency) -> Result<Self, MoneyError> {
        let tally = |of: SalesTally| Ok(TallyView { sales_count: of.count, sales_amount: shown(of.amount, currency)? });
        Ok(Self { own: tally(sales.own)?, self_and_sub: tally(sales.self_and_sub)? })
    }
}

/// A series by id, name and code.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeriesView {
    /// Id of the series.
    pub id: SeriesId,
    /// Display name.
    pub name: String,
    /// The operator's own code of the series.
    pub code: String,
}

/// Effective forced recharge (R8.7).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EffectiveForcedRecharge)]
pub struct ForcedView {
    /// True if the platform sets it.
    pub locked: bool,
    /// True if a minimum has to be paid first.
    pub enabled: bool,
    /// Minimum amount to pay, in agency currency.
    pub amount: Amount,
}

/// A package in a shop's grant.
#[derive(Debug, Serialize, ToSchema)]
pub struct PackageView {
    /// Id of the package.
    pub package_id: PackageId,
    /// Display name.
    pub name: String,
    /// The operator's own code of the package.
    pub code: String,
    /// The shop's cost price, in agency currency.
    pub cost_price: Amount,
    /// The shop's retail price, in agency currency.
    pub retail_price: Amount,
    /// True if the shop sells it.
    pub on_shelf: bool,
    /// Status of the package, that of the grant: `active`.
    pub status: GrantStatus,
    /// Earlier cost prices, oldest first.
    pub history: Vec<CostView>,
}

/// An earlier cost price.
#[derive(Debug, Serialize, ToSchema)]
pub struct CostView {
    /// Cost price, in agency currency.
    pub cost_price: Amount,
    /// Time of its replacement.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
}

/// Names of the shops and series that responses about grants refer to.
pub struct Names {
    shops: BTreeMap<ShopId, Shop>,
    series: BTreeMap<SeriesId, Series>,
    currency: Currency,
}

impl Names {
    /// Load the shops and series that some grants refer to.
    ///
    /// # Errors
    /// If the database can't be reached.
    pub async fn of(app: &App, grants: &[grant::Grant]) -> Result<Self, Fault> {
        let shops: Vec<ShopId> =
            grants.iter().flat_map(|grant| [grant.path.shop(), allocator(grant)]).flatten().collect();
        let series: Vec<SeriesId> = grants.iter().map(|grant| grant.series).collect();
        Ok(Self {
            shops: queries::shops_of(app, shops).await?,
            series: queries::series_of(app, series).await?,
            currency: currency(app).await?,
        })
    }

    fn shop(&self, id: Option<ShopId>) -> Named {
        let name = id.and_then(|id| self.shops.get(&id)).map(|shop| shop.name.clone());
        Named { id, name }
    }

    /// Render a grant.
    ///
    /// # Errors
    /// If the grant's series does not exist.
    pub fn view(&self, of: grant::Grant) -> Result<Grant, Error> {
        let (terms, currency) = (of.wanted(), self.currency);
        let series = self.series.get(&of.series).ok_or_else(|| Fault::bug("a grant of no series"))?;
        let offered = &series.wanted().commission;
        let at =
            |tier: &shared::agency::model::series::CommissionTier| terms.own.at(tier.threshold).unwrap_or_default();
        let forced = effective(&series.trigger, &series.forced, &terms.forced, false);
        let packages = terms.packages.iter().filter_map(|held| Some((held, series.wanted().package(held.id)?)));
        let packages = packages.map(|(held, package)| {
            let earlier = |earlier: &grant::EarlierCost| {
                Ok(CostView { cost_price: shown(earlier.cost_price, currency)?, until: earlier.until })
            };
            Ok(PackageView {
                package_id: held.id,
                name: package.name.clone(),
                code: package.code.clone(),
                cost_price: shown(held.cost_price, currency)?,
                retail_price: shown(held.retail_price, currency)?,
                on_shelf: held.on_shelf,
                status: terms.status,
                history: held.history.iter().map(earlier).collect::<Result<_, Error>>()?,
            })
        });
        let tiers = if offered.kind == CommissionKind::Tiered { offered.tiers.as_slice() } else { &[] };
        Ok(Grant {
            id: of.id,
            shop: self.shop(of.path.shop()),
            series: SeriesView { id: series.id, name: series.name.clone(), code: series.code.clone() },
            commission_type: offered.kind,
            commission_amount: shown(terms.own.amount, currency)?,
            commission_tiers: tiers.iter().map(|of| tier(of, at(of), currency)).collect::<Result<_, _>>()?,
            forced_recharge: ForcedView {
                locked: forced.locked,
                enabled: forced.amount.is_some(),
                amount: shown(forced.amount.unwrap_or_default(), currency)?,
            },
            allocator: self.shop(allocator(&of)),
            status: terms.status,
            package_count: terms.packages.len(),
            packages: packages.collect::<Result<_, Error>>()?,
            sales: None,
            changing: of.closing.is_some(),
            version: of.version,
            created_at: of.created_at,
            updated_at: of.updated_at,
        })
    }
}

fn allocator(of: &grant::Grant) -> Option<ShopId> {
    of.path.parent().and_then(|parent| parent.shop())
}

/// A tier's amount in a grant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnTierBody {
    /// Threshold of the series' tier.
    threshold: String,
    /// The shop's amount at this tier, in agency currency.
    amount: String,
}

/// A package in a grant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantedBody {
    /// Id of the package.
    #[schema(value_type = PackageId)]
    package_id: String,
    /// The shop's cost price, in agency currency.
    cost_price: String,
}

/// A grant to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGrant {
    /// Id of the shop that receives the grant.
    #[schema(value_type = ShopId)]
    shop_id: String,
    /// Id of the series.
    #[schema(value_type = SeriesId)]
    series_id: String,
    /// The shop's part of a fixed commission, in agency currency; 0 if left out.
    #[serde(default)]
    commission_amount: Option<String>,
    /// The shop's amount at each tier of a tiered commission.
    #[serde(default)]
    commission_tiers: Option<Vec<OwnTierBody>>,
    /// The shop's own forced recharge; off if left out.
    #[serde(default)]
    forced_recharge: Option<ForcedDocument>,
    /// Packages to grant.
    #[serde(default)]
    packages: Vec<GrantedBody>,
}

fn tiers(findings: &mut Findings, of: &[OwnTierBody], currency: Currency) -> Vec<OwnTier> {
    if of.len() > TIERS_MAX {
        findings.add("/commission_tiers", "out_of_range", format!("at most {TIERS_MAX}"));
    }
    let mut read = Vec::new();
    for (index, tier) in of.iter().take(TIERS_MAX).enumerate() {
        let pointer = |name: &str| format!("/commission_tiers/{index}/{name}");
        let threshold = plain_decimal(&tier.threshold, LEDGER_DIGITS);
        if threshold.is_none() {
            findings.add(pointer("threshold"), "not_a_decimal", "a threshold of the series");
        }
        let amount = findings.amount(pointer("amount"), &tier.amount, currency);
        read.push(OwnTier { threshold: threshold.unwrap_or_default(), amount });
    }
    read
}

impl NewGrant {
    /// Parse the body.
    /// # Rejects
    /// 422 with all findings.
    pub fn read(&self, currency: Currency) -> Result<CreateGrant, Refusal> {
        let mut findings = Findings::default();
        let shop = findings.id("/shop_id", &self.shop_id, ShopId::parse);
        let series = findings.id("/series_id", &self.series_id, SeriesId::parse);
        let amount =
            self.commission_amount.as_deref().map(|text| findings.amount("/commission_amount", text, currency));
        let tiers = self.commission_tiers.as_deref().map(|of| tiers(&mut findings, of, currency));
        let forced = self.forced_recharge.as_ref().map(|forced| forced.read(&mut findings, currency));
        if self.packages.len() > PACKAGES_MAX {
            findings.add("/packages", "out_of_range", format!("at most {PACKAGES_MAX}"));
        }
        let mut packages: Vec<(PackageId, Decimal)> = Vec::new();
        for (index, package) in self.packages.iter().take(PACKAGES_MAX).enumerate() {
            let id = findings.id(format!("/packages/{index}/package_id"), &package.package_id, PackageId::parse);
            let cost = findings.amount(format!("/packages/{index}/cost_price"), &package.cost_price, currency);
            if packages.iter().any(|(other, _)| Some(*other) == id) {
                findings.add(format!("/packages/{index}/package_id"), "twice", "each package once");
            }
            packages.extend(id.map(|id| (id, cost)));
        }
        findings.none()?;
        let (Some(shop), Some(series)) = (shop, series) else { return Err(Refusal::MalformedRequest) };
        let forced = forced.unwrap_or_default();
        Ok(CreateGrant { shop, series, amount, tiers, forced, packages })
    }
}

/// Changes of a grant; absent fields stay unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantChange {
    /// New part of a fixed commission, in agency currency.
    #[serde(default)]
    commission_amount: Option<String>,
    /// New amounts at each tier.
    #[serde(default)]
    commission_tiers: Option<Vec<OwnTierBody>>,
    /// New forced recharge of the shop's own.
    #[serde(default)]
    forced_recharge: Option<ForcedDocument>,
    /// New status: `active` or `disabled`.
    #[serde(default)]
    #[schema(value_type = Option<StatusChoice>)]
    status: Option<String>,
    /// True to lower the grants below that exceed the new amounts.
    #[serde(default)]
    adjust_children: bool,
}

impl GrantChange {
    /// Parse the body.
    ///
    /// # Rejects
    /// 422 with all findings.
    pub fn read(&self, grant: GrantId, version: u64, currency: Currency) -> Result<ChangeGrant, Refusal> {
        let mut findings = Findings::default();
        let amount =
            self.commission_amount.as_deref().map(|text| findings.amount("/commission_amount", text, currency));
        let tiers = self.commission_tiers.as_deref().map(|of| tiers(&mut findings, of, currency));
        let forced = self.forced_recharge.as_ref().map(|forced| forced.read(&mut findings, currency));
        let status = self.status.as_deref().map(StatusChoice::parse);
        if status == Some(None) {
            findings.add("/status", "unknown", "`active` or `disabled`");
        }
        let enabled = status.flatten().map(|status| status == StatusChoice::Active);
        findings.none()?;
        Ok(ChangeGrant { grant, version, amount, tiers, forced, enabled, adjust: self.adjust_children })
    }
}

/// A change of one package of a grant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PackageChangeBody {
    /// Id of the package.
    #[schema(value_type = PackageId)]
    package_id: String,
    /// New cost price, in agency currency; adds the package if the grant has none.
    #[serde(default)]
    cost_price: Option<String>,
    /// True to remove the package.
    #[serde(default)]
    remove: bool,
}

/// Changes of a grant's packages, applied all or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PackagesBody {
    /// The changes, at most 90.
    packages: Vec<PackageChangeBody>,
    /// True to apply the changes to the grants below.
    /// Raises cost and retail prices below a raised cost price; takes removed packages out of the grants below.
    #[serde(default)]
    pub adjust_children: bool,
}

impl PackagesBody {
    /// Parse the body.
    ///
    /// # Rejects
    /// 422 with all findings.
    pub fn read(&self, currency: Currency) -> Result<Vec<PackageChange>, Refusal> {
        let mut findings = Findings::default();
        if !(1..=CHANGES_MAX).contains(&self.packages.len()) {
            findings.add("/packages", "out_of_range", format!("1 to {CHANGES_MAX}"));
        }
        let (mut changes, mut seen) = (Vec::new(), Vec::new());
        for (index, change) in self.packages.iter().take(CHANGES_MAX).enumerate() {
            let pointer = |name: &str| format!("/packages/{index}/{name}");
            let Some(id) = findings.id(pointer("package_id"), &change.package_id, PackageId::parse) else { continue };
            if seen.contains(&id) {
                findings.add(pointer("package_id"), "twice", "each package once");
            }
            seen.push(id);
            match (&change.cost_price, change.remove) {
                (Some(cost), false) => {
                    changes.push(PackageChange::Cost(id, findings.amount(pointer("cost_price"), cost, currency)));
                }
                (None, true) => changes.push(PackageChange::Remove(id)),
                _ => findings.add(pointer("cost_price"), "one_of", "either `cost_price` or `remove`"),
            }
        }
        findings.none()?;
        Ok(changes)
    }
}

/// A shop's own price.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetailBody {
    /// Retail price in agency currency; at least the cost price.
    pub retail_price: String,
    /// True if the shop sells the package.
    pub on_shelf: bool,
}

/// Filters of grants.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Id of the shop that holds the grant.
    #[param(inline, value_type = Option<ShopId>)]
    shop_id: Option<String>,
    /// Id of the series.
    #[param(inline, value_type = Option<SeriesId>)]
    series_id: Option<String>,
    /// Id of the shop that granted it.
    #[param(inline, value_type = Option<ShopId>)]
    allocator_shop_id: Option<String>,
    /// `active`, `disabled` or `deleted`; all that are not deleted if left out.
    #[param(inline, value_type = Option<GrantStatus>)]
    status: Option<String>,
}

impl Filter {
    /// Parse the filters.
    ///
    /// # Rejects
    /// 422 with all findings.
    pub fn read(&self) -> Result<GrantFilter, Refusal> {
        let mut findings = Findings::default();
        let shop = self.shop_id.as_deref().and_then(|id| findings.id("/shop_id", id, ShopId::parse));
        let series = self.series_id.as_deref().and_then(|id| findings.id("/series_id", id, SeriesId::parse));
        let allocator =
            self.allocator_shop_id.as_deref().and_then(|id| findings.id("/allocator_shop_id", id, ShopId::parse));
        let all = [GrantStatus::Active, GrantStatus::Disabled, GrantStatus::Deleted];
        let status = self.status.as_deref().map(|text| all.into_iter().find(|status| status.as_str() == text));
        if status == Some(None) {
            findings.add("/status", "unknown", "`active`, `disabled` or `deleted`");
        }
        findings.none()?;
        Ok(GrantFilter { shop, series, allocator, status: status.flatten() })
    }
}
