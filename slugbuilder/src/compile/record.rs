//! What slug.json says of a build.

use super::{CompileOptions, LaidOut};
use crate::archive::Summary;
use crate::cnb::{Build, BuildpackDescriptor, Detection};
use crate::layout::AppLayout;
use crate::secrets::{Passage, Secrets};
use crate::slug::{self, Manifest, NotCarried, ProcessType};
use crate::stage::Survey;
use serde::{Deserialize, Serialize};
use slugbuilder_report::{Decision, Language, PhaseReport, Warning};
use std::collections::BTreeMap;

/// What a build leaves besides files: all that a slug and its manifest need to know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outcome {
    pub(super) layout: AppLayout,
    pub(super) process_types: BTreeMap<ProcessType, String>,
    /// What the slug holds besides files, to look for secrets in.
    pub(super) passages: Vec<Passage>,
    pub(super) description: String,
    pub(super) languages: Vec<Language>,
    pub(super) decisions: Vec<Decision>,
    pub(super) not_carried: Vec<NotCarried>,
    /// Of the build, without those of the source and of the archive.
    pub(super) warnings: Vec<Warning>,
}

impl Outcome {
    pub(super) fn of(
        detection: &Detection,
        build: &Build,
        laid_out: &LaidOut,
        not_carried: &[NotCarried],
        warnings: &[Warning],
    ) -> Self {
        let reports = reports(detection, build);
        let descriptors: Vec<_> = detection
            .group
            .iter()
            .map(|participant| &participant.buildpack.descriptor)
            .collect();
        Self {
            layout: laid_out.layout.clone(),
            process_types: laid_out.process_types.clone(),
            passages: Passage::all_of(&build.processes, &build.launch_environment),
            description: description(&reports, &descriptors),
            languages: languages(&reports),
            decisions: decisions(&reports),
            not_carried: not_carried.to_vec(),
            warnings: warnings.to_vec(),
        }
    }

    /// Replaces secrets in everything that is for people only.
    pub(super) fn redact(&mut self, secrets: &Secrets) {
        secrets.redact_data(&mut self.languages);
        secrets.redact_data(&mut self.decisions);
        secrets.redact_data(&mut self.not_carried);
        secrets.redact_data(&mut self.warnings);
    }

    pub(super) fn manifest(
        &self,
        options: &CompileOptions,
        survey: &Survey,
        summary: &Summary,
        warnings: &[Warning],
    ) -> Manifest {
        Manifest {
            slug: slug::Slug {
                process_types: self.process_types.clone(),
                stack: options.stack.name.clone(),
                checksum: slug::Checksum(summary.sha256),
                commit: survey.git.as_ref().map(|commit| commit.id.clone()),
                commit_description: survey.git.as_ref().map(|commit| commit.summary.clone()),
                buildpack_provided_description: Some(self.description.clone()),
            },
            build: slug::Build {
                languages: self.languages.clone(),
                decisions: self.decisions.clone(),
                warnings: warnings.to_vec(),
                not_carried: self.not_carried.clone(),
                ..slug::Build::of(summary)
            },
        }
    }
}

/// What the buildpacks reported, in the order of the phases.
pub(super) fn reports<'a>(detection: &'a Detection, build: &'a Build) -> Vec<&'a PhaseReport> {
    let detected = detection.group.iter().map(|one| &one.report);
    let of_build = build.reports.iter().map(|phase| &phase.report);
    detected.chain(of_build).collect()
}

/// The decisions of all phases, each once: the build repeats what detection decided.
pub(super) fn decisions(reports: &[&PhaseReport]) -> Vec<Decision> {
    let mut all: Vec<Decision> = Vec::new();
    for decision in reports.iter().flat_map(|report| &report.decisions) {
        if !all.contains(decision) {
            all.push(decision.clone());
        }
    }
    all
}

/// The languages of all phases; what a later phase knows of one replaces what an earlier one did.
pub(super) fn languages(reports: &[&PhaseReport]) -> Vec<Language> {
    let mut all: Vec<Language> = Vec::new();
    for language in reports.iter().flat_map(|report| &report.languages) {
        match all.iter_mut().find(|known| known.name == language.name) {
            Some(known) => *known = language.clone(),
            None => all.push(language.clone()),
        }
    }
    all
}

/// `buildpack_provided_description`: the languages where buildpacks report them, else the buildpacks.
fn description(reports: &[&PhaseReport], buildpacks: &[&BuildpackDescriptor]) -> String {
    let names: Vec<String> = languages(reports)
        .into_iter()
        .map(|language| match language.name.as_str() {
            "node" => "Node.js".to_owned(),
            "ruby" => "Ruby".to_owned(),
            "go" => "Go".to_owned(),
            other => other.to_owned(),
        })
        .collect();
    if names.is_empty() {
        buildpacks
            .iter()
            .map(|one| one.reference())
            .collect::<Vec<_>>()
            .join(", ")
    } else {
        names.join(", ")
    }
}
