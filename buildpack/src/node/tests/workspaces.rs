use super::*;

/// The root and package of the app in `packages/api` of a source with these files.
fn root_of(files: &[(&str, &str)]) -> (String, bool) {
    let mut all = vec![(
        "packages/api/package.json",
        r#"{"name": "api", "dependencies": {"a": "1"}, "scripts": {"start": "node ."}}"#,
    )];
    all.extend(
        files
            .iter()
            .filter(|(name, _)| *name != "packages/api/package.json"),
    );
    if let Some(own) = files
        .iter()
        .find(|(name, _)| *name == "packages/api/package.json")
    {
        all[0] = *own;
    }
    let plan = plan_with(&all, "packages/api", &[]).unwrap();
    let node = plan.node.unwrap();
    assert_eq!(node.package, "packages/api");
    (node.root, node.is_workspace)
}

#[test]
fn the_manager_runs_in_the_folder_of_the_table() {
    let workspaces = |patterns: &str| format!("{{\"workspaces\": {patterns}}}");
    for (root, lock, expected) in [
        (workspaces(r#"["packages/*"]"#), true, ("", true)),
        (workspaces(r#"["packages/*"]"#), false, ("", true)),
        (workspaces(r#"["./packages/api/"]"#), true, ("", true)),
        (workspaces(r#"["packages/**"]"#), true, ("", true)),
        (workspaces(r#"["{apps,packages}/*"]"#), true, ("", true)),
        (
            workspaces(r#"{"packages": ["packages/a*"]}"#),
            true,
            ("", true),
        ),
        // The last pattern that matches decides.
        (
            workspaces(r#"["packages/*", "!packages/api"]"#),
            true,
            ("packages/api", false),
        ),
        (
            workspaces(r#"["!packages/api", "packages/*"]"#),
            true,
            ("", true),
        ),
        (workspaces(r#"["packages"]"#), true, ("packages/api", false)),
        (workspaces(r#"["*"]"#), true, ("packages/api", false)),
        (workspaces("[]"), true, ("packages/api", false)),
        ("{}".into(), true, ("packages/api", false)),
        ("{}".into(), false, ("packages/api", false)),
    ] {
        let mut files = vec![("package.json", root.as_str())];
        if lock {
            files.push(("package-lock.json", NPM_LOCK));
        }
        let found = root_of(&files);
        assert_eq!((found.0.as_str(), found.1), expected, "{root}");
    }
}

#[test]
fn pnpm_has_a_file_of_its_own() {
    for (text, expected) in [
        ("packages:\n  - packages/*\n", ("", true)),
        (
            "packages:\n  - 'packages/*'\n  - '!**/api'\n",
            ("packages/api", false),
        ),
        (
            "packages:\n  - '!**/api'\n  - 'packages/*'\n",
            ("packages/api", false),
        ),
        // Settings alone are no workspace.
        (
            "onlyBuiltDependencies:\n  - esbuild\n",
            ("packages/api", false),
        ),
    ] {
        let found = root_of(&[
            ("package.json", "{}"),
            ("pnpm-lock.yaml", PNPM_LOCK),
            ("pnpm-workspace.yaml", text),
        ]);
        assert_eq!((found.0.as_str(), found.1), expected, "{text}");
    }
    let settings_alone = node_of(&[
        ("package.json", &package("")),
        ("pnpm-lock.yaml", PNPM_LOCK),
        ("pnpm-workspace.yaml", "onlyBuiltDependencies: [esbuild]\n"),
    ]);
    assert!(!settings_alone.is_workspace);
}

#[test]
fn a_package_with_a_lockfile_of_its_own_uses_that() {
    let found = root_of(&[
        ("package.json", r#"{"workspaces": ["packages/*"]}"#),
        ("package-lock.json", NPM_LOCK),
        ("packages/api/package-lock.json", NPM_LOCK),
    ]);
    assert_eq!(found, ("packages/api".into(), false));
}

#[test]
fn a_package_without_dependencies_uses_the_lockfile_above() {
    let found = root_of(&[
        ("package.json", r#"{"dependencies": {"a": "1"}}"#),
        ("package-lock.json", NPM_LOCK),
        (
            "packages/api/package.json",
            r#"{"scripts": {"start": "node ."}}"#,
        ),
    ]);
    assert_eq!(found, (String::new(), false));
}

#[test]
fn origins_of_a_folder_are_relative_to_the_source() {
    let files = [
        (
            "package.json",
            "{\n\"workspaces\": [\"packages/*\"],\n\"packageManager\": \"pnpm@9.1.0\"}",
        ),
        ("pnpm-workspace.yaml", "packages: [packages/*]\n"),
        ("pnpm-lock.yaml", PNPM_LOCK),
        (
            "packages/api/package.json",
            "{\n\"dependencies\": {\"a\": \"1\"}}",
        ),
        (
            "packages/api/Procfile",
            "web: node x.js\nworker: pnpm run work\n",
        ),
        ("packages/api/.nvmrc", "22\n"),
        ("Procfile", "web: not this one\n"),
        (".nvmrc", "20\n"),
    ];
    let plan = plan_with(&files, "packages/api", &[]).unwrap();
    let node = plan.node.as_ref().unwrap();
    assert_eq!(node.manager.origin.to_string(), "package.json:3");
    assert_eq!(node.lockfile.as_ref().unwrap().path, "pnpm-lock.yaml");
    assert!(node.launches_manager && node.is_workspace);
    assert_eq!(plan.folder, "packages/api");
    let process = &plan.processes[0];
    assert_eq!(process.command, "node x.js");
    assert_eq!(process.origin.to_string(), "packages/api/Procfile:1");
    assert_eq!(process.working_directory.as_deref(), Some("packages/api"));
    assert_eq!(plan.languages[0].resolved.version.major, 22);
    assert_eq!(
        plan.languages[0].resolved.requested.origin.to_string(),
        "packages/api/.nvmrc:1"
    );
    insta::assert_snapshot!(decision_of(&plan, "folder of the package manager"), @"* . (.) is the workspace that the package belongs to");
}

#[test]
fn other_languages_are_looked_for_in_the_folder_too() {
    let go = "package main\nfunc main() {}\n";
    for (file, text, command) in [
        ("tools/web/web.rb", "", "ruby web.rb"),
        ("tools/web/serve.go", go, "bin/serve"),
        ("tools/web/web.js", "", "node web.js"),
    ] {
        let files = [("server.js", ""), ("main.go", go), (file, text)];
        let plan = plan_with(&files, "tools/web", &[]).unwrap();
        assert_eq!(plan.languages.len(), 1, "{file}");
        let process = &plan.processes[0];
        assert_eq!(process.command, command);
        assert_eq!(process.origin.to_string(), file);
        assert_eq!(process.working_directory.as_deref(), Some("tools/web"));
    }
}

#[test]
fn a_whole_source_has_no_working_directory() {
    let plan = plan_of(&[("package.json", &package("")), ("server.js", "")]);
    assert_eq!(plan.processes[0].working_directory, None);
    assert_eq!(plan.node.unwrap().root, "");
}

#[test]
fn patterns_that_cannot_be_read_are_an_error() {
    let files = [
        ("package.json", "{\n\"workspaces\": [\"packages/[\"]}"),
        (
            "packages/api/package.json",
            r#"{"dependencies": {"a": "1"}}"#,
        ),
    ];
    let error = plan_with(&files, "packages/api", &[]).unwrap_err();
    insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @r"
    error[invalid-workspace-pattern]: package.json:2: the pattern `packages/[` cannot be read: unclosed character class; missing ']'

      hint: Write folders, perhaps with `*`: `packages/*`.
    ");
}
