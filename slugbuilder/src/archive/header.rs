//! GNU tar headers.
//!
//! An encoder of our own: the `tar` crate's drops the leading `./` of names, which classic slugs have. The layout is that
//! of GNU tar's manual, section "Basic Tar Format", with its GNU extensions.

/// Everything in a tar is padded to a multiple of this.
pub(super) const BLOCK: usize = 512;

/// GNU tar's default record of 20 blocks, to a multiple of which it pads archives.
pub(super) const RECORD: u64 = 20 * BLOCK as u64;

/// Bytes of the fields for a name and for a link's target.
const NAME: usize = 100;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    File,
    Link,
    Directory,
    /// The next entry's target, where it is long.
    LongTarget,
    /// The next entry's name, where it is long.
    LongName,
}

impl Type {
    pub(super) fn flag(self) -> u8 {
        match self {
            Self::File => b'0',
            Self::Link => b'2',
            Self::Directory => b'5',
            Self::LongTarget => b'K',
            Self::LongName => b'L',
        }
    }
}

/// An entry's metadata.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header<'a> {
    pub(super) kind: Type,
    /// With `./app/` before it and, for a folder, a slash after it.
    pub(super) name: &'a [u8],
    /// Of a link; else empty.
    pub(super) target: &'a [u8],
    pub(super) mode: u32,
    pub(super) size: u64,
    /// Seconds since 1970.
    pub(super) modified: i64,
}

impl Header<'_> {
    /// Appends the header to `output`, with entries for a long name or target before it.
    pub(super) fn append(&self, output: &mut Vec<u8>) {
        if self.target.len() > NAME {
            append_long(Type::LongTarget, self.target, output);
        }
        if self.name.len() > NAME {
            append_long(Type::LongName, self.name, output);
        }
        output.extend_from_slice(&self.block());
    }

    /// Bytes that [`Header::append`] appends for a name and a target of these lengths.
    pub(super) fn length(name: usize, target: usize) -> u64 {
        let long = [target, name]
            .into_iter()
            .filter(|length| *length > NAME)
            .map(|length| BLOCK + (length + 1).next_multiple_of(BLOCK));
        (long.sum::<usize>() + BLOCK) as u64
    }

    fn block(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        put_text(&mut block[0..100], self.name);
        put_number(&mut block[100..108], i128::from(self.mode));
        put_number(&mut block[108..116], 0);
        put_number(&mut block[116..124], 0);
        put_number(&mut block[124..136], i128::from(self.size));
        put_number(&mut block[136..148], i128::from(self.modified));
        block[156] = self.kind.flag();
        put_text(&mut block[157..257], self.target);
        block[257..265].copy_from_slice(b"ustar  \0");
        // The checksum is taken with blanks in its own place.
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        put_number(&mut block[148..155], i128::from(sum));
        block
    }
}

/// Appends bytes that no header can hold as an entry of their own, ending in NUL.
fn append_long(kind: Type, text: &[u8], output: &mut Vec<u8>) {
    let size = text.len() as u64 + 1;
    let header = Header {
        kind,
        name: b"././@LongLink",
        target: b"",
        mode: 0o644,
        size,
        modified: 0,
    };
    output.extend_from_slice(&header.block());
    output.extend_from_slice(text);
    output.push(0);
    output.extend_from_slice(padding(size));
}

/// The zeros after `size` bytes of content.
pub(super) fn padding(size: u64) -> &'static [u8] {
    static ZEROS: [u8; BLOCK] = [0; BLOCK];
    let over = usize::try_from(size % BLOCK as u64).unwrap_or(0);
    &ZEROS[..(BLOCK - over) % BLOCK]
}

fn put_text(field: &mut [u8], text: &[u8]) {
    let length = text.len().min(field.len());
    field[..length].copy_from_slice(&text[..length]);
}

/// Octal digits and a NUL, or, where those cannot hold it, GNU's base 256: big-endian two's complement with the first
/// bit set.
fn put_number(field: &mut [u8], number: i128) {
    let digits = field.len() - 1;
    if (0..1 << (3 * digits)).contains(&number) {
        let mut rest = number;
        for digit in field[..digits].iter_mut().rev() {
            *digit = b"01234567"[usize::try_from(rest % 8).unwrap_or(0)];
            rest /= 8;
        }
        field[digits] = 0;
    } else {
        let bytes = number.to_be_bytes();
        field.copy_from_slice(&bytes[bytes.len() - field.len()..]);
        field[0] |= 0x80;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &[u8]) -> Header<'_> {
        Header {
            kind: Type::File,
            name,
            target: b"",
            mode: 0o644,
            size: 5,
            modified: 1_700_000_000,
        }
    }

    /// What the `tar` crate, which parses GNU headers, makes of ours.
    fn parsed(header: &Header<'_>) -> tar::Header {
        tar::Header::from_byte_slice(&header.block()).clone()
    }

    #[test]
    fn a_header_has_the_fields_of_gnu_tar() {
        let block = header(b"./app/web.js").block();
        assert_eq!(&block[..13], b"./app/web.js\0");
        assert_eq!(
            &block[100..148],
            b"0000644\x000000000\x000000000\x0000000000005\x0014524770400\0"
        );
        assert_eq!(&block[154..157], b"\0 0");
        assert_eq!(&block[257..265], b"ustar  \0");
        assert!(
            block[265..].iter().all(|&byte| byte == 0),
            "no owners' names, no device numbers"
        );
    }

    #[test]
    fn a_name_of_100_bytes_fits_and_one_of_101_goes_before() {
        for (length, blocks) in [(100, 1), (101, 3), (511, 3), (512, 4)] {
            let mut written = Vec::new();
            header(&vec![b'x'; length]).append(&mut written);
            assert_eq!(written.len(), blocks * BLOCK, "{length}");
            assert_eq!(Header::length(length, 0), written.len() as u64);
        }
    }

    #[test]
    fn numbers_beyond_octal_are_in_base_256() {
        let octal = Header {
            size: 0o77_777_777_777,
            ..header(b"x")
        };
        assert_eq!(&octal.block()[124..136], b"77777777777\0");
        assert_eq!(parsed(&octal).entry_size().unwrap(), octal.size);
        let large = Header {
            size: 0o77_777_777_777 + 1,
            ..header(b"x")
        };
        assert_eq!(large.block()[124], 0x80);
        assert_eq!(parsed(&large).entry_size().unwrap(), large.size);
        let early = Header {
            modified: -1,
            ..header(b"x")
        };
        assert_eq!(&early.block()[136..148], &[0xff; 12]);
    }
}
