//! Sign-up, sessions, the own account, and what is public (R2).

mod account;
mod platform;
mod sessions;
mod signup;
pub mod wire;

use std::sync::Arc;

use shared::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The variables that it can't do without, besides those that every function has.
pub const NEEDS: [&str; 3] = ["REWARD_QUEUE_URL", "MAIL_QUEUE_URL", "STATISTICS_QUEUE_URL"];

/// The routes of this function. Whatever no function takes comes here, too, and is answered 404 or 405.
pub fn api() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(platform::health))
        .routes(routes!(platform::openapi))
        .routes(routes!(platform::jwks))
        .routes(routes!(platform::public_settings))
        .routes(routes!(signup::register))
        .routes(routes!(signup::verify))
        .routes(routes!(signup::resend))
        .routes(routes!(sessions::sign_in, sessions::sign_out))
        .routes(routes!(sessions::refresh))
        .routes(routes!(sessions::open))
        .routes(routes!(sessions::ask_reset))
        .routes(routes!(sessions::confirm_reset))
        .routes(routes!(account::me))
        .routes(routes!(account::records))
        .fallback(platform::unknown)
}
