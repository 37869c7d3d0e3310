//! Series (R8.2). An agent sees the series granted to its shop, on the terms of that grant.

use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::said;
use shared::account::view::{Admin, GrantsWrite};
use shared::agency::model::TIERS_MAX;
use shared::agency::model::grant::Grant;
use shared::agency::model::series::{
    self, CommissionKind, CommissionTerms, CommissionTier, CommissionTrigger, Comparison, Dimension, SalesScope,
    TriggerKind,
};
use shared::agency::model::shop::Seller;
use shared::agency::offer::{ChangeSeries, SeriesDocument, change_series, create_series};
use shared::agency::queries;
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::export::{CsvRow, JsonOrCsv};
use shared::edge::idempotency::Idempotent;
use shared::edge::page::Listing;
use shared::edge::page::Unfiltered;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::search::Search;
use shared::edge::version::IfMatch;
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::SeriesId;
use shared::kernel::money::{Currency, plain_decimal};
use shared::kernel::refusal::{Refusal, code};
use utoipa::ToSchema;

use super::wire::{Findings, ForcedDocument, currency, shown};
use shared::edge;

/// A group of packages with one commission.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AgencySeries)]
pub struct Series {
    /// Id of the series.
    pub id: SeriesId,
    /// Display name.
    pub name: String,
    /// The operator's own code of the series.
    pub code: String,
    /// One-time commission; for an agent, its own shop's part. Null if there is none.
    pub commission: Option<SeriesCommission>,
    /// Condition for the one-time commission to be due.
    pub trigger: TriggerView,
    /// The platform's forced recharge.
    pub forced_recharge: ForcedView,
    /// True while an earlier change is still being applied to the grants below.
    pub changing: bool,
    /// Version of the series, increased by each change; also the `ETag`.
    pub version: u64,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl CsvRow for Series {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "name",
        "code",
        "commission.type",
        "commission.amount.amount",
        "trigger.type",
        "trigger.threshold.amount",
        "created_at",
    ];
}

/// A one-time commission.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeriesCommission {
    /// Commission type: `fixed` or `tiered`.
    #[serde(rename = "type")]
    pub kind: CommissionKind,
    /// Amount of a fixed commission, in agency currency.
    pub amount: Amount,
    /// Tiers of a tiered commission.
    pub tiers: Vec<TierView>,
}

/// A tier of a commission.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AgencyTier)]
pub struct TierView {
    /// Measured quantity: `sales_count` or `sales_amount`.
    pub dimension: Dimension,
    /// Counted sales: `self` (the shop's own) or `self_and_sub` (with all shops below).
    pub scope: SalesScope,
    /// Comparison with the threshold: `>`, `>=`, `<` or `<=`.
    pub operator: Comparison,
    /// Threshold: a number of sales, or an amount in agency currency.
    pub threshold: String,
    /// Commission at this tier, in agency currency.
    pub amount: Amount,
}

/// Condition for a one-time commission to be due.
#[derive(Debug, Serialize, ToSchema)]
pub struct TriggerView {
    /// `first_recharge` or `accumulated_recharge`.
    #[serde(rename = "type")]
    pub kind: TriggerKind,
    /// Payment required, in agency currency.
    pub threshold: Amount,
}

/// A forced recharge.
#[derive(Debug, Serialize, ToSchema)]
pub struct ForcedView {
    /// True if the forced recharge is on.
    pub enabled: bool,
    /// Minimum amount to pay, in agency currency.
    pub amount: Amount,
}

/// Render a tier with an amount of the series or of a shop.
///
/// # Errors
/// If the amount has more digits than the currency.
pub fn tier(of: &CommissionTier, amount: Decimal, currency: Currency) -> Result<TierView, Error> {
    Ok(TierView {
        dimension: of.dimension,
        scope: of.scope,
        operator: of.operator,
        threshold: of.threshold.normalize().to_string(),
        amount: shown(amount, currency)?,
    })
}

impl Series {
    fn of(of: series::Series, grant: Option<&Grant>, currency: Currency) -> Result<Self, Error> {
        let offered = &of.wanted().commission;
        let own = grant.map(|grant| &grant.terms.own);
        let commission = match offered.kind {
            CommissionKind::None => None,
            _ => {
                let amount_at =
                    |at: &CommissionTier| own.map_or(Some(at.amount), |own| own.at(at.threshold)).unwrap_or_default();
                let tiers = offered.tiers.iter().map(|at| tier(at, amount_at(at), currency));
                Some(SeriesCommission {
                    kind: offered.kind,
                    amount: shown(own.map_or(offered.amount, |own| own.amount), currency)?,
                    tiers: tiers.collect::<Result<_, _>>()?,
                })
            }
        };
        Ok(Self {
            commission,
            trigger: TriggerView { kind: of.trigger.kind, threshold: shown(of.trigger.threshold, currency)? },
            forced_recharge: ForcedView { enabled: of.forced.enabled, amount: shown(of.forced.amount, currency)? },
            changing: of.closing.is_some(),
            id: of.id,
            name: of.name,
            code: of.code,
            version: of.version,
            created_at: of.created_at,
        })
    }
}

/// A series to create, or its new values.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesBody {
    /// Display name, 1 to 500 characters.
    name: String,
    /// The operator's own code of the series, 1 to 500 characters; unique.
    code: String,
    /// One-time commission; none if null or left out.
    #[serde(default)]
    commission: Option<CommissionBody>,
    /// Condition for the one-time commission to be due.
    trigger: TriggerBody,
    /// The platform's forced recharge; off if left out.
    #[serde(default)]
    forced_recharge: Option<ForcedDocument>,
    /// True to lower the grants that exceed the new amounts.
    #[serde(default)]
    adjust_children: bool,
}

/// A one-time commission to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommissionBody {
    /// Commission type: `none`, `fixed` or `tiered`.
    #[serde(rename = "type")]
    #[schema(value_type = CommissionKind)]
    kind: String,
    /// Amount of a fixed commission, in agency currency; 0 if left out.
    #[serde(default)]
    amount: Option<String>,
    /// Tiers of a tiered commission.
    #[serde(default)]
    tiers: Option<Vec<TierBody>>,
}

/// A tier to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TierBody {
    /// Measured quantity: `sales_count` or `sales_amount`.
    #[schema(value_type = Dimension)]
    dimension: String,
    /// Counted sales: `self` (the shop's own) or `self_and_sub` (with all shops below).
    #[schema(value_type = SalesScope)]
    scope: String,
    /// Comparison with the threshold: `>`, `>=`, `<` or `<=`; `>=` if left out.
    #[serde(default)]
    #[schema(value_type = Option<Comparison>)]
    operator: Option<String>,
    /// Threshold: a whole number of sales, or an amount in agency currency.
    threshold: String,
    /// Commission at this tier, in agency currency.
    amount: String,
}

/// Condition to set for the one-time commission.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TriggerBody {
    /// `first_recharge` or `accumulated_recharge`.
    #[serde(rename = "type")]
    #[schema(value_type = TriggerKind)]
    kind: String,
    /// Payment required, in agency currency.
    threshold: String,
}

impl SeriesBody {
    fn read(&self, currency: Currency) -> Result<SeriesDocument, Refusal> {
        let mut findings = Findings::default();
        let name = findings.take(said("/name", &self.name)).unwrap_or_default();
        let code = findings.take(said("/code", &self.code)).unwrap_or_default();
        let commission = match &self.commission {
            Some(commission) => commission.read(&mut findings, currency),
            None => CommissionTerms::none(),
        };
        let kind = match self.trigger.kind.as_str() {
            "first_recharge" => TriggerKind::FirstRecharge,
            "accumulated_recharge" => TriggerKind::AccumulatedRecharge,
            _ => {
                findings.add("/trigger/type", "unknown", "`first_recharge` or `accumulated_recharge`");
                TriggerKind::FirstRecharge
            }
        };
        let threshold = findings.amount("/trigger/threshold", &self.trigger.threshold, currency);
        let forced = self.forced_recharge.as_ref().map(|forced| forced.read(&mut findings, currency));
        findings.none()?;
        let trigger = CommissionTrigger { kind, threshold };
        Ok(SeriesDocument { name, code, commission, trigger, forced: forced.unwrap_or_default() })
    }
}

impl CommissionBody {
    fn read(&self, findings: &mut Findings, currency: Currency) -> CommissionTerms {
        let kind = match self.kind.as_str() {
            "none" => CommissionKind::None,
            "fixed" => CommissionKind::Fixed,
            "tiered" => CommissionKind::Tiered,
            _ => {
                findings.add("/commission/type", "unknown", "`none`, `fixed` or `tiered`");
                CommissionKind::None
            }
        };
        let amount = self.amount.as_deref().map(|text| findings.amount("/commission/amount", text, currency));
        let tiers = self.tiers.as_deref().unwrap_or_default();
        if tiers.len() > TIERS_MAX || (kind != CommissionKind::Tiered && !tiers.is_empty()) {
            findings.add("/commission/tiers", "out_of_range", format!("at most {TIERS_MAX}, of a tiered commission"));
        }
        let mut read: Vec<CommissionTier> = Vec::with_capacity(tiers.len());
        for (index, tier) in tiers.iter().take(TIERS_MAX).enumerate() {
            let tier = tier.read(findings, index, currency);
            if read.iter().any(|other| other.threshold == tier.threshold) {
                findings.add(format!("/commission/tiers/{index}/threshold"), "twice", "each threshold once");
            }
            read.push(tier);
        }
        CommissionTerms { kind, amount: amount.unwrap_or_default(), tiers: read }
    }
}

impl TierBody {
    fn read(&self, findings: &mut Findings, index: usize, currency: Currency) -> CommissionTier {
        let pointer = |name: &str| format!("/commission/tiers/{index}/{name}");
        let dimension = match self.dimension.as_str() {
            "sales_count" => Dimension::SalesCount,
            "sales_amount" => Dimension::SalesAmount,
            _ => {
                findings.add(pointer("dimension"), "unknown", "`sales_count` or `sales_amount`");
                Dimension::SalesAmount
            }
        };
        let scope = match self.scope.as_str() {
            "self" => SalesScope::Own,
            "self_and_sub" => SalesScope::SelfAndSub,
            _ => {
                findings.add(pointer("scope"), "unknown", "`self` or `self_and_sub`");
                SalesScope::Own
            }
        };
        let operator = match self.operator.as_deref() {
            None | Some(">=") => Comparison::AtLeast,
            Some(">") => Comparison::Above,
            Some("<") => Comparison::Below,
            Some("<=") => Comparison::AtMost,
            Some(_) => {
                findings.add(pointer("operator"), "unknown", "`>`, `>=`, `<` or `<=`");
                Comparison::AtLeast
            }
        };
        let threshold = match dimension {
            Dimension::SalesAmount => findings.amount(pointer("threshold"), &self.threshold, currency),
            Dimension::SalesCount => match plain_decimal(&self.threshold, 0) {
                Some(count) => count,
                None => {
                    findings.add(pointer("threshold"), "not_a_number", "a whole number of sales");
                    Decimal::ZERO
                }
            },
        };
        let amount = findings.amount(pointer("amount"), &self.amount, currency);
        CommissionTier { dimension, scope, operator, threshold, amount }
    }
}

/// List series
///
/// An admin sees all series, an agent those granted to its shop.
#[utoipa::path(
    get, path = "/v1/series", operation_id = "listSeries", tag = "agency",
    responses((status = 200, body = Listing<Series>)),
)]
pub async fn all(
    State(app): State<Arc<App>>,
    search: Search<Unfiltered, Seller>,
) -> Result<JsonOrCsv<Series>, Problem> {
    let currency = currency(&app).await?;
    let page = search.rows(async |window| queries::series(&app, &search.by.reach, &window).await).await?;
    Ok(search.found(&app, page, |(series, grant)| Series::of(series, grant.as_ref(), currency)).whole()?)
}

/// Create a series
#[utoipa::path(
    post, path = "/v1/series", operation_id = "createSeries", tag = "agency",
    responses((status = 201, body = Series), code::SeriesCodeTaken),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    admin: Admin<GrantsWrite>,
    key: Idempotent,
    body: Body<SeriesBody>,
) -> Result<Reply<Series>, Problem> {
    let currency = currency(&app).await?;
    let document = body.value.read(currency)?;
    let ctx = key.bind(&app, &admin, &body);
    let done = create_series(&app, &ctx, &document, admin.id).await?;
    let version = done.answer.version;
    Ok(Reply::created(Series::of(done.answer, None, currency)?).version(version).replayed(done.replayed))
}

/// Get one series
///
/// Send the `ETag` as `If-Match` to change the series.
#[utoipa::path(
    get, path = "/v1/series/{id}", operation_id = "getSeries", tag = "agency",
    responses((status = 200, body = Series)),
)]
pub async fn one(State(app): State<Arc<App>>, seller: Seller, Id(id): Id<SeriesId>) -> Result<Reply<Series>, Problem> {
    let (series, grant) = queries::one_series(&app, &seller.reach, id).await?;
    let version = series.version;
    Ok(Reply::ok(Series::of(series, grant.as_ref(), currency(&app).await?)?).version(version))
}

/// Change a series
///
/// Once granted, only its commission amounts can change. Amounts below a grant's are refused, unless `adjust_children` is true.
#[utoipa::path(
    put, path = "/v1/series/{id}", operation_id = "changeSeries", tag = "agency",
    responses(
        (status = 200, body = Series), code::ChangeUnderWay, code::ChildrenAbove, code::SeriesCodeTaken, code::SeriesInUse
    ),
)]
pub async fn change(
    State(app): State<Arc<App>>,
    admin: Admin<GrantsWrite>,
    Id(series): Id<SeriesId>,
    IfMatch(version): IfMatch,
    body: Body<SeriesBody>,
) -> Result<Reply<Series>, Problem> {
    let currency = currency(&app).await?;
    let (document, adjust) = (body.value.read(currency)?, body.value.adjust_children);
    let done =
        change_series(&app, &edge::context(), &ChangeSeries { series, version, document, adjust, admin: admin.id })
            .await?;
    let version = done.answer.version;
    Ok(Reply::ok(Series::of(done.answer, None, currency)?).version(version))
}
