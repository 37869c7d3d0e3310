//! Notices: what a user is told of their money, and the links that stop it.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use shared::account::model::user::User;
use shared::affiliate::model::withdrawal::{Withdrawal, WithdrawalState};
use shared::app::App;
use shared::kernel::fault::Fault;
use shared::notices::cause::{DueNotice, NoticeSubject};
use shared::notices::send_once::recipient;
use shared::notices::unsubscribe::Unsubscription;
use shared::payment::model::order::Order;
use shared::referral::model::referral::{Reward, RewardState};
use shared::table::item::Entity;
use shared::table::key::Key;

use super::letter::Letter;
use super::style::{Language, Style};
use super::text::{Words, compose};

/// The mail of a notice; `None` if it was sent, is not wanted, or what it tells holds no more.
///
/// # Errors
/// The database can't be reached.
pub async fn letter(app: &App, due: &DueNotice, message: &str) -> Result<Option<Letter>, Fault> {
    let Some(user) = recipient(app, due, message).await? else { return Ok(None) };
    let Some(to) = user.email.clone() else { return Ok(None) };
    let style = Style::of(app, user.locale.as_deref()).await?;
    let Some((words, page)) = words(app, due, &user, style.language).await? else { return Ok(None) };
    let base = &app.config.public_base_url;
    let words = Words { link: Some(format!("{base}{page}")), ..words };
    let token = Unsubscription { user: user.id, notice: due.kind() }.token(app);
    let stop = style.of_both(("Stop mails of this kind", "不再接收此类邮件"));
    let choose = style.of_both(("Choose which mails you get", "选择要接收的邮件"));
    let footer = [(stop, format!("{base}/unsubscribe?token={token}")), (choose, format!("{base}/account/mails"))];
    let unsubscribe = Some(format!("{base}/v1/mails/unsubscribe?token={token}"));
    Ok(Some(Letter { to, text: compose(&words, &style, &footer), style, user: Some(user.id), unsubscribe }))
}

/// The words of a notice, and the page that it leads to.
async fn words(app: &App, due: &DueNotice, user: &User, language: Language) -> Result<Option<(Words, String)>, Fault> {
    Ok(match due.about {
        NoticeSubject::Order(id) => {
            let order = found(app, &Order::key(id)).await?;
            Some((of_payment(&order, language)?, format!("/orders/{id}")))
        }
        NoticeSubject::Reward(id) => {
            let reward = found(app, &Reward::key(id)).await?;
            // A reward that was taken back meanwhile is no news.
            let stands = reward.state == RewardState::Granted;
            stands.then(|| (of_reward(&reward, language), "/invite/rewards".to_owned()))
        }
        NoticeSubject::Withdrawal(id) => {
            let withdrawal = found(app, &Withdrawal::key(id)).await?;
            let page = if withdrawal.shop.is_some() { "/shop/wallet" } else { "/affiliate/withdrawals" };
            Some((of_withdrawal(&withdrawal, language), page.to_owned()))
        }
        NoticeSubject::Promotion => {
            of_promotion(user, language, app.clock.now()).map(|words| (words, "/top-up".to_owned()))
        }
    })
}

async fn found<T: Entity>(app: &App, key: &Key<T>) -> Result<T, Fault> {
    let missing = || Fault::item(key.pk.clone(), "a notice is about it, but it is not there");
    Ok(app.store.get::<T>(key).await?.ok_or_else(missing)?.into_inner())
}

fn of_payment(order: &Order, language: Language) -> Result<Words, Fault> {
    let (charge, credited) = (order.charge, order.total().map_err(Fault::bug)?);
    let is_top_up = order.agency.is_none();
    Ok(match language {
        Language::English => {
            let what = if is_top_up { format!(" {credited} was credited to your account.") } else { String::new() };
            Words::new("Your payment has arrived", &format!("Your payment of {charge} has arrived.{what}"), "")
        }
        Language::Chinese => {
            let what = if is_top_up { format!("{credited} 已记入您的账户。") } else { String::new() };
            Words::new("您的付款已到账", &format!("您的付款 {charge} 已到账。{what}"), "")
        }
    })
}

fn of_reward(reward: &Reward, language: Language) -> Words {
    let amount = reward.amount;
    match language {
        Language::English => {
            Words::new("You have earned a reward", &format!("A reward of {amount} is on your balance."), "")
        }
        Language::Chinese => Words::new("您获得了奖励", &format!("奖励 {amount} 已存入您的余额。"), ""),
    }
}

fn of_withdrawal(of: &Withdrawal, language: Language) -> Words {
    let amount = of.amount;
    let reason = of.reason.as_deref().unwrap_or_default();
    match (language, of.state == WithdrawalState::Paid) {
        (Language::English, true) => {
            Words::new("Your withdrawal was paid out", &format!("Your withdrawal of {amount} was paid out."), "")
        }
        (Language::English, false) => Words::new(
            "Your withdrawal was refused",
            &format!("Your withdrawal of {amount} was refused: {reason}"),
            "The amount is available again.",
        ),
        (Language::Chinese, true) => Words::new("您的提现已付款", &format!("您的提现 {amount} 已付款。"), ""),
        (Language::Chinese, false) => {
            Words::new("您的提现被拒绝", &format!("您的提现 {amount} 被拒绝：{reason}"), "该金额已可再次提现。")
        }
    }
}

/// The words about a promotion that can still be used.
fn of_promotion(user: &User, language: Language, now: Timestamp) -> Option<Words> {
    let promotion = user.promotion.as_ref().filter(|promotion| promotion.used.is_none())?;
    let percent = promotion.tier_at(now)?.percent.normalize();
    let least = promotion.min_amount;
    let until = promotion.ends_at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string();
    let has_least = least.is_positive();
    Some(match language {
        Language::English => {
            let least = if has_least { format!(" of at least {least}") } else { String::new() };
            Words::new(
                "Your bonus ends soon",
                &format!("A top-up{least} now still gets a bonus of {percent} %. Your bonus ends at {until}."),
                "",
            )
        }
        Language::Chinese => {
            let least = if has_least { format!("至少 {least}") } else { String::new() };
            Words::new(
                "您的充值奖励即将结束",
                &format!("现在充值{least}仍可获得 {percent}% 的奖励。奖励于 {until} 结束。"),
                "",
            )
        }
    })
}
