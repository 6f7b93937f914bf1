//! A local HTTP server that answers as it is told, for tests (cargo feature `test-server`).
//!
//! ```no_run
//! use slugbuilder_fetch::test_server::{Answer, TestServer};
//! let server = TestServer::start().unwrap();
//! server.answer("/SHASUMS256.txt", [Answer::status(500), Answer::ok("…")]);
//! let url = server.url("/SHASUMS256.txt");
//! assert_eq!(server.count("/SHASUMS256.txt"), 0);
//! ```
