//! Path extractors: the ids that a path names, read before the handler runs.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::openapi::{Describe, Operation};
use crate::problem::Problem;
use kernel::id::Identifier;
use kernel::refusal::Refusal;

/// The id in a path.
#[derive(Debug, Clone)]
pub struct Id<T>(pub T);

/// The two ids in a path, the outer one first.
#[derive(Debug, Clone)]
pub struct Ids<A, B>(pub A, pub B);

impl<T: Identifier, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    /// # Rejects
    /// `not_found`, or the type's own refusal, for a text that cannot be an id; `malformed_request` for one that is not UTF-8.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let mut values = values(parts, state).await?;
        Ok(Self(next(&mut values).ok_or_else(no_id::<T>)?))
    }
}

impl<A: Identifier, B: Identifier, S: Send + Sync> FromRequestParts<S> for Ids<A, B> {
    type Rejection = Problem;

    /// # Rejects
    /// As [`Id`], for the first text that cannot be an id.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let mut values = values(parts, state).await?;
        let outer = next(&mut values).ok_or_else(no_id::<A>)?;
        Ok(Self(outer, next(&mut values).ok_or_else(no_id::<B>)?))
    }
}

impl<T: Identifier> Describe for Id<T> {
    fn describe(operation: &mut Operation) {
        operation.path_values([T::schema()]);
        unknown::<T>(operation);
    }
}

impl<A: Identifier, B: Identifier> Describe for Ids<A, B> {
    fn describe(operation: &mut Operation) {
        operation.path_values([A::schema(), B::schema()]);
        unknown::<A>(operation);
        unknown::<B>(operation);
    }
}

fn unknown<T: Identifier>(operation: &mut Operation) {
    if let Some(unknown) = &T::UNKNOWN {
        operation.refusal(unknown);
    }
}

async fn values<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<impl Iterator<Item = String>, Problem> {
    let undecodable = |_: PathRejection| Problem::from(Refusal::MalformedRequest).because("The path can't be decoded.");
    let Path(values) = Path::<Vec<String>>::from_request_parts(parts, state).await.map_err(undecodable)?;
    Ok(values.into_iter())
}

fn next<T: Identifier>(values: &mut impl Iterator<Item = String>) -> Option<T> {
    values.next().and_then(|value| T::parse(&value))
}

/// The problem of a text that can be no id: it says how one looks, unless the type's own refusal does.
fn no_id<T: Identifier>() -> Problem {
    match T::UNKNOWN {
        Some(Refusal::NotFound) | None => Problem::from(Refusal::NotFound).because(T::expected()),
        Some(refusal) => refusal.into(),
    }
}
