//! Quoting for `bash` and POSIX `sh`.

/// Words that the shell reads as its own where a command is expected.
const RESERVED: &[&str] = &[
    "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in",
    "select", "then", "time", "until", "while",
];

/// `value` in single quotes, whatever bytes it holds.
pub(super) fn quote_bytes(value: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for byte in value {
        if *byte == b'\'' {
            quoted.extend(br"'\''");
        } else {
            quoted.push(*byte);
        }
    }
    quoted.push(b'\'');
    quoted
}

/// A word of a command: in single quotes only if it needs them.
pub(super) fn quote_word(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The first word of a command, which the shell must not take for an assignment or a keyword.
pub(super) fn quote_command(word: &str) -> String {
    if word.contains('=') || RESERVED.contains(&word) {
        format!("'{}'", word.replace('\'', r"'\''"))
    } else {
        quote_word(word)
    }
}

/// Whether `name` can be assigned to: a shell identifier that bash does not keep for itself.
pub(super) fn is_assignable(name: &[u8]) -> bool {
    let read_only: [&[u8]; 6] = [
        b"BASHOPTS",
        b"BASH_VERSINFO",
        b"EUID",
        b"PPID",
        b"SHELLOPTS",
        b"UID",
    ];
    name.first()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        && !read_only.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_quotes_gets_them() {
        for plain in [
            "node",
            "web.js",
            "--port=3000",
            "a/b",
            "user@host:1,2",
            "100%",
        ] {
            assert_eq!(quote_word(plain), plain);
        }
        assert_eq!(quote_word(""), "''");
        assert_eq!(quote_word("a b"), "'a b'");
        assert_eq!(quote_word("$PORT"), "'$PORT'");
        assert_eq!(quote_word("it's"), r"'it'\''s'");
        assert_eq!(quote_word("~"), "'~'");
        assert_eq!(quote_command("A=b"), "'A=b'");
        assert_eq!(quote_command("time"), "'time'");
    }

    #[test]
    fn names_that_bash_takes() {
        assert!(is_assignable(b"_A1"));
        for name in ["", "1A", "A-B", "A B", "UID", "Ä"] {
            assert!(!is_assignable(name.as_bytes()), "{name}");
        }
    }
}
