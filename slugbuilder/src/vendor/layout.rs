//! Where files lie in a mirror folder: in the layout of a language's own site where they come from there.

use super::VendorError;
use slugbuilder_report::ObtainedFile;
use std::path::{Component, Path, PathBuf};

/// The folder of what came through a client.
const PACKAGES: &str = "packages";

/// The path of a file in the folder. What a buildpack reports is not trusted to stay in it.
pub(super) fn path_of(file: &ObtainedFile) -> Result<PathBuf, VendorError> {
    if let Some(site) = &file.site {
        let path = Path::new(&site.site).join(&site.path);
        let is_plain = path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        return if is_plain {
            Ok(path)
        } else {
            Err(VendorError::Report(file.key.clone()))
        };
    }
    let mut name: String = file
        .key
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || ".-_@".contains(c) {
                c
            } else {
                '-'
            }
        })
        .take(120)
        .collect();
    let mark = file.sha256.get(..12).unwrap_or(&file.sha256);
    let is_hex = mark.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_known = matches!(file.format.as_str(), ".tar" | ".tar.gz" | ".tar.xz");
    if !is_hex || !is_known {
        return Err(VendorError::Report(file.key.clone()));
    }
    name.push('-');
    name.push_str(mark);
    name.push_str(&file.format);
    Ok(Path::new(PACKAGES).join(name))
}

/// The list of checksums that the language's own site has of this file, and the line in it.
pub(super) fn sums_of(file: &ObtainedFile, path: &Path) -> Option<(PathBuf, String)> {
    let site = file.site.as_ref()?;
    let name = path.file_name()?.to_str()?;
    let line = format!("{}  {name}", file.sha256);
    match site.site.as_str() {
        "node" => Some((path.with_file_name("SHASUMS256.txt"), line)),
        "go" | "npm" => Some((path.with_file_name(format!("{name}.sha256")), line)),
        _ => None,
    }
}
