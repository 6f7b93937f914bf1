//! The source of a build: fetched or taken, checked, and put where the app is always built.

use super::folders::remove;
use super::run::Failure;
use super::{Builds, Live};
use crate::private;
use crate::settings::Builder;
use crate::store::{PendingBuild, StoreError};
use fs_err as fs;
use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use slugbuilder_fetch::{Client, Download, FetchError, Format, Limits, UnpackOptions, unpack};
use slugbuilder_report::{Diagnosis, Explain as _, Fault, Silent};
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tokio::task::spawn_blocking;
use tokio_util::io::{StreamReader, SyncIoBridge};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What a source may grow to: more than any app has, and less than a disk.
const LIMITS: Limits = Limits {
    entries: 500_000,
    bytes: 4 << 30,
    ratio: 250,
};

/// The most that the archive of a buildpack may have, in bytes.
const MAXIMUM_BUILDPACK: u64 = 256 << 20;

/// Where an app is built.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The folder of the app.
    pub(super) app: PathBuf,
}

impl Place {
    pub(super) fn source(&self) -> PathBuf {
        self.app.join("source")
    }

    /// Where the archive of a buildpack is, by the address that it was fetched from.
    pub(super) fn buildpack(&self, url: &str) -> PathBuf {
        let name = format!("buildpack-{}.tgz", hex::encode(Sha256::digest(url)));
        self.app.join(name)
    }

    fn marker(&self) -> PathBuf {
        self.app.join("source-of")
    }

    /// Whether the source that is there is that of a build, which a killed server put there.
    pub(super) fn is_of(&self, build: Uuid) -> bool {
        fs::read_to_string(self.marker()).is_ok_and(|text| text == build.to_string())
    }

    /// Makes `folder` the source of a build, instead of what was.
    ///
    /// All of it is on the disk before the marker says that it is there: what is built after a power cut goes by that.
    pub(super) fn put(&self, folder: &Path, build: Uuid) -> io::Result<()> {
        remove(&self.marker())?;
        remove(&self.source())?;
        fs::rename(folder, self.source())?;
        private::sync_all(&self.app)?;
        private::write(&self.marker(), build.to_string().as_bytes(), 0o600)
    }
}

/// Puts the source of a build where its app is built.
pub(super) async fn bring(
    builds: &Builds,
    builder: &Builder,
    live: &Live,
    pending: &PendingBuild,
    place: &Place,
) -> Result<(), Failure> {
    let id = pending.build.id;
    let folder = builds.inner.folders.of_build(id);
    let given = folder.join("source");
    if given.is_dir() {
        let place = place.clone();
        // What it replaces may be large.
        let put = spawn_blocking(move || place.put(&given, id)).await;
        let put = put.map_err(|error| Failure::ours(error.to_string()))?;
        return put.map_err(Failure::disk);
    }
    if place.is_of(id) {
        return Ok(());
    }
    let gone = || {
        Failure::source("The source of this build is no longer there. Please build again".into())
    };
    let archive = match (pending.source, &pending.build.url) {
        (Some(source), _) => {
            let received = builds.inner.parameters.store.source(source).await;
            let received = match received {
                Ok(Some(received)) => received,
                Ok(None) => {
                    return Err(Failure::source(
                        "Nothing was uploaded to the URL of the source. Please PUT the archive to its `put_url` first".into(),
                    ));
                }
                Err(StoreError::NotFound { .. }) => return Err(gone()),
                Err(error) => return Err(error.into()),
            };
            check(pending, &received.sha256)?;
            let bytes = builds.inner.sources.read(source, 0..received.size).await?;
            let bytes = bytes.ok_or_else(gone)?.map_err(io::Error::other);
            // Within tokio, which the reader of another thread asks for the next bytes.
            Archive::Uploaded(SyncIoBridge::new(StreamReader::new(bytes)))
        }
        (None, Some(url)) => Archive::Elsewhere(url.clone()),
        (None, None) => return Err(gone()),
    };
    let bringing = Bringing {
        archive: folder.join("archive"),
        unpacked: folder.join("unpacked"),
        cancelled: live.cancel.clone(),
        builder: builder.clone(),
        pending: pending.clone(),
        place: place.clone(),
    };
    let brought = spawn_blocking(move || match archive {
        Archive::Uploaded(bytes) => bringing.unpack(bytes),
        Archive::Elsewhere(url) => {
            bringing.fetch(url)?;
            bringing.unpack(fs::File::open(&bringing.archive).map_err(Failure::disk)?)
        }
    });
    brought
        .await
        .map_err(|error| Failure::ours(error.to_string()))?
}

/// Where an archive is from.
enum Archive<R> {
    Uploaded(R),
    Elsewhere(String),
}

/// What happens to an archive, on a thread that may wait.
struct Bringing {
    archive: PathBuf,
    unpacked: PathBuf,
    cancelled: CancellationToken,
    builder: Builder,
    pending: PendingBuild,
    place: Place,
}

impl Bringing {
    fn fetch(&self, url: String) -> Result<(), Failure> {
        let download = Download {
            url,
            name: "the source".into(),
            checksum: None,
            max_bytes: self.builder.max_source_size,
        };
        let client = client(&self.builder)?;
        let deadline = Instant::now() + self.builder.timeout;
        let cancelled = || self.cancelled.is_cancelled() || Instant::now() >= deadline;
        let downloaded = client
            .download_unless(&download, &self.archive, &cancelled, &Silent)
            .map_err(|error| not_fetched("The source", &error))?;
        check(&self.pending, &downloaded.sha256.hex())
    }

    fn unpack(&self, archive: impl Read + Send) -> Result<(), Failure> {
        remove(&self.unpacked).map_err(Failure::disk)?;
        let archive = Unless {
            inner: archive,
            cancelled: self.cancelled.clone(),
        };
        let source = unpack_source(archive, &self.unpacked)?;
        self.place
            .put(&source, self.pending.build.id)
            .map_err(Failure::disk)
    }
}

/// Fetches the archive of a buildpack.
pub(super) async fn fetch_buildpack(
    builder: &Builder,
    live: &Live,
    url: &str,
    to: &Path,
) -> Result<(), Failure> {
    let download = Download {
        url: url.to_owned(),
        name: "the buildpack".into(),
        checksum: None,
        max_bytes: MAXIMUM_BUILDPACK,
    };
    let client = client(builder)?;
    let (cancelled, to) = (live.cancel.clone(), to.to_owned());
    let deadline = Instant::now() + builder.timeout;
    let fetched = spawn_blocking(move || {
        let cancelled = || cancelled.is_cancelled() || Instant::now() >= deadline;
        client.download_unless(&download, &to, &cancelled, &Silent)
    });
    let fetched = fetched
        .await
        .map_err(|error| Failure::ours(error.to_string()))?;
    fetched
        .map(drop)
        .map_err(|error| not_fetched("The buildpack", &error))
}

/// What fetches from addresses that users give.
pub(super) fn client(builder: &Builder) -> Result<Client, Failure> {
    let settings = slugbuilder_fetch::Settings {
        public_only: !builder.allow_private_sources,
        ..builder.transfers.clone()
    };
    Client::new(settings).map_err(|error| Failure::ours(Diagnosis::of(&error).one_line()))
}

/// Why something that users gave the address of is not there. A full disk is no fault of theirs.
pub(super) fn not_fetched(what: &str, error: &FetchError) -> Failure {
    let text = Diagnosis::of(error).one_line();
    match error.last() {
        FetchError::Disk { .. } => Failure::ours(text),
        _ => Failure::source(format!("{what} cannot be fetched: {text}")),
    }
}

/// Refuses another archive than the one that was meant, by its SHA-256 in hexadecimal digits.
fn check(pending: &PendingBuild, sha256: &str) -> Result<(), Failure> {
    let found = format!("SHA256:{sha256}");
    match &pending.build.checksum {
        Some(expected) if !expected.eq_ignore_ascii_case(&found) => Err(Failure::source(format!(
            "The archive of the source has the checksum {found}, and the build was asked for with {expected}"
        ))),
        _ => Ok(()),
    }
}

/// Unpacks an archive to a folder that is not there yet, and says where in it the source is: archives of Git hosts have one
/// folder around everything.
pub(super) fn unpack_source(archive: impl Read + Send, to: &Path) -> Result<PathBuf, Failure> {
    let mut archive = BufReader::with_capacity(64 << 10, archive);
    let format = format(archive.fill_buf().map_err(Failure::disk)?)?;
    let options = UnpackOptions {
        limits: LIMITS,
        // It is moved, copied and removed by an ordinary user.
        for_owner: true,
        ..UnpackOptions::default()
    };
    match unpack(archive, format, to, &options) {
        Ok(_) => inner_folder(to).map_err(Failure::disk),
        Err(error) if error.fault() == Fault::Io => {
            Err(Failure::ours(Diagnosis::of(&error).one_line()))
        }
        Err(error) => Err(Failure::source(format!(
            "The archive of the source cannot be used: {}",
            Diagnosis::of(&error).one_line()
        ))),
    }
}

/// How an archive is compressed, by its first bytes.
fn format(start: &[u8]) -> Result<Format, Failure> {
    let other = |name: &str| {
        Failure::source(format!(
            "The source is a {name} file, and has to be a tar archive, compressed with gzip or xz or not at all"
        ))
    };
    match start {
        [] => Err(Failure::source("The archive of the source is empty".into())),
        [0x1f, 0x8b, ..] => Ok(Format::TarGz),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Ok(Format::TarXz),
        [b'P', b'K', 3 | 5, ..] => Err(other("ZIP")),
        [b'B', b'Z', b'h', ..] => Err(other("bzip2")),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Err(other("zstd")),
        _ => Ok(Format::Tar),
    }
}

/// The one folder that is all there is in `folder`, or else that itself.
fn inner_folder(folder: &Path) -> io::Result<PathBuf> {
    let mut entries = fs::read_dir(folder)?;
    if let (Some(only), None) = (entries.next(), entries.next()) {
        let only = only?;
        if only.file_type()?.is_dir() {
            return Ok(only.path());
        }
    }
    Ok(folder.to_owned())
}

/// A reader that fails when nobody wants any longer what it reads.
pub(super) struct Unless<R> {
    pub(super) inner: R,
    pub(super) cancelled: CancellationToken,
}

impl<R: Read> Read for Unless<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancelled.is_cancelled() {
            return Err(io::Error::other("the build was cancelled"));
        }
        self.inner.read(buffer)
    }
}
