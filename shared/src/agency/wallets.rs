//! Wallet use cases: transfer commission to the main account, and admin adjustments (R8.12, R1.6).

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::shop_in;
use crate::account::records::{StatementFilter, records};
use crate::affiliate::withdraw::refused;
use crate::agency::model::settings::AgencySettings;
use crate::agency::model::shop::{Reach, Seller};
use crate::agency::model::wallet::{AgencyBegun, Wallet, WalletPart};
use crate::app::App;
use crate::message::Message;
use crate::operations::audit_log::by_admin;
use crate::payment::credit_order::header;
use kernel::fault::{Error, Fault};
use kernel::id::{ShopId, UserId};
use kernel::ledger::{
    AccountOwner, JournalEntry, NewLine, Operator, PlatformAccount, PlatformLine, RecordType, StatementLine,
};
use kernel::money::LedgerMoney;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::store::Page;
use table::tx::Tx;

/// Balances of a wallet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WalletAmounts {
    pub shop: ShopId,
    /// Money to spend.
    pub main: LedgerMoney,
    /// Commission earned.
    pub commission: LedgerMoney,
    /// Commission set aside for open cash withdrawals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<LedgerMoney>,
    /// Commission debt: taken back and not yet recovered.
    pub debt: LedgerMoney,
}

impl From<&Wallet> for WalletAmounts {
    fn from(of: &Wallet) -> Self {
        let (main, commission, debt) = (of.main.balance(), of.commission.balance(), of.commission.owed());
        Self { shop: of.shop, main, commission, held: Some(of.held()), debt }
    }
}

/// Wallet of a shop in reach; `None` means the caller's own shop.
///
/// # Rejects
/// `not_found`; 422 if an admin names no shop.
pub async fn wallet(app: &App, reach: &Reach, shop: Option<ShopId>) -> Result<WalletAmounts, Error> {
    let shop = named_shop(app, reach, shop).await?;
    let (wallet, _) = read(app, shop).await?;
    Ok((&*wallet).into())
}

/// Lists one page of the statement lines of a wallet's account, newest first; `None` means the caller's own shop.
///
/// # Rejects
/// `not_found`; 422 if an admin names no shop.
pub async fn wallet_records(
    app: &App,
    reach: &Reach,
    shop: Option<ShopId>,
    part: WalletPart,
    filter: &StatementFilter,
) -> Result<Page<StatementLine>, Error> {
    let shop = named_shop(app, reach, shop).await?;
    let owner = match part {
        WalletPart::Main => AccountOwner::Main(shop),
        WalletPart::Commission => AccountOwner::Commission(shop),
        WalletPart::Held => AccountOwner::Held(shop),
    };
    Ok(records(app, owner, filter).await?)
}

/// The given shop if it is in reach, or the caller's own.
///
/// # Rejects
/// `not_found`; 422 if an admin names no shop.
pub async fn named_shop(app: &App, reach: &Reach, shop: Option<ShopId>) -> Result<ShopId, Error> {
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

/// A wallet as stored, or a new empty one.
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
            Self::Stored(before) => tx.replace(before, after),
            Self::New(_) => tx.insert(after),
        };
    }
}

async fn read(app: &App, shop: ShopId) -> Result<(Found, bool), Error> {
    let currency = app.settings::<AgencySettings>().await?.settings.currency;
    let (wallet, begun) = app.store.read((Wallet::key(shop), AgencyBegun::key())).await?;
    let found = match wallet {
        Some(stored) => Found::Stored(Box::new(stored)),
        None => Found::New(Box::new(Wallet::new(shop, currency))),
    };
    Ok((found, begun.is_some()))
}

/// Moves commission to the main account.
///
/// An agent moves its own shop's, an admin that of the named shop.
///
/// # Rejects
/// `insufficient_balance` above the commission's balance; `forbidden` for another shop.
pub async fn transfer(
    app: &App,
    ctx: &Ctx,
    seller: &Seller,
    shop: Option<ShopId>,
    amount: Decimal,
) -> Result<Answered<WalletAmounts>, Error> {
    app.execute(ctx, || plan_transfer(app, ctx, seller, shop, amount)).await
}

async fn plan_transfer(
    app: &App,
    ctx: &Ctx,
    seller: &Seller,
    shop: Option<ShopId>,
    amount: Decimal,
) -> Result<(WalletAmounts, Tx), Error> {
    let shop = named_shop(app, &seller.reach, shop).await?;
    if let Reach::Below(own) = &seller.reach
        && own.shop() != Some(shop)
    {
        return Err(Refusal::Forbidden.into());
    }
    let (wallet, _) = read(app, shop).await?;
    let amount = LedgerMoney::exact(amount, wallet.main.balance().currency())?;
    let operator = if seller.reach == Reach::Platform { Operator::Admin } else { Operator::User };
    let id = app.ulid().to_string().to_ascii_lowercase();
    let header = header(app, ctx, format!("transfer:{id}"), operator, seller.id.to_string(), app.clock.now());
    let (after, postings) = wallet.transfer(&header, amount, &shop.to_string()).map_err(|error| refused(&error))?;
    let mut tx = app.tx();
    for posting in &postings {
        tx.insert(posting);
    }
    wallet.put(&mut tx, &after);
    tx.send(Message::WalletChanged { shop });
    Ok(((&after).into(), tx))
}

/// Command to adjust a shop's main account.
#[derive(Debug, Clone)]
pub struct AdjustShop {
    pub shop: ShopId,
    /// Signed amount in agency currency; never zero.
    pub amount: Decimal,
    /// Reason, shown to the shop.
    pub remark: String,
    pub admin: UserId,
}

/// Adjusts a shop's main account and returns the journal entry.
///
/// # Rejects
/// `not_found`; `insufficient_balance`.
pub async fn adjust_shop(app: &App, ctx: &Ctx, ask: &AdjustShop) -> Result<Answered<JournalEntry>, Error> {
    app.execute(ctx, || plan_adjust(app, ctx, ask)).await
}

/// Returns the main account's balance after an adjustment, without writing.
///
/// # Rejects
/// `insufficient_balance`.
pub fn main_after(wallet: &Wallet, amount: LedgerMoney) -> Result<LedgerMoney, Error> {
    let movement = NewLine::new(RecordType::Admin, amount, String::new());
    Ok(wallet.main.after(&[movement]).map_err(|error| refused(&error))?.balance())
}

async fn plan_adjust(app: &App, ctx: &Ctx, ask: &AdjustShop) -> Result<(JournalEntry, Tx), Error> {
    let shop = shop_in(app, &Reach::Platform, ask.shop).await?;
    let (wallet, begun) = read(app, shop.id).await?;
    let amount = LedgerMoney::exact(ask.amount, wallet.main.balance().currency())?;
    let audit = by_admin(app, ctx, ask.admin, "shop.adjusted", ask.shop.to_string());
    let header =
        header(app, ctx, format!("adjustment:{}", audit.id), Operator::Admin, audit.actor.clone(), app.clock.now());
    let movement = NewLine {
        kind: RecordType::Admin,
        amount,
        remark: Some(ask.remark.clone()),
        related_id: None,
        is_granted: false,
    };
    let house = vec![PlatformLine::new(PlatformAccount::Adjustment, amount.negated())];
    let (after, posting) = wallet.spend(header, movement, house).map_err(|error| refused(&error))?;
    let audit = audit.change(wallet.main.balance().to_string(), after.main.balance().to_string());
    let mut tx = app.tx();
    tx.insert(&posting);
    wallet.put(&mut tx, &after);
    tx.insert(&audit.because(ask.remark.clone()));
    if !begun {
        let at = app.clock.now();
        tx.insert(&AgencyBegun { at });
    }
    tx.send(Message::WalletChanged { shop: ask.shop });
    Ok((posting, tx))
}

/// The statement line of an adjustment.
///
/// # Errors
/// A fault for a journal entry without lines, which cannot occur.
pub fn first_record(posting: &JournalEntry) -> Result<kernel::ledger::StatementLine, Fault> {
    posting.records().into_iter().next().ok_or_else(|| Fault::bug("an adjustment without an entry"))
}
