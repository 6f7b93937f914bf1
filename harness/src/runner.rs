//! Building.

use crate::app_copy::copy_tree;
use crate::cache::{Layers, Snapshot};
use crate::context::Built;
use crate::folder::Folder;
use crate::pack_output::PackOutput;
use crate::{BuildConfig, PackResult, TestContext, builder, buildpacks, helper};
use slugbuilder::app_root::AppRoot;
use slugbuilder::archive;
use slugbuilder::compile::{BuiltApp, CompileError, CompileOptions, Reuse};
use slugbuilder::sandbox::{Credentials, Environment, Interrupt, SandboxError};
use slugbuilder::workspace::remove_tree;
use slugbuilder_report::{Diagnosis, Explain as _, Style};
use std::borrow::Borrow;
use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};
use std::env;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Builds apps for tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct TestRunner {}

impl TestRunner {
    /// Builds the app of `config` and calls `f` with the result. Everything that was made is gone afterwards, also where `f`
    /// panics.
    ///
    /// # Panics
    ///
    /// If the build does not end as [`BuildConfig::expected_pack_result`] says, or cannot be made at all: unknown builder, no
    /// such folder, a buildpack that cannot be compiled, no namespaces.
    #[track_caller]
    pub fn build<C: Borrow<BuildConfig>, F: FnOnce(TestContext<'_>)>(&self, config: C, f: F) {
        helper::check();
        self.build_in(Folder::new(), None, config.borrow(), f);
    }

    /// Builds in `folder`, with what the build `before` left there.
    #[track_caller]
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "contexts borrow it, as in libcnb-test"
    )]
    pub(crate) fn build_in<F: FnOnce(TestContext<'_>)>(
        &self,
        folder: Folder,
        before: Option<&Snapshot>,
        config: &BuildConfig,
        f: F,
    ) {
        let Some(manifest_dir) = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from) else {
            panic!("CARGO_MANIFEST_DIR is not set: run tests with `cargo test`")
        };
        let options = options(config, &manifest_dir, folder.path());
        let output = PackOutput::default();
        let result = BuiltApp::build(&options, &output);
        if let Err(error) = &result {
            refuse_without_sandbox(error);
            output.fail(error);
        }
        let text = output.take();
        let said = format!(
            "## stderr:\n\n{}\n## stdout:\n\n{}\n",
            text.stderr, text.stdout
        );
        match (&config.expected_pack_result, &result) {
            (PackResult::Success, Ok(_)) | (PackResult::Failure, Err(_)) => {}
            (PackResult::Success, Err(_)) => panic!("Error performing pack build:\n\n{said}"),
            (PackResult::Failure, Ok(_)) => {
                panic!("The pack build was expected to fail, but did not:\n\n{said}")
            }
        }
        let result = result.map_err(|error| error.diagnosis()).map(|app| {
            let layers = Layers::of(&app, before);
            Built { app, layers }
        });
        f(TestContext {
            pack_stdout: text.stdout,
            pack_stderr: text.stderr,
            config: config.clone(),
            runner: self,
            image: OnceCell::new(),
            result,
            options,
            folder,
        });
    }
}

/// Stages the fixture and packages the buildpacks. The app is always copied, to the same place: that is what a rebuild knows
/// it by, whatever fixture it takes; and a fixture that lies in a git repository is then no part of it.
#[track_caller]
fn options(config: &BuildConfig, manifest_dir: &Path, folder: &Path) -> CompileOptions {
    let stack = builder::stack(&config.builder_name);
    let fixture = manifest_dir.join(&config.app_dir);
    assert!(
        fixture.is_dir(),
        "App dir is not a valid directory: {}",
        fixture.display()
    );
    let source = folder.join("source");
    let copied = remove_tree(&source).and_then(|()| copy_tree(&fixture, &source, &|_| Ok(())));
    copied
        .unwrap_or_else(|error| panic!("Error copying app fixture to temporary location: {error}"));
    if let Some(preprocessor) = &config.app_dir_preprocessor {
        preprocessor(source.clone());
    }
    let packaged = folder.join("buildpacks");
    remove_tree(&packaged)
        .unwrap_or_else(|error| panic!("Error removing packaged buildpacks: {error}"));
    let cache_dir = folder.join("cache");
    let selection = buildpacks::select(config, manifest_dir, &packaged, &cache_dir)
        .unwrap_or_else(|error| panic!("{error}"));
    if let Some(downloads) = &config.downloads {
        share_downloads(&cache_dir, &manifest_dir.join(downloads)).unwrap_or_else(|error| {
            panic!("Error sharing downloads: {error}");
        });
    }
    let interrupt =
        Interrupt::new().unwrap_or_else(|error| panic!("Error performing pack build: {error}"));
    CompileOptions {
        source,
        root: root(config),
        output: folder.join("slug.tgz"),
        manifest: folder.join("slug.json"),
        stack,
        buildpacks: selection.sources,
        order: Some(selection.order),
        cache_dir,
        cache_max_size: u64::MAX,
        // What is tested are buildpacks: they run in every build.
        reuse: Reuse::Layers,
        // As `pack` does, which does not ask git.
        all_files: true,
        keep_package_files: false,
        untrusted: false,
        config_vars: environment(&config.env),
        secrets: BTreeSet::new(),
        platform_variables: environment(&config.platform_env),
        host_environment: env::vars_os().collect(),
        credentials: Credentials::default(),
        locking: slugbuilder::lock::Locking::default(),
        network: config.network,
        deadline: Instant::now() + config.time_limit,
        interrupt,
        source_date_epoch: None,
        compression: archive::Compression::default(),
        max_size: archive::MAX_SIZE,
        warn_size: archive::WARN_SIZE,
    }
}

#[track_caller]
fn root(config: &BuildConfig) -> Option<AppRoot> {
    let root = config.root.as_deref()?;
    AppRoot::parse(root).unwrap_or_else(|error| panic!("Error performing pack build: {error}"))
}

/// Makes `shared` the place of downloads in the cache of a test.
fn share_downloads(cache_dir: &Path, shared: &Path) -> std::io::Result<()> {
    fs_err::create_dir_all(shared)?;
    fs_err::create_dir_all(cache_dir)?;
    let link = cache_dir.join("downloads");
    // One of the build before may lead to another folder.
    remove_tree(&link)?;
    fs_err::os::unix::fs::symlink(fs_err::canonicalize(shared)?, link)
}

fn environment(variables: &HashMap<String, String>) -> Environment {
    variables
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

/// A machine that cannot run tests of buildpacks is no failure that a test could expect.
fn refuse_without_sandbox(error: &CompileError) {
    let (CompileError::UntrustedWithoutSandbox(refused)
    | CompileError::Sandbox(refused @ SandboxError::Refused { .. })) = error
    else {
        return;
    };
    let hints = refused.hints().join("\n");
    panic!(
        "tests of buildpacks need user namespaces, and this machine offers none\n{}\n{hints}\nIn a container, allow them with `--security-opt seccomp=unconfined --security-opt apparmor=unconfined`; on Ubuntu 24.04 and later, `sysctl kernel.apparmor_restrict_unprivileged_userns=0` may be needed, too.",
        Diagnosis::of(refused).render(Style::Plain)
    );
}
