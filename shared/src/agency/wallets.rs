//! A shop's wallet: commission becomes spendable, and an admin moves it by hand (R8.12, R1.6).

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::shop_in;
use crate::affiliate::withdraw::refused;
use crate::agency::model::settings::AgencySettings;
use crate::agency::model::shop::{Reach, Seller};
use crate::agency::model::wallet::{AgencyBegun, Wallet};
use crate::app::App;
use crate::message::Message;
use crate::operations::audit_log::by_admin;
use crate::payment::credit_order::header;
use kernel::fault::{Error, Fault};
use kernel::id::{ShopId, UserId};
use kernel::ledger::{JournalEntry, NewLine, Operator, PlatformAccount, PlatformLine, RecordType};
use kernel::money::LedgerMoney;
use kernel::refusal::Refusal;
use table::execute::Answered;
use table::idempotency::Idempotency;
use table::item::Versioned;
use table::tx::{OnConflict, Tx};

/// What a wallet holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WalletAmounts {
    /// Whose.
    pub shop: ShopId,
    /// What can be spent.
    pub main: LedgerMoney,
    /// What was earned.
    pub commission: LedgerMoney,
    /// What is still to be taken back of commission.
    pub debt: LedgerMoney,
}

impl From<&Wallet> for WalletAmounts {
    fn from(of: &Wallet) -> Self {
        let (main, commission, debt) = (of.main.balance(), of.commission.balance(), of.commission.owed());
        Self { shop: of.shop, main, commission, debt }
    }
}

/// The wallet of a shop in reach: the caller's own without one.
///
/// # Refuses
/// `not_found`; 422 when an admin names no shop.
pub async fn wallet(app: &App, reach: &Reach, shop: Option<ShopId>) -> Result<WalletAmounts, Error> {
    let shop = named(app, reach, shop).await?;
    let (wallet, _) = read(app, shop).await?;
    Ok((&*wallet).into())
}

/// Which shop is meant.
async fn named(app: &App, reach: &Reach, shop: Option<ShopId>) -> Result<ShopId, Error> {
    let own = match reach {
        Reach::Platform => None,
        Reach::Below(path) => path.shop(),
    };
    match shop.or(own) {
        Some(shop) if Some(shop) == own => Ok(shop),
        Some(shop) => Ok(shop_in(app, reach, shop).await?.id),
        None => Err(Refusal::field("/shop_id", "required", "an admin says whose").into()),
    }
}

/// A wallet as it is, or as it begins.
enum Found {
    Stored(Box<Versioned<Wallet>>),
    New(Box<Wallet>),
}

impl std::ops::Deref for Found {
    type Target = Wallet;

    fn deref(&self) -> &Wallet {
        match self {
            Self::Stored(stored) => stored,
            Self::New(new) => new,
        }
    }
}

impl Found {
    fn put(&self, tx: &mut Tx, after: &Wallet) {
        match self {
            Self::Stored(before) => tx.replace(before, after, OnConflict::Retry),
            Self::New(_) => tx.insert(after, OnConflict::Retry),
        }
    }
}

async fn read(app: &App, shop: ShopId) -> Result<(Found, bool), Error> {
    let currency = app.settings::<AgencySettings>().await?.settings.currency;
    let mut batch = app.store.get_many(&[Wallet::key(shop), AgencyBegun::key()]).await?;
    let begun = batch.take::<AgencyBegun>(&AgencyBegun::key())?.is_some();
    let found = match batch.take::<Wallet>(&Wallet::key(shop))? {
        Some(stored) => Found::Stored(Box::new(stored)),
        None => Found::New(Box::new(Wallet::new(shop, currency))),
    };
    Ok((found, begun))
}

/// Moves commission to the main account of the caller's own shop, or of the one that an admin names.
///
/// # Refuses
/// `insufficient_balance` above what was earned; `forbidden` for another shop.
pub async fn transfer(
    app: &App,
    once: &Idempotency,
    seller: &Seller,
    shop: Option<ShopId>,
    amount: Decimal,
) -> Result<Answered<WalletAmounts>, Error> {
    app.execute(once, || plan_transfer(app, seller, shop, amount)).await
}

async fn plan_transfer(
    app: &App,
    seller: &Seller,
    shop: Option<ShopId>,
    amount: Decimal,
) -> Result<(WalletAmounts, Tx), Error> {
    let shop = named(app, &seller.reach, shop).await?;
    if let Reach::Below(own) = &seller.reach
        && own.shop() != Some(shop)
    {
        return Err(Refusal::Forbidden.into());
    }
    let (wallet, _) = read(app, shop).await?;
    let amount = LedgerMoney::exact(amount, wallet.main.balance().currency())?;
    let operator = if seller.reach == Reach::Platform { Operator::Admin } else { Operator::User };
    let id = app.ulid().to_string().to_ascii_lowercase();
    let header = header(app, format!("transfer:{id}"), operator, seller.id.to_string(), app.clock.now());
    let (after, postings) = wallet.transfer(&header, amount, &shop.to_string()).map_err(|error| refused(&error))?;
    let mut tx = app.tx();
    for posting in &postings {
        tx.insert(posting, OnConflict::Retry);
    }
    wallet.put(&mut tx, &after);
    tx.send(Message::WalletChanged { shop });
    Ok(((&after).into(), tx))
}

/// An adjustment of a shop's main account.
#[derive(Debug, Clone)]
pub struct AdjustShop {
    /// Whose.
    pub shop: ShopId,
    /// By how much, in agency currency; never zero.
    pub amount: Decimal,
    /// Why, for the shop to read.
    pub remark: String,
    /// Who.
    pub admin: UserId,
}

/// Adjusts what a shop can spend; the answer is the journal.
///
/// # Refuses
/// `not_found`; `insufficient_balance`.
pub async fn adjust_shop(app: &App, once: &Idempotency, ask: &AdjustShop) -> Result<Answered<JournalEntry>, Error> {
    app.execute(once, || plan_adjust(app, ask)).await
}

async fn plan_adjust(app: &App, ask: &AdjustShop) -> Result<(JournalEntry, Tx), Error> {
    let shop = shop_in(app, &Reach::Platform, ask.shop).await?;
    let (wallet, begun) = read(app, shop.id).await?;
    let amount = LedgerMoney::exact(ask.amount, wallet.main.balance().currency())?;
    let audit = by_admin(app, ask.admin, "shop.adjusted", ask.shop.to_string());
    let header = header(app, format!("adjustment:{}", audit.id), Operator::Admin, audit.actor.clone(), app.clock.now());
    let movement = NewLine { kind: RecordType::Admin, amount, remark: Some(ask.remark.clone()), related_id: None };
    let house = vec![PlatformLine::new(PlatformAccount::Adjustment, amount.negated())];
    let (after, posting) = wallet.spend(header, movement, house).map_err(|error| refused(&error))?;
    let audit = audit.change(wallet.main.balance().to_string(), after.main.balance().to_string());
    let mut tx = app.tx();
    tx.insert(&posting, OnConflict::Retry);
    wallet.put(&mut tx, &after);
    tx.insert(&audit.because(ask.remark.clone()), OnConflict::Retry);
    if !begun {
        let at = app.clock.now();
        tx.insert(&AgencyBegun { at }, OnConflict::Retry);
    }
    tx.send(Message::WalletChanged { shop: ask.shop });
    Ok((posting, tx))
}

/// The record that an adjustment answers.
///
/// # Errors
/// A journal without entries, which none is.
pub fn first_record(posting: &JournalEntry) -> Result<kernel::ledger::StatementLine, Fault> {
    posting.records().into_iter().next().ok_or_else(|| Fault::bug("an adjustment without an entry"))
}
