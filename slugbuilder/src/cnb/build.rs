//! The build phase (section 2.4 of the reference).

use super::cleared::Kept;
use super::environment::{BUILD_ROOTS, read_modifications, root_modifications};
use super::launch::{LaunchDocument, Processes};
use super::launch_environment::unavailable_programs;
use super::layers::{read_layers, read_sboms};
use super::report::read_report;
use super::{
    Buildpack, BuiltLayer, CnbError, Detection, Label, LaunchEnvironment, Phase, PlanEntry,
    Platform, Process, ProcessElsewhere, Require, Sbom, Slice,
};
use crate::sandbox::{Environment, Invocation, Outcome, Stream};
use crate::secrets::Secrets;
use serde::{Deserialize, Serialize};
use slugbuilder_report::{Event, PhaseReport, Warning};
use std::path::{Path, PathBuf};

/// What a buildpack's `bin/build` reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhaseOfBuildpack {
    /// Id of the buildpack.
    pub buildpack: String,
    /// Its report; empty if it wrote none.
    pub report: PhaseReport,
}

/// What the buildpacks of a group built.
#[derive(Debug, Clone, Default)]
pub struct Build {
    /// The process types, by name. Of several definitions of a type, the last buildpack's is here.
    pub processes: Vec<Process>,
    /// Process types that are not for running apps, in build order.
    pub processes_elsewhere: Vec<ProcessElsewhere>,
    /// The layers in build order, those of a buildpack by name.
    pub layers: Vec<BuiltLayer>,
    /// What happens before a process starts.
    pub launch_environment: LaunchEnvironment,
    /// Labels for an image.
    pub labels: Vec<Label>,
    /// Slices for an image.
    pub slices: Vec<Slice>,
    /// Bills of materials.
    pub sboms: Vec<Sbom>,
    /// What the buildpacks reported, in build order.
    pub reports: Vec<PhaseOfBuildpack>,
    /// Names of plan entries that every buildpack left unmet.
    pub unmet: Vec<String>,
    /// What the user should know.
    pub warnings: Vec<Warning>,
}

impl Build {
    /// Replaces secrets in everything that is for people only.
    pub(crate) fn redact(&mut self, secrets: &Secrets) {
        for phase in &mut self.reports {
            secrets.redact_data(&mut phase.report);
        }
        for warning in &mut self.warnings {
            *warning = secrets.redact_warning(warning);
        }
    }
}

/// A buildpack's part of the plan, as its `bin/build` reads it.
#[derive(Serialize)]
struct BuildpackPlan<'a> {
    entries: Vec<&'a Require>,
}

#[derive(Default, Deserialize)]
struct BuildDocument {
    #[serde(default)]
    unmet: Vec<Unmet>,
}

#[derive(Deserialize)]
struct Unmet {
    #[serde(default)]
    name: String,
}

/// `store.toml`; whatever its metadata is.
#[derive(Deserialize)]
struct StoreDocument {
    #[serde(default, rename = "metadata")]
    _metadata: toml::Table,
}

impl Platform<'_> {
    /// Runs `bin/build` of each buildpack of the group in turn.
    ///
    /// Call [`Platform::restore`] first: it clears what the last build left. On an error the layers are in an unknown
    /// state; see the module's words on interrupted builds.
    pub fn build(&self, detection: &Detection) -> Result<Build, CnbError> {
        self.prepare()?;
        let mut progress = Progress {
            plan: detection.plan.clone(),
            environment: self.executor.base_environment().clone(),
            processes: Processes::default(),
            build: Build::default(),
            kept: self.keep_restored(&detection.group)?,
        };
        let mut later = detection.group.as_slice();
        while let Some((participant, rest)) = later.split_first() {
            let index = detection.group.len() - later.len();
            self.build_one(index, &participant.buildpack, &mut progress)?;
            let folder = self.layers_of(&participant.buildpack);
            self.keep_finished(&folder, rest, &mut progress.kept)?;
            later = rest;
        }
        let mut build = progress.build;
        build.processes_elsewhere = std::mem::take(&mut progress.processes.elsewhere);
        build.processes = progress.processes.into_vec();
        build.warnings.extend(unavailable_programs(
            self.files(),
            &build.launch_environment.exec_d,
            &build.layers,
        )?);
        build.unmet = progress.plan.into_iter().map(|entry| entry.name).collect();
        Ok(build)
    }

    /// The folder of a buildpack's layers.
    pub(super) fn layers_of(&self, buildpack: &Buildpack) -> PathBuf {
        self.layers_dir().join(buildpack.descriptor.escaped_id())
    }

    fn build_one(
        &self,
        index: usize,
        buildpack: &Buildpack,
        progress: &mut Progress,
    ) -> Result<(), CnbError> {
        let files = self.files();
        let descriptor = &buildpack.descriptor;
        let folder = self.layers_of(buildpack);
        files.make_directory(&folder)?;
        for stale in ["launch.toml", "build.toml"] {
            files.remove(&folder.join(stale))?;
        }
        let exchange = self.exchange_dir("build", index, buildpack)?;
        let given: Vec<&PlanEntry> = progress
            .plan
            .iter()
            .filter(|entry| entry.providers.contains(&descriptor.id))
            .collect();
        let given_names: Vec<String> = given.iter().map(|entry| entry.name.clone()).collect();
        files.write(&exchange.plan, &plan_file(&exchange.plan, &given)?)?;

        let mut environment = self.environment(buildpack, &progress.environment, &exchange);
        environment.insert("CNB_BP_PLAN_PATH".into(), exchange.plan.clone().into());
        environment.insert("CNB_LAYERS_DIR".into(), folder.clone().into());
        let invocation = Invocation::new(buildpack.program("build"), self.executor.app_dir())
            .argument(&folder)
            .argument(self.platform_dir())
            .argument(&exchange.plan)
            .environment(environment);
        let title = descriptor.name.as_deref().unwrap_or(&descriptor.id);
        if !self.resolves_only() {
            let text = format!("Building with {title} {}", descriptor.version);
            self.reporter.report(Event::Step(&text));
        }
        let own = self.watch(&folder)?;
        let outcome = if self.reporter.wants_errors_apart() {
            self.executor.run_apart(&invocation, &mut |stream, line| {
                self.reporter.report(match stream {
                    Stream::Output => Event::Output(line),
                    Stream::Error => Event::ErrorOutput(line),
                });
            })?
        } else {
            self.executor.run(&invocation, &mut |line| {
                self.reporter.report(Event::Output(line));
            })?
        };
        if matches!(outcome, Outcome::TimedOut | Outcome::Interrupted) {
            return Err(CnbError::Stopped {
                phase: Phase::Build,
                buildpack: descriptor.id.clone(),
                outcome,
            });
        }
        let report = read_report(
            files,
            &exchange.report,
            &descriptor.id,
            &mut progress.build.warnings,
        );
        // Before the outcome is looked at: the loss may be why it failed.
        self.bring_back(
            buildpack,
            &own,
            &progress.kept,
            &mut progress.build.warnings,
        )?;
        if !outcome.success() {
            return Err(CnbError::BuildFailed {
                buildpack: descriptor.id.clone(),
                outcome,
                diagnosis: report.error.map(Box::new),
            });
        }
        progress.build.reports.push(PhaseOfBuildpack {
            buildpack: descriptor.id.clone(),
            report,
        });
        self.take_output(buildpack, &folder, &given_names, progress)
    }

    fn take_output(
        &self,
        buildpack: &Buildpack,
        folder: &Path,
        given: &[String],
        progress: &mut Progress,
    ) -> Result<(), CnbError> {
        let files = self.files();
        let descriptor = &buildpack.descriptor;
        let layers = read_layers(files, descriptor, folder)?;

        let path = folder.join("build.toml");
        let document = files.read_toml::<BuildDocument>(&path)?.unwrap_or_default();
        for unmet in &document.unmet {
            if !given.contains(&unmet.name) {
                return Err(CnbError::InvalidOutput {
                    buildpack: descriptor.id.clone(),
                    path,
                    reason: format!(
                        "calls `{}` unmet, which nobody asked the buildpack for",
                        unmet.name
                    ),
                });
            }
        }
        let is_met = |entry: &PlanEntry| {
            given.contains(&entry.name)
                && !document.unmet.iter().any(|unmet| unmet.name == entry.name)
        };
        progress.plan.retain(|entry| !is_met(entry));

        let path = folder.join("launch.toml");
        if let Some(mut document) = files.read_toml::<LaunchDocument>(&path)? {
            progress.build.labels.append(&mut document.labels);
            progress.build.slices.append(&mut document.slices);
            progress
                .processes
                .add(&path, descriptor, document, &mut progress.build.warnings)?;
        }
        files.read_toml::<StoreDocument>(&folder.join("store.toml"))?;
        progress
            .build
            .sboms
            .append(&mut read_sboms(files, descriptor, folder)?);

        for layer in layers.iter().filter(|layer| layer.build) {
            let mut modifications = root_modifications(files, &layer.directory, BUILD_ROOTS)?;
            modifications.extend(read_modifications(files, &layer.directory.join("env"))?);
            modifications.extend(read_modifications(
                files,
                &layer.directory.join("env.build"),
            )?);
            for modification in modifications {
                modification.apply(&mut progress.environment);
            }
        }
        progress.build.launch_environment.add(files, &layers)?;
        progress.build.layers.extend(layers);
        Ok(())
    }
}

/// What goes from one buildpack to the next.
struct Progress {
    plan: Vec<PlanEntry>,
    environment: Environment,
    processes: Processes,
    build: Build,
    kept: Vec<Kept>,
}

fn plan_file(path: &Path, given: &[&PlanEntry]) -> Result<Vec<u8>, CnbError> {
    let plan = BuildpackPlan {
        entries: given.iter().flat_map(|entry| &entry.requires).collect(),
    };
    toml::to_string(&plan)
        .map(String::into_bytes)
        .map_err(|error| CnbError::InvalidDocument {
            path: path.to_owned(),
            line: None,
            reason: format!("the plan cannot be written: {error}"),
        })
}
