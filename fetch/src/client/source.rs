//! The file of a call's body on its way.

use super::progress::Progress;
use std::fs::File;
use std::io::{self, Read};

/// Reads so many bytes of a file, reports how far it is, and looks whether it is still wanted.
pub(super) struct Source<'a> {
    pub(super) file: &'a File,
    /// The bytes that are not read yet.
    pub(super) left: u64,
    pub(super) length: u64,
    pub(super) progress: Option<Progress<'a>>,
    pub(super) cancelled: Option<&'a dyn Fn() -> bool>,
    /// Why it ended early: the HTTP library would take it for the connection's error.
    pub(super) failure: Option<Failure>,
}

/// Why a file was not sent to its end.
pub(super) enum Failure {
    Cancelled,
    Unreadable(io::Error),
}

impl Source<'_> {
    /// All of it has arrived.
    pub(super) fn complete(&mut self) {
        if let Some(progress) = &mut self.progress {
            progress.complete(self.length);
        }
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        if self.cancelled.is_some_and(|cancelled| cancelled()) {
            self.failure = Some(Failure::Cancelled);
            return Err(io::Error::other("cancelled"));
        }
        let result = match self.file.read(&mut buffer[..most]) {
            Ok(0) => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it became shorter while it was sent",
            )),
            other => other,
        };
        match result {
            Ok(count) => {
                self.left -= count as u64;
                let (sent, length) = (self.length - self.left, self.length);
                if let Some(progress) = &mut self.progress {
                    // Not before there is a connection that takes it.
                    progress.start(Some(length));
                    progress.advance(sent);
                }
                Ok(count)
            }
            Err(error) => {
                let told = io::Error::new(error.kind(), error.to_string());
                self.failure = Some(Failure::Unreadable(told));
                Err(error)
            }
        }
    }
}
