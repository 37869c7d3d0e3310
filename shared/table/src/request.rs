//! The request being answered, for logs and audit records.

/// What is known of a request besides what it says.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The gateway's id of the request.
    pub request_id: String,
    /// Where it came from.
    pub client_ip: Option<String>,
    /// What the client calls itself, cut to 200 characters.
    pub user_agent: Option<String>,
}

tokio::task_local! {
    /// The request being answered.
    pub static ORIGIN: Origin;
}

/// The id of the request being answered.
pub fn request_id() -> Option<String> {
    ORIGIN.try_with(|origin| origin.request_id.clone()).ok().filter(|id| !id.is_empty())
}

/// What is known of the request being answered.
pub fn origin() -> Origin {
    ORIGIN.try_with(Clone::clone).unwrap_or_default()
}
