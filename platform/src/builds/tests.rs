//! Builds with a small program in the place of slugbuilder's.

use super::*;
use crate::store::BuildStatus;
use futures_util::{StreamExt as _, TryStreamExt as _};
use slugbuilder::slug::{self, Manifest};
use slugbuilder_report::Silent;
use std::path::PathBuf;

/// A builder in sh: what the source's `build` says, between the first line and the slug.
const PROGRAM: &str = r#"
echo "Compiling $2 for heroku-24"
cd "$2" && . ./build && cd .. || exit 1
printf slug > slug.tgz
echo "{\"slug\": {\"process_types\": {\"web\": \"node .\"}, \"stack\": \"heroku-24\",
  \"checksum\": \"SHA256:$(sha256sum < slug.tgz | cut -d' ' -f1)\"},
  \"build\": {\"size\": 4, \"diff_id\": \"\", \"format\": 1, \"slugbuilder\": \"0\"}}" > slug.json
"#;

struct Scene {
    folder: TempDir,
    store: Store,
    ann: User,
    builds: Builds,
}

impl Scene {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let token = "11111111-ann-1111-1111-111111111111";
        let ann = store.put_user("ann@example.test", &[token]).await.unwrap();
        Self::at(folder, store, ann)
    }

    fn at(folder: TempDir, store: Store, ann: User) -> Self {
        let program = folder.path().join("builder");
        fs::write(&program, PROGRAM).unwrap();
        let builder = Builder {
            arguments: vec![program.into()],
            environment: vec![("PATH".into(), std::env::var_os("PATH").unwrap())],
            ..Builder::new("/bin/sh")
        };
        let parameters = Parameters {
            builder: Some(builder),
            max_slug_size: 1 << 20,
            store: store.clone(),
            blobs: BlobStore::folder(&folder.path().join("blobs")).unwrap(),
            signer: Signer::new(&[7; 32]),
            external_url: "http://127.0.0.1:5000".into(),
            reporter: Arc::new(Silent),
        };
        let builds = Builds::open(folder.path(), parameters).unwrap();
        Self {
            folder,
            store,
            ann,
            builds,
        }
    }

    async fn app(&self, name: &str) {
        let new = crate::store::NewApp {
            name: Some(name.into()),
            stack: "heroku-24".into(),
            region: "us".into(),
        };
        self.store.create_app(&self.ann, new).await.unwrap();
    }

    /// A build of a folder with this script.
    async fn build(&self, app: &str, script: &str) -> Build {
        let folder = self.builds.new_folder().unwrap();
        fs::write(folder.path().join("build"), script).unwrap();
        let new = NewBuild {
            source: BuildSource::Folder(folder.path().to_owned()),
            version: None,
            version_description: None,
            buildpacks: None,
            source_date_epoch: None,
        };
        self.builds.begin(&self.ann, app, new).await.unwrap()
    }

    async fn output(&self, build: &Build) -> String {
        let chunks: Vec<Bytes> = self.builds.output(build.id, 0).try_collect().await.unwrap();
        String::from_utf8(chunks.concat()).unwrap()
    }
}

#[tokio::test]
async fn a_build_becomes_a_release() {
    let scene = Scene::new().await;
    scene.app("alpha").await;
    let build = scene.build("alpha", "echo hello").await;
    assert_eq!(build.status, BuildStatus::Pending);
    insta::assert_snapshot!(scene.output(&build).await, @r"
    -----> Building alpha for heroku-24
    Compiling source for heroku-24
    hello
    -----> Released v3
    ");
    let ended = scene.builds.ended(build.id).await.unwrap();
    assert_eq!(ended.status, BuildStatus::Succeeded);
    assert_eq!(ended.release.unwrap().1, 3);
    let slug = scene
        .store
        .slug(&scene.ann, "alpha", ended.slug.unwrap())
        .await
        .unwrap();
    assert_eq!(slug.size, Some(4));
    assert_eq!(
        scene
            .folder
            .path()
            .join("builds/incoming")
            .read_dir()
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test]
async fn a_build_that_fails_makes_no_release() {
    let scene = Scene::new().await;
    scene.app("alpha").await;
    let build = scene
        .build("alpha", "echo 'no such thing' >&2; exit 1")
        .await;
    insta::assert_snapshot!(scene.output(&build).await, @r"
    -----> Building alpha for heroku-24
    Compiling source for heroku-24
    no such thing

     !     The build failed
    ");
    let ended = scene.builds.ended(build.id).await.unwrap();
    assert_eq!((ended.status, ended.release), (BuildStatus::Failed, None));
}
