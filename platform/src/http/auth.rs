//! Who makes a request, and what they may do.

use crate::http::ApiError;
use crate::http::login::Logins;
use crate::scope::Scopes;
use crate::store::{PasswordCheck, Store, StoreError, TokenHolder, User};
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::GeneralPurposeConfig;
use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use uuid::Uuid;

/// Whoever knows tokens: the store.
pub trait Tokens: Send + Sync + 'static {
    /// Who has this token, and what it may be used for.
    fn token_holder(
        &self,
        token: &str,
    ) -> impl Future<Output = Result<Option<TokenHolder>, StoreError>> + Send;

    /// What a password that came with this e-mail address is to be held against.
    fn password_check(
        &self,
        email: &str,
    ) -> impl Future<Output = Result<PasswordCheck, StoreError>> + Send;

    /// The app of this name or identifier, if the user may see it.
    fn app(&self, user: &User, identity: &str) -> impl Future<Output = Option<Uuid>> + Send;

    /// The pipeline of this name or identifier, if the user may see it. None where there are no pipelines.
    fn pipeline(&self, _user: &User, _identity: &str) -> impl Future<Output = Option<Uuid>> + Send {
        std::future::ready(None)
    }
}

impl Tokens for Store {
    async fn token_holder(&self, token: &str) -> Result<Option<TokenHolder>, StoreError> {
        Store::token_holder(self, token).await
    }

    async fn password_check(&self, email: &str) -> Result<PasswordCheck, StoreError> {
        Store::password_check(self, email).await
    }

    async fn app(&self, user: &User, identity: &str) -> Option<Uuid> {
        self.app_id(user, identity).await.ok()
    }

    async fn pipeline(&self, user: &User, identity: &str) -> Option<Uuid> {
        let pipeline = Store::pipeline(self, user, identity).await.ok()?;
        Some(pipeline.id)
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

/// What a request showed for who makes it. An extractor of handlers, as [`Actor`] is.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The authorization whose token it was; those of the settings, and passwords, belong to none.
    pub authorization: Option<Uuid>,
    /// What it may be used for.
    pub scopes: Scopes,
    /// Whether it came with the user's own e-mail address, as a password does.
    pub is_login: bool,
    /// The token, or the password.
    pub secret: Arc<str>,
}

impl fmt::Debug for Credential {
    /// All but the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("authorization", &self.authorization)
            .field("scopes", &self.scopes)
            .field("is_login", &self.is_login)
            .finish_non_exhaustive()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Credential {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let credential = parts.extensions.get::<Self>().cloned();
        credential.ok_or_else(ApiError::unauthorized)
    }
}

/// What is in an `Authorization` header.
#[derive(Debug, PartialEq, Eq)]
struct Sent {
    /// The user name of `Basic`; may be empty.
    login: String,
    /// The token, or the password.
    secret: String,
}

/// The user whose token the request brings, or, where there are `logins`, whose e-mail address and password. `from` is the
/// client's address.
pub(crate) async fn actor<T: Tokens>(
    headers: &HeaderMap,
    tokens: &T,
    logins: Option<&Logins>,
    from: Option<IpAddr>,
) -> Result<(Actor, Credential), ApiError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(ApiError::unauthorized());
    };
    let sent = value.to_str().ok().and_then(sent);
    let Some(Sent { login, secret }) = sent.filter(|sent| !sent.secret.is_empty()) else {
        return Err(ApiError::unauthorized());
    };
    if let Some(holder) = tokens.token_holder(&secret).await? {
        let credential = Credential {
            authorization: holder.authorization,
            scopes: holder.scopes,
            is_login: login.eq_ignore_ascii_case(&holder.user.email),
            secret: secret.into(),
        };
        return Ok((Actor(holder.user), credential));
    }
    let (Some(logins), false) = (logins, login.is_empty()) else {
        return Err(ApiError::unauthorized());
    };
    let user = logins.check(tokens, &login, &secret, from).await?;
    let credential = Credential {
        authorization: None,
        scopes: Scopes::global(),
        is_login: true,
        secret: secret.into(),
    };
    Ok((Actor(user), credential))
}

/// What is in an `Authorization` header, in each of the forms that clients send (platform-api.md, section 2.1):
/// `Bearer TOKEN`, `Basic BASE64` of `LOGIN:TOKEN` with any login, and such Base64 without a scheme.
fn sent(header: &str) -> Option<Sent> {
    let header = header.trim();
    match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Some(Sent {
            login: String::new(),
            secret: token.trim().to_owned(),
        }),
        Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") => basic(pair.trim()),
        Some(_) => None,
        None => basic(header),
    }
}

/// `LOGIN:PASSWORD` in Base64, with padding or without.
fn basic(pair: &str) -> Option<Sent> {
    // Java's encoder and old ones of Ruby differ in the padding.
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
    );
    let pair = String::from_utf8(LENIENT.decode(pair).ok()?).ok()?;
    let (login, secret) = pair.split_once(':')?;
    Some(Sent {
        login: login.to_owned(),
        secret: secret.to_owned(),
    })
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
                let expected = Sent {
                    login: login.to_owned(),
                    secret: "to:ken".to_owned(),
                };
                assert_eq!(sent(&header), Some(expected), "{header}");
            }
        }
        for header in ["Bearer token", "bearer  token "] {
            let sent = sent(header).unwrap();
            assert_eq!((sent.login.as_str(), sent.secret.as_str()), ("", "token"));
        }
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
            assert_eq!(sent(header), None, "{header}");
        }
    }
}
