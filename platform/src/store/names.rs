//! Names for apps whose owners gave none.

use uuid::Uuid;

const FIRST: [&str; 32] = [
    "amber", "brave", "calm", "clear", "crisp", "deep", "early", "fair", "fresh", "gentle", "glad",
    "golden", "grand", "green", "high", "keen", "light", "lively", "mellow", "mild", "noble",
    "open", "plain", "quick", "quiet", "rapid", "silent", "solid", "steady", "still", "warm",
    "young",
];
const SECOND: [&str; 32] = [
    "bay", "beach", "brook", "canyon", "cliff", "cloud", "coast", "dale", "delta", "field",
    "fjord", "forest", "glade", "harbor", "hill", "island", "lake", "meadow", "mesa", "peak",
    "plain", "pond", "prairie", "reef", "ridge", "river", "shore", "spring", "stream", "summit",
    "tundra", "valley",
];

/// A name such as `quiet-meadow-40213`. There are 102 million, so that a few tries find one that is free.
pub(super) fn invent() -> String {
    let pick = || usize::from(Uuid::new_v4().as_bytes()[0]);
    let first = FIRST[pick() % FIRST.len()];
    let second = SECOND[pick() % SECOND.len()];
    let number = Uuid::new_v4().as_u128() % 100_000;
    format!("{first}-{second}-{number:05}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::rules;

    #[test]
    fn every_name_is_one_that_the_rules_allow() {
        for first in FIRST {
            for second in SECOND {
                rules::app_name(&format!("{first}-{second}-00000")).unwrap();
            }
        }
        rules::app_name(&invent()).unwrap();
        assert_ne!(invent(), invent());
    }
}
