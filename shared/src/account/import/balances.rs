//! Opening balances: journals against `adjustment`, with their source (R13.1).
//!
//! One per user and source, ever. A debt that somebody has here already is paid by it (R1.7).

use rust_decimal::Decimal;

use crate::account::adjust_balance::amount_for;
use crate::account::import::find::user_of;
use crate::account::import::{ImportLine, Importer};
use crate::account::model::import::{ImportOutcome, ImportedLine, OpeningBalance, UserRef};
use crate::account::model::user::User;
use crate::app::App;
use crate::message::Message;
use crate::payment::credit_order::header;
use kernel::fault::{Error, Fault};
use kernel::ledger::{NewLine, Operator, PlatformAccount, PlatformLine, RecordType};
use kernel::money::Currency;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::tx::Tx;

/// Opening balance of a user.
#[derive(Debug, Clone)]
pub struct BalanceLine {
    pub user: UserRef,
    /// Amount in ledger currency, above zero.
    pub amount: Decimal,
    /// Currency that the amount is meant in; that of the ledger if absent.
    pub currency: Option<Currency>,
    /// Text that the user reads beside it; the source if absent.
    pub remark: Option<String>,
}

impl ImportLine for BalanceLine {
    const ACTION: &'static str = "import.balances";

    fn identities(&self) -> Vec<String> {
        vec![self.user.identity()]
    }

    async fn plan(&self, app: &App, ctx: &Ctx, by: &Importer) -> Result<(ImportedLine, Tx), Error> {
        let user = user_of(app, "/user", &self.user).await?;
        let amount = amount_for(app, &user, self.amount).await?;
        if self.currency.is_some_and(|currency| currency != amount.currency()) {
            let detail = format!("an amount in {}, the currency of the ledger", amount.currency());
            return Err(Refusal::field("/currency", "currency_differs", detail).into());
        }
        let mut tx = app.tx();
        if let Some(known) = app.store.get::<OpeningBalance>(&OpeningBalance::key(user.id, &by.source)).await? {
            if known.amount != amount {
                let detail = format!("{}, which was imported from this source before", known.amount);
                return Ok((ImportedLine::conflict(Some(user.id), "amount_differs", detail), tx));
            }
            return Ok((ImportedLine::of(ImportOutcome::Exists, user.id), tx));
        }
        let now = app.clock.now();
        let cause = OpeningBalance::cause(user.id, &by.source);
        let header = header(app, ctx, cause, Operator::Admin, format!("admin:{}", by.admin), now);
        let source = by.source.to_string();
        let remark = self.remark.clone().unwrap_or_else(|| source.clone());
        let line = NewLine { remark: Some(remark), ..NewLine::new(RecordType::Admin, amount, source) };
        let house = vec![PlatformLine::new(PlatformAccount::Adjustment, amount.negated())];
        let (accounts, posting) = user.accounts.post(user.id, header, &[line], house).map_err(Fault::bug)?;
        let (journal, source) = (posting.header.journal, by.source.clone());
        tx.insert(&OpeningBalance { user: user.id, source, amount, journal, at: now });
        tx.insert(&posting);
        tx.replace(&user, &User { accounts, ..User::clone(&user) });
        tx.send(Message::BalanceChanged { user: user.id });
        Ok((ImportedLine::of(ImportOutcome::Imported, user.id), tx))
    }
}
