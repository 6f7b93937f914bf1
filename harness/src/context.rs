//! A build that has ended, for a test to look at.

use crate::cache::{Layers, Snapshot};
use crate::container::{refuse, run_shell_command};
use crate::folder::Folder;
use crate::image::Image;
use crate::pack_output::PackOutput;
use crate::{
    BuildConfig, BuildPlan, ContainerConfig, ContainerContext, Files, LogOutput, SbomFiles,
    TestRunner, sbom,
};
use slugbuilder::cnb::{Build, SbomFormat, SbomSubject};
use slugbuilder::compile::{BuiltApp, CompileOptions};
use slugbuilder::sandbox::Environment;
use slugbuilder::slug::Manifest;
use slugbuilder_report::{Decision, Diagnosis, Language, Warning};
use std::borrow::Borrow;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A build that has ended, for a test to look at.
pub struct TestContext<'a> {
    /// What the build said: slugbuilder's own steps (`===> …`) and warnings, and what buildpacks wrote to stdout. The name is
    /// that of `libcnb-test`.
    pub pack_stdout: String,
    /// What buildpacks wrote to stderr, and the error where the build failed.
    pub pack_stderr: String,
    /// The configuration of the build.
    pub config: BuildConfig,

    pub(crate) runner: &'a TestRunner,
    // In the order in which they go.
    pub(crate) image: OnceCell<Image>,
    pub(crate) result: Result<Built, Diagnosis>,
    pub(crate) options: CompileOptions,
    pub(crate) folder: Folder,
}

/// What a build made.
pub(crate) struct Built {
    pub(crate) app: BuiltApp,
    pub(crate) layers: Layers,
}

impl TestContext<'_> {
    /// Starts the app and calls `f` with it; then it is stopped.
    ///
    /// It runs as a dyno does, in a sandbox: `bash` sources `.profile.d/*.sh` and `.profile`, then it runs the process's command.
    /// Every started app has the files as the build left them, a network with nothing but loopback in it, and no variables but
    /// `PATH`, `HOME`, `DYNO` and those of `config`; `PORT` is not among them unless `config` sets it.
    ///
    /// # Panics
    ///
    /// If the build failed, or there is no such process.
    #[track_caller]
    pub fn start_container<C: Borrow<ContainerConfig>, F: FnOnce(ContainerContext)>(
        &self,
        config: C,
        f: F,
    ) {
        let container = ContainerContext::start(self.image(), self.build(), config.borrow());
        f(container);
    }

    /// Runs a command in a fresh copy of the app, in a shell with the launch environment, and gives what it wrote.
    ///
    /// # Panics
    ///
    /// If the build failed, or the command did.
    #[track_caller]
    pub fn run_shell_command(&self, command: impl Into<String>) -> LogOutput {
        run_shell_command(self.image(), self.build(), command.into())
    }

    /// Calls `f` with the bills of materials of the app and of its launch layers.
    ///
    /// # Panics
    ///
    /// If the build failed, or they cannot be read.
    #[track_caller]
    pub fn download_sbom_files<R, F: Fn(SbomFiles) -> R>(&self, f: F) -> R {
        let built = self.built();
        let folder = Folder::new();
        let is_launched = |name: &str, buildpack: &str| {
            let mut layers = built.app.built().layers.iter();
            layers.any(|layer| layer.launch && layer.name == name && layer.buildpack == buildpack)
        };
        for sbom in &built.app.built().sboms {
            let layer = match &sbom.subject {
                SbomSubject::Launch => "",
                SbomSubject::Layer(name) if is_launched(name, &sbom.buildpack) => name,
                _ => continue,
            };
            let format = match sbom.format {
                SbomFormat::CycloneDx => "cdx",
                SbomFormat::Spdx => "spdx",
                SbomFormat::Syft => "syft",
            };
            let to = sbom::path(folder.path(), &sbom.buildpack, layer, format);
            let copied = copy_sbom(built.app.outside(&sbom.path).as_deref(), &to);
            copied.unwrap_or_else(|error| panic!("Error downloading SBOM files: {error}"));
        }
        f(SbomFiles {
            folder: folder.path().to_owned(),
        })
    }

    /// Builds once more, with the layers that this build left, and calls `f` with the result. The fixture is taken anew, and
    /// everything of `config` may be different.
    ///
    /// A build that failed leaves no layers.
    #[track_caller]
    pub fn rebuild<C: Borrow<BuildConfig>, F: FnOnce(TestContext<'_>)>(self, config: C, f: F) {
        let Self {
            runner,
            image,
            result,
            options,
            folder,
            ..
        } = self;
        drop(image);
        let before = result.ok().map(|built| {
            let snapshot = Snapshot::of(&built.app);
            let output = PackOutput::default();
            let mut app = built.app;
            app.keep(&output);
            let said = output.take().stdout;
            assert!(
                said.is_empty(),
                "the layers could not be kept for the next build:\n{said}"
            );
            app.end(&options, &PackOutput::default());
            snapshot
        });
        runner.build_in(folder, before.as_ref(), config.borrow(), f);
    }

    /// The build plan. Not in `libcnb-test`, as are the methods below.
    #[must_use]
    #[track_caller]
    pub fn plan(&self) -> BuildPlan {
        BuildPlan(self.built().app.detection().plan.clone())
    }

    /// The buildpacks that took part, as `id@version` and in build order.
    #[must_use]
    #[track_caller]
    pub fn buildpacks(&self) -> Vec<String> {
        let group = self.built().app.detection().group.iter();
        group
            .map(|one| one.buildpack.descriptor.reference())
            .collect()
    }

    /// The layers with what the cache did for each.
    #[must_use]
    #[track_caller]
    pub fn layers(&self) -> &Layers {
        &self.built().layers
    }

    /// The process types with their commands, as a slug has them.
    #[must_use]
    #[track_caller]
    pub fn process_types(&self) -> BTreeMap<String, String> {
        let types = self.built().app.process_types().iter();
        types
            .map(|(name, command)| (name.to_string(), command.clone()))
            .collect()
    }

    /// The variables that the layers set for a process of this type, for every type without one; without those that every app
    /// has, such as `PATH`, unless layers change them. Bytes that are not UTF-8 are replaced.
    #[must_use]
    #[track_caller]
    pub fn launch_environment(&self, process: Option<&str>) -> BTreeMap<String, String> {
        let launch = &self.build().launch_environment;
        let changed = launch.apply(process, &Environment::new());
        let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
        changed
            .into_iter()
            .map(|(name, value)| (text(name), text(value)))
            .collect()
    }

    /// What a slug of the app would hold.
    #[must_use]
    #[track_caller]
    pub fn files(&self) -> Files {
        let entries = self.built().app.entries();
        Files(entries.unwrap_or_else(|error| refuse("Error listing the app", &error)))
    }

    /// The languages that buildpacks reported, as slugbuilder's own does.
    #[must_use]
    #[track_caller]
    pub fn languages(&self) -> Vec<Language> {
        self.built().app.languages()
    }

    /// The decisions that buildpacks reported, as slugbuilder's own does.
    #[must_use]
    #[track_caller]
    pub fn decisions(&self) -> Vec<Decision> {
        self.built().app.decisions()
    }

    /// What the user is warned of.
    #[must_use]
    #[track_caller]
    pub fn warnings(&self) -> &[Warning] {
        self.built().app.warnings()
    }

    /// Why the build failed; nothing where it did not.
    #[must_use]
    pub fn error(&self) -> Option<&Diagnosis> {
        self.result.as_ref().err()
    }

    /// Writes the slug, and gives its path and its manifest. Nothing is compressed before that. It is gone with this context.
    #[track_caller]
    pub fn write_slug(&mut self) -> (PathBuf, Manifest) {
        let Self {
            result, options, ..
        } = self;
        let built = match result {
            Ok(built) => built,
            Err(error) => failed(error),
        };
        let manifest = built.app.write_slug(options, &PackOutput::default());
        let manifest = manifest.unwrap_or_else(|error| refuse("Error writing the slug", &error));
        (options.output.clone(), manifest)
    }

    #[track_caller]
    fn built(&self) -> &Built {
        match &self.result {
            Ok(built) => built,
            Err(error) => failed(error),
        }
    }

    #[track_caller]
    fn build(&self) -> &Build {
        self.built().app.built()
    }

    #[track_caller]
    fn image(&self) -> &Image {
        let built = self.built();
        self.image.get_or_init(|| {
            Image::new(&built.app, &self.folder)
                .unwrap_or_else(|error| refuse("Error laying the app out", &error))
        })
    }
}

#[track_caller]
fn failed(error: &Diagnosis) -> ! {
    panic!(
        "the build failed, so that there is no app to look at: {}",
        error.one_line()
    )
}

fn copy_sbom(from: Option<&Path>, to: &Path) -> std::io::Result<()> {
    let gone = || std::io::Error::from(std::io::ErrorKind::NotFound);
    let from = from.ok_or_else(gone)?;
    if let Some(parent) = to.parent() {
        fs_err::create_dir_all(parent)?;
    }
    fs_err::copy(from, to)?;
    Ok(())
}
