//! The staged view for those that only look.

use super::{StageError, Survey};
use crate::tree::{Kind, Tree};
use nix::errno::Errno;
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::symlinkat;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

impl Survey {
    /// Makes the folder `destination` look like what is staged, without copying: it is filled with symbolic links to the
    /// source's files and folders. Only folders in which something is left out are real ones, and the source's own links
    /// in those are kept as they are.
    ///
    /// Whoever writes below a linked folder writes into the source: this is for detection, which writes nothing.
    /// `destination` is created where it is not there and has to be empty.
    pub fn shadow(&self, destination: &Path) -> Result<(), StageError> {
        std::fs::create_dir_all(destination)
            .map_err(|error| StageError::writing(destination, error))?;
        let target =
            Tree::open(destination).map_err(|error| StageError::writing(destination, error))?;
        let real: HashSet<&Path> = self
            .whiteouts()
            .flat_map(|path| path.ancestors().skip(1))
            .collect();
        for entry in &self.staged_entries {
            self.stop.check()?;
            let above = entry.path.parent().unwrap_or(Path::new(""));
            if !real.contains(above) && !above.as_os_str().is_empty() {
                // Seen through the link of a folder above.
                continue;
            }
            let made = match entry.stat.kind {
                Kind::Directory if real.contains(entry.path.as_path()) => target
                    .at(&entry.path, |directory, rest| {
                        mkdirat(directory, rest, Mode::from_bits_truncate(0o755))
                    }),
                Kind::Link => {
                    let link = self.links.target(&entry.path).ok_or(Errno::ENOENT);
                    link.and_then(|link| {
                        target.at(&entry.path, |directory, rest| {
                            symlinkat(link, directory, rest)
                        })
                    })
                }
                _ => {
                    let original: PathBuf = self.root.join(&entry.path);
                    target.at(&entry.path, |directory, rest| {
                        symlinkat(&original, directory, rest)
                    })
                }
            };
            made.map_err(|error| StageError::writing(destination.join(&entry.path), error))?;
        }
        Ok(())
    }
}
