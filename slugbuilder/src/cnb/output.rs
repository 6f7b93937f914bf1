//! The last lines that a program wrote.

use std::collections::VecDeque;

/// The most lines that are kept of one program.
const LINE_LIMIT: usize = 200;
/// The most bytes that are kept of one line.
const LENGTH_LIMIT: usize = 4096;

/// The end of a program's output, bounded whatever it writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tail(VecDeque<String>);

impl Tail {
    pub(super) fn push(&mut self, line: &[u8]) {
        if self.0.len() == LINE_LIMIT {
            self.0.pop_front();
        }
        let kept = line.get(..LENGTH_LIMIT).unwrap_or(line);
        self.0.push_back(String::from_utf8_lossy(kept).into_owned());
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_kept() {
        let mut tail = Tail::default();
        for index in 0..LINE_LIMIT + 5 {
            tail.push(index.to_string().as_bytes());
        }
        tail.push(&[b'x'; LENGTH_LIMIT + 1]);
        let lines = tail.into_lines();
        assert_eq!((lines.len(), lines[0].as_str()), (LINE_LIMIT, "6"));
        assert_eq!(lines.last().map(String::len), Some(LENGTH_LIMIT));
    }
}
