//! Payments: orders, provider events, refunds, reviews, reconciliation, new-user promotion (R4, R5).

pub mod audit;
pub mod cancel_order;
pub mod complete_order;
pub mod confirm_refund;
pub mod confirm_review;
pub mod create_order;
pub mod credit_order;
pub mod enrol_late;
pub mod expire;
pub mod gateway;
pub mod ingest;
pub mod model;
pub mod order_file;
pub mod pay_page;
pub mod payments_of;
pub mod poll_provider;
pub mod reconcile;
pub mod record_refund;
pub mod refund_order;
pub mod resolve_review;
pub mod returns;
pub mod reverse;
pub mod table;
pub mod undo_completion;
pub mod view;
