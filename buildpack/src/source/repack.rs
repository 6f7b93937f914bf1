//! Makes one archive of what a client brought in another shape, so that the cache can keep it.

use super::SourceError;
use flate2::{Compression, write::GzEncoder};
use std::path::Path;

/// Packs the folder `from` to `to` as `.tar.gz`: names sorted, no owners, no times, and the compression that costs
/// least, because the archive stays on this machine.
pub(super) fn pack(from: &Path, to: &Path) -> Result<(), SourceError> {
    let file = fs_err::File::create(to).map_err(SourceError::Disk)?;
    let encoder = GzEncoder::new(std::io::BufWriter::new(file), Compression::fast());
    let mut archive = tar::Builder::new(encoder);
    archive.follow_symlinks(false);
    archive.mode(tar::HeaderMode::Deterministic);
    add(&mut archive, from, Path::new("")).map_err(SourceError::Disk)?;
    let encoder = archive.into_inner().map_err(SourceError::Disk)?;
    let mut buffer = encoder.finish().map_err(SourceError::Disk)?;
    std::io::Write::flush(&mut buffer).map_err(SourceError::Disk)
}

fn add(
    archive: &mut tar::Builder<impl std::io::Write>,
    root: &Path,
    inside: &Path,
) -> std::io::Result<()> {
    let mut names = Vec::new();
    for entry in fs_err::read_dir(root.join(inside))? {
        names.push(entry?.file_name());
    }
    names.sort();
    for name in names {
        let path = inside.join(name);
        let full = root.join(&path);
        archive.append_path_with_name(&full, &path)?;
        if full.symlink_metadata()?.is_dir() {
            add(archive, root, &path)?;
        }
    }
    Ok(())
}
