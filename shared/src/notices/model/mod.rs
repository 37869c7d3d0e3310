//! Entities and rules of notices.

pub mod mail_preferences;
pub mod notice;
pub mod sent_notice;
pub mod settings;
