use super::*;
use crate::layers::LayerKey;
use fs_err as fs;

fn app(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn inputs(app: &tempfile::TempDir) -> LayerKey {
    let survey = Survey::of(app.path()).unwrap();
    LayerKey::new(survey.inputs(app.path()).unwrap())
}

#[test]
fn inputs_are_what_an_installation_depends_on() {
    let app = app(&[
        ("package.json", "{}"),
        ("package-lock.json", "{}"),
        ("src/index.js", "1"),
        ("packages/api/package.json", "{}"),
        ("patches/left-pad+1.0.0.patch", "x"),
        (".yarn/plugins/a.cjs", "x"),
        ("node_modules/x/package.json", "{}"),
    ]);
    let before = inputs(&app);
    for harmless in ["src/index.js", "README.md", "node_modules/x/package.json"] {
        fs::write(app.path().join(harmless), "changed").unwrap();
        assert_eq!(inputs(&app), before, "{harmless}");
    }
    for (file, part) in [
        ("package-lock.json", "lockfile"),
        ("packages/api/package.json", "package-json"),
        (".npmrc", "configuration"),
        ("patches/left-pad+1.0.0.patch", "configuration"),
        (".yarn/plugins/a.cjs", "configuration"),
        ("prisma/schema.prisma", "configuration"),
    ] {
        let before = inputs(&app);
        let path = app.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "changed").unwrap();
        let differences = before.differences(&inputs(&app));
        assert_eq!(differences.len(), 1, "{file}: {differences:?}");
        assert!(differences[0].starts_with(part), "{file}: {differences:?}");
    }
}

#[test]
fn what_an_installation_made_is_told_from_what_was_there() {
    let app = app(&[("package.json", "{}"), ("src/index.js", "1")]);
    let before = Survey::of(app.path()).unwrap();
    for (path, text) in [
        ("node_modules/x/index.js", ""),
        ("src/generated/client.js", ""),
        ("src/generated/deep/more.js", ""),
        (".yarn/install-state.gz", ""),
        (".husky/_/h", ""),
    ] {
        let path = app.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let after = Survey::of(app.path()).unwrap();
    assert_eq!(after.node_modules, [PathBuf::from("node_modules")]);
    let trees = ["node_modules".into(), ".yarn/install-state.gz".into()];
    assert_eq!(
        before.made(&after, &trees, &[]),
        Made::Added(vec![".husky".into(), "src/generated".into()])
    );
    std::thread::sleep(std::time::Duration::from_millis(20));
    fs::write(app.path().join("package.json"), "{ }").unwrap();
    let after = Survey::of(app.path()).unwrap();
    assert_eq!(
        before.made(&after, &trees, &[]),
        Made::Changed("package.json".into())
    );
    let ignored = ["package.json".into()];
    assert!(matches!(
        before.made(&after, &trees, &ignored),
        Made::Added(_)
    ));
}

#[test]
fn links_are_never_followed_out_of_the_app() {
    let app = app(&[("package.json", "{}"), ("patches/real", "1")]);
    let link = |target: &str, path: &str| {
        std::os::unix::fs::symlink(target, app.path().join(path)).unwrap();
    };
    link("/dev/zero", "x.patch");
    link("nowhere", "y.patch");
    link("patches/real", "z.patch");
    let status = std::process::Command::new("mkfifo")
        .arg(app.path().join("pipe.patch"))
        .status();
    assert!(status.unwrap().success());
    let before = inputs(&app);
    let whole = || Survey::of(app.path()).unwrap().whole(app.path()).unwrap();
    whole();
    fs::write(app.path().join("patches/real"), "2").unwrap();
    assert_ne!(inputs(&app), before);
    let before = inputs(&app);
    fs::remove_file(app.path().join("y.patch")).unwrap();
    link("elsewhere", "y.patch");
    assert_ne!(inputs(&app), before);
}

#[test]
fn what_cannot_be_read_is_told_as_such() {
    let app = app(&[("package.json", "{}")]);
    let survey = Survey::of(app.path()).unwrap();
    fs::remove_file(app.path().join("package.json")).unwrap();
    let error = survey.inputs(app.path()).unwrap_err();
    assert_eq!(error.to_string(), "cannot read package.json");
}
