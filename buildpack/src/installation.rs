//! Installing and building, language by language.

use crate::buildpack::{Session, SlugbuilderBuildpack};
use crate::detect::{AppPlan, PlannedLanguage};
use crate::error::BuildpackError;
use crate::layers::{self, LayerMetadata};
use crate::node::toolchain::{self, Toolchain};
use crate::node::{self, ManagerSource, Modules, NodeApp};
use crate::resolution;
use crate::runtime::Runtime;
use crate::source::ruby::Pins;
use crate::source::{InstallError, Provenance, manager, webrick};
use crate::version::Version;
use slugbuilder_report::{Event, Language, PinKind, Warning};
use std::path::Path;

impl SlugbuilderBuildpack {
    /// Installs every language and builds what there is to build.
    pub(crate) fn install(
        &self,
        session: &Session<'_>,
        plan: &AppPlan,
        pins: &mut Pins,
    ) -> libcnb::Result<Vec<Language>, BuildpackError> {
        let settings = session.kit.settings;
        let mut languages = Vec::new();
        let mut obtained = Vec::new();
        let mut missing = Vec::new();
        for planned in &plan.languages {
            let resolved = &planned.resolved;
            let requested = &resolved.requested;
            self.reporter.report(Event::Step(&format!(
                "{} {} ({}) → {}",
                planned.runtime, requested.text, requested.origin, resolved.version
            )));
            let mut language = planned.report();
            let installed = self.install_language(session, plan, planned, pins, &missing);
            let (version, origin) = match installed {
                Ok(installed) => installed,
                // What else is missing is for the same message.
                Err(libcnb::Error::BuildpackError(BuildpackError::Install(error)))
                    if error.is_offline() || error.is_of_folder() =>
                {
                    let beside = missing_beside(session, plan, planned);
                    let beside = beside.filter(|beside| beside.what() != error.what());
                    missing.push(error);
                    missing.extend(beside);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let exact = Version::parse(&version).unwrap_or(resolved.version);
            let drift = settings
                .lock
                .check(
                    PinKind::Runtime,
                    planned.runtime.name(),
                    &exact.to_string(),
                    &origin,
                )
                .map_err(BuildpackError::Lock)?;
            if let Some(drift) = drift {
                self.warn(drift.warning());
            }
            obtained.push(resolution::Obtained {
                runtime: planned.runtime,
                version: exact,
                provenance: origin.clone(),
            });
            self.reporter.report(Event::Note(&format!(
                "{} {version} from {}",
                planned.runtime, origin.source
            )));
            language.version = Some(version);
            language.obtained_from = Some(origin.source);
            language.checksum = origin.checksum;
            language.verified_by = Some(origin.verified_by);
            languages.push(language);
        }
        if !missing.is_empty() {
            let app = plan.node.as_ref();
            let has_packages = app.is_some_and(|app| app.modules == Modules::Installed);
            return Err(BuildpackError::Missing {
                missing,
                has_packages,
            }
            .into());
        }
        if settings.resolve_only {
            self.report_resolution(session, plan, &obtained)?;
        }
        Ok(languages)
    }

    /// Installs one language and builds what there is of it, unless something is missing or nothing is to be built. Returns
    /// its version and where that comes from.
    fn install_language(
        &self,
        session: &Session<'_>,
        plan: &AppPlan,
        planned: &PlannedLanguage,
        pins: &mut Pins,
        missing: &[InstallError],
    ) -> libcnb::Result<(String, Provenance), BuildpackError> {
        let resolved = &planned.resolved;
        let is_built = missing.is_empty() && !session.kit.settings.resolve_only;
        Ok(match planned.runtime {
            Runtime::Node => {
                let layer = match plan.node.as_ref().filter(|app| app.needs_manager()) {
                    Some(app) => {
                        let asked = is_built.then(|| node::build::ask(session, app));
                        let toolchain = toolchain::prepare(session, resolved, app, plan.needs_npm)?;
                        self.check_manager(session, app, &toolchain)?;
                        if let Some(asked) = asked {
                            for warning in node::build::build(session, &toolchain, app, asked)? {
                                self.warn(warning);
                            }
                        }
                        toolchain.node
                    }
                    None => layers::node::install(session, resolved, plan.needs_npm)?,
                };
                if layers::node_environment::is_wanted(plan) {
                    layers::node_environment::install(session, plan.node.as_ref())?;
                }
                (layer.runtime.version, layer.origin)
            }
            Runtime::Ruby => {
                let (layer, path) = layers::ruby::install(session, resolved, pins)?;
                if layer.runtime.version != resolved.version.to_string() {
                    self.warn(other_ruby(planned, &layer));
                }
                if let Some(file) = &plan.webrick {
                    self.reporter.report(Event::Note(&format!(
                        "{file} requires WEBrick, which Ruby does not bring"
                    )));
                    layers::webrick::install(session, &layer, &path)?;
                }
                (layer.runtime.version, layer.origin)
            }
            Runtime::Go => {
                let toolchain = layers::go::install(session, resolved)?;
                if is_built {
                    let mut warnings = Vec::new();
                    let folder = session.context.app_dir.join(&plan.folder);
                    let built =
                        layers::go::build(session, &toolchain, &plan.go, &folder, &mut warnings);
                    for warning in warnings {
                        self.warn(warning);
                    }
                    built?;
                }
                (resolved.version.go_name(), toolchain.origin)
            }
        })
    }

    /// Compares the package manager with the lock.
    fn check_manager(
        &self,
        session: &Session<'_>,
        app: &NodeApp,
        toolchain: &Toolchain,
    ) -> Result<(), BuildpackError> {
        // The one in Node.js's archive is pinned with that, and the app's own is part of the app.
        if !matches!(app.manager.source, ManagerSource::Package(_)) {
            return Ok(());
        }
        let version = app.manager.version.to_string();
        let origin = &toolchain.manager.origin;
        let program = app.manager.manager.program();
        let lock = &session.kit.settings.lock;
        if let Some(drift) = lock.check(PinKind::PackageManager, program, &version, origin)? {
            self.warn(drift.warning());
        }
        Ok(())
    }

    fn report_resolution(
        &self,
        session: &Session<'_>,
        plan: &AppPlan,
        obtained: &[resolution::Obtained],
    ) -> Result<(), BuildpackError> {
        let kit = &session.kit;
        let receipts = kit.receipts().all().map_err(|error| {
            BuildpackError::Install(InstallError::Unusable {
                what: "what was obtained".to_owned(),
                name: "the cache".to_owned(),
                error: Box::new(error),
            })
        })?;
        let integrity = |version| {
            let known = session
                .catalogues
                .of(Runtime::Node)
                .versions
                .get(&version)?;
            known.npm(kit.target.machine).map(str::to_owned)
        };
        let pins = resolution::pins(kit, plan, obtained, integrity, &receipts);
        let files = resolution::files(kit, &receipts);
        self.update_report(|report| {
            report.pins = pins;
            report.files = files;
        });
        Ok(())
    }
}

/// What comes after a language that is missing, and is missing too: without a network or with a mirror folder, looking for
/// it costs nothing.
fn missing_beside(
    session: &Session<'_>,
    plan: &AppPlan,
    planned: &PlannedLanguage,
) -> Option<InstallError> {
    let nowhere = Path::new("");
    match planned.runtime {
        Runtime::Node => {
            let app = plan.node.as_ref().filter(|app| app.needs_manager())?;
            let ManagerSource::Package(bundle) = &app.manager.source else {
                return None;
            };
            let own = manager::OwnNpm {
                node: nowhere,
                version: planned.resolved.version,
                hashes: &session.hashes(&planned.resolved),
            };
            manager::obtain(&session.kit, &app.manager, bundle, &own).err()
        }
        Runtime::Ruby => {
            plan.webrick.as_ref()?;
            webrick::obtain(&session.kit, Some(nowhere)).err()
        }
        Runtime::Go => None,
    }
}

fn other_ruby(planned: &PlannedLanguage, layer: &LayerMetadata) -> Warning {
    let requested = &planned.resolved.requested;
    let message = format!(
        "the app gets Ruby {} from {} instead of {}, because no source of that could be reached",
        layer.runtime.version, layer.origin.source, planned.resolved.version
    );
    let warning = Warning::new("other-ruby-version", message);
    if requested.is_default() {
        warning.hint("Ask for a version in `.ruby-version` to be sure of it.")
    } else {
        warning.hint(format!(
            "It matches `{}` ({}). Ask for all three numbers to be sure of it.",
            requested.text, requested.origin
        ))
    }
}
