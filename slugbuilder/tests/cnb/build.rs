//! Sections 2.4 and 2.5: build and its environment.

use crate::host::{Host, environment};
use slugbuilder::cnb::SbomSubject;
use slugbuilder::sandbox::Outcome;

/// Prints a variable into the app.
fn see(names: &str) -> String {
    let prints: Vec<String> = names
        .split(' ')
        .map(|name| format!("printf '%s\\n' \"{name}=${{{name}-unset}}\" >> seen"))
        .collect();
    prints.join("\n")
}

fn layer(types: &str, commands: &str) -> String {
    format!(
        "mkdir -p \"$1/l\"; printf '[types]\\n{types}\\n' > \"$1/l.toml\"; cd \"$1/l\"; {commands}"
    )
}

#[test]
fn the_programs_get_arguments_variables_and_directory() {
    let print = "{ pwd; echo \"$#\"; echo \"$1\"; echo \"$2\"; echo \"$3\"; env | grep '^CNB_\\|^SLUGBUILDER' | sort; } > seen";
    let host = Host::new().builds("a/b", print);
    host.build().unwrap();
    insta::assert_snapshot!(host.read("seen"), @r"
    /app
    3
    /app/.slugbuilder/layers/a_b
    /exchange/platform
    /exchange/build/0-a_b/plan.toml
    CNB_BP_PLAN_PATH=/exchange/build/0-a_b/plan.toml
    CNB_BUILDPACK_DIR=/buildpacks/a/b
    CNB_LAYERS_DIR=/app/.slugbuilder/layers/a_b
    CNB_PLATFORM_DIR=/exchange/platform
    CNB_TARGET_ARCH=amd64
    CNB_TARGET_DISTRO_NAME=ubuntu
    CNB_TARGET_DISTRO_VERSION=24.04
    CNB_TARGET_OS=linux
    SLUGBUILDER_REPORT=/exchange/build/0-a_b/report.json
    ");
    assert_eq!(host.output(), ["# Building with a/b 1"]);
}

#[test]
fn a_buildpack_sees_the_requires_of_what_it_provides_until_they_are_met() {
    let provides = |names: &str| {
        format!("for n in {names}; do printf '[[provides]]\\nname=\"%s\"\\n' $n; done > \"$2\"")
    };
    let requires = "for n in x y; do printf '[[requires]]\\nname=\"%s\"\\n[requires.metadata]\\nof=\"%s\"\\n' $n $n; done > \"$2\"";
    let host = Host::new()
        .buildpack("a", &provides("x y"), "cp \"$3\" a-plan; printf '[[unmet]]\\nname=\"y\"\\n' > \"$1/build.toml\"")
        .buildpack("b", &provides("x y"), "cp \"$CNB_BP_PLAN_PATH\" b-plan; printf '[[unmet]]\\nname=\"y\"\\n' > \"$1/build.toml\"")
        .buildpack("c", requires, "cp \"$3\" c-plan");
    let build = host.build().unwrap();
    insta::assert_snapshot!(host.read("a-plan"), @r#"
    [[entries]]
    name = "x"

    [entries.metadata]
    of = "x"

    [[entries]]
    name = "y"

    [entries.metadata]
    of = "y"
    "#);
    insta::assert_snapshot!(host.read("b-plan"), @r#"
    [[entries]]
    name = "y"

    [entries.metadata]
    of = "y"
    "#);
    insta::assert_snapshot!(host.read("c-plan"), @"entries = []");
    assert_eq!(build.unmet, ["y"]);
}

#[test]
fn unmet_must_name_what_was_asked_for() {
    let host = Host::new().builds(
        "a",
        "printf '[[unmet]]\\nname=\"z\"\\n' > \"$1/build.toml\"",
    );
    insta::assert_snapshot!(host.rendered(&host.build().unwrap_err()), @r"
    error[buildpack-contract]: buildpack `a` broke the buildpack contract: `/app/.slugbuilder/layers/a/build.toml` calls `z` unmet, which nobody asked the buildpack for

      hint: Report this to the authors of the buildpack.
    ");
}

#[test]
fn a_failed_build_names_buildpack_and_outcome() {
    let host = Host::new().builds("a", "echo compiling; exit 7");
    insta::assert_snapshot!(host.rendered(&host.build().unwrap_err()), @r"
    error[build-failed]: buildpack `a` failed: its build exited with status 7

      Its own output is above.
    ");
    assert_eq!(host.output(), ["# Building with a 1", "compiling"]);

    let mut host = Host::new().builds("a", "exit 0");
    let detection = host.detect("a").unwrap();
    drop(detection);
    host.outcome = Some(Outcome::TimedOut);
    assert_eq!(
        host.build().unwrap_err().to_string(),
        "detect of buildpack `a` ran out of time"
    );
}

#[test]
fn a_failed_builds_report_speaks_for_it() {
    let host = Host::new().builds(
        "a",
        "echo '{\"error\":{\"code\":\"bad-version\",\"headline\":\"no such version\",\"fault\":\"usage\",\"retryable\":false}}' > \"$SLUGBUILDER_REPORT\"; exit 1",
    );
    let error = host.build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "buildpack `a` failed: its build exited with status 1"
    );
    insta::assert_snapshot!(host.rendered(&error), @"error[bad-version]: no such version");
}

#[test]
fn only_layers_with_a_type_are_layers() {
    let host = Host::new().builds(
        "a",
        "for n in none launch2 cached; do mkdir \"$1/$n\"; touch \"$1/$n/file\"; done; mkdir \"$1/stray\"\n\
         touch \"$1/none.toml\"; echo types.launch=true > \"$1/launch2.toml\"; printf 'types.cache=true\\nmetadata.k=\"v\"' > \"$1/cached.toml\"",
    );
    let build = host.build().unwrap();
    let names: Vec<&str> = build
        .layers
        .iter()
        .map(|layer| layer.name.as_str())
        .collect();
    assert_eq!(names, ["cached", "launch2"]);
    assert_eq!(build.layers[0].metadata["k"].as_str(), Some("v"));
    assert!(build.layers[0].cache && !build.layers[0].launch && !build.layers[0].build);
    assert_eq!(
        build.layers[1].directory,
        host.app(".slugbuilder/layers/a/launch2")
    );
    assert!(host.app(".slugbuilder/layers/a/none.ignore/file").exists());
    assert!(!host.app(".slugbuilder/layers/a/none").exists());
    assert_eq!(host.read(".slugbuilder/.gitignore"), "*\n");
}

#[test]
fn types_outside_of_their_table_are_refused() {
    let host = Host::new().builds("a", "echo launch=true > \"$1/l.toml\"");
    insta::assert_snapshot!(host.rendered(&host.build().unwrap_err()), @r"
    error[buildpack-contract]: buildpack `a` broke the buildpack contract: `/app/.slugbuilder/layers/a/l.toml` sets `launch`, `build` or `cache` outside of its `[types]` table

      hint: Report this to the authors of the buildpack.
    ");
}

#[test]
fn a_launch_layer_needs_contents() {
    let host = Host::new().builds("a", "echo types.launch=true > \"$1/l.toml\"");
    insta::assert_snapshot!(host.rendered(&host.build().unwrap_err()), @r"
    error[buildpack-contract]: buildpack `a` broke the buildpack contract: `/app/.slugbuilder/layers/a/l` is a launch layer without contents, and there is no earlier image to take them from

      hint: Report this to the authors of the buildpack.
    ");
}

#[test]
fn build_layers_change_the_environment_of_later_buildpacks_only() {
    let folders = layer("build=true", "mkdir bin lib include pkgconfig");
    let names = "PATH LD_LIBRARY_PATH LIBRARY_PATH CPATH PKG_CONFIG_PATH";
    let host = Host::new()
        .builds("a", &format!("{}\n{folders}", see("PATH")))
        .builds("b", &see(names));
    host.build().unwrap();
    insta::assert_snapshot!(host.read("seen"), @r"
    PATH=/usr/bin:/bin
    PATH=/app/.slugbuilder/layers/a/l/bin:/usr/bin:/bin
    LD_LIBRARY_PATH=/app/.slugbuilder/layers/a/l/lib
    LIBRARY_PATH=/app/.slugbuilder/layers/a/l/lib
    CPATH=/app/.slugbuilder/layers/a/l/include
    PKG_CONFIG_PATH=/app/.slugbuilder/layers/a/l/pkgconfig
    ");
}

#[test]
fn layers_that_are_not_for_build_change_nothing() {
    let host = Host::new()
        .builds(
            "a",
            &layer("launch=true", "mkdir bin env; printf x > env/A"),
        )
        .builds("b", &see("PATH A"));
    host.build().unwrap();
    assert_eq!(host.read("seen"), "PATH=/usr/bin:/bin\nA=unset\n");
}

#[test]
fn env_files_apply_in_the_order_of_their_names() {
    // Section 2.7 of the reference has the first vector: setting and appending in one folder give "overapp".
    let files = "mkdir env env.build env.launch; printf over > env/A; printf app > env/A.append; printf app > env/I.append; printf over > env/I.override; printf set > env/B; printf + > env/B.append\n\
        printf ':' > env/C.delim; printf one > env/C.append; printf two > env/C.prepend; printf d > env/D.default; printf d > env/HOME.default\n\
        printf ' spaces \\n' > env/E; printf x > env/F.unknown; printf b > env.build/B; printf l > env.launch/G; printf x > env/H.i.append; mkdir env/dir";
    let host = Host::new()
        .builds("a", &layer("build=true", files))
        .builds("b", &see("A B C D HOME E F G H I"));
    host.build().unwrap();
    insta::assert_snapshot!(host.read("seen"), @r"
    A=overapp
    B=b
    C=two:one
    D=d
    HOME=/home/build
    E= spaces 

    F=unset
    G=unset
    H=unset
    I=over
    ");
}

#[test]
fn layers_apply_by_name_and_buildpacks_in_order() {
    // `l-b.toml` comes before `l.toml` in the folder, but the layer `l` before `l-b`.
    let two = "for n in l-b l; do mkdir -p \"$1/$n/env\"; printf -- $n > \"$1/$n/env/A.append\"; printf , > \"$1/$n/env/A.delim\"; echo types.build=true > \"$1/$n.toml\"; done";
    let host = Host::new()
        .builds("a", two)
        .builds("b", two)
        .builds("c", &see("A"));
    host.build().unwrap();
    assert_eq!(host.read("seen"), "A=l,l-b,l,l-b\n");
}

#[test]
fn the_users_variables_beat_layers_at_build() {
    let files = "mkdir env; printf layer > env/A; printf /layer > env/PATH.prepend; printf : > env/PATH.delim";
    let mut host = Host::new()
        .builds("a", &layer("build=true", files))
        .builds("b", &see("A PATH"));
    host.user = environment(&[("A", "user"), ("PATH", "/user")]);
    host.build().unwrap();
    assert_eq!(
        host.read("seen"),
        "A=user\nPATH=/user:/layer:/usr/bin:/bin\n"
    );
}

#[test]
fn processes_labels_and_slices_are_gathered() {
    let launch = |text: &str| format!("cat > \"$1/launch.toml\" <<'E'\n{text}\nE");
    let host = Host::new()
        .builds("a", &launch("labels=[{key='k',value='v'}]\nslices=[{paths=['public/*']}]\n[[processes]]\ntype='web'\ncommand=['node','web.js']\nargs=['-v']\ndefault=true\nworking-dir='/app/x'\n"))
        .builds("b", &launch("[[processes]]\ntype='worker'\ncommand=['w']\n"));
    let build = host.build().unwrap();
    assert_eq!(
        (build.labels.len(), build.slices[0].paths[0].as_str()),
        (1, "public/*")
    );
    let web = &build.processes[0];
    assert_eq!(
        (web.command.join(" "), web.args.join(" "), web.default),
        ("node web.js".into(), "-v".into(), true)
    );
    assert_eq!(
        web.working_directory.as_deref(),
        Some(std::path::Path::new("/app/x"))
    );
    assert_eq!(
        (
            build.processes[1].r#type.as_str(),
            build.processes[1].buildpack.as_str()
        ),
        ("worker", "b")
    );
}

#[test]
fn bills_of_materials_must_be_declared() {
    let write = "echo '{}' > \"$1/launch.sbom.cdx.json\"; echo '{}' > \"$1/l.sbom.cdx.json\"; mkdir \"$1/l\"; echo types.launch=true > \"$1/l.toml\"";
    let declared = "sbom-formats = ['application/vnd.cyclonedx+json']\n";
    let host = Host::new().buildpack_with("a", "0.10", declared, "exit 0", write);
    let subjects: Vec<SbomSubject> = host
        .build()
        .unwrap()
        .sboms
        .into_iter()
        .map(|sbom| sbom.subject)
        .collect();
    assert_eq!(
        subjects,
        [SbomSubject::Layer("l".into()), SbomSubject::Launch]
    );

    let host = Host::new().builds("a", write);
    insta::assert_snapshot!(host.rendered(&host.build().unwrap_err()), @r"
    error[buildpack-contract]: buildpack `a` broke the buildpack contract: `/app/.slugbuilder/layers/a/l.sbom.cdx.json` is in a format that the buildpack does not declare in `sbom-formats`

      hint: Report this to the authors of the buildpack.
    ");
}

#[test]
fn files_that_are_no_toml_are_refused_with_their_line() {
    let host = Host::new().builds(
        "a",
        "printf '[[processes]]\\ntype = \"web\"\\ncommand = \"node\"\\n' > \"$1/launch.toml\"",
    );
    insta::assert_snapshot!(host.rendered(&host.build().unwrap_err()), @r#"error[invalid-buildpack-file]: /app/.slugbuilder/layers/a/launch.toml:3: invalid type: string "node", expected a sequence"#);
    let host = Host::new().builds("a", "echo 'metadata = 1' > \"$1/store.toml\"");
    insta::assert_snapshot!(host.rendered(&host.build().unwrap_err()), @"error[invalid-buildpack-file]: /app/.slugbuilder/layers/a/store.toml:1: invalid type: integer `1`, expected a map");
}

#[test]
fn a_buildpack_that_empties_the_app_directory_leaves_the_layers_of_others() {
    let empties = "find . -mindepth 1 -delete\n";
    let removes_files = "find . -type f -delete\n";
    for script in [
        empties,
        removes_files,
        "rm -rf .slugbuilder/layers/a/l",
        "rm .slugbuilder/layers/a/l.toml",
    ] {
        let a = layer(
            "launch=true\ncache=true",
            "mkdir bin env; echo x > bin/x; ln -s bin/x link; printf a > env/A",
        );
        let host = Host::new().builds("a", &a).builds("b", script).builds(
            "c",
            &(layer("launch=true", "cp ../../a/l/bin/x seen")
                + "\ncd \"$OLDPWD\"; test ! -e web.js"),
        );
        host.write("web.js", "");
        if script != empties && script != removes_files {
            std::fs::remove_file(host.app("web.js")).unwrap();
        }
        let build = host.build().unwrap();
        assert_eq!(
            host.tree(".slugbuilder/layers"),
            [
                "a",
                "a/l",
                "a/l.toml",
                "a/l/bin",
                "a/l/bin/x",
                "a/l/env",
                "a/l/env/A",
                "a/l/link",
                "b",
                "c",
                "c/l",
                "c/l.toml",
                "c/l/seen"
            ],
            "{script}"
        );
        let codes: Vec<&str> = build
            .warnings
            .iter()
            .map(|warning| warning.code.as_str())
            .collect();
        assert_eq!(codes, ["layers-put-back"], "{script}");
        assert_eq!(build.layers.len(), 2);
    }
}

#[test]
fn a_buildpack_that_loses_its_own_layers_is_named() {
    let script = layer("launch=true", "true") + "\ncd \"$OLDPWD\"; find . -mindepth 1 -delete";
    for script in [script.clone(), script + "\nexit 1"] {
        let host = Host::new().builds("b", &script);
        insta::allow_duplicates! {
            insta::assert_snapshot!(host.rendered(&host.build().unwrap_err()), @r"
            error[layers-removed]: buildpack `b` emptied the app directory, and removed its own layers with it

              The layers of a slug are in the app directory, in the folder `.slugbuilder`, since that is all that a slug has.

              hint: Tell the buildpack to keep `.slugbuilder`, or to leave the source alone, if it has a variable for that; give it with `--env`.
            ");
        }
    }
}
