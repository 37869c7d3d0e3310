//! Enrolment in the promotion of an account that signed up before it was switched on, within its window (R5.1).
//!
//! It happens with the account's next order, while `promotion.enrol_existing` is on. The window runs from the sign-up. An account that
//! moved in from another system is no new one (R13.1).

use crate::account::model::user::User;
use crate::app::App;
use crate::message::Message;
use crate::payment::model::promotion::Promotion;
use crate::payment::model::settings::{PaymentSettings, PromotionSettings};
use kernel::fault::Error;
use kernel::id::UserId;
use table::context::Ctx;
use table::tx::Tx;

/// Enrols a user who may be enrolled late; a no-op for all others.
///
/// # Errors
/// A fault when the database cannot be reached.
pub(crate) async fn enrol_late(app: &App, user: UserId) -> Result<(), Error> {
    let settings = app.settings::<PromotionSettings>().await?.settings;
    if settings.enabled && settings.enrol_existing {
        app.execute(&Ctx::system(), || plan(app, &settings, user)).await?;
    }
    Ok(())
}

async fn plan(app: &App, settings: &PromotionSettings, user: UserId) -> Result<((), Tx), Error> {
    let mut tx = app.tx();
    let pay = app.settings::<PaymentSettings>().await?.settings.pay_currency;
    let Some(user) = app.store.get::<User>(&User::key(user)).await? else { return Ok(((), tx)) };
    if user.promotion.is_none()
        && user.imported.is_none()
        && let Some(promotion) = Promotion::enrol_late(settings, pay, user.created_at, app.clock.now())?
    {
        tx.replace(&user, &User { promotion: Some(promotion), ..User::clone(&user) });
        tx.send(Message::PromotionEnrolled { user: user.id });
    }
    Ok(((), tx))
}
