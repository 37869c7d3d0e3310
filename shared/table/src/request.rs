//! Origin of the current request, for logs and audit records.

/// Technical origin of a request.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// Request id from API Gateway.
    pub request_id: String,
    /// Client address: the gateway's, or that of the CDN's viewer if the CDN proved itself.
    pub client_ip: Option<String>,
    /// `User-Agent` header, cut to 200 characters.
    pub user_agent: Option<String>,
}

tokio::task_local! {
    /// Origin of the current request.
    pub static ORIGIN: Origin;
}

/// Id of the current request.
pub fn request_id() -> Option<String> {
    ORIGIN.try_with(|origin| origin.request_id.clone()).ok().filter(|id| !id.is_empty())
}

/// Origin of the current request; empty outside a request.
pub fn origin() -> Origin {
    ORIGIN.try_with(Clone::clone).unwrap_or_default()
}
