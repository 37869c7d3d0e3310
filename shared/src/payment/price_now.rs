//! Price of an order that would be made now, with what a coupon would do (R4.1, R12.2).

use kernel::fault::Error;
use kernel::id::UserId;
use kernel::refusal::Refusal;

use crate::account::model::user::User;
use crate::app::App;
use crate::payment::keep_coupon::Counters;
use crate::payment::model::coupon::{self, CouponCode};
use crate::payment::model::price::{Quote, TopUp, price};
use crate::payment::model::settings::PaymentSettings;

/// Prices an order of the user as it would be made now; nothing is reserved.
///
/// # Rejects
/// `programme_off`; 422 for the amount or offer, and at `/coupon` for a coupon that the order could not use.
pub async fn price_now(app: &App, user: UserId, wanted: &TopUp, coupon: Option<&str>) -> Result<Quote, Error> {
    let settings = app.settings::<PaymentSettings>().await?.settings;
    let code = coupon.map(|text| CouponCode::parse(text).ok_or_else(coupon::unknown)).transpose()?;
    let (window, uses) = Counters::keys(user, code.as_ref());
    let window = Some(window).filter(|_| code.is_some());
    let (user, window, uses) = app.store.read((User::key(user), window, uses)).await?;
    let user = user.ok_or(Refusal::Unauthenticated)?;
    let quote = price(&settings, wanted, code.as_ref(), user.promotion.as_ref(), app.clock.now())?;
    if let Some(code) = &code {
        Counters::of((window, uses)).must_allow(settings.coupon(code)?, &settings.coupons, user.has_paid)?;
    }
    Ok(quote)
}
