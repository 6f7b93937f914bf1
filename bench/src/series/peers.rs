//! Writers of others.

use crate::benchmark::Bench;
use crate::error::BenchError;
use crate::pipeline::Pipeline;
use crate::tools::{self, Tool};
use std::path::{Path, PathBuf};

/// Another way to write a tree as a gzip-compressed tar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// `tar czf`
    Tar,
    /// `tar cf - | pigz`
    Pigz1,
    Pigz6,
    /// `tar cf - | igzip`
    Igzip1,
    Igzip3,
    /// `bsdtar czf`
    Bsdtar,
    /// bench/go
    Layer,
}

impl Peer {
    /// All of them.
    pub(super) const ALL: [Self; 7] = [
        Self::Tar,
        Self::Pigz6,
        Self::Pigz1,
        Self::Igzip1,
        Self::Igzip3,
        Self::Bsdtar,
        Self::Layer,
    ];

    /// Its name in bars.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Tar => "tar",
            Self::Pigz1 => "pigz-1",
            Self::Pigz6 => "pigz-6",
            Self::Igzip1 => "igzip-1",
            Self::Igzip3 => "igzip-3",
            Self::Bsdtar => "bsdtar",
            Self::Layer => "go",
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Tar => "GNU `tar czf`",
            Self::Pigz1 => "`tar`, `pigz -1 -p 2`",
            Self::Pigz6 => "`tar`, `pigz -6 -p 2`",
            Self::Igzip1 => "`tar`, `igzip -1`",
            Self::Igzip3 => "`tar`, `igzip -3`",
            Self::Bsdtar => "`bsdtar czf`",
            Self::Layer => "Go archive/tar, compress/gzip",
        }
    }

    fn tool(self) -> Tool {
        match self {
            Self::Tar => tools::TAR,
            Self::Pigz1 | Self::Pigz6 => tools::PIGZ,
            Self::Igzip1 | Self::Igzip3 => tools::IGZIP,
            Self::Bsdtar => tools::BSDTAR,
            Self::Layer => tools::GO,
        }
    }

    /// Whether three rounds are enough: rows of ten seconds vary little, and no bar depends on these.
    pub(super) fn is_slow(self) -> bool {
        matches!(self, Self::Bsdtar | Self::Layer)
    }

    /// Whether it can run. A missing peer is an error, or, if the user said so, noted.
    pub(super) fn available(self, bench: &Bench) -> Result<bool, BenchError> {
        let found = tools::require_peer(self.tool());
        if found.is_err() && bench.skip_missing_peers {
            bench
                .skipped
                .borrow_mut()
                .push(format!("`{}` ({})", self.key(), self.tool().package));
            return Ok(false);
        }
        found.map(|()| true)
    }

    /// Writes the folder `tree` to the file `output`.
    pub(super) fn pipeline(self, tree: &Path, output: &Path, layer: &Path) -> Pipeline {
        let tar = || {
            Pipeline::new("tar")
                .arguments("cf - -C")
                .argument(tree)
                .argument(".")
        };
        match self {
            Self::Tar | Self::Bsdtar => Pipeline::new(self.tool().program)
                .argument("czf")
                .argument(output)
                .argument("-C")
                .argument(tree)
                .argument("."),
            Self::Pigz1 => tar().pipe("pigz").arguments("-1 -p 2").output(output),
            Self::Pigz6 => tar().pipe("pigz").arguments("-6 -p 2").output(output),
            Self::Igzip1 => tar().pipe("igzip").arguments("-1 -c").output(output),
            Self::Igzip3 => tar().pipe("igzip").arguments("-3 -c").output(output),
            Self::Layer => Pipeline::new(layer).argument(tree).argument(output),
        }
    }
}

/// Builds the Go peer. Go's own cache makes this fast from the second time on.
pub(super) fn build_layer(bench: &Bench) -> Result<PathBuf, BenchError> {
    let program = bench.work.lasting("tools")?.join("layer");
    bench.runner.run(
        &Pipeline::new("go")
            .arguments("build -trimpath -buildvcs=false -o")
            .argument(&program)
            .argument(".")
            .directory(Path::new(env!("CARGO_MANIFEST_DIR")).join("go")),
    )?;
    Ok(program)
}
