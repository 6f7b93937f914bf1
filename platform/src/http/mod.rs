//! The conventions of the API: what every request and answer has in common (platform-api.md, section 2).

pub mod answer;
pub mod body;
mod error;

pub use body::{Body, Paging};
pub use error::ApiError;

#[cfg(test)]
pub(crate) mod tests {
    use axum::response::Response;
    use http_body_util::BodyExt as _;

    /// The body of an answer, as text.
    pub(crate) async fn body_of(response: Response) -> String {
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }
}
