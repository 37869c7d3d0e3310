//! Lines of text about events for the operator's chat, in English and Chinese.
//!
//! A line has the operator's name, what happened, an amount, and the page of staff to look at. It holds no e-mail address, no code and
//! no payout account.

use serde_json::Value;
use shared::app::App;
use shared::kernel::fault::Fault;
use shared::payment::model::review::ReviewReason;
use shared::webhooks::model::format::ChatLine;
use shared::webhooks::model::outbound_event::{EventKind, EventSubject};

use super::style::Style;

/// Parts that every line of a deployment has in common.
pub struct Speaker {
    style: Style,
    base_url: String,
}

impl Speaker {
    /// The operator's name and language, from the console's settings.
    ///
    /// # Errors
    /// Fails if the settings cannot be read.
    pub async fn of(app: &App) -> Result<Self, Fault> {
        Ok(Self { style: Style::of(app, None).await?, base_url: app.config.public_base_url.clone() })
    }

    /// The line about an event; `data` is its payload's.
    pub fn line(&self, kind: EventKind, about: &EventSubject, data: &Value) -> ChatLine {
        let what = self.style.of_both(words(kind));
        let colon = self.style.of_both((": ", "："));
        let facts = [amount(kind, data), self.more(kind, data)];
        let facts: Vec<String> = facts.into_iter().flatten().collect();
        let mut text = format!("{}{colon}{what}", self.style.name);
        if !facts.is_empty() {
            text.push_str(&format!("{colon}{}", facts.join(self.style.of_both((", ", "，")))));
        }
        ChatLine { text, link: format!("{}{}", self.base_url, page(about)) }
    }

    /// The reason, where the payload has one.
    fn more(&self, kind: EventKind, data: &Value) -> Option<String> {
        let field = |name: &str| data.get(name).and_then(Value::as_str);
        match kind {
            EventKind::ReviewOpened => {
                let reason = reason(ReviewReason::parse(field("reason")?)?);
                Some(self.style.of_both(reason).to_owned())
            }
            EventKind::CaseOpened => {
                let held = field("state")? == "held";
                let what = if held { ("held", "已暂缓") } else { ("flagged", "已标记") };
                Some(self.style.of_both(what).to_owned())
            }
            EventKind::AlarmRaised => Some(format!("{} ({})", field("name")?, field("reason")?)),
            EventKind::AlarmCleared => field("name").map(str::to_owned),
            _ => None,
        }
    }
}

/// The amount that an event is about.
fn amount(kind: EventKind, data: &Value) -> Option<String> {
    let name = match kind {
        EventKind::ReviewOpened => "received",
        EventKind::OrderPaid => "charge",
        EventKind::OrderRefunded | EventKind::OrderReinstated => "net",
        EventKind::CommissionReversed => "remaining",
        EventKind::RedemptionCompleted => "credit",
        _ => "amount",
    };
    let of = data.get(name)?;
    Some(format!("{} {}", of.get("amount")?.as_str()?, of.get("currency")?.as_str()?))
}

/// The page of staff about a subject.
fn page(about: &EventSubject) -> String {
    match about {
        EventSubject::User(user) => format!("/admin/users/{user}"),
        EventSubject::Order(order) => format!("/admin/orders/{order}"),
        EventSubject::Reward(_) => "/admin/rewards".to_owned(),
        EventSubject::Commission(_) => "/admin/commissions".to_owned(),
        EventSubject::Withdrawal(withdrawal) => format!("/admin/withdrawals/{withdrawal}"),
        EventSubject::Redemption { .. } => "/admin/redemptions".to_owned(),
        EventSubject::Review(review) => format!("/admin/reviews/{review}"),
        EventSubject::RiskCase(_) => "/admin/risk".to_owned(),
        EventSubject::Alarm(_) => "/admin".to_owned(),
    }
}

/// Words for what happened, in both languages.
fn words(kind: EventKind) -> (&'static str, &'static str) {
    match kind {
        EventKind::UserRegistered => ("An account was created", "有新用户注册"),
        EventKind::UserReferred => ("An account named its inviter", "用户补填了邀请人"),
        EventKind::OrderPaid => ("An order was paid", "订单已支付"),
        EventKind::OrderRefunded => ("Less is left of an order", "订单款项减少，剩余"),
        EventKind::OrderReinstated => ("More is left of an order again", "订单款项恢复，剩余"),
        EventKind::RewardGranted => ("A reward was granted", "奖励已发放"),
        EventKind::RewardFailed => ("A reward failed and can be retried", "奖励发放失败，可以重试"),
        EventKind::RedemptionCompleted => ("A code was redeemed", "兑换码已兑换"),
        EventKind::CommissionAccrued => ("A commission was earned", "产生佣金"),
        EventKind::CommissionAvailable => ("A commission can be withdrawn", "佣金可提现"),
        EventKind::CommissionReversed => ("Less is left of a commission", "佣金减少，剩余"),
        EventKind::WithdrawalRequested => ("A withdrawal waits to be paid", "有提现待付"),
        EventKind::WithdrawalCompleted => ("Commission went to the balance", "佣金已转入余额"),
        EventKind::WithdrawalPaid => ("A withdrawal was paid", "提现已付"),
        EventKind::WithdrawalRejected => ("A withdrawal was rejected", "提现被拒绝"),
        EventKind::WithdrawalCancelled => ("A withdrawal was cancelled by its user", "用户取消了提现"),
        EventKind::ReviewOpened => ("A payment needs a person", "有款项待审"),
        EventKind::CaseOpened => ("A case of risk was opened", "有新的风险案件"),
        EventKind::AlarmRaised => ("Alarm", "告警"),
        EventKind::AlarmCleared => ("The alarm is over", "告警解除"),
    }
}

/// Reason why a payment needs a person, in both languages.
fn reason(of: ReviewReason) -> (&'static str, &'static str) {
    match of {
        ReviewReason::UnknownOrder => ("it names no known order", "未对应任何订单"),
        ReviewReason::AmountMismatch => ("not the amount of the order", "金额与订单不符"),
        ReviewReason::CurrencyMismatch => ("not the currency of the order", "币种与订单不符"),
        ReviewReason::Surplus => ("the order was paid already", "订单已支付过"),
        ReviewReason::OtherProvider => ("the order is another provider’s", "订单属于其他渠道"),
        ReviewReason::OtherOrder => ("the payment is another order’s", "付款属于其他订单"),
        ReviewReason::PaymentDiffers => ("it differs from what was credited", "与已入账款项不符"),
        ReviewReason::Unreadable => ("the provider’s event can’t be read", "无法读取渠道的通知"),
        ReviewReason::Difference => ("the daily report found a difference", "对账发现差异"),
    }
}
