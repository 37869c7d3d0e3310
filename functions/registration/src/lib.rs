//! Sign-up, sessions, the caller's account and public routes (R2).

mod account;
mod enter;
mod factor;
mod forms;
mod ledger;
mod mails;
mod own;
mod platform;
mod sessions;
mod signup;
pub mod wire;

use std::sync::Arc;

use shared::app::App;
use shared::edge::api;
use shared::edge::openapi::{Api, Operation, Routes};

/// Environment variables that this function needs, besides those that every function has.
pub const NEEDS: [&str; 3] = ["REWARD_QUEUE_URL", "MAIL_QUEUE_URL", "STATISTICS_QUEUE_URL"];

/// The routes of this function. It also receives requests that match no route, and responds 404 or 405.
pub fn api() -> Api<Arc<App>> {
    add(Api::new()).pages(enter::router()).behind_forms(forms::router()).fallback(platform::unknown)
}

/// Their documentation.
pub fn operations() -> Vec<Operation> {
    add(Vec::new())
}

fn add<R: Routes<Arc<App>>>(routes: R) -> R {
    api![
        routes;
        platform::health,
        platform::openapi,
        platform::jwks,
        platform::public_settings,
        ledger::heads,
        signup::register,
        signup::verify,
        signup::resend,
        sessions::sign_in,
        sessions::challenge,
        sessions::sign_out,
        sessions::refresh,
        sessions::open,
        sessions::ask_reset,
        sessions::confirm_reset,
        account::me,
        account::set_profile,
        account::set_password,
        account::set_email,
        account::confirm_email,
        mails::mails,
        mails::choose,
        mails::unsubscribe,
        account::balance,
        account::records,
        ledger::balance_proof,
        factor::state,
        factor::enrol,
        factor::confirm,
        factor::verify,
        factor::recovery_codes,
        factor::remove,
        own::sessions,
        own::end,
        own::export,
    ]
}
