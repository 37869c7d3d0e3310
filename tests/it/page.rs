//! Pages and forms over the real handlers, without a browser: a client that finds forms by their buttons and follows them.

pub mod client;
mod defences;
mod invite;
mod journeys;
mod markup;
mod orders;
mod texts;
mod topup;
