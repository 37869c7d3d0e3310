//! A payment of 100 under a document: what the payer, the inviter and the friend would get (C3.4).

use std::sync::Arc;

use maud::{Markup, html};
use rust_decimal::Decimal;
use shared::affiliate::model::settings::AffiliateSettings;
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::money::{Currency, LedgerMoney, MoneyError, PayMoney, Rounding};
use shared::operations::model::settings::AnySettings;
use shared::payment::model::price::{Quote, quote};
use shared::payment::model::promotion::OrderTier;
use shared::payment::model::settings::{PaymentSettings, PromotionSettings};
use shared::referral::model::settings::ReferralSettings;

use crate::parts::money;
use crate::show;
use crate::visit::Visit;

/// The documents that a payment depends on.
struct Documents {
    payment: Arc<PaymentSettings>,
    promotion: Arc<PromotionSettings>,
    referral: Arc<ReferralSettings>,
    affiliate: Arc<AffiliateSettings>,
}

/// The example, for an area that it depends on.
///
/// # Errors
/// The settings can't be read.
pub async fn example(visit: &Visit, under: &AnySettings) -> Result<Option<Markup>, Error> {
    let app = &visit.app;
    let mut of = Documents {
        payment: app.settings().await?.settings,
        promotion: app.settings().await?.settings,
        referral: app.settings().await?.settings,
        affiliate: app.settings().await?.settings,
    };
    match under.clone() {
        AnySettings::Payment(new) => of.payment = Arc::new(new),
        AnySettings::Promotion(new) => of.promotion = Arc::new(new),
        AnySettings::Referral(new) => of.referral = Arc::new(new),
        AnySettings::Affiliate(new) => of.affiliate = Arc::new(new),
        _ => return Ok(None),
    }
    Ok(Some(shown(visit, &of).unwrap_or_else(|_| html! { p.muted { (visit.text.settings_example_range()) } })))
}

fn shown(visit: &Visit, of: &Documents) -> Result<Markup, MoneyError> {
    let text = &visit.text;
    let amount = PayMoney::exact(Decimal::ONE_HUNDRED, of.payment.pay_currency)?;
    let priced = quote(&of.payment, amount, of.payment.bonus_of(None, amount.amount()), None, visit.app.clock.now())?;
    let is_outside = amount.amount() < of.payment.min_amount || amount.amount() > of.payment.max_amount;
    let ladder = ladder(visit, of, &priced)?;
    let referral = referral(visit, of, &priced)?;
    let affiliate = affiliate(visit, of, &priced)?;
    Ok(html! {
        @if is_outside { p.muted { (text.settings_example_range()) } }
        dl.sum {
            dt { (text.order_amount()) } dd { (show::price(&Amount::from(amount))) }
            dt { (text.order_charge()) } dd { (show::price(&Amount::from(priced.charge))) }
            dt { (text.order_credit()) } dd { (money(&Amount::from(priced.credit))) }
            @if let Some(bonus) = priced.offered_bonus {
                dt { (text.order_amount_bonus()) } dd { (money(&Amount::from(bonus.amount))) }
            }
        }
        (ladder)
        (referral)
        (affiliate)
        p.small.muted { (text.settings_example_note()) }
    })
}

/// The bonus by step.
fn ladder(visit: &Visit, of: &Documents, priced: &Quote) -> Result<Markup, MoneyError> {
    let text = &visit.text;
    if priced.amount.amount() < of.promotion.min_amount {
        return Ok(html! { p.small.muted { (text.settings_example_no_bonus()) } });
    }
    let step = |tier: &shared::payment::model::settings::PromotionTier| {
        let bonus = OrderTier { index: 0, percent: tier.percent }.bonus(priced.credit)?;
        Ok((text.settings_example_bonus(tier.percent.normalize().to_string(), tier.hours.to_string()), bonus))
    };
    let steps = of.promotion.tiers.iter().map(step).collect::<Result<Vec<_>, MoneyError>>()?;
    Ok(html! {
        dl.sum { @for (label, bonus) in &steps { dt { (label) } dd { (money(&Amount::from(*bonus))) } } }
    })
}

/// Rewards of inviter and friend, if the payment reaches the threshold.
fn referral(visit: &Visit, of: &Documents, priced: &Quote) -> Result<Markup, MoneyError> {
    let (text, currency) = (&visit.text, of.payment.ledger_currency);
    let rewards = &of.referral.qualified;
    let reaches = priced.charge.amount() >= rewards.threshold;
    let told = if reaches { text.settings_example_reaches() } else { text.settings_example_short() };
    Ok(html! {
        dl.sum {
            dt { (text.settings_example_threshold()) small.muted { " " (told) } }
            dd { (show::bound(rewards.threshold, of.payment.pay_currency)) }
            @if reaches {
                dt { (text.settings_example_inviter()) } dd { (money(&ledger(rewards.inviter_reward, currency)?)) }
                dt { (text.settings_example_friend()) } dd { (money(&ledger(rewards.invitee_reward, currency)?)) }
            }
        }
    })
}

/// The inviter's commission.
fn affiliate(visit: &Visit, of: &Documents, priced: &Quote) -> Result<Markup, MoneyError> {
    let (text, terms) = (&visit.text, &of.affiliate);
    let whole = priced.credit.times(terms.default_rate, Rounding::Down)?;
    let cap = LedgerMoney::exact(terms.cap_per_invitee, priced.credit.currency())?;
    let commission = if cap.is_positive() { whole.least(cap)? } else { whole };
    let percent = terms.default_rate.saturating_mul(Decimal::ONE_HUNDRED).normalize().to_string();
    Ok(html! {
        dl.sum {
            dt {
                (text.settings_example_commission(percent))
                @if terms.hold_hours > 0 { small.muted { " " (text.settings_example_held(terms.hold_hours.to_string())) } }
            }
            dd { (money(&Amount::from(commission))) }
        }
    })
}

fn ledger(amount: Decimal, currency: Currency) -> Result<Amount, MoneyError> {
    Ok(Amount::from(LedgerMoney::exact(amount, currency)?))
}
