//! The uncompressed bytes of an archive, made on a thread of their own.

use super::{Format, Limits, UnpackError};
use flate2::bufread::GzDecoder;
use lzma_rust2::XzReader;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

/// Size of one portion of uncompressed bytes. Large, because each wakes the other thread.
const PORTION: usize = 256 * 1024;

/// Portions that may wait for the writer.
const WAITING: usize = 4;

/// From how many bytes of output on [`Limits::ratio`] counts: small archives of mostly zeros are no threat.
const RATIO_COUNTS_FROM: u64 = 64 << 20;

/// The most memory that xz may ask for, in KiB. `xz -9` needs 65 MiB.
const XZ_MEMORY: u32 = 256 * 1024;

/// A portion of bytes; an error is the last one.
type Portion = Result<Vec<u8>, UnpackError>;

/// The reading end.
pub(super) struct Portions {
    full: Receiver<Portion>,
    empty: Sender<Vec<u8>>,
    current: Vec<u8>,
    position: usize,
}

/// The writing end.
pub(super) struct Inflater {
    full: SyncSender<Portion>,
    empty: Receiver<Vec<u8>>,
}

/// Both ends.
pub(super) fn portions() -> (Inflater, Portions) {
    let (full_sender, full) = sync_channel(WAITING);
    let (empty, empty_receiver) = channel();
    (
        Inflater {
            full: full_sender,
            empty: empty_receiver,
        },
        Portions {
            full,
            empty,
            current: Vec::new(),
            position: 0,
        },
    )
}

impl Portions {
    /// The next bytes, none at the end.
    pub(super) fn peek(&mut self) -> Result<&[u8], UnpackError> {
        while self.position == self.current.len() {
            let Ok(next) = self.full.recv() else {
                return Ok(&[]);
            };
            let used = std::mem::replace(&mut self.current, next?);
            self.position = 0;
            // The other thread may be done.
            drop(self.empty.send(used));
        }
        Ok(&self.current[self.position..])
    }

    /// Goes on behind `count` bytes of what [`Self::peek`] gave.
    pub(super) fn consume(&mut self, count: usize) {
        self.position = (self.position + count).min(self.current.len());
    }

    /// Fills `buffer` as far as there are bytes; how far.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, UnpackError> {
        let mut filled = 0;
        while filled < buffer.len() {
            let bytes = self.peek()?;
            if bytes.is_empty() {
                break;
            }
            let count = bytes.len().min(buffer.len() - filled);
            buffer[filled..filled + count].copy_from_slice(&bytes[..count]);
            self.consume(count);
            filled += count;
        }
        Ok(filled)
    }
}

/// Why a decoder stops before its end.
enum Stop {
    /// Nobody listens any more.
    Gone,
    /// The input cannot be decoded.
    Decoder(io::Error),
    /// Something else.
    Other(UnpackError),
}

/// Counts what is read, and keeps the reader's own errors apart from those of a decoder above it.
struct Source<'a, R> {
    reader: R,
    count: &'a AtomicU64,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Source<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(buffer) {
            Ok(count) => {
                self.count.fetch_add(count as u64, Ordering::Relaxed);
                Ok(count)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let copy = io::Error::from(error.kind());
                self.failed = Some(error);
                Err(copy)
            }
        }
    }
}

/// Takes the output of a decoder.
struct Output<'a> {
    inflater: &'a Inflater,
    input: &'a AtomicU64,
    bytes: u64,
    limits: Limits,
    compressed: bool,
}

impl Output<'_> {
    /// Takes everything that `decoder` gives.
    fn pump(&mut self, decoder: &mut dyn Read) -> Result<(), Stop> {
        loop {
            let mut portion = self.inflater.empty.try_recv().unwrap_or_default();
            portion.resize(PORTION, 0);
            let mut filled = 0;
            let mut end = Ok(());
            while filled < PORTION {
                match decoder.read(&mut portion[filled..]) {
                    Ok(0) => break,
                    Ok(count) => filled += count,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => {
                        end = Err(Stop::Decoder(error));
                        break;
                    }
                }
            }
            self.count(filled)?;
            let ended = filled < PORTION;
            portion.truncate(filled);
            // What came before the damage goes on too: the error can then say in which entry it is.
            self.inflater
                .full
                .send(Ok(portion))
                .map_err(|_| Stop::Gone)?;
            end?;
            if ended {
                return Ok(());
            }
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), Stop> {
        self.bytes += bytes as u64;
        let Limits {
            bytes: most, ratio, ..
        } = self.limits;
        if self.bytes > most {
            return Err(Stop::Other(UnpackError::TooManyBytes { limit: most }));
        }
        let allowed = self
            .input
            .load(Ordering::Relaxed)
            .saturating_mul(ratio)
            .max(RATIO_COUNTS_FROM);
        if self.compressed && self.bytes > allowed {
            return Err(Stop::Other(UnpackError::TooDense { limit: ratio }));
        }
        Ok(())
    }
}

impl Inflater {
    /// Reads `reader` to its end, or until nobody listens any more.
    pub(super) fn run(self, reader: impl Read, format: Format, limits: Limits) {
        let count = AtomicU64::new(0);
        let mut source = Source {
            reader,
            count: &count,
            failed: None,
        };
        let mut output = Output {
            inflater: &self,
            input: &count,
            bytes: 0,
            limits,
            compressed: format != Format::Tar,
        };
        let result = match format {
            Format::Tar => output.pump(&mut source),
            Format::TarGz => gunzip(&mut source, &mut output),
            Format::TarXz => output.pump(&mut XzReader::new_mem_limit(
                BufReader::with_capacity(PORTION, &mut source),
                true,
                XZ_MEMORY,
            )),
        };
        let error = match (result, source.failed) {
            (Ok(()) | Err(Stop::Gone), _) => return,
            (Err(Stop::Other(error)), _) => error,
            (Err(Stop::Decoder(_)), Some(error)) => UnpackError::Read(error),
            (Err(Stop::Decoder(error)), None) if error.kind() == ErrorKind::UnexpectedEof => {
                UnpackError::Truncated { entry: None }
            }
            (Err(Stop::Decoder(error)), None) => UnpackError::Corrupt {
                reason: error.to_string(),
            },
        };
        // Nobody may listen any more.
        drop(self.full.send(Err(error)));
    }
}

/// Decodes every member of a gzip file (RFC 1952, section 2.2). Zeros may follow, as on tapes.
fn gunzip(source: impl Read, output: &mut Output<'_>) -> Result<(), Stop> {
    let mut input = BufReader::with_capacity(PORTION, source);
    loop {
        output.pump(&mut GzDecoder::new(&mut input))?;
        let mut zeros = false;
        loop {
            let rest = input.fill_buf().map_err(Stop::Decoder)?;
            match rest.first() {
                None => return Ok(()),
                Some(0) => {
                    zeros = true;
                    let count = rest.iter().take_while(|&&byte| byte == 0).count();
                    input.consume(count);
                }
                Some(0x1f) if !zeros => break,
                Some(_) => return Err(Stop::Other(UnpackError::TrailingGarbage)),
            }
        }
    }
}
