//! Signals, cases and their settings, pure.

pub mod case;
pub mod disposable;
pub mod instrument;
pub mod settings;
pub mod signal;
