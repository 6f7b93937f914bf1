//! Reading documents: those that programs wrote, those that lie in a buildpack's folder, and those that a user names.

use super::CnbError;
use super::files::failed;
use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use serde::de::DeserializeOwned;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

/// The largest TOML or JSON file that is read, in bytes. The largest that a known buildpack writes is a few kilobytes.
pub(super) const DOCUMENT_LIMIT: u64 = 4 << 20;

/// Reads the regular file `outside`, which is called `shown` in errors; the last part of the path is not followed.
pub(super) fn read_untrusted(
    outside: &Path,
    shown: &Path,
    limit: u64,
) -> Result<Option<Vec<u8>>, CnbError> {
    let unusable = |reason: String| CnbError::UnusableFile {
        path: shown.to_owned(),
        reason,
    };
    match fs::symlink_metadata(outside) {
        Ok(metadata) if metadata.is_symlink() => return Err(unusable("is a symbolic link".into())),
        Ok(metadata) if !metadata.is_file() => {
            return Err(unusable("is not a regular file".into()));
        }
        Ok(metadata) if metadata.len() > limit => {
            return Err(unusable(format!("is larger than {limit} bytes")));
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed("read", shown, source)),
    }
    let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
    let mut content = Vec::new();
    fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(outside)
        .and_then(|file| file.take(limit + 1).read_to_end(&mut content))
        .map_err(|source| failed("read", shown, source))?;
    if content.len() as u64 > limit {
        return Err(unusable(format!("is larger than {limit} bytes")));
    }
    Ok(Some(content))
}

/// Reads a regular file in a folder that a user names; nothing where there is none. A link is followed if it stays in the
/// folder, which is all that programs of the build get to see.
pub(crate) fn read_in_folder(
    folder: &Path,
    name: &str,
    limit: u64,
) -> Result<Option<Vec<u8>>, CnbError> {
    let path = folder.join(name);
    let canonical = |path: &Path| match std::fs::canonicalize(path) {
        Ok(canonical) => Ok(Some(canonical)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(source) => Err(failed("read", path, source)),
    };
    let (Some(file), Some(inside)) = (canonical(&path)?, canonical(folder)?) else {
        return Ok(None);
    };
    if !file.starts_with(&inside) {
        return Err(CnbError::LinkLeavesFolder {
            path,
            folder: folder.to_owned(),
        });
    }
    read_untrusted(&file, &path, limit)
}

/// Reads a file that a user names: whatever it is, a link or a pipe of their shell.
pub(super) fn read_named(path: &Path, limit: u64) -> Result<Vec<u8>, CnbError> {
    let mut content = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(limit + 1).read_to_end(&mut content))
        .map_err(|source| failed("read", path, source))?;
    if content.len() as u64 > limit {
        return Err(CnbError::InvalidDocument {
            path: path.to_owned(),
            line: None,
            reason: format!("it is larger than {limit} bytes"),
        });
    }
    Ok(content)
}

/// Reads TOML; an error names file and line.
pub(crate) fn parse_toml<T: DeserializeOwned>(path: &Path, content: &[u8]) -> Result<T, CnbError> {
    let invalid = |line, reason: String| CnbError::InvalidDocument {
        path: path.to_owned(),
        line,
        reason,
    };
    let text = std::str::from_utf8(content).map_err(|error| {
        invalid(
            Some(line_at(content, error.valid_up_to())),
            "this is not UTF-8".into(),
        )
    })?;
    toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| line_at(content, span.start));
        invalid(line, error.message().trim_end().replace('\n', ", "))
    })
}

fn line_at(content: &[u8], offset: usize) -> usize {
    1 + content
        .iter()
        .take(offset)
        .filter(|byte| **byte == b'\n')
        .count()
}
