//! The entries of a tar archive, with the extensions of POSIX (pax) and GNU.
//!
//! The `tar` crate reads a header's fields. What lies between headers is read here, because the crate keeps a record of
//! any size in memory and follows a size that a record gives.

use super::stream::Portions;
use super::{Refusal, UnpackError};
use std::fmt::Write as _;
use tar::{EntryType, Header};

/// Size of a block, in bytes.
const BLOCK: usize = 512;

/// The most bytes that one record about an entry may have. Long names need 4 KiB, extended attributes up to 64 KiB each.
const MAX_RECORD: u64 = 1 << 20;

/// One entry.
#[derive(Debug)]
pub(super) struct Entry {
    /// As the archive has it.
    pub(super) name: Vec<u8>,
    /// What a link points to, as the archive has it.
    pub(super) target: Vec<u8>,
    pub(super) kind: Kind,
    /// Permission bits, without setuid, setgid and sticky.
    pub(super) mode: u32,
    /// Seconds since 1970.
    pub(super) modified: u64,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Symlink,
    HardLink,
}

/// What the records before an entry say of it.
#[derive(Debug, Default)]
struct Records {
    name: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
    modified: Option<u64>,
    sparse: bool,
}

/// Reads one archive.
pub(super) struct Archive {
    input: Portions,
    /// What is left of the current entry's content, and the padding behind that.
    content: u64,
    padding: u64,
    headers: u64,
    max_headers: u64,
    /// The entry that is read, for messages.
    current: Option<String>,
}

impl Archive {
    pub(super) fn new(input: Portions, max_entries: u64) -> Self {
        Self {
            input,
            content: 0,
            padding: 0,
            headers: 0,
            max_headers: max_entries,
            current: None,
        }
    }

    /// The next entry; at the end, makes sure that nothing follows.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, UnpackError> {
        let mut records = Records::default();
        loop {
            self.skip()?;
            let Some(header) = self.header()? else {
                return Ok(None);
            };
            match header.entry_type() {
                EntryType::GNULongName => records.name = Some(self.record(&header)?),
                EntryType::GNULongLink => records.target = Some(self.record(&header)?),
                EntryType::XHeader => records.read(&self.record(&header)?)?,
                EntryType::XGlobalHeader => {
                    let mut global = Records::default();
                    global.read(&self.record(&header)?)?;
                    if global.name.is_some()
                        || global.target.is_some()
                        || global.size.is_some()
                        || global.sparse
                    {
                        return Err(corrupt(
                            "a global record gives every entry the same name or size",
                        ));
                    }
                }
                _ => return self.entry(&header, records).map(Some),
            }
        }
    }

    /// The next bytes of the current entry's content, none at its end.
    pub(super) fn content(&mut self) -> Result<&[u8], UnpackError> {
        if self.content == 0 {
            return Ok(&[]);
        }
        let left = usize::try_from(self.content).unwrap_or(usize::MAX);
        match self.input.peek() {
            Ok([]) | Err(UnpackError::Truncated { .. }) => Err(UnpackError::Truncated {
                entry: self.current.clone(),
            }),
            Ok(bytes) => Ok(&bytes[..bytes.len().min(left)]),
            Err(error) => Err(error),
        }
    }

    /// Goes on behind `count` bytes of what [`Self::content`] gave.
    pub(super) fn consume(&mut self, count: usize) {
        self.input.consume(count);
        self.content = self.content.saturating_sub(count as u64);
    }

    /// Passes over what is left of the current entry.
    fn skip(&mut self) -> Result<(), UnpackError> {
        self.content += std::mem::take(&mut self.padding);
        while self.content > 0 {
            let count = self.content()?.len();
            self.consume(count);
        }
        Ok(())
    }

    fn begin(&mut self, size: u64) {
        self.content = size;
        self.padding = size.next_multiple_of(BLOCK as u64) - size;
    }

    /// The next header; nothing at the end.
    fn header(&mut self) -> Result<Option<Header>, UnpackError> {
        let mut header = Header::new_old();
        if !self.block(header.as_mut_bytes())? {
            // Also where the archive ends exactly behind an entry: its end has a mark.
            return Err(UnpackError::Truncated { entry: None });
        }
        if header.as_bytes().iter().all(|&byte| byte == 0) {
            self.end()?;
            return Ok(None);
        }
        self.headers += 1;
        if self.headers > self.max_headers {
            return Err(UnpackError::TooManyEntries {
                limit: self.max_headers,
            });
        }
        let sum: u32 = header
            .as_bytes()
            .iter()
            .enumerate()
            .map(|(at, &byte)| u32::from(if (148..156).contains(&at) { b' ' } else { byte }))
            .sum();
        if header.cksum().ok() != Some(sum) {
            return Err(match &self.current {
                _ if self.headers == 1 => corrupt("it does not begin like a tar archive"),
                Some(entry) => corrupt(format!("the header after `{entry}` has a wrong checksum")),
                None => corrupt("a header has a wrong checksum"),
            });
        }
        Ok(Some(header))
    }

    /// Whether there was another whole block.
    fn block(&mut self, block: &mut [u8; BLOCK]) -> Result<bool, UnpackError> {
        match self.input.fill(block)? {
            BLOCK => Ok(true),
            0 => Ok(false),
            _ => Err(UnpackError::Truncated { entry: None }),
        }
    }

    /// Reads on behind the first block of zeros, to where the compressed file ends too: only then its checksum is known
    /// to be right. Nothing but zeros may come.
    fn end(&mut self) -> Result<(), UnpackError> {
        loop {
            let bytes = self.input.peek()?;
            if bytes.is_empty() {
                return Ok(());
            }
            if bytes.iter().any(|&byte| byte != 0) {
                return Err(UnpackError::TrailingGarbage);
            }
            let count = bytes.len();
            self.input.consume(count);
        }
    }

    /// The content of a record about the next entry.
    fn record(&mut self, header: &Header) -> Result<Vec<u8>, UnpackError> {
        let size = header
            .entry_size()
            .map_err(|error| corrupt(error.to_string()))?;
        if size > MAX_RECORD {
            return Err(corrupt(format!("a record about an entry has {size} bytes")));
        }
        self.begin(size);
        let mut record = Vec::new();
        while self.content > 0 {
            let bytes = self.content()?;
            record.extend_from_slice(bytes);
            let count = bytes.len();
            self.consume(count);
        }
        Ok(record)
    }

    fn entry(&mut self, header: &Header, records: Records) -> Result<Entry, UnpackError> {
        let name = records
            .name
            .map_or_else(|| header.path_bytes().into_owned(), without_final_nul);
        let shown = printable(&name);
        let refused = |reason| UnpackError::Refused {
            entry: shown.clone(),
            reason,
        };
        if records.sparse {
            return Err(refused(Refusal::Kind("a sparse file")));
        }
        let kind = match header.entry_type() {
            EntryType::Regular | EntryType::Continuous if name.ends_with(b"/") => Kind::Directory,
            EntryType::Regular | EntryType::Continuous => Kind::File,
            EntryType::Directory => Kind::Directory,
            EntryType::Symlink => Kind::Symlink,
            EntryType::Link => Kind::HardLink,
            EntryType::Char | EntryType::Block => return Err(refused(Refusal::Kind("a device"))),
            EntryType::Fifo => return Err(refused(Refusal::Kind("a FIFO"))),
            EntryType::GNUSparse => return Err(refused(Refusal::Kind("a sparse file"))),
            _ => return Err(refused(Refusal::Kind("an entry of an unknown type"))),
        };
        // Only files have content, whatever the field says of the others: so GNU tar and Go read it.
        let size = match (kind, records.size) {
            (Kind::File, Some(size)) => size,
            (Kind::File, None) => header
                .entry_size()
                .map_err(|error| corrupt(error.to_string()))?,
            _ => 0,
        };
        if size > i64::MAX.unsigned_abs() {
            return Err(refused(Refusal::Name("whose size is absurd")));
        }
        self.begin(size);
        let target = match records.target {
            Some(target) => without_final_nul(target),
            None => header
                .link_name_bytes()
                .map(std::borrow::Cow::into_owned)
                .unwrap_or_default(),
        };
        // Decides nothing: one that cannot be read is no reason to refuse the archive.
        let modified = records.modified.or(header.mtime().ok()).unwrap_or_default();
        let mode = header.mode().map_err(|error| corrupt(error.to_string()))? & 0o777;
        self.current = Some(shown);
        Ok(Entry {
            name,
            target,
            kind,
            mode,
            modified,
        })
    }
}

impl Records {
    /// Reads pax records, each `<length> <key>=<value>\n` (POSIX, `pax`, "pax Extended Header").
    fn read(&mut self, mut bytes: &[u8]) -> Result<(), UnpackError> {
        let damaged = || corrupt("a pax record is damaged");
        while !bytes.is_empty() {
            let blank = bytes
                .iter()
                .take(20)
                .position(|&byte| byte == b' ')
                .ok_or_else(damaged)?;
            let length: usize = str::from_utf8(&bytes[..blank])
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or_else(damaged)?;
            let (record, rest) = bytes.split_at_checked(length).ok_or_else(damaged)?;
            let record = record
                .get(blank + 1..)
                .and_then(|record| record.strip_suffix(b"\n"))
                .ok_or_else(damaged)?;
            let equals = record
                .iter()
                .position(|&byte| byte == b'=')
                .ok_or_else(damaged)?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            bytes = rest;
            match key {
                // An empty value takes an earlier one back.
                b"path" => self.name = Some(value.to_vec()).filter(|value| !value.is_empty()),
                b"linkpath" => self.target = Some(value.to_vec()).filter(|value| !value.is_empty()),
                b"size" => self.size = Some(whole_number(value).ok_or_else(damaged)?),
                b"mtime" => self.modified = Some(whole_number(value).unwrap_or_default()),
                _ if key.starts_with(b"GNU.sparse.") => self.sparse = true,
                _ => {}
            }
        }
        Ok(())
    }
}

/// The whole part of a decimal number.
fn whole_number(text: &[u8]) -> Option<u64> {
    str::from_utf8(text).ok()?.split('.').next()?.parse().ok()
}

/// GNU ends its long names with a NUL.
fn without_final_nul(mut name: Vec<u8>) -> Vec<u8> {
    if name.last() == Some(&0) {
        name.pop();
    }
    name
}

fn corrupt(reason: impl Into<String>) -> UnpackError {
    UnpackError::Corrupt {
        reason: reason.into(),
    }
}

/// A name for messages: bytes that are no printable text are escaped, and the middle of a very long one is left out.
pub(super) fn printable(name: &[u8]) -> String {
    const LONGEST: usize = 300;
    let mut text = String::new();
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() {
                text.extend(character.escape_default());
            } else {
                text.push(character);
            }
        }
        for byte in chunk.invalid() {
            // Writing to a text cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    let count = text.chars().count();
    if count > LONGEST {
        let start: String = text.chars().take(LONGEST / 2).collect();
        let end: String = text.chars().skip(count - LONGEST / 2).collect();
        return format!("{start}…{end}");
    }
    text
}
