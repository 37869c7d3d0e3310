//! Creates agency orders (R8.7, R8.10–R8.12).
//!
//! An order is checked and priced by the selling shop's grants, with a snapshot that later edits don't affect.
//! [`crate::agency::settle`] settles its earnings, one order of a tree after another.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::affiliate::withdraw::refused;
use crate::agency::assets::asset_in;
use crate::agency::model::asset::Asset;
use crate::agency::model::grant::{Grant, is_open};
use crate::agency::model::minimum_recharge::{Effective, effective};
use crate::agency::model::order::{AgencyOrder, OrderKind, PaidBy, SaleLevel, Sold, cause};
use crate::agency::model::series::Series;
use crate::agency::model::settings::AgencySettings;
use crate::agency::model::shop::{Reach, Seller};
use crate::agency::model::wallet::{AgencyBegun, Wallet};
use crate::app::App;
use crate::message::Message;
use crate::payment::create_order::{Bare, drafted_for_agency};
use crate::payment::credit_order::header;
use crate::payment::model::order::{ForAgency, Order};
use crate::payment::model::settings::PaymentSettings;
use kernel::fault::{Error, Fault};
use kernel::id::{AgencyOrderId, AssetId, OrderId, PackageId, UserId};
use kernel::ledger::{AccountOwner, NewLine, Operator, PlatformAccount, PlatformLine, RecordType};
use kernel::money::{Currency, LedgerMoney, PayMoney};
use kernel::provider::Provider;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::tx::Tx;

/// Items requested for an asset.
#[derive(Debug, Clone, PartialEq)]
pub enum SaleRequest {
    /// Packages to buy.
    Purchase(Vec<PackageId>),
    /// Amount to add to the balance, in agency currency.
    Recharge(Decimal),
}

/// Input of an online payment.
#[derive(Debug, Clone)]
pub struct Online {
    pub provider: Provider,
    /// Payment method; `None` takes the provider's first configured one.
    pub method: Option<String>,
    /// IP address of the request.
    pub client_ip: Option<String>,
    /// `User-Agent` of the request.
    pub user_agent: Option<String>,
}

/// Command to create an agency order.
#[derive(Debug, Clone)]
pub struct CreateAgencyOrder {
    pub asset: AssetId,
    pub wanted: SaleRequest,
    pub paid_by: PaidBy,
    /// Present for an online payment.
    pub online: Option<Online>,
}

/// Stored answer of an order's creation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Made {
    order: AgencyOrderId,
}

/// Everything that a sale for an asset depends on.
pub(crate) struct Offered {
    pub(crate) asset: Versioned<Asset>,
    pub(crate) series: Versioned<Series>,
    /// Grants from the selling shop up.
    pub(crate) grants: Vec<Grant>,
    pub(crate) wallet: Option<Versioned<Wallet>>,
    begun: bool,
}

/// An order that is about to be made.
pub(crate) struct Draft {
    pub(crate) id: AgencyOrderId,
    pub(crate) by: UserId,
    pub(crate) paid_by: PaidBy,
    /// The payment order of an online payment that is awaited.
    pub(crate) payment: Option<OrderId>,
    pub(crate) currency: Currency,
    pub(crate) at: Timestamp,
}

impl Offered {
    async fn read(app: &App, reach: &Reach, asset: AssetId) -> Result<Self, Error> {
        Self::of(app, asset_in(app, reach, asset).await?).await
    }

    /// Reads the rest of what a sale for this asset depends on.
    ///
    /// # Rejects
    /// `grant_disabled`.
    pub(crate) async fn of(app: &App, asset: Versioned<Asset>) -> Result<Self, Error> {
        let seller = asset.path.shop().ok_or_else(|| Fault::bug("an asset of no shop"))?;
        let levels: Vec<_> = asset.path.upward().map(|path| Grant::key(asset.series, &path)).collect();
        let keys = (Series::key(asset.series), levels, Wallet::key(seller), AgencyBegun::key());
        let (series, levels, wallet, begun) = app.store.read(keys).await?;
        let series = series.ok_or_else(|| Fault::bug("an asset of no series"))?;
        let levels: Option<Vec<Grant>> = levels.into_iter().map(|level| level.map(Versioned::into_inner)).collect();
        let (grants, begun) = (levels.ok_or(Refusal::GrantDisabled)?, begun.is_some());
        if !is_open(&grants) {
            return Err(Refusal::GrantDisabled.into());
        }
        Ok(Self { asset, series, grants, wallet, begun })
    }

    /// Effective forced recharge, for the pre-check and for orders (R8.7).
    fn forced(&self) -> Effective {
        let shop = self.grants.first().map(|grant| grant.terms.forced).unwrap_or_default();
        effective(&self.series.trigger, &self.series.forced, &shop, self.asset.triggered_by.is_some())
    }

    /// Smallest payment required before anything else; `None` if none is.
    pub(crate) fn required(&self) -> Option<Decimal> {
        self.forced().amount.filter(|amount| !amount.is_zero())
    }

    /// The order as a snapshot of now (R8.11).
    ///
    /// # Rejects
    /// An amount with more digits than the currency has.
    pub(crate) fn order(&self, price: Decimal, packages: Vec<Sold>, of: Draft) -> Result<AgencyOrder, Error> {
        Ok(AgencyOrder {
            id: of.id,
            kind: if packages.is_empty() { OrderKind::Recharge } else { OrderKind::Purchase },
            paid_by: of.paid_by,
            asset: self.asset.id,
            series: self.series.id,
            seller: self.asset.path.clone(),
            by: of.by,
            amount: LedgerMoney::exact(price, of.currency)?,
            levels: self.levels(&packages)?,
            packages,
            commission: self.series.terms.commission.clone(),
            trigger: self.series.trigger,
            payment: of.payment,
            paid_at: of.payment.is_none().then_some(of.at),
            outcome: None,
            created_at: of.at,
        })
    }

    /// Total price, and the packages with their retail prices.
    ///
    /// # Rejects
    /// 422 for a package twice, or one that the shop does not sell.
    pub(crate) fn priced(&self, wanted: &SaleRequest) -> Result<(Decimal, Vec<Sold>), Refusal> {
        let ids = match wanted {
            SaleRequest::Recharge(amount) => return Ok((*amount, Vec::new())),
            SaleRequest::Purchase(ids) => ids,
        };
        let own = self.grants.first().ok_or(Refusal::GrantDisabled)?;
        let mut sold: Vec<Sold> = Vec::with_capacity(ids.len());
        for (index, id) in ids.iter().enumerate() {
            let pointer = format!("/package_ids/{index}");
            if sold.iter().any(|other| other.id == *id) {
                return Err(Refusal::field(&pointer, "twice", "each package once"));
            }
            let held = own.terms.package(*id).filter(|held| held.on_shelf);
            let held = held.ok_or_else(|| Refusal::field(&pointer, "not_offered", "a package that the shop sells"))?;
            sold.push(Sold { id: *id, retail_price: held.retail_price });
        }
        let total = sold.iter().try_fold(Decimal::ZERO, |sum, one| sum.checked_add(one.retail_price));
        let total = total.ok_or_else(|| Refusal::field("/package_ids", "out_of_range", "less at once"))?;
        Ok((total, sold))
    }

    /// Snapshot of every level: its commission, and its cost of the sold packages (R8.11).
    fn levels(&self, sold: &[Sold]) -> Result<Vec<SaleLevel>, Fault> {
        let level = |grant: &Grant| {
            let cost = |one: &Sold| grant.terms.package(one.id).map(|held| held.cost_price);
            let sum = sold.iter().try_fold(Decimal::ZERO, |sum, one| sum.checked_add(cost(one)?));
            let cost = sum.ok_or_else(|| Fault::bug("a package that a level above does not hold"))?;
            Ok(SaleLevel { own: grant.terms.own.clone(), cost })
        };
        self.grants.iter().map(level).collect()
    }
}

/// An agency order with its payment order.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedSale {
    pub order: AgencyOrder,
    /// The payment order of an online payment, with its payment page.
    pub payment: Option<Order>,
}

/// Creates an agency order.
///
/// # Rejects
/// `programme_off`; `not_found`; `forbidden` for another shop's wallet, and for `offline` unless the caller is an admin;
/// `grant_disabled`; `forced_recharge_required`; `insufficient_balance`; 422 for a package that is not sold, an amount of zero,
/// or a provider that is not configured.
pub async fn create_agency_order(
    app: &App,
    ctx: &Ctx,
    seller: &Seller,
    ask: &CreateAgencyOrder,
) -> Result<Answered<PlacedSale>, Error> {
    if !app.settings::<AgencySettings>().await?.settings.enabled {
        return Err(Refusal::ProgrammeOff.into());
    }
    let payment = match &ask.online {
        Some(online) => Some(awaited(app, seller, ask, online).await?),
        None => None,
    };
    let done = app.execute(ctx, || plan(app, ctx, seller, ask, payment.as_ref())).await?;
    let answer = read(app, &seller.reach, done.answer.order).await?;
    Ok(Answered { answer, replayed: done.replayed })
}

/// Payment order of an online payment; the provider is called once, before the commit (R4.3).
async fn awaited(app: &App, seller: &Seller, ask: &CreateAgencyOrder, online: &Online) -> Result<Order, Error> {
    let offered = Offered::read(app, &seller.reach, ask.asset).await?;
    let (price, _) = offered.priced(&ask.wanted)?;
    enough(&offered, ask.paid_by, price)?;
    let settings = app.settings::<PaymentSettings>().await?.settings;
    let agency = app.settings::<AgencySettings>().await?.settings;
    let other = || Refusal::field("/payment", "other_currency", "online payments are taken in another currency");
    if agency.currency != settings.pay_currency {
        return Err(other().into());
    }
    let charge = PayMoney::exact(price, settings.pay_currency).map_err(|_| other())?;
    let order = AgencyOrderId::new(app.ulid());
    let tree = offered.asset.path.level_one().ok_or_else(|| Fault::bug("an asset of no shop"))?;
    let bare = Bare {
        user: seller.id,
        provider: online.provider,
        method: online.method.as_deref(),
        charge,
        agency: ForAgency { order, tree },
        client_ip: online.client_ip.clone(),
        user_agent: online.user_agent.clone(),
    };
    drafted_for_agency(app, &settings, bare).await
}

fn enough(offered: &Offered, paid_by: PaidBy, price: Decimal) -> Result<(), Refusal> {
    if price.is_zero() {
        return Err(Refusal::field("/amount", "out_of_range", "more than nothing"));
    }
    match offered.required() {
        // An asset spends money that was paid in before, and a payment on behalf is not forced.
        Some(amount) if paid_by.triggers() && price < amount => Err(Refusal::ForcedRechargeRequired { amount }),
        _ => Ok(()),
    }
}

async fn plan(
    app: &App,
    ctx: &Ctx,
    seller: &Seller,
    ask: &CreateAgencyOrder,
    payment: Option<&Order>,
) -> Result<(Made, Tx), Error> {
    let offered = Offered::read(app, &seller.reach, ask.asset).await?;
    let currency = app.settings::<AgencySettings>().await?.settings.currency;
    match ask.paid_by {
        PaidBy::Wallet => seller.reach.must_be(Some(&offered.asset.path))?,
        PaidBy::Offline => seller.reach.must_be(None)?,
        PaidBy::Online | PaidBy::Asset => {}
    }
    let (price, packages) = offered.priced(&ask.wanted)?;
    enough(&offered, ask.paid_by, price)?;
    if payment.is_some_and(|payment| payment.charge.amount() != price) {
        // The price changed between the provider's answer and the commit.
        return Err(Refusal::ChangeUnderWay.into());
    }
    let now = app.clock.now();
    let id = payment.and_then(|payment| payment.agency).map_or_else(|| AgencyOrderId::new(app.ulid()), |of| of.order);
    let awaited = payment.map(|payment| payment.id);
    let draft = Draft { id, by: seller.id, paid_by: ask.paid_by, payment: awaited, currency, at: now };
    let order = offered.order(price, packages, draft)?;
    let mut tx = app.tx();
    tx.insert(&order);
    if let Some(payment) = payment {
        tx.insert(payment);
    }
    take(app, ctx, seller, &offered, &order, &mut tx)?;
    if !offered.begun {
        tx.insert(&AgencyBegun { at: now });
    }
    if order.paid_at.is_some() {
        tx.send(Message::AgencyOrderNetChanged { order: order.id, tree: order.tree() });
    }
    if let Some(payment) = payment.filter(|payment| payment.failure.is_some()) {
        tx.send(Message::OrderClosed { order: payment.id });
    }
    Ok((Made { order: order.id }, tx))
}

/// Takes the money from the selling shop's wallet or from the asset's balance.
fn take(
    app: &App,
    ctx: &Ctx,
    seller: &Seller,
    offered: &Offered,
    order: &AgencyOrder,
    tx: &mut Tx,
) -> Result<(), Error> {
    if !matches!(order.paid_by, PaidBy::Wallet | PaidBy::Asset) {
        return Ok(());
    }
    let operator = if seller.reach == Reach::Platform { Operator::Admin } else { Operator::User };
    let cause = format!("{}:payment", cause(order.id));
    let header = header(app, ctx, cause, operator, seller.id.to_string(), order.created_at);
    let movement = NewLine::new(RecordType::Payment, order.amount.negated(), order.id.to_string());
    let house = vec![PlatformLine::new(PlatformAccount::Sales, order.amount)];
    let posting = match order.paid_by {
        PaidBy::Wallet => {
            let wallet = offered.wallet.as_ref().ok_or(Refusal::InsufficientBalance)?;
            let posted = wallet.spend(header, movement, house).map_err(|error| refused(&error))?;
            tx.replace(wallet, &posted.0);
            posted.1
        }
        _ => {
            let asset = &offered.asset;
            let posted = asset.accounts.post(AccountOwner::Asset(asset.id), header, &[movement], house);
            let (accounts, posting) = posted.map_err(|error| refused(&error))?;
            tx.replace(asset, &Asset { accounts, ..Asset::clone(asset) });
            posting
        }
    };
    tx.insert(&posting);
    Ok(())
}

/// Reads an agency order in reach, with its payment order.
///
/// # Rejects
/// `not_found`.
pub async fn read(app: &App, reach: &Reach, id: AgencyOrderId) -> Result<PlacedSale, Error> {
    let order = app.store.get::<AgencyOrder>(&AgencyOrder::key(id)).await?;
    let order = order.filter(|order| reach.holds(&order.seller)).ok_or(Refusal::NotFound)?.into_inner();
    let payment = match order.payment {
        Some(payment) => app.store.get::<Order>(&Order::key(payment)).await?,
        None => None,
    };
    let payment = payment.map(|payment| crate::payment::pay_page::with_pay_url(app, &payment));
    Ok(PlacedSale { order, payment })
}
