//! What buildpacks made that a slug has no place for (pitfall 16 of section 2.11 of the reference).

use crate::cnb::{Build, SbomSubject};
use crate::slug::{NotCarried, NotCarriedKind};

/// All of it, for slug.json.
pub(super) fn of(build: &Build) -> Vec<NotCarried> {
    let one = |what, name: &str| NotCarried {
        what,
        name: name.to_owned(),
        detail: None,
        buildpack: None,
    };
    let labels = build.labels.iter().map(|label| NotCarried {
        detail: Some(label.value.clone()),
        ..one(NotCarriedKind::Label, &label.key)
    });
    let slices = build
        .slices
        .iter()
        .map(|slice| one(NotCarriedKind::Slice, &slice.paths.join(", ")));
    let sboms = build.sboms.iter().map(|sbom| {
        let subject = match &sbom.subject {
            SbomSubject::Launch => "launch",
            SbomSubject::Build => "build",
            SbomSubject::Layer(name) => name,
        };
        NotCarried {
            detail: Some(sbom.format.media_type().to_owned()),
            buildpack: Some(sbom.buildpack.clone()),
            ..one(NotCarriedKind::Sbom, subject)
        }
    });
    let processes = build.processes_elsewhere.iter().map(|process| NotCarried {
        detail: Some(process.execution_environments.join(", ")),
        buildpack: Some(process.buildpack.clone()),
        ..one(NotCarriedKind::Process, &process.r#type)
    });
    // Whoever starts an image may replace them; the command of a dyno is one line. Where they are a shell's script, a
    // one-off command replaces it as well.
    let arguments = build
        .processes
        .iter()
        .filter(|one| !one.args.is_empty() && one.command != ["bash", "-c"]);
    let arguments = arguments.map(|process| NotCarried {
        buildpack: Some(process.buildpack.clone()),
        ..one(NotCarriedKind::ReplaceableArguments, &process.r#type)
    });
    labels
        .chain(slices)
        .chain(sboms)
        .chain(processes)
        .chain(arguments)
        .collect()
}

/// One line for people; nothing where nothing is lost.
pub(super) fn message(lost: &[NotCarried]) -> Option<String> {
    let kinds = [
        (NotCarriedKind::Label, "label", "labels"),
        (NotCarriedKind::Slice, "slice", "slices"),
        (
            NotCarriedKind::Sbom,
            "bill of materials",
            "bills of materials",
        ),
        (
            NotCarriedKind::Process,
            "process for elsewhere",
            "processes for elsewhere",
        ),
        (
            NotCarriedKind::ReplaceableArguments,
            "process whose arguments an image would let you replace",
            "processes whose arguments an image would let you replace",
        ),
    ];
    let counts: Vec<String> = kinds
        .into_iter()
        .filter_map(|(kind, singular, plural)| {
            match lost.iter().filter(|one| one.what == kind).count() {
                0 => None,
                1 => Some(format!("1 {singular}")),
                count => Some(format!("{count} {plural}")),
            }
        })
        .collect();
    (!counts.is_empty()).then(|| {
        format!(
            "A slug has no place for {}; `build.not_carried` of slug.json lists them",
            counts.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cnb::{Label, Process, ProcessElsewhere, Sbom, SbomFormat, Slice};

    #[test]
    fn everything_is_listed_and_counted() {
        let build = Build {
            labels: vec![Label {
                key: "k".into(),
                value: "v".into(),
            }],
            slices: vec![Slice {
                paths: vec!["a/*".into(), "b".into()],
            }],
            sboms: [SbomSubject::Launch, SbomSubject::Layer("l".into())]
                .map(|subject| Sbom {
                    buildpack: "acme/b".into(),
                    subject,
                    format: SbomFormat::Spdx,
                    path: "/x".into(),
                })
                .into(),
            processes_elsewhere: vec![ProcessElsewhere {
                r#type: "test".into(),
                execution_environments: vec!["test".into()],
                buildpack: "acme/b".into(),
            }],
            processes: vec![Process {
                r#type: "web".into(),
                command: vec!["x".into()],
                args: vec!["y".into()],
                default: true,
                working_directory: None,
                buildpack: "acme/b".into(),
            }],
            ..Build::default()
        };
        let lost = of(&build);
        insta::assert_snapshot!(message(&lost).unwrap(), @"A slug has no place for 1 label, 1 slice, 2 bills of materials, 1 process for elsewhere, 1 process whose arguments an image would let you replace; `build.not_carried` of slug.json lists them");
        insta::assert_snapshot!(serde_json::to_string(&lost).unwrap().replace("},", "},\n"), @r#"
        [{"what":"label","name":"k","detail":"v"},
        {"what":"slice","name":"a/*, b"},
        {"what":"sbom","name":"launch","detail":"application/spdx+json","buildpack":"acme/b"},
        {"what":"sbom","name":"l","detail":"application/spdx+json","buildpack":"acme/b"},
        {"what":"process","name":"test","detail":"test","buildpack":"acme/b"},
        {"what":"replaceable-arguments","name":"web","buildpack":"acme/b"}]
        "#);
        assert_eq!(message(&of(&Build::default())), None);
    }
}
