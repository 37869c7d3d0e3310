//! Manual balance adjustments, by an admin or the operator's backend (R1.6, R2.6).
//!
//! The other side of the journal is the platform account `adjustment`.

use rust_decimal::Decimal;

use crate::account::model::user::User;
use crate::app::App;
use crate::message::Message;
use crate::operations::audit_log::by_admin;
use crate::operations::model::audit_record::AuditRecord;
use crate::payment::credit_order::header;
use crate::payment::model::settings::PaymentSettings;
use kernel::fault::{Error, Fault};
use kernel::id::{AuditId, UserId};
use kernel::ledger::{
    Accounts, JournalEntry, LedgerError, NewLine, Operator, PlatformAccount, PlatformLine, RecordType,
};
use kernel::money::AMOUNT_MAX;
use kernel::money::{LEDGER_DIGITS, LedgerMoney, plain_decimal};
use kernel::refusal::{FieldError, Refusal};
use kernel::typed;
use table::context::Ctx;
use table::execute::Answered;
use table::tx::Tx;

/// Maximum characters of a remark or reason.
pub const TEXT_MAX: usize = 500;

/// Request to adjust a user's balance.
#[derive(Debug, Clone)]
pub struct Adjust {
    pub user: UserId,
    /// Signed amount in ledger currency; never zero.
    pub amount: Decimal,
    /// Reason, shown to the user.
    pub remark: String,
    /// True to take more than there is: the rest becomes debt (R1.7).
    pub allow_debt: bool,
    pub by: AdjustedBy,
}

/// Actor of a balance adjustment.
#[derive(Debug, Clone)]
pub enum AdjustedBy {
    /// An admin. The transaction also writes their audit record.
    Admin(UserId),
    /// The operator's backend, identified by its service key. The journal is its audit record (R9.3).
    Backend {
        /// Name of the service key.
        name: String,
        /// Id of the backend's own object that the adjustment belongs to.
        related_id: String,
    },
}

/// Parses a signed amount in ledger currency: a plain decimal (R1.2), with a leading minus for a debit.
///
/// # Rejects
/// A [`FieldError`] for any other text, for zero and for an amount above [`AMOUNT_MAX`].
pub fn signed_amount(pointer: &str, text: &str) -> Result<Decimal, FieldError> {
    let text = typed::amount(text);
    let (negative, digits) = match text.strip_prefix('-') {
        // A space between sign and digits is inside the amount.
        Some(digits) if typed::amount(digits) == digits => (true, digits),
        _ => (false, text),
    };
    let amount = unsigned_amount(pointer, digits)?;
    Ok(if negative { -amount } else { amount })
}

/// Parses a positive amount in ledger currency: a plain decimal (R1.2).
///
/// # Rejects
/// A [`FieldError`] for any other text, for zero and for an amount above [`AMOUNT_MAX`].
pub fn unsigned_amount(pointer: &str, text: &str) -> Result<Decimal, FieldError> {
    let plain = plain_decimal(text, LEDGER_DIGITS);
    let amount = plain.ok_or_else(|| FieldError::new(pointer, "not_a_decimal", "a decimal of at most 8 digits"))?;
    if amount.is_zero() || amount > AMOUNT_MAX {
        return Err(FieldError::new(pointer, "out_of_range", format!("not 0 and at most {AMOUNT_MAX}")));
    }
    Ok(amount)
}

/// Parses a reason or remark: 1 to [`TEXT_MAX`] characters on one line, trimmed.
///
/// # Rejects
/// A [`FieldError`] when it is empty, too long or has control characters.
pub fn said(pointer: &str, text: &str) -> Result<String, FieldError> {
    let said = text.trim();
    let good = (1..=TEXT_MAX).contains(&said.chars().count()) && !said.chars().any(char::is_control);
    let detail = || format!("1 to {TEXT_MAX} characters on one line");
    good.then(|| said.to_owned()).ok_or_else(|| FieldError::new(pointer, "out_of_range", detail()))
}

/// Adjusts a balance and returns the journal entry.
///
/// The first line is the adjustment; on a credit, lines that repay debt may follow (R1.7).
///
/// # Rejects
/// [`Refusal::NotFound`] for an unknown user; [`Refusal::InsufficientBalance`] for a debit above the balance, unless debt is
/// allowed.
pub async fn adjust_balance(app: &App, ctx: &Ctx, ask: &Adjust) -> Result<Answered<JournalEntry>, Error> {
    app.execute(ctx, || plan(app, ctx, ask)).await
}

async fn plan(app: &App, ctx: &Ctx, ask: &Adjust) -> Result<(JournalEntry, Tx), Error> {
    let user = app.store.get::<User>(&User::key(ask.user)).await?.ok_or(Refusal::NotFound)?;
    let amount = amount_for(app, &user, ask.amount).await?;
    let remark = Some(ask.remark.clone());
    let id = AuditId::new(app.ulid());
    let cause = format!("adjustment:{id}");
    let (operator, actor, related_id) = match &ask.by {
        AdjustedBy::Admin(admin) => (Operator::Admin, format!("admin:{admin}"), None),
        AdjustedBy::Backend { name, related_id } => {
            (Operator::Service(name.clone()), format!("service:{name}"), Some(related_id.clone()))
        }
    };
    let takes = matches!(ask.by, AdjustedBy::Backend { .. }) && amount.is_negative();
    let kind = if takes { RecordType::Deduct } else { RecordType::Admin };
    let header = header(app, ctx, cause, operator, actor, app.clock.now());
    let whole = NewLine { kind, amount, remark, related_id, is_granted: false };
    let movements = if ask.allow_debt { with_debt(&whole, user.accounts.balance())? } else { vec![whole] };
    let house = vec![PlatformLine::new(PlatformAccount::Adjustment, amount.negated())];
    let posted = user.accounts.post(user.id, header, &movements, house);
    let (accounts, posting) = posted.map_err(|error| refused(&error))?;
    let after = User { accounts, ..User::clone(&user) };
    let mut tx = app.tx();
    tx.insert(&posting);
    tx.replace(&user, &after);
    if let AdjustedBy::Admin(admin) = ask.by {
        let audit = by_admin(app, ctx, admin, "balance.adjusted", ask.user.to_string());
        let audit = audit.change(standing(&user)?, standing(&after)?);
        tx.insert(&AuditRecord { id, ..audit.because(ask.remark.clone()) });
    }
    tx.send(Message::BalanceChanged { user: user.id });
    Ok((posting, tx))
}

/// Returns the amount in the currency of the user's lines; in that of the settings while they have none (R9.1).
///
/// # Errors
/// A fault when the settings can't be read; an amount out of range.
pub async fn amount_for(app: &App, user: &User, amount: Decimal) -> Result<LedgerMoney, Error> {
    let currency = match user.accounts.balance.seq {
        0 => app.settings::<PaymentSettings>().await?.settings.ledger_currency,
        _ => user.accounts.balance().currency(),
    };
    Ok(LedgerMoney::exact(amount, currency)?)
}

/// Returns the user's accounts as an amount that may make debt would leave them, without writing (R1.7).
///
/// # Errors
/// A fault for another currency and for overflow.
pub fn accounts_after(user: &User, amount: LedgerMoney) -> Result<Accounts, Fault> {
    user.accounts.after(&[NewLine::new(RecordType::Refund, amount, String::new())]).map_err(Fault::bug)
}

/// The line of what is there, and that of the rest, which becomes debt.
fn with_debt(whole: &NewLine, balance: LedgerMoney) -> Result<Vec<NewLine>, Error> {
    let there = whole.amount.most(balance.negated())?;
    let missing = whole.amount.minus(there)?;
    let line = |kind, amount| NewLine { kind, amount, ..whole.clone() };
    Ok(vec![line(whole.kind, there), line(RecordType::Refund, missing)])
}

/// Balance of an account, less its debt.
fn standing(user: &User) -> Result<String, Error> {
    Ok(user.accounts.balance().minus(user.accounts.owed())?.to_string())
}

fn refused(error: &LedgerError) -> Error {
    match error.refusal() {
        Some(refusal) => refusal.into(),
        None => Fault::bug(error.clone()).into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// R1.2: an adjustment's amount has one form; only a debit has a sign.
    #[test]
    fn a_signed_amount_is_a_plain_decimal_after_a_minus() {
        let read = |text: &str| signed_amount("/amount", text).ok().map(|amount| amount.to_string());
        assert_eq!(read("5").as_deref(), Some("5"));
        assert_eq!(read("-0.00000001").as_deref(), Some("-0.00000001"));
        assert_eq!(read(" 5\n").as_deref(), Some("5"), "G5: white space around it is dropped");
        for bad in ["", "-", "+5", "--5", "0", "-0", "1e3", "５", "NaN", "1.000000001", "1000000001", "5 5"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_reason_says_something_on_one_line() {
        assert_eq!(said("/reason", "  fraud ").unwrap(), "fraud");
        for bad in ["", "   ", "a\nb", &"x".repeat(501)] {
            assert!(said("/reason", bad).is_err(), "{bad}");
        }
    }
}
