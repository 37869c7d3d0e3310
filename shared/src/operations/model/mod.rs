//! Entities and rules, pure.

pub mod alarm;
pub mod audit_record;
pub mod budget;
pub mod colour;
pub mod console;
pub mod explain;
pub mod heads;
pub mod metrics;
pub mod projection;
pub mod proof;
pub mod settings;
pub mod warning;
