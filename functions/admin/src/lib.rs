//! What the operator's staff sees and does: settings, accounts, orders, the programmes, the review queue, totals, audit (R9).
//!
//! Every route takes an [`shared::account::view::Admin`]. Lists answer JSON or, to `Accept: text/csv`, a [`shared::edge::export`].

pub mod affiliate;
pub mod agency;
pub mod daily;
pub mod endpoint;
pub mod erase;
pub mod explain;
pub mod order;
pub mod platform;
pub mod programme;
pub mod reason;
pub mod reconciliation;
pub mod redemption;
pub mod refund;
pub mod review;
pub mod service_key;
pub mod stats;
pub mod user;

use std::sync::Arc;

use shared::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The variables that it can't do without, besides those that every function has.
pub const NEEDS: [&str; 3] = ["REWARD_QUEUE_URL", "MAIL_QUEUE_URL", "STATISTICS_QUEUE_URL"];

/// The routes of the operator's staff.
pub fn api() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(platform::settings, platform::change_settings))
        .routes(routes!(platform::audits))
        .routes(routes!(stats::stats))
        .routes(routes!(daily::days))
        .routes(routes!(user::users))
        .routes(routes!(user::user))
        .routes(routes!(user::set_status))
        .routes(routes!(erase::erase))
        .routes(routes!(user::set_role))
        .routes(routes!(user::set_policy))
        .routes(routes!(user::set_invite_code))
        .routes(routes!(user::adjust))
        .routes(routes!(user::records))
        .routes(routes!(programme::referrals))
        .routes(routes!(programme::rewards))
        .routes(routes!(programme::retry))
        .routes(routes!(affiliate::commissions))
        .routes(routes!(affiliate::reverse))
        .routes(routes!(affiliate::withdrawals))
        .routes(routes!(affiliate::approve))
        .routes(routes!(affiliate::reject))
        .routes(routes!(agency::adjust))
        .routes(routes!(order::orders))
        .routes(routes!(order::summary))
        .routes(routes!(order::order))
        .routes(routes!(explain::explain))
        .routes(routes!(order::complete))
        .routes(routes!(order::verify))
        .routes(routes!(refund::refund))
        .routes(routes!(refund::confirm))
        .routes(routes!(review::reviews))
        .routes(routes!(review::resolve))
        .routes(routes!(reconciliation::reconciliations))
        .routes(routes!(reconciliation::reconciliation))
        .routes(routes!(service_key::keys, service_key::create))
        .routes(routes!(service_key::revoke))
        .routes(routes!(endpoint::endpoints, endpoint::create))
        .routes(routes!(endpoint::change, endpoint::delete))
        .routes(routes!(endpoint::deliveries))
        .routes(routes!(endpoint::replay))
        .routes(routes!(redemption::plan::plans, redemption::plan::create))
        .routes(routes!(redemption::plan::plan, redemption::plan::change))
        .routes(routes!(redemption::batch::batches, redemption::batch::create))
        .routes(routes!(redemption::batch::batch))
        .routes(routes!(redemption::batch::export))
        .routes(routes!(redemption::batch::set_status))
        .routes(routes!(redemption::code::codes))
        .routes(routes!(redemption::code::edit, redemption::code::delete))
        .routes(routes!(redemption::code::set_status))
        .routes(routes!(redemption::code::delete_many))
        .routes(routes!(redemption::record::records))
        .routes(routes!(redemption::record::undo))
}
