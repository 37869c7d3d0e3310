//! Attacks on identity: tokens that outlive their session, lock-outs, hijacked sign-ups, enumeration (R2.4, R2.5, R2.9–R2.13).

mod ended;
mod enumeration;
mod limits;
mod lockout;
mod pending;
mod profile;
