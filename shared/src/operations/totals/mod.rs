//! Totals of the platform (R9.2).

pub mod view;
