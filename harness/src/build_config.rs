//! What a test builds, and how.

use libcnb_data::buildpack::BuildpackId;
use std::collections::HashMap;
use std::fmt::{self, Debug, Formatter};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

pub use libcnb_package::CargoProfile;

/// How long a build may take unless the test says otherwise.
const TIME_LIMIT: Duration = Duration::from_mins(20);

/// Configuration of a build.
#[derive(Clone)]
pub struct BuildConfig {
    pub(crate) app_dir: PathBuf,
    pub(crate) cargo_profile: CargoProfile,
    pub(crate) target_triple: Option<String>,
    pub(crate) builder_name: String,
    pub(crate) buildpacks: Vec<BuildpackReference>,
    pub(crate) env: HashMap<String, String>,
    pub(crate) app_dir_preprocessor: Option<Rc<dyn Fn(PathBuf)>>,
    pub(crate) expected_pack_result: PackResult,
    pub(crate) network: bool,
    pub(crate) platform_env: HashMap<String, String>,
    pub(crate) time_limit: Duration,
    pub(crate) downloads: Option<PathBuf>,
    pub(crate) root: Option<PathBuf>,
}

impl BuildConfig {
    /// A build of the app in `app_dir`, relative to the folder of the crate's `Cargo.toml`.
    ///
    /// There are no builder images here: `builder_name` says which stack is meant, `heroku/builder:24` and `heroku-24` being
    /// the same. Other builders are refused when the build starts.
    pub fn new(builder_name: impl Into<String>, app_dir: impl AsRef<Path>) -> Self {
        Self {
            app_dir: app_dir.as_ref().to_owned(),
            cargo_profile: CargoProfile::Dev,
            target_triple: None,
            builder_name: builder_name.into(),
            buildpacks: vec![BuildpackReference::CurrentCrate],
            env: HashMap::new(),
            app_dir_preprocessor: None,
            expected_pack_result: PackResult::Success,
            network: true,
            platform_env: HashMap::new(),
            time_limit: TIME_LIMIT,
            downloads: None,
            root: None,
        }
    }

    /// The buildpacks, one group in this order. [`BuildpackReference::CurrentCrate`] unless it is set.
    pub fn buildpacks(&mut self, buildpacks: impl Into<Vec<BuildpackReference>>) -> &mut Self {
        self.buildpacks = buildpacks.into();
        self
    }

    /// The Cargo profile that buildpacks of the workspace are compiled with: [`CargoProfile::Dev`] unless it is set.
    pub fn cargo_profile(&mut self, cargo_profile: CargoProfile) -> &mut Self {
        self.cargo_profile = cargo_profile;
        self
    }

    /// The target that buildpacks of the workspace are compiled for. Unless it is set they are compiled as `cargo build`
    /// does, so that nothing but Cargo is needed; `libcnb-test` takes `x86_64-unknown-linux-musl` then. They run on this
    /// machine: targets of other machines are refused when the build starts.
    pub fn target_triple(&mut self, target_triple: impl Into<String>) -> &mut Self {
        self.target_triple = Some(target_triple.into());
        self
    }

    /// Sets a variable of the build: a config var, as `pack build --env` has them. Started apps do not get it.
    pub fn env(&mut self, k: impl Into<String>, v: impl Into<String>) -> &mut Self {
        self.env.insert(k.into(), v.into());
        self
    }

    /// [`BuildConfig::env`] for several variables.
    pub fn envs<K: Into<String>, V: Into<String>, I: IntoIterator<Item = (K, V)>>(
        &mut self,
        envs: I,
    ) -> &mut Self {
        for (key, value) in envs {
            self.env(key, value);
        }
        self
    }

    /// Has `f` change the app before it is built. It gets a copy: the fixture stays as it is.
    pub fn app_dir_preprocessor<F: 'static + Fn(PathBuf)>(&mut self, f: F) -> &mut Self {
        self.app_dir_preprocessor = Some(Rc::new(f));
        self
    }

    /// The app's folder, in place of that of [`BuildConfig::new`].
    pub fn app_dir<P: Into<PathBuf>>(&mut self, path: P) -> &mut Self {
        self.app_dir = path.into();
        self
    }

    /// Whether the build should fail: [`PackResult::Success`] unless it is set. The test fails where the build ends
    /// otherwise.
    pub fn expected_pack_result(&mut self, pack_result: PackResult) -> &mut Self {
        self.expected_pack_result = pack_result;
        self
    }

    /// Whether the build reaches the network; it does unless it is told not to. Without it, there is nothing but loopback,
    /// and buildpacks are told by `SLUGBUILDER_OFFLINE=1`. Not in `libcnb-test`.
    pub fn network(&mut self, network: bool) -> &mut Self {
        self.network = network;
        self
    }

    /// Sets a variable of the platform for the buildpacks' programs, such as `SLUGBUILDER_MIRROR_NODE`: unlike those of
    /// [`BuildConfig::env`] it is also for buildpacks that clear the user's variables, and in no `<platform>/env`. Folders that
    /// a `file://` address in it names are shown to the build. Not in `libcnb-test`.
    pub fn platform_env(&mut self, k: impl Into<String>, v: impl Into<String>) -> &mut Self {
        self.platform_env.insert(k.into(), v.into());
        self
    }

    /// A folder for what slugbuilder's own buildpack downloads, to be shared by tests and kept: it is made where it is not
    /// there. Relative to the folder of the crate's `Cargo.toml`. Each test downloads for itself unless it is set. Not in
    /// `libcnb-test`.
    pub fn downloads(&mut self, folder: impl Into<PathBuf>) -> &mut Self {
        self.downloads = Some(folder.into());
        self
    }

    /// The folder of the app inside of what [`BuildConfig::new`] names, for sources that hold several apps: all of it is built
    /// and run, and processes run in that folder, as with `slugbuilder compile --root`. Not in `libcnb-test`.
    pub fn root(&mut self, root: impl Into<PathBuf>) -> &mut Self {
        self.root = Some(root.into());
        self
    }

    /// How long the build may take: 20 minutes unless it is set. Not in `libcnb-test`.
    pub fn time_limit(&mut self, time_limit: Duration) -> &mut Self {
        self.time_limit = time_limit;
        self
    }
}

impl Debug for BuildConfig {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuildConfig")
            .field("app_dir", &self.app_dir)
            .field("builder_name", &self.builder_name)
            .field("buildpacks", &self.buildpacks)
            .field("env", &self.env)
            .field("expected_pack_result", &self.expected_pack_result)
            .field("network", &self.network)
            .finish_non_exhaustive()
    }
}

/// References a buildpack.
#[derive(Debug, Clone, Eq, PartialEq)]
pub enum BuildpackReference {
    /// The buildpack of the crate that is being tested, with its `buildpack.toml` beside its `Cargo.toml`.
    CurrentCrate,
    /// A libcnb.rs buildpack or a composite one of the Cargo workspace.
    WorkspaceBuildpack(BuildpackId),
    /// A buildpack's folder, relative to the folder of the crate's `Cargo.toml`. Ids, images and other addresses are
    /// refused: there is nothing here that could get them.
    Other(String),
}

/// How a build ends. The name is that of `libcnb-test`; no `pack` is run here.
#[derive(Debug, Clone, Eq, PartialEq)]
pub enum PackResult {
    /// The build makes an app.
    Success,
    /// No buildpack is for the app, or a buildpack fails.
    Failure,
}
