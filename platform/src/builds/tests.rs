//! Builds with a small program in the place of slugbuilder's.

mod archives;
mod left;
mod life;

use super::*;
use crate::signed_url::{BlobKind, BlobMethod};
use crate::store::{NewApp, UserTokens};
use futures_util::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use slugbuilder_report::Silent;
use std::path::PathBuf;
use std::time::Duration;

const URL: &str = "http://127.0.0.1:5000";

/// A server's builds, and Ann.
struct Scene {
    folder: TempDir,
    store: Store,
    ann: User,
    builds: Builds,
}

/// A builder that runs what the source says.
fn builder() -> Builder {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/builder.sh");
    Builder {
        arguments: vec![program.into()],
        environment: vec![("PATH".into(), std::env::var_os("PATH").unwrap())],
        at_once: NonZeroUsize::new(2),
        ..Builder::new("/bin/sh")
    }
}

impl Scene {
    async fn new() -> Self {
        Self::with(builder()).await
    }

    async fn with(builder: Builder) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let ann = store.put_user("ann@example.test", &[]).await.unwrap();
        let builds = open(folder.path(), &store, Some(builder));
        Self {
            folder,
            store,
            ann,
            builds,
        }
    }

    async fn app(&self, name: &str) -> Uuid {
        let new = NewApp {
            name: Some(name.into()),
            stack: "heroku-24".into(),
            region: "us".into(),
        };
        self.store.create_app(&self.ann, new).await.unwrap().id
    }

    async fn begin(&self, app: &str, source: BuildSource) -> Result<Build, BuildsError> {
        let new = NewBuild {
            source,
            version: None,
            version_description: None,
            buildpacks: None,
            source_date_epoch: None,
        };
        self.builds.begin(&self.ann, app, new).await
    }

    /// A build of a folder with this script.
    async fn build(&self, app: &str, script: &str) -> Build {
        let folder = self.builds.new_folder().unwrap();
        fs::write(folder.path().join("build"), script).unwrap();
        let source = BuildSource::Folder(folder.path().to_owned());
        self.begin(app, source).await.unwrap()
    }

    /// An address of this server with this archive.
    async fn uploaded(&self, archive: &[u8]) -> String {
        let id = self.store.create_source(&self.ann).await.unwrap();
        let upload = self.builds.sources().begin(id).await.unwrap();
        let upload = upload.write(Bytes::copy_from_slice(archive)).await.unwrap();
        let (received, staged) = upload.finish().await.unwrap();
        staged.put_in_place().await.unwrap();
        self.store.finish_source(id, &received).await.unwrap();
        let signer = Signer::new(&[7; 32]).of(BlobKind::Source);
        signer.url(
            URL,
            BlobMethod::Get,
            id,
            Timestamp::now(),
            Duration::from_mins(1),
        )
    }

    /// How a build of this archive ends, and what it prints.
    async fn build_of(&self, archive: &[u8], checksum: Option<String>) -> (BuildStatus, String) {
        let url = self.uploaded(archive).await;
        self.build_of_url(url, checksum).await
    }

    async fn build_of_url(&self, url: String, checksum: Option<String>) -> (BuildStatus, String) {
        let build = self
            .begin("alpha", BuildSource::Url { url, checksum })
            .await
            .unwrap();
        let output = self.output(&build).await;
        (self.ended(&build).await.status, output)
    }

    async fn ended(&self, build: &Build) -> Build {
        self.builds.ended(build.id).await.unwrap()
    }

    async fn output(&self, build: &Build) -> String {
        let chunks: Vec<Bytes> = self.builds.output(build.id, 0).try_collect().await.unwrap();
        String::from_utf8(chunks.concat()).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn open(folder: &Path, store: &Store, builder: Option<Builder>) -> Builds {
    let parameters = Parameters {
        builder,
        max_slug_size: 1 << 20,
        store: store.clone(),
        blobs: BlobStore::folder(&folder.join("blobs")).unwrap(),
        signer: Signer::new(&[7; 32]),
        external_url: URL.into(),
        reporter: Arc::new(Silent),
    };
    Builds::open(folder, parameters).unwrap()
}

/// Waits until a build has made a file, and reads it.
async fn appears(path: &Path) -> String {
    for _ in 0..1000 {
        if let Ok(text) = fs::read_to_string(path)
            && text.ends_with('\n')
        {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} does not appear", path.display());
}
