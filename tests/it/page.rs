//! Pages and forms over the real handlers, without a browser: a client that finds forms by their buttons and follows them.

mod account;
mod admin;
mod affiliate;
mod brand;
pub mod client;
mod costs;
mod defences;
mod docs;
mod gate;
mod home;
mod invite;
pub mod journeys;
mod languages;
mod links;
pub mod markup;
mod orders;
mod records;
mod redeem;
mod schema;
mod shop;
pub mod signing_in;
mod texts;
mod topup;
