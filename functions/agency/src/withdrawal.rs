//! Cash for a shop's commission (R6.6, R8.12): asked for by its agent, paid or rejected by an admin.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::account::adjust_balance::unsigned_amount;
use shared::account::view::Trader;
use shared::affiliate::close_withdrawal::{CloseWithdrawal, ClosedBy, close_withdrawal};
use shared::affiliate::model::withdrawal::{WithdrawalResolution, WithdrawalState};
use shared::affiliate::view::{PayoutAsk, WithdrawalView};
use shared::affiliate::withdraw::Withdrawn;
use shared::agency::model::settings::AgencySettings;
use shared::agency::model::shop::Seller;
use shared::agency::request_cash::{RequestCash, request_cash};
use shared::agency::wallets::named_shop;
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::export::JsonOrCsv;
use shared::edge::idempotency::{Idempotent, RequiresIdempotencyKey};
use shared::edge::page::Listing;
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::edge::search::{Search, named};
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::{ShopId, WithdrawalId};
use shared::kernel::money::{Currency, LedgerMoney, MoneyError};
use shared::kernel::refusal::{Refusal, code};
use shared::operations::search::{self, WithdrawalFilter};
use utoipa::{IntoParams, ToSchema};

use super::wallet::shop;

/// Terms of cash withdrawals, the same for all shops.
#[derive(Debug, Serialize, ToSchema)]
pub struct CashTerms {
    /// Lowest amount, in agency currency.
    pub min_cash_withdrawal: Amount,
    /// Ways in which cash can be paid out.
    pub withdrawal_methods: Vec<String>,
}

impl CashTerms {
    /// The terms in the settings.
    ///
    /// # Rejects
    /// An amount with more digits than the currency has, which settings do not accept.
    pub fn of(settings: &AgencySettings, currency: Currency) -> Result<Self, MoneyError> {
        Ok(Self {
            min_cash_withdrawal: LedgerMoney::exact(settings.min_cash_withdrawal, currency)?.into(),
            withdrawal_methods: settings.withdrawal_methods.clone(),
        })
    }
}

/// Request for cash.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = CashAsk)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// Amount of the shop's commission, in agency currency.
    #[schema(example = "250")]
    amount: String,
    /// Payout account.
    payout: PayoutAsk,
}

impl Ask {
    fn read(self, seller: &Seller) -> Result<RequestCash, Refusal> {
        let mut errors = Vec::new();
        let amount = unsigned_amount("/amount", &self.amount).map_err(|error| errors.push(error)).ok();
        let payout = self.payout.read().map_err(|error| errors.push(error)).ok();
        Refusal::unless_empty(errors)?;
        let (Some(amount), Some(payout)) = (amount, payout) else { return Err(Refusal::MalformedRequest) };
        Ok(RequestCash { shop: seller.own_shop()?, agent: seller.id, amount, payout })
    }
}

/// Withdraw a shop's commission in cash
///
/// The shop's agent asks; the amount is held until an admin pays or rejects it. Concurrent requests never take more than the
/// commission. Commission that was moved to the main balance is there to buy with, and is not paid out.
#[utoipa::path(
    post, path = "/v1/agency/wallet/withdrawals", operation_id = "withdrawShopCommission", tag = "agency",
    responses((status = 201, body = WithdrawalView), code::InsufficientAvailable),
)]
pub async fn ask(
    State(app): State<Arc<App>>,
    Trader(seller): Trader,
    key: RequiresIdempotencyKey,
    body: Body<Ask>,
) -> Result<Reply<WithdrawalView>, Problem> {
    let ctx = key.bind(&app, &seller, &body);
    let done = request_cash(&app, &ctx, &body.value.read(&seller)?).await?;
    Ok(Reply::created(done.answer.into()).replayed(done.replayed))
}

/// Filters of a shop's withdrawals.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Withdrawals {
    /// Id of the shop; the agent's own if left out.
    #[param(inline, value_type = Option<ShopId>)]
    shop_id: Option<String>,
    /// State: `requested`, `paid`, `rejected` or `cancelled`.
    #[param(inline, value_type = Option<WithdrawalState>)]
    state: Option<String>,
}

/// List a shop's withdrawals
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/agency/wallet/withdrawals", operation_id = "listShopWithdrawals", tag = "agency",
    responses(
        (status = 200, content((Listing<WithdrawalView> = "application/json"), (String = "text/csv"))), code::NotFound,
    ),
)]
pub async fn list(
    State(app): State<Arc<App>>,
    search: Search<Withdrawals, Seller>,
) -> Result<JsonOrCsv<WithdrawalView>, Problem> {
    let whose = shop(search.filters.shop_id.as_deref())?;
    let filter = WithdrawalFilter {
        shop: Some(named_shop(&app, &search.by.reach, whose).await?),
        state: named("/state", search.filters.state.as_deref())?,
        user: None,
    };
    let page = search.rows(async |window| search::withdrawals(&app, &filter, &window).await).await?;
    Ok(search.found(&app, page, |of| Withdrawn::from(&of).into()))
}

/// Cancel a shop's open withdrawal
///
/// Its amount is commission again, and pays the commission's debt first.
#[utoipa::path(
    post, path = "/v1/agency/wallet/withdrawals/{id}/cancel", operation_id = "cancelShopWithdrawal", tag = "agency",
    responses((status = 200, body = WithdrawalView), code::WithdrawalClosed, code::WithdrawalInBatch),
)]
pub async fn cancel(
    State(app): State<Arc<App>>,
    Trader(seller): Trader,
    Id(withdrawal): Id<WithdrawalId>,
    key: Idempotent,
) -> Result<Reply<WithdrawalView>, Problem> {
    let who = ClosedBy::Agent { id: seller.id, shop: seller.own_shop().map_err(Error::from)? };
    let ctx = key.bind(&app, &seller, &());
    let close = CloseWithdrawal { withdrawal, verdict: WithdrawalResolution::Cancelled, who };
    let done = close_withdrawal(&app, &ctx, &close).await?;
    Ok(Reply::ok(done.answer.into()).replayed(done.replayed))
}
