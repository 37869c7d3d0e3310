//! Password hashes that accounts bring from another system (R13.1): bcrypt and Argon2, within bounds.
//!
//! Such a hash is stored as it came and compared at sign-in, which replaces it by one of this deployment. What comparing it may cost
//! is bounded where it comes in: whoever may import could else make every sign-in of an account take minutes, or gigabytes.

use argon2::{Params, PasswordHash};

/// Least and most bcrypt cost; each step doubles the work. The most takes about a second.
pub const BCRYPT_COSTS: (u32, u32) = (4, 13);
/// Most memory of Argon2, in KiB.
pub const ARGON2_MEMORY_MAX: u32 = 64 * 1024;
/// Most passes of Argon2.
pub const ARGON2_PASSES_MAX: u32 = 8;
/// Most lanes of Argon2.
pub const ARGON2_LANES_MAX: u32 = 8;
/// Most characters of a hash.
const HASH_MAX: usize = 256;

/// Reason why a hash cannot come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnfitHash {
    /// Neither bcrypt nor Argon2, or malformed.
    Unknown,
    /// Comparing it would cost too much, or protects too little.
    OutOfBounds,
}

/// Tests for a bcrypt hash, `$2b$…`; `$2a$` and `$2y$` are the same hash under other names.
pub fn is_bcrypt(hash: &str) -> bool {
    ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| hash.starts_with(prefix))
}

/// Checks a hash that is to come in: well-formed, and within bounds.
///
/// # Rejects
/// [`UnfitHash`].
pub fn check_foreign(hash: &str) -> Result<(), UnfitHash> {
    if hash.len() > HASH_MAX {
        return Err(UnfitHash::Unknown);
    }
    let fits = if is_bcrypt(hash) { bcrypt_fits(hash) } else { argon2_fits(hash) };
    if fits.ok_or(UnfitHash::Unknown)? { Ok(()) } else { Err(UnfitHash::OutOfBounds) }
}

/// Tests the cost of a bcrypt hash; `None` for a malformed one.
fn bcrypt_fits(hash: &str) -> Option<bool> {
    let parts: bcrypt::HashParts = hash.parse().ok()?;
    Some((BCRYPT_COSTS.0..=BCRYPT_COSTS.1).contains(&parts.get_cost()))
}

/// Tests memory, passes and lanes of an Argon2 hash, `$argon2id$v=19$m=65536,t=3,p=4$…`; `None` for a malformed one.
fn argon2_fits(hash: &str) -> Option<bool> {
    let parsed = PasswordHash::new(hash).ok()?;
    let known = ["argon2id", "argon2i"].contains(&parsed.algorithm.as_str());
    let complete = parsed.salt.is_some() && parsed.hash.is_some();
    // Bounded before the crate's own parameters are made of them.
    let number = |name: &str| parsed.params.get_decimal(name);
    let (memory, passes, lanes) = (number("m")?, number("t")?, number("p")?);
    if !known || !complete {
        return None;
    }
    if memory > ARGON2_MEMORY_MAX || passes > ARGON2_PASSES_MAX || lanes > ARGON2_LANES_MAX {
        return Some(false);
    }
    Params::try_from(&parsed).ok().map(|_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BCRYPT: &str = "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.";
    const ARGON2: &str = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$Y29tcHV0ZWQgYnkgc29tZWJvZHkgZWxzZSE";

    /// R13.1
    #[test]
    fn hashes_of_other_systems_come_in_as_they_are() {
        for good in [
            BCRYPT,
            &BCRYPT.replace("$2a$", "$2b$"),
            &BCRYPT.replace("$2a$", "$2y$"),
            &BCRYPT.replace("$06$", "$13$"),
            ARGON2,
            &ARGON2.replace("argon2id", "argon2i"),
            &ARGON2.replace("t=3", "t=8"),
        ] {
            assert_eq!(check_foreign(good), Ok(()), "{good}");
        }
    }

    /// R13.1: whoever may import can make no sign-in take minutes, or gigabytes.
    #[test]
    fn a_hash_that_costs_too_much_is_refused() {
        for costly in [
            &BCRYPT.replace("$06$", "$14$"),
            &BCRYPT.replace("$06$", "$31$"),
            &BCRYPT.replace("$06$", "$03$"),
            &ARGON2.replace("m=65536", "m=65537"),
            &ARGON2.replace("m=65536", "m=4194304"),
            &ARGON2.replace("t=3", "t=9"),
            &ARGON2.replace("p=4", "p=9"),
        ] {
            assert_eq!(check_foreign(costly), Err(UnfitHash::OutOfBounds), "{costly}");
        }
    }

    /// R13.1
    #[test]
    fn what_is_no_hash_is_refused() {
        for bad in [
            "",
            "correct horse battery",
            "5f4dcc3b5aa765d61d8327deb882cf99",
            "$pbkdf2-sha512$salt$hash",
            "$2x$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.",
            "$2a$06$tooshort",
            "$2a$é6$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s",
            &ARGON2.replace("argon2id", "argon2d"),
            "$argon2id$v=19$m=65536,t=3,p=4",
            "$argon2id$v=19$t=3,p=4$c29tZXNhbHRzb21lc2FsdA$Y29tcHV0ZWQgYnkgc29tZWJvZHkgZWxzZSE",
            &format!("{ARGON2}{}", "A".repeat(300)),
        ] {
            assert_eq!(check_foreign(bad), Err(UnfitHash::Unknown), "{bad}");
        }
    }
}
