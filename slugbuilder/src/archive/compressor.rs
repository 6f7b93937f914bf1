//! Chunks of deflate that can be joined.

use super::Compression;
use std::io::{Error, Result};
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Status};

/// How many times smaller than its text deflate has to be for a second look to pay.
///
/// Text that repeats itself so much (the headers of C libraries, generated tables) has far better matches further back than
/// the usual level looks. To compress it again at [`SECOND_LEVEL`] takes 4 % of the whole time and makes the whole slug of a
/// Node.js app 0.5 % smaller; no level for all of it has as much for as little (docs/benchmarks.md).
const REPETITIVE: usize = 10;

/// The level of the second look.
const SECOND_LEVEL: i32 = 7;

/// One thread's compressor.
pub(super) struct Compressor {
    compression: Compression,
    output: Vec<u8>,
}

impl Compressor {
    pub(super) fn new(compression: Compression) -> Self {
        Self {
            compression,
            output: Vec::new(),
        }
    }

    /// Compresses `text`, which follows `dictionary` in the archive, to deflate blocks that end at a byte's border and do
    /// not end the stream.
    pub(super) fn compress(&mut self, dictionary: &[u8], text: &[u8]) -> Result<Vec<u8>> {
        let first = self.at_level(level(self.compression), dictionary, text)?;
        if self.compression != Compression::Default || first.len() * REPETITIVE >= text.len() {
            return Ok(first);
        }
        let second = self.at_level(SECOND_LEVEL, dictionary, text)?;
        Ok(if second.len() < first.len() {
            second
        } else {
            first
        })
    }

    fn at_level(&mut self, level: i32, dictionary: &[u8], text: &[u8]) -> Result<Vec<u8>> {
        let config = DeflateConfig {
            level,
            // Raw deflate with the largest window.
            window_bits: -15,
            // Blocks of 8,192 symbols, half of zlib's default: their codes fit chunks of many small files better, and
            // make binaries smaller, too.
            mem_level: 7,
            ..DeflateConfig::default()
        };
        // A new one each time: zlib-rs clears its window when it is made and not in `reset`, and near the end of their
        // input its matchers hash bytes that lie beyond it. What was compressed before would have a say in the result.
        let mut deflate = Deflate::new_with_config(config);
        if !dictionary.is_empty() {
            deflate
                .set_dictionary(dictionary)
                .map_err(|error| Error::other(error.as_str()))?;
        }
        // More than deflate's worst case, so that one call usually does.
        let enough = text.len() + text.len() / 8 + 1024;
        if self.output.len() < enough {
            self.output.resize(enough, 0);
        }
        let (mut read, mut written) = (0, 0);
        loop {
            let (before_in, before_out) = (deflate.total_in(), deflate.total_out());
            let status = deflate
                .compress(
                    &text[read..],
                    &mut self.output[written..],
                    DeflateFlush::SyncFlush,
                )
                .map_err(|error| Error::other(error.as_str()))?;
            read += usize::try_from(deflate.total_in() - before_in).unwrap_or(usize::MAX);
            written += usize::try_from(deflate.total_out() - before_out).unwrap_or(usize::MAX);
            // Space that is left over says that the flush is whole, too (zlib's manual, on `deflate`).
            if read == text.len() && written < self.output.len() {
                return Ok(self.output[..written].to_vec());
            }
            if !matches!(status, Status::Ok | Status::BufError) {
                return Err(Error::other("deflate ended early"));
            }
            self.output.resize(self.output.len() * 2, 0);
        }
    }
}

/// zlib's levels; docs/benchmarks.md has their measured places.
fn level(compression: Compression) -> i32 {
    match compression {
        Compression::Fast => 1,
        Compression::Default => 5,
        Compression::Best => 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Decompress, FlushDecompress};

    fn inflate(dictionary: &[u8], compressed: &[u8], length: usize) -> Vec<u8> {
        let mut inflate = Decompress::new(false);
        inflate.set_dictionary(dictionary).unwrap();
        let mut text = vec![0; length + 1];
        inflate
            .decompress(compressed, &mut text, FlushDecompress::Sync)
            .unwrap();
        text.truncate(usize::try_from(inflate.total_out()).unwrap());
        text
    }

    #[test]
    fn chunks_end_at_a_byte_and_not_the_stream() {
        let text: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        for compression in [Compression::Fast, Compression::Default, Compression::Best] {
            let mut compressor = Compressor::new(compression);
            for length in [0, 1, 511, 65_536, 399_999] {
                let compressed = compressor.compress(&text[..9], &text[..length]).unwrap();
                // The empty stored block of a sync flush.
                assert!(length == 0 || compressed.ends_with(&[0, 0, 0xff, 0xff]));
                assert_eq!(inflate(&text[..9], &compressed, length), text[..length]);
            }
        }
    }

    #[test]
    fn what_repeats_itself_most_is_looked_at_twice() {
        let lines = prose(4000);
        let lines: Vec<&[u8]> = lines.chunks(40).collect();
        let text: Vec<u8> = (0..6000)
            .flat_map(|n| lines[n * n % 89 % lines.len()])
            .copied()
            .collect();
        let mut compressor = Compressor::new(Compression::Default);
        let compressed = compressor.compress(b"x", &text).unwrap();
        let once = compressor.at_level(5, b"x", &text).unwrap();
        assert!(compressed.len() < once.len());
        assert_eq!(inflate(b"x", &compressed, text.len()), text);
    }

    /// Words in an order that never repeats.
    fn prose(length: usize) -> Vec<u8> {
        let mut state = 1_u64;
        let mut random = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap()
        };
        let letters = b"abcdefghijklmnopqrstuvwxyz";
        let words: Vec<Vec<u8>> = (0..400)
            .map(|_| {
                (0..2 + random() % 9)
                    .map(|_| letters[random() % 26])
                    .collect()
            })
            .collect();
        let mut text = Vec::new();
        while text.len() < length {
            text.extend_from_slice(&words[random() % 400 * (random() % 400) / 400]);
            text.push(b" \n;("[random() % 4]);
        }
        text
    }

    #[test]
    fn what_was_compressed_before_has_no_say() {
        let text = prose(3_000_000);
        let mut used = Compressor::new(Compression::Default);
        // `Deflate::reset` fails in the third round, and in one of thirty.
        for round in 0..30 {
            let start = 32_768 + round * 40_009;
            let (dictionary, text) = (&text[start - 32_768..start], &text[start..start + 70_000]);
            let mut new = Compressor::new(Compression::Default);
            let same =
                used.compress(dictionary, text).unwrap() == new.compress(dictionary, text).unwrap();
            assert!(same, "round {round}");
        }
    }
}
