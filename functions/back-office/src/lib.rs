//! The pages of staff and agents, of the same library as those of users.
//!
//! They are a function of their own because of what they may read: service keys, batches of codes with the secret that the codes
//! hang on, and accounts by their e-mail. The function that strangers reach has none of that. Without them it is also a third
//! smaller, and so is what a user waits for when it starts.

use std::sync::Arc;

use shared::app::App;
use shared::edge::openapi::Api;

/// Environment variables that this function needs, besides those that every function has.
pub const NEEDS: [&str; 0] = [];

/// The pages; no part of the API's description.
pub fn api() -> Api<Arc<App>> {
    console::staff_api()
}
