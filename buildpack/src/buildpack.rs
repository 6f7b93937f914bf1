//! The buildpack as libcnb sees it, and the state that its phases share.

use crate::app::App;
use crate::catalogue::{Catalogues, Hashes};
use crate::command::Environment;
use crate::date::Day;
use crate::detect::{self, AppPlan};
use crate::error::{BuildpackError, FrameworkError};
use crate::launch;
use crate::lock::Lock;
use crate::node::host::Host;
use crate::runtime::Runtime;
use crate::settings::{self, Mirror, Settings};
use crate::source::{Kit, Sites, ruby::Pins};
use crate::target::Target;
use crate::version::Resolved;
use libcnb::build::{BuildContext, BuildResult, BuildResultBuilder};
use libcnb::data::build_plan::{BuildPlanBuilder, Require};
use libcnb::data::store::Store;
use libcnb::detect::{DetectContext, DetectResult, DetectResultBuilder};
use libcnb::generic::{GenericMetadata, GenericPlatform};
use libcnb::{Buildpack, Platform as _};
use sha2::{Digest as _, Sha256};
use slugbuilder_fetch::{Cache, Client};
use slugbuilder_report::lock::LOCK_FILE;
use slugbuilder_report::{Diagnosis, Event, PhaseReport, Reporter, Silent, Style, Warning};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// What `[metadata]` of store.toml keeps the pins under.
const PINS: &str = "ruby-archives";

/// The name in the build plan.
const PLAN_ENTRY: &str = "slugbuilder";

/// The buildpack with what its process was started with.
pub struct SlugbuilderBuildpack {
    /// The process's variables.
    process: Environment,
    /// The day, for end-of-life warnings.
    today: Day,
    /// The languages' own sites; another value than the default is for tests.
    sites: Sites,
    /// The machine that builds.
    host: Host,
    /// Hears what happens.
    pub(crate) reporter: Box<dyn Reporter>,
    report: Mutex<PhaseReport>,
    report_file: Mutex<Option<PathBuf>>,
}

/// What the steps of a build share.
pub(crate) struct Session<'a> {
    pub(crate) context: &'a BuildContext<SlugbuilderBuildpack>,
    pub(crate) kit: Kit<'a>,
    pub(crate) catalogues: &'a Catalogues,
    /// The machine that builds.
    pub(crate) host: &'a Host,
}

impl Session<'_> {
    /// Hears whether layers are new. Where nothing is built they only hold what is looked for, and nobody is told.
    pub(crate) fn reporter_of_layers(&self) -> &dyn Reporter {
        if self.kit.settings.resolve_only {
            &Silent
        } else {
            self.kit.reporter
        }
    }

    /// What the catalogue knows of the version's archives.
    pub(crate) fn hashes(&self, resolved: &Resolved) -> Hashes {
        let catalogue = self.catalogues.of(resolved.requested.runtime);
        catalogue
            .versions
            .get(&resolved.version)
            .cloned()
            .unwrap_or_default()
    }

    /// As [`Session::mirror_mark`], of the mirror of package managers.
    pub(crate) fn mirror_mark_of_npm(&self) -> String {
        mark(self.kit.settings.npm_mirror.as_ref())
    }

    /// A mark of the mirror's address for layer keys; the address itself may hold a password.
    pub(crate) fn mirror_mark(&self, runtime: Runtime) -> String {
        mark(self.kit.settings.mirror(runtime))
    }
}

fn mark(mirror: Option<&Mirror>) -> String {
    mirror
        .map(|mirror| hex::encode(&Sha256::digest(mirror.address())[..8]))
        .unwrap_or_default()
}

impl Buildpack for SlugbuilderBuildpack {
    type Platform = GenericPlatform;
    type Metadata = GenericMetadata;
    type Error = BuildpackError;

    fn detect(&self, context: DetectContext<Self>) -> libcnb::Result<DetectResult, BuildpackError> {
        self.find_report_file(&context.platform);
        match self.plan(&context.app_dir, &context.platform, &context.target) {
            Ok((_, plan)) => {
                let mut require = Require::new(PLAN_ENTRY);
                require
                    .metadata(plan.report())
                    .map_err(|error| BuildpackError::Plan(error.to_string()))?;
                self.write_report(None).map_err(BuildpackError::Report)?;
                DetectResultBuilder::pass()
                    .build_plan(
                        BuildPlanBuilder::new()
                            .provides(PLAN_ENTRY)
                            .requires(require)
                            .build(),
                    )
                    .build()
            }
            // Another buildpack may know the app: detection is quiet, and the report tells.
            Err(BuildpackError::Detect(error)) if error.is_no_match() => {
                self.write_report(Some(Diagnosis::of(&error)))
                    .map_err(BuildpackError::Report)?;
                DetectResultBuilder::fail().build()
            }
            Err(error) => Err(error.into()),
        }
    }

    fn build(&self, context: BuildContext<Self>) -> libcnb::Result<BuildResult, BuildpackError> {
        self.find_report_file(&context.platform);
        // An earlier buildpack of the group may have written files since detection, so the plan is made again.
        let (settings, plan) = self.plan(&context.app_dir, &context.platform, &context.target)?;
        let target = Target::of_cnb(&context.target, settings.stack.as_deref())
            .map_err(BuildpackError::Target)?;
        let catalogues = Catalogues::embedded().map_err(BuildpackError::Catalogue)?;
        let scratch = scratch_folder(&context.layers_dir).map_err(BuildpackError::Disk)?;
        let cache_root = settings
            .cache
            .clone()
            .unwrap_or_else(|| scratch.path().join("cache"));
        let cache =
            Cache::open(&cache_root).map_err(|error| BuildpackError::Cache(Box::new(error)))?;
        let client = Client::new(slugbuilder_fetch::Settings {
            offline: settings.offline,
            proxies: settings.proxies.clone(),
            ca_file: settings.ca_file.clone(),
            ..slugbuilder_fetch::Settings::default()
        })
        .map_err(|error| BuildpackError::Client(Box::new(error)))?;
        let session = Session {
            context: &context,
            kit: Kit {
                client: &client,
                cache: &cache,
                cache_root: &cache_root,
                settings: &settings,
                sites: &self.sites,
                target: &target,
                scratch: scratch.path(),
                reporter: self.reporter.as_ref(),
            },
            catalogues: &catalogues,
            host: &self.host,
        };
        let mut pins = read_pins(context.store.as_ref());
        let installed = self.install(&session, &plan, &mut pins)?;
        self.update_report(|report| report.languages = installed);

        let launch = launch::launch(&plan.processes).map_err(BuildpackError::Plan)?;
        if !self.write_report(None).map_err(BuildpackError::Report)? {
            // Nobody else tells of the outcome.
            for process in &plan.processes {
                let text = format!("Process {}: {}", process.name, process.command);
                self.reporter.report(Event::Note(&text));
            }
            let report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
            for warning in &report.warnings {
                self.reporter.report(Event::Warning(warning));
            }
        }
        let result = BuildResultBuilder::new().launch(launch);
        if pins.is_empty() {
            return result.build();
        }
        result
            .store(write_pins(context.store.clone(), &pins))
            .build()
    }

    fn on_error(&self, error: libcnb::Error<BuildpackError>) {
        let diagnosis = match &error {
            libcnb::Error::BuildpackError(error) => Diagnosis::of(error),
            other => Diagnosis::of(&FrameworkError(other.to_string())),
        };
        let rendered = diagnosis.render(Style::Plain);
        let headline = diagnosis.headline.clone();
        // Whoever set the variable renders the report; without it (under `pack`) nobody else does.
        match self.write_report(Some(diagnosis)) {
            Ok(true) => self
                .reporter
                .report(Event::Note(&format!("error: {headline}"))),
            Ok(false) => self.report_error(&rendered),
            Err(cause) => {
                self.report_error(&rendered);
                let diagnosis = Diagnosis::of(&BuildpackError::Report(cause));
                self.report_error(&diagnosis.render(Style::Plain));
            }
        }
    }
}

impl SlugbuilderBuildpack {
    /// A buildpack for one phase of one build.
    #[must_use]
    pub fn new(
        process: Environment,
        today: Day,
        sites: Sites,
        reporter: Box<dyn Reporter>,
    ) -> Self {
        Self {
            report_file: Mutex::new(settings::report_file(&process, |_| None)),
            process,
            today,
            sites,
            host: Host::detect(Path::new("/")),
            reporter,
            report: Mutex::default(),
        }
    }

    /// The same, as if it ran on another machine.
    #[must_use]
    pub fn on_host(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    fn plan(
        &self,
        app: &Path,
        platform: &GenericPlatform,
        target: &libcnb::Target,
    ) -> Result<(Settings, AppPlan), BuildpackError> {
        let mut settings = Settings::read(&self.process, |name| platform.env().get(name).cloned())?;
        let target = Target::of_cnb(target, settings.stack.as_deref())?;
        let mut catalogues = Catalogues::embedded().map_err(BuildpackError::Catalogue)?;
        let in_app = app.join(&settings.root).join(LOCK_FILE);
        let lock_file = settings.lock_file.as_deref().unwrap_or(&in_app);
        settings.lock = Lock::read(lock_file, settings.locked)?;
        settings.lock.tell(&mut catalogues)?;
        settings.node.locked = settings.lock.managers();
        let app = App::open_view(app, settings.view_of.as_deref(), &settings.root)?;
        let mut plan = detect::plan(
            &app,
            &catalogues,
            target.machine,
            &self.today,
            &settings.node,
        )?;
        settings.lock.apply(&mut plan)?;
        self.update_report(|report| *report = plan.report());
        Ok((settings, plan))
    }

    fn report_error(&self, rendered: &str) {
        for line in rendered.lines() {
            self.reporter.report(Event::ErrorOutput(line.as_bytes()));
        }
    }

    pub(crate) fn warn(&self, warning: Warning) {
        self.update_report(|report| report.warnings.push(warning));
    }

    fn find_report_file(&self, platform: &GenericPlatform) {
        let file = settings::report_file(&self.process, |name| platform.env().get(name).cloned());
        *self
            .report_file
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = file;
    }

    pub(crate) fn update_report(&self, change: impl FnOnce(&mut PhaseReport)) {
        change(&mut self.report.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Writes the report where it is wanted. Returns whether it is.
    fn write_report(&self, error: Option<Diagnosis>) -> std::io::Result<bool> {
        let mut report = self
            .report
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        report.error = error;
        let file = self
            .report_file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some(file) = file else {
            return Ok(false);
        };
        fs_err::write(file, serde_json::to_vec_pretty(&report)?)?;
        Ok(true)
    }
}

/// A folder for temporary files on the disk of the layers, so that what is made there can be renamed into them. Those
/// of interrupted builds are removed.
fn scratch_folder(layers: &Path) -> std::io::Result<tempfile::TempDir> {
    const PREFIX: &str = ".slugbuilder-";
    for entry in fs_err::read_dir(layers)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            fs_err::remove_dir_all(entry.path())?;
        }
    }
    tempfile::Builder::new().prefix(PREFIX).tempdir_in(layers)
}

fn read_pins(store: Option<&Store>) -> Pins {
    let table = store
        .and_then(|store| store.metadata.get(PINS))
        .and_then(|value| value.as_table());
    table
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

fn write_pins(store: Option<Store>, pins: &Pins) -> Store {
    let mut store = store.unwrap_or_default();
    let table = pins
        .iter()
        .map(|(name, pin)| (name.clone(), toml::Value::String(pin.clone())))
        .collect();
    store
        .metadata
        .insert(PINS.to_owned(), toml::Value::Table(table));
    store
}
