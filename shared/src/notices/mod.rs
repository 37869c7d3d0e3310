//! Notices: mails that tell users of their money, and what stops them.
//!
//! The message of a committed effect causes its [`Notice`](model::notice::Notice), which the notifier sends. The operator switches
//! each kind off in the settings, a user in their account or by the link in the mail. An address that bounced, or whose owner
//! complained, gets none until its user asks for them again. Mails that somebody asks for (codes, links) are no notices.

pub mod audit;
pub mod cause;
pub mod feedback;
pub mod model;
pub mod preferences;
pub mod send_once;
pub mod table;
pub mod unsubscribe;
pub mod view;
