//! Redemption codes for the operator: plans, batches, codes, redemptions (R7.8).

pub mod batch;
pub mod code;
pub mod plan;
pub mod record;

use jiff::Timestamp;
use rust_decimal::Decimal;
use shared::kernel::id::PlanId;
use shared::kernel::money::AMOUNT_MAX;
use shared::kernel::money::{LEDGER_DIGITS, plain_decimal};
use shared::kernel::refusal::FieldError;
use shared::kernel::typed;
use shared::redemption::model::code::Benefit;
use shared::redemption::model::plan::Unit;

/// Highest number of uses of a code.
const USES_MAX: i64 = 1_000_000_000;
/// Highest number of uses of a code by one user.
const USER_MAX: i64 = 10_000;

/// Check that a number is in its range.
fn ranged<N: TryFrom<i64>>(pointer: &str, number: i64, least: i64, most: i64) -> Result<N, FieldError> {
    let bad = || FieldError::new(pointer, "out_of_range", format!("{least} to {most}"));
    let number = Some(number).filter(|number| (least..=most).contains(number));
    number.and_then(|number| N::try_from(number).ok()).ok_or_else(bad)
}

/// Parse an RFC 3339 time.
fn time(pointer: &str, text: &str) -> Result<Timestamp, FieldError> {
    typed::time(text).ok_or_else(|| FieldError::new(pointer, "not_a_time", "RFC 3339, up to 9999-12-31T23:59:59Z"))
}

/// Benefit in a body: a plan and its time, or a credit.
#[derive(Debug, Clone, Copy)]
struct Said<'a> {
    plan_id: Option<&'a str>,
    unit: Option<&'a str>,
    quantity: Option<i64>,
    credit: Option<&'a str>,
}

impl Said<'_> {
    /// Read the benefit, completed from `before`; nothing if the body has none.
    fn benefit(&self, before: Option<Benefit>, errors: &mut Vec<FieldError>) -> Option<Benefit> {
        let of_plan = self.plan_id.is_some() || self.unit.is_some() || self.quantity.is_some();
        match (of_plan, self.credit) {
            (true, Some(_)) => {
                errors.push(FieldError::new("/credit", "conflicting", "either plan time or a credit"));
                None
            }
            (false, None) => None,
            (false, Some(credit)) => taken(self::credit(credit), errors).map(|credit| Benefit::Balance { credit }),
            (true, None) => self.plan_time(before, errors),
        }
    }

    fn plan_time(&self, before: Option<Benefit>, errors: &mut Vec<FieldError>) -> Option<Benefit> {
        let known = before.and_then(|before| before.plan_time());
        let missing =
            |pointer: &str| FieldError::new(pointer, "required", "plan time is a plan, a unit and a quantity");
        let plan = match (self.plan_id, known) {
            (Some(id), _) => PlanId::parse(id).ok_or_else(|| FieldError::new("/plan_id", "unknown", "no such plan")),
            (None, Some((plan, _))) => Ok(plan),
            (None, None) => Err(missing("/plan_id")),
        };
        let unit = match (self.unit, known) {
            (Some(unit), _) => {
                let units = "day, month, quarter, half_year or year";
                Unit::parse(unit).ok_or_else(|| FieldError::new("/unit", "unknown", units))
            }
            (None, Some((_, time))) => Ok(time.unit),
            (None, None) => Err(missing("/unit")),
        };
        let quantity = match (self.quantity, known) {
            (Some(quantity), _) => ranged("/quantity", quantity, 1, 1_000),
            (None, Some((_, time))) => Ok(time.quantity),
            (None, None) => Err(missing("/quantity")),
        };
        let (plan, unit, quantity) = (taken(plan, errors), taken(unit, errors), taken(quantity, errors));
        Some(Benefit::Plan { plan: plan?, unit: unit?, quantity: quantity? })
    }
}

fn credit(text: &str) -> Result<Decimal, FieldError> {
    let amount = plain_decimal(text, LEDGER_DIGITS);
    let amount = amount.ok_or_else(|| FieldError::new("/credit", "not_a_decimal", "a decimal of at most 8 digits"))?;
    let good = amount > Decimal::ZERO && amount <= AMOUNT_MAX;
    let detail = format!("more than 0, at most {AMOUNT_MAX}");
    good.then_some(amount).ok_or_else(|| FieldError::new("/credit", "out_of_range", detail))
}

fn taken<T>(read: Result<T, FieldError>, errors: &mut Vec<FieldError>) -> Option<T> {
    read.map_err(|error| errors.push(error)).ok()
}
