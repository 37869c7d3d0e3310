//! Guerdon's domain crate: what every function shares.
//!
//! Read it in the direction of its dependencies: [`domain`] (nouns and rules, pure).

pub mod domain;
pub mod provider;
