//! What a build prints: a file that grows, and everybody who follows it.

use bytes::Bytes;
use fs_err as fs;
use futures_util::Stream;
use futures_util::stream::try_unfold;
use slugbuilder_report::printable;
use std::io::{self, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::sync::watch;

/// The most that is kept of what a build prints, in bytes: others read it over a network, and it stays.
pub(super) const MOST: u64 = 16 << 20;
/// Bytes that are read at once.
const BLOCK: usize = 64 << 10;

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    /// Bytes that are there.
    pub(super) length: u64,
    /// Whether there will be no more.
    pub(super) ended: bool,
}

/// The output of a build that has not ended.
#[derive(Debug)]
pub(super) struct Output {
    file: Mutex<fs::File>,
    progress: watch::Sender<Progress>,
}

impl Output {
    /// Goes on with what is there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)?;
        let length = file.metadata()?.len();
        let ended = false;
        Ok(Self {
            file: Mutex::new(file),
            progress: watch::Sender::new(Progress { length, ended }),
        })
    }

    /// A line of the server's own.
    pub(super) fn line(&self, text: &str) {
        self.write(
            format!("{}\n", printable(text)).as_bytes(),
            MOST + BLOCK as u64,
        );
    }

    /// What the build printed. Beyond [`MOST`] it is lost, and the output says so.
    pub(super) fn printed(&self, bytes: &[u8]) {
        let length = self.progress.borrow().length;
        if length >= MOST {
            return;
        }
        self.write(bytes, MOST);
        if length + bytes.len() as u64 >= MOST {
            self.line("\n !     The output of this build is cut off here, since it is too long");
        }
    }

    /// A full disk loses output, and not the build.
    fn write(&self, bytes: &[u8], most: u64) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let Progress { length, ended } = *self.progress.borrow();
        if ended {
            return;
        }
        let room = most.saturating_sub(length);
        let fits = usize::try_from(room).map_or(bytes.len(), |room| room.min(bytes.len()));
        // As much as it took, whatever then failed: readers go by the length.
        let _ = file.write_all(&bytes[..fits]);
        if let Ok(metadata) = file.metadata() {
            let length = metadata.len();
            self.progress.send_if_modified(|progress| {
                length != std::mem::replace(&mut progress.length, length)
            });
        }
    }

    /// There will be no more.
    pub(super) fn end(&self) {
        self.progress.send_modify(|progress| progress.ended = true);
    }

    pub(super) fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }
}

/// A reader of an output.
struct Reader {
    path: PathBuf,
    file: Option<fs::tokio::File>,
    at: u64,
    progress: watch::Receiver<Progress>,
}

/// The bytes of the output at `path` from `from` on, as they come, until it has ended.
pub(super) fn follow(
    path: PathBuf,
    from: u64,
    progress: watch::Receiver<Progress>,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let reader = Reader {
        path,
        file: None,
        at: from,
        progress,
    };
    try_unfold(reader, async |mut reader| {
        Ok(reader.next().await?.map(|bytes| (bytes, reader)))
    })
}

impl Reader {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let length = loop {
            let Progress { length, ended } = *self.progress.borrow_and_update();
            if length > self.at {
                break length;
            }
            // Whoever writes is gone only when it has ended, too.
            if ended || self.progress.changed().await.is_err() {
                return Ok(None);
            }
        };
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let mut file = fs::tokio::File::open(&self.path).await?;
                file.seek(SeekFrom::Start(self.at)).await?;
                none.insert(file)
            }
        };
        let wanted = usize::try_from(length - self.at).map_or(BLOCK, |left| left.min(BLOCK));
        let mut buffer = vec![0; wanted];
        let read = file.read(&mut buffer).await?;
        if read == 0 {
            return Ok(None);
        }
        buffer.truncate(read);
        self.at += read as u64;
        Ok(Some(buffer.into()))
    }
}
