//! Heroku's Platform API, version 3: what is said over it, for client and server alike, and the client.
//!
//! Source of the resources: Heroku's own `schema.json` as `heroku-go` v6.1.0 carries it (`platform-api.md`, section 7, of the
//! reference). A server sends every attribute, `null` where there is nothing; a client takes whatever else comes and does
//! without what does not.

pub mod types;
