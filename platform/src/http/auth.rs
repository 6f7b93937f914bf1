//! Who makes a request.

use crate::http::ApiError;
use crate::store::{Store, StoreError, User};
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::GeneralPurposeConfig;
use std::future::Future;
use uuid::Uuid;

/// Whoever knows tokens: the store.
pub trait Tokens: Send + Sync + 'static {
    /// The user that has this token.
    fn user_of_token(
        &self,
        token: &str,
    ) -> impl Future<Output = Result<Option<User>, StoreError>> + Send;

    /// The app of this name or identifier, if the user may see it.
    fn app(&self, user: &User, identity: &str) -> impl Future<Output = Option<Uuid>> + Send;
}

impl Tokens for Store {
    async fn user_of_token(&self, token: &str) -> Result<Option<User>, StoreError> {
        Store::user_of_token(self, token).await
    }

    async fn app(&self, user: &User, identity: &str) -> Option<Uuid> {
        self.app_id(user, identity).await.ok()
    }
}

/// The user who makes the request. An extractor of handlers; where there is none, the answer is 401.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(pub User);

impl<S: Send + Sync> FromRequestParts<S> for Actor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let actor = parts.extensions.get::<Self>().cloned();
        actor.ok_or_else(ApiError::unauthorized)
    }
}

/// The user whose token the request brings.
pub(crate) async fn actor<T: Tokens>(headers: &HeaderMap, tokens: &T) -> Result<Actor, ApiError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(ApiError::unauthorized());
    };
    let token = value.to_str().ok().and_then(token_of);
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Err(ApiError::unauthorized());
    };
    let user = tokens.user_of_token(&token).await?;
    user.map(Actor).ok_or_else(ApiError::unauthorized)
}

/// The token in an `Authorization` header, in each of the forms that clients send (platform-api.md, section 2.1):
/// `Bearer TOKEN`, `Basic BASE64` of `LOGIN:TOKEN` with any login, and such Base64 without a scheme.
fn token_of(header: &str) -> Option<String> {
    let header = header.trim();
    match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Some(token.trim().to_owned())
        }
        Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") => password(pair.trim()),
        Some(_) => None,
        None => password(header),
    }
}

/// The password of `LOGIN:PASSWORD` in Base64, with padding or without.
fn password(pair: &str) -> Option<String> {
    // Java's encoder and old ones of Ruby differ in the padding.
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
    );
    let pair = String::from_utf8(LENIENT.decode(pair).ok()?).ok()?;
    let (_, password) = pair.split_once(':')?;
    Some(password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

    #[test]
    fn forms_that_clients_send() {
        for login in ["", "ann@example.com"] {
            let pair = format!("{login}:to:ken");
            let padded = STANDARD.encode(&pair);
            for header in [
                format!("Basic {padded}"),
                format!("basic  {padded}"),
                format!("Basic {}", STANDARD_NO_PAD.encode(&pair)),
                padded,
            ] {
                assert_eq!(token_of(&header).as_deref(), Some("to:ken"), "{header}");
            }
        }
        assert_eq!(token_of("Bearer token").as_deref(), Some("token"));
        assert_eq!(token_of("bearer  token ").as_deref(), Some("token"));
    }

    #[test]
    fn everything_else_is_no_token() {
        let without_colon = STANDARD.encode("token");
        for header in [
            "",
            "Basic",
            "Basic !",
            "Digest abc",
            "token",
            &without_colon,
            &format!("Basic {without_colon}"),
            &format!("Basic {}", STANDARD.encode(b"a:\xff")),
        ] {
            assert_eq!(token_of(header), None, "{header}");
        }
    }
}
