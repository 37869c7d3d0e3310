//! Pages and forms over the real handlers, without a browser: a client that finds forms by their buttons and follows them.

pub mod client;
mod defences;
mod docs;
mod journeys;
mod markup;
mod texts;
