//! Guerdon's domain crate: what every function shares.
//!
//! Read it in the direction of its dependencies: [`domain`] (nouns and rules, pure), [`store`] (all of DynamoDB), [`usecase`] (verbs),
//! [`edge`] (the Lambda side). Beside them [`app`] is what a use case is given, [`message`] and [`queue`] what it tells others,
//! [`provider`] who takes the money.

pub mod app;
pub mod audit;
pub mod courier;
pub mod domain;
pub mod edge;
pub mod fault;
pub mod message;
pub mod once;
pub mod password;
pub mod provider;
pub mod queue;
pub mod settings;
pub mod store;
pub mod token;
pub mod usecase;
