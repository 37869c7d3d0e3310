//! Price of an order that would be made now, with what a coupon would do (R4.1, R12.2).

use kernel::fault::Error;
use kernel::id::UserId;
use kernel::refusal::Refusal;

use crate::account::model::user::User;
use crate::app::App;
use crate::payment::keep_coupon::{Counters, price_with};
use crate::payment::model::coupon::CouponCode;
use crate::payment::model::price::{Quote, TopUp};
use crate::payment::model::settings::PaymentSettings;

/// Prices an order of the user as it would be made now; nothing is reserved.
///
/// # Rejects
/// `programme_off`; 422 for the amount or offer, and at `/coupon` for a coupon that the order could not use.
pub async fn price_now(app: &App, user: UserId, wanted: &TopUp, coupon: Option<&str>) -> Result<Quote, Error> {
    let settings = app.settings::<PaymentSettings>().await?.settings;
    let code = coupon.map(CouponCode::read).transpose()?;
    let (window, uses) = Counters::keys(user, code.as_ref());
    let window = Some(window).filter(|_| code.is_some());
    let (user, window, uses) = app.store.read((User::key(user), window, uses)).await?;
    let user = user.ok_or(Refusal::Unauthenticated)?;
    let counters = Counters::of((window, uses));
    let named = code.as_ref().map(|code| (code, &counters));
    Ok(price_with(&settings, wanted, named, (user.promotion.as_ref(), user.has_paid), app.clock.now())?)
}
