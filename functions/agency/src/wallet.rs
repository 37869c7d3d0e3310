//! A shop's wallet (R8.12).

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::unsigned_amount;
use shared::account::records::StatementFilter;
use shared::account::view::{Record, Trader};
use shared::agency::model::settings::AgencySettings;
use shared::agency::model::shop::Seller;
use shared::agency::model::wallet::WalletPart;
use shared::agency::wallets::{WalletAmounts, transfer as verb, wallet as read, wallet_records};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::export::JsonOrCsv;
use shared::edge::idempotency::RequiresIdempotencyKey;
use shared::edge::page::{Listing, Parameters};
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::search::{Search, named};
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::ShopId;
use shared::kernel::ledger::RecordType;
use shared::kernel::money::LedgerMoney;
use shared::kernel::refusal::{Refusal, code};
use utoipa::{IntoParams, ToSchema};

use super::withdrawal::CashTerms;

/// Balances of a shop, in agency currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct Wallet {
    /// Id of the shop.
    pub shop_id: ShopId,
    /// Balance to spend on orders.
    pub main: Amount,
    /// Earned commission not yet moved to `main` or paid out.
    pub commission: Amount,
    /// Commission held for open cash withdrawals.
    pub held: Amount,
    /// Receivable: reversed commission still to be recovered.
    pub debt: Amount,
    /// Terms of cash withdrawals made now.
    pub cash: CashTerms,
}

impl Wallet {
    async fn of(app: &App, of: WalletAmounts) -> Result<Self, Error> {
        let settings = app.settings::<AgencySettings>().await?.settings;
        let currency = of.main.currency();
        Ok(Self {
            shop_id: of.shop,
            main: of.main.into(),
            commission: of.commission.into(),
            held: of.held.unwrap_or(LedgerMoney::zero(currency)).into(),
            debt: of.debt.into(),
            cash: CashTerms::of(&settings, currency)?,
        })
    }
}

/// Selection of the wallet.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// Id of the shop; the agent's own if left out.
    #[param(inline, value_type = Option<ShopId>)]
    shop_id: Option<String>,
}

/// Reads the id of a shop.
///
/// # Rejects
/// `not_found` for what is no id.
pub fn shop(text: Option<&str>) -> Result<Option<ShopId>, Refusal> {
    text.map(|text| ShopId::parse(text).ok_or(Refusal::NotFound)).transpose()
}

/// Get a shop's wallet
#[utoipa::path(
    get, path = "/v1/agency/wallet", operation_id = "getWallet", tag = "agency",
    responses((status = 200, body = Wallet), code::NotFound),
)]
pub async fn wallet(
    State(app): State<Arc<App>>,
    seller: Seller,
    Parameters(whose): Parameters<Whose>,
) -> Result<Reply<Wallet>, Problem> {
    let amounts = read(&app, &seller.reach, shop(whose.shop_id.as_deref())?).await?;
    Ok(Reply::ok(Wallet::of(&app, amounts).await?))
}

/// Filters of a wallet's statement lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WalletRecords {
    /// Id of the shop; the agent's own if left out.
    #[param(inline, value_type = Option<ShopId>)]
    shop_id: Option<String>,
    /// Account of the lines; `main` if left out.
    #[param(inline, value_type = Option<WalletPart>)]
    account: Option<String>,
    /// Type of the lines.
    #[serde(rename = "type")]
    #[param(inline, value_type = Option<RecordType>)]
    kind: Option<String>,
}

/// List the statement lines of a shop's wallet
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/agency/wallet/records", operation_id = "listWalletRecords", tag = "agency",
    responses(
        (status = 200, content((Listing<Record> = "application/json"), (String = "text/csv"))), code::NotFound,
    ),
)]
pub async fn records(
    State(app): State<Arc<App>>,
    search: Search<WalletRecords, Seller>,
) -> Result<JsonOrCsv<Record>, Problem> {
    let filters = &search.filters;
    let part = named("/account", filters.account.as_deref())?.unwrap_or(WalletPart::Main);
    let filter = StatementFilter::of_balance(named("/type", filters.kind.as_deref())?, &search.window);
    let page = wallet_records(&app, &search.by.reach, shop(filters.shop_id.as_deref())?, part, &filter).await?;
    Ok(search.found(&app, page, Record::from))
}

/// A transfer of commission to the main balance.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// Amount to move, in agency currency.
    amount: String,
    /// Id of the shop; the agent's own if left out.
    #[serde(default)]
    #[schema(value_type = Option<ShopId>)]
    shop_id: Option<String>,
}

/// Move commission to the main balance
#[utoipa::path(
    post, path = "/v1/agency/wallet/transfers", operation_id = "transferCommission", tag = "agency",
    responses((status = 201, body = Wallet), code::NotFound, code::InsufficientBalance),
)]
pub async fn transfer(
    State(app): State<Arc<App>>,
    Trader(seller): Trader,
    key: RequiresIdempotencyKey,
    body: Body<Transfer>,
) -> Result<Reply<Wallet>, Problem> {
    let amount = unsigned_amount("/amount", &body.value.amount).map_err(Refusal::from)?;
    let shop = shop(body.value.shop_id.as_deref())?;
    let ctx = key.bind(&app, &seller, &body);
    let done = verb(&app, &ctx, &seller, shop, amount).await?;
    Ok(Reply::created(Wallet::of(&app, done.answer).await?).replayed(done.replayed))
}
