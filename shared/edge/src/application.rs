//! The traits through which the edge knows the application behind its routes, and its callers.

use std::future::Future;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use kernel::fault::Error;
use kernel::refusal::Refusal;
use kernel::secret::{OriginSecrets, Secret};

use crate::cookies::Cookies;
use crate::problem::Problem;
use crate::sealed::NONCE;

/// The application that handlers have as their state.
pub trait Application: Send + Sync + 'static {
    /// Key of cursor seals and idempotency hashes.
    fn secret(&self) -> &Secret;
    /// Secrets of the CDN before the API.
    fn origins(&self) -> &OriginSecrets;
}

/// An application whose pages post forms.
pub trait FormHost: Application {
    /// Session of a browser, which a request's extractor finds among its extensions.
    type Session: Clone + Send + Sync + 'static;
    /// Public URL of the API, without a trailing slash.
    fn base_url(&self) -> &str;
    /// Random nonce.
    fn nonce(&self) -> [u8; NONCE];
    /// Opens the browser session of the cookies for a form of this route and returns its id with it; `None` when it is over.
    fn session(
        &self,
        cookies: &Cookies,
        path: &str,
    ) -> impl Future<Output = Result<Option<(String, Self::Session)>, Error>> + Send;
    /// Requires what a form of this route needs beside its session.
    ///
    /// # Rejects
    /// [`Refusal::FreshPasswordRequired`] for a dangerous route without a password entered a moment ago.
    fn admits(&self, session: &Self::Session, cookies: &Cookies, method: &str, path: &str) -> Result<(), Refusal>;
}

impl<A: Application> Application for Arc<A> {
    fn secret(&self) -> &Secret {
        A::secret(self)
    }

    fn origins(&self) -> &OriginSecrets {
        A::origins(self)
    }
}

/// A caller. Idempotency keys and cursors belong to one.
pub trait Identity {
    /// The caller's id.
    fn identity(&self) -> String;
}

/// A caller without an account: the hash of an e-mail.
impl Identity for String {
    fn identity(&self) -> String {
        self.clone()
    }
}

/// A caller that a request's extractor recognises.
pub trait Requester<A>: FromRequestParts<Arc<A>, Rejection = Problem> + Identity + Send + Sync {}

impl<A, T: FromRequestParts<Arc<A>, Rejection = Problem> + Identity + Send + Sync> Requester<A> for T {}
