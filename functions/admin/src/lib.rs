//! Operator API: settings, accounts, orders, programmes, review queue, totals, audit list (R9).
//!
//! Every route takes an [`shared::account::view::Admin`]. Lists return JSON or, for `Accept: text/csv`, a [`shared::edge::export`].

pub mod affiliate;
pub mod affiliate_year;
pub mod agency;
pub mod budget;
pub mod bulk;
mod coupon;
pub mod daily;
pub mod endpoint;
pub mod erase;
pub mod explain;
pub mod import;
pub mod inviter;
pub mod liabilities;
pub mod order;
pub mod payout_batch;
pub mod platform;
pub mod programme;
pub mod reason;
pub mod reconciliation;
pub mod redemption;
pub mod refund;
pub mod review;
pub mod risk;
pub mod second_factor;
mod service_key;
pub mod simulation;
pub mod stats;
pub mod user;
pub mod user_file;
pub mod waiting;

use std::sync::Arc;

use shared::app::App;
use shared::edge::api;
use shared::edge::openapi::{Api, Operation, Routes};

/// Environment variables required beyond those of every function.
pub const NEEDS: [&str; 3] = ["REWARD_QUEUE_URL", "MAIL_QUEUE_URL", "STATISTICS_QUEUE_URL"];

/// Routes of the operator API.
pub fn api() -> Api<Arc<App>> {
    add(Api::new())
}

/// Their documentation.
pub fn operations() -> Vec<Operation> {
    add(Vec::new())
}

fn add<R: Routes<Arc<App>>>(routes: R) -> R {
    let routes = codes(commissions(routes));
    api![
        routes;
        platform::settings,
        platform::change_settings,
        platform::audits,
        stats::stats,
        liabilities::liabilities,
        waiting::waiting,
        daily::days,
        user::users,
        user_file::user,
        user_file::balance,
        user::set_status,
        erase::erase,
        user::set_role,
        second_factor::reset,
        user::set_policy,
        user::set_invite_code,
        inviter::set,
        user::adjust,
        user::records,
        programme::referrals,
        programme::rewards,
        programme::retry,
        budget::budgets,
        simulation::run,
        coupon::list,
        risk::cases,
        risk::release_several,
        risk::reject_several,
        risk::release,
        risk::reject,
        agency::adjust,
        order::orders,
        order::summary,
        order::order,
        explain::explain,
        order::complete,
        order::bonus,
        order::undo,
        order::verify,
        refund::refund,
        refund::confirm,
        review::reviews,
        review::resolve,
        review::confirm,
        reconciliation::reconciliations,
        reconciliation::reconciliation,
        service_key::keys,
        service_key::create,
        service_key::revoke,
        endpoint::endpoints,
        endpoint::create,
        endpoint::change,
        endpoint::delete,
        endpoint::deliveries,
        endpoint::replay,
        import::users,
        import::codes,
        import::balances,
        import::referrals,
    ]
}

/// The routes of commissions and their withdrawals.
fn commissions<R: Routes<Arc<App>>>(routes: R) -> R {
    api![
        routes;
        affiliate::commissions,
        affiliate::post,
        bulk::release,
        bulk::reverse,
        bulk::approve,
        bulk::reject,
        affiliate::release,
        affiliate::reverse,
        affiliate_year::list,
        affiliate_year::export,
        affiliate::withdrawals,
        affiliate::approve,
        affiliate::reject,
        payout_batch::list,
        payout_batch::make,
        payout_batch::one,
        payout_batch::sheet,
        payout_batch::transfer,
        payout_batch::close,
        payout_batch::fail,
        payout_batch::drop,
    ]
}

/// The routes of plans, batches, codes and redemptions.
fn codes<R: Routes<Arc<App>>>(routes: R) -> R {
    api![
        routes;
        redemption::plan::plans,
        redemption::plan::create,
        redemption::plan::plan,
        redemption::plan::change,
        redemption::batch::batches,
        redemption::batch::create,
        redemption::batch::batch,
        redemption::batch::resume,
        redemption::batch::export,
        redemption::batch::set_status,
        redemption::batch::extend,
        redemption::batch::more,
        redemption::code::codes,
        redemption::code::edit,
        redemption::code::delete,
        redemption::code::set_status,
        redemption::code::delete_many,
        redemption::record::records,
        redemption::record::undo,
    ]
}
