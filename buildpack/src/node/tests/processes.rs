use super::*;

fn web_of(files: &[(&str, &str)]) -> Option<String> {
    plan_of(files)
        .processes
        .into_iter()
        .find(|process| process.name == "web")
        .map(|process| process.command)
}

/// package.json, other files, and the web process.
type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, Option<&'a str>);

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn the_web_process_is_that_of_the_table() {
    let pnp = [("yarn.lock", BERRY_LOCK)];
    let cases: [Case; 36] = [
        // The start script, by the manager.
        (
            r#"{"scripts": {"start": "node web.js"}}"#,
            vec![],
            Some("node web.js"),
        ),
        (
            r#"{"scripts": {"start": "node  --enable-source-maps ./web.js"}}"#,
            vec![],
            Some("node --enable-source-maps ./web.js"),
        ),
        (
            r#"{"scripts": {"start": "node $MAIN"}}"#,
            vec![],
            Some("npm start"),
        ),
        (
            r#"{"scripts": {"start": "node a.js && node b.js"}}"#,
            vec![],
            Some("npm start"),
        ),
        (
            r#"{"scripts": {"start": "node a.js", "prestart": "x"}}"#,
            vec![],
            Some("npm start"),
        ),
        (
            r#"{"scripts": {"start": "next start"}}"#,
            vec![],
            Some("npm start"),
        ),
        (
            r#"{"scripts": {"start": "next start"}}"#,
            vec![("yarn.lock", CLASSIC_LOCK)],
            Some("yarn start"),
        ),
        (
            r#"{"scripts": {"start": "next start"}}"#,
            vec![("pnpm-lock.yaml", PNPM_LOCK)],
            Some("pnpm start"),
        ),
        (
            r#"{"scripts": {"start": "node web.js"}}"#,
            pnp.to_vec(),
            Some("yarn start"),
        ),
        (
            r#"{"scripts": {"start": ""}, "main": "x"}"#,
            vec![("server.js", "")],
            Some("node server.js"),
        ),
        // The order.
        (
            r#"{"scripts": {"start": "node a.js"}, "main": "b.js"}"#,
            vec![("b.js", ""), ("server.js", "")],
            Some("node a.js"),
        ),
        (
            r#"{"main": "b.js"}"#,
            vec![("b.js", ""), ("server.js", "")],
            Some("node b.js"),
        ),
        (
            r#"{"main": "b.js"}"#,
            vec![("server.js", ""), ("index.js", ""), ("web.js", "")],
            Some("node server.js"),
        ),
        (
            r#"{"main": "b.js"}"#,
            vec![("index.mjs", ""), ("web.js", "")],
            Some("node index.mjs"),
        ),
        (
            r#"{"main": "b.js"}"#,
            vec![("app.js", ""), ("web.js", "")],
            Some("node web.js"),
        ),
        (
            r#"{"main": "b.js"}"#,
            vec![("app.cjs", "")],
            Some("node app.cjs"),
        ),
        (
            "{}",
            vec![("web.js", ""), ("server.js", "")],
            Some("node web.js"),
        ),
        // main.
        (
            r#"{"main": "./src/b"}"#,
            vec![("src/b.js", "")],
            Some("node ./src/b"),
        ),
        (
            r#"{"main": "lib/"}"#,
            vec![("lib/index.js", "")],
            Some("node lib/"),
        ),
        (r#"{"main": "dist/b.js"}"#, vec![], None),
        (
            r#"{"main": "dist/b.js", "scripts": {"build": "tsc"}}"#,
            vec![],
            Some("node dist/b.js"),
        ),
        (
            r#"{"main": "index.js", "scripts": {"build": "tsc"}}"#,
            vec![],
            None,
        ),
        (
            r#"{"main": "../b.js", "scripts": {"build": "tsc"}}"#,
            vec![],
            None,
        ),
        (r#"{"main": "/etc/b.js"}"#, vec![], None),
        (r#"{"main": "-e x"}"#, vec![], None),
        (r#"{"main": "a b.js"}"#, vec![("a b.js", "")], None),
        (r#"{"main": "style.css"}"#, vec![("style.css", "")], None),
        (
            r#"{"main": "src/b.ts"}"#,
            vec![("src/b.ts", "")],
            Some("node src/b.ts"),
        ),
        (
            r#"{"main": "src/b.ts", "engines": {"node": "20.x"}}"#,
            vec![("src/b.ts", "")],
            None,
        ),
        (
            r#"{"main": "b.js"}"#,
            vec![("b.js", ""), ("yarn.lock", BERRY_LOCK)],
            Some("yarn node b.js"),
        ),
        // Frameworks.
        (
            r#"{"dependencies": {"next": "16"}, "scripts": {"build": "next build"}}"#,
            vec![],
            Some("node_modules/.bin/next start"),
        ),
        (
            r#"{"dependencies": {"next": "16"}, "scripts": {"build": "next build"}}"#,
            pnp.to_vec(),
            Some("yarn next start"),
        ),
        (
            r#"{"devDependencies": {"next": "16"}, "scripts": {"build": "next build"}}"#,
            vec![],
            None,
        ),
        (
            r#"{"devDependencies": {"nuxt": "4"}, "scripts": {"build": "nuxt build"}}"#,
            vec![],
            Some("node .output/server/index.mjs"),
        ),
        (
            r#"{"dependencies": {"@nestjs/core": "11"}, "scripts": {"build": "nest build"}}"#,
            vec![],
            Some("node dist/main.js"),
        ),
        (
            r#"{"devDependencies": {"vite": "7"}, "scripts": {"build": "vite build"}}"#,
            vec![],
            None,
        ),
    ];
    for (package, files, web) in cases {
        let mut all = vec![("package.json", package)];
        all.extend(&files);
        // What has no program is no evidence, so something else has to say that it is a Node.js app.
        if package == "{}" {
            all.remove(0);
        }
        assert_eq!(web_of(&all).as_deref(), web, "{package} {files:?}");
    }
}

#[test]
fn the_manager_is_launched_only_where_a_process_runs_it() {
    for (files, launches, needs_npm) in [
        (
            vec![("package.json", r#"{"scripts": {"start": "node web.js"}}"#)],
            false,
            false,
        ),
        (
            vec![("package.json", r#"{"scripts": {"start": "x"}}"#)],
            true,
            true,
        ),
        (
            vec![
                ("package.json", r#"{"scripts": {"start": "x"}}"#),
                ("yarn.lock", CLASSIC_LOCK),
            ],
            true,
            false,
        ),
        (
            vec![
                ("package.json", r#"{"dependencies": {"a": "1"}}"#),
                ("pnpm-lock.yaml", PNPM_LOCK),
                ("Procfile", "web: npm start\nworker: node x.js\n"),
            ],
            false,
            true,
        ),
        (
            vec![
                ("package.json", r#"{"dependencies": {"a": "1"}}"#),
                ("pnpm-lock.yaml", PNPM_LOCK),
                ("Procfile", "web: NODE_ENV=production pnpm run serve\n"),
            ],
            true,
            false,
        ),
    ] {
        let plan = plan_of(&files);
        assert_eq!(plan.needs_npm, needs_npm, "{files:?}");
        assert_eq!(plan.node.unwrap().launches_manager, launches, "{files:?}");
    }
}

#[test]
fn what_the_build_has_to_make_is_told() {
    let built = |files: &[(&str, &str)]| {
        node_of(files)
            .built_entry
            .map(|entry| (entry.path, entry.origin.to_string()))
    };
    assert_eq!(
        built(&[(
            "package.json",
            "{\n\"main\": \"./dist/b\",\n\"scripts\": {\"build\": \"tsc\"}}"
        )]),
        Some(("dist/b".into(), "package.json:2".into()))
    );
    assert_eq!(
        built(&[
            (
                "package.json",
                r#"{"main": "dist/b.js", "scripts": {"build": "tsc"}}"#
            ),
            ("dist/b.js", "")
        ]),
        None
    );
}

#[test]
fn candidates_are_recorded_in_their_order() {
    let plan = plan_of(&[
        (
            "package.json",
            "{\n\"main\": \"b.js\",\n\"scripts\": {\"start\": \"node a.js\"}\n}",
        ),
        ("b.js", ""),
        ("web.js", ""),
        ("index.js", ""),
    ]);
    insta::assert_snapshot!(decision_of(&plan, "process web"), @r"
    * node a.js (package.json:3) is `scripts.start`
      node b.js (package.json:2) is preceded by package.json
      node index.js (index.js) is preceded by package.json
      node web.js (web.js) is preceded by package.json
    ");
    assert_eq!(warnings_of(&plan), "");
}

#[test]
fn apps_without_a_web_process_are_told_how_to_get_one() {
    let warning = |files: &[(&str, &str)]| {
        let mut all = vec![("package-lock.json", NPM_LOCK)];
        all.extend(files);
        warnings_of(&plan_of(&all))
    };
    insta::assert_snapshot!(warning(&[("package.json", r#"{"engines": {"node": "24.x"}}"#)]), @r#"
    warning[no-web-process]: found no web process, so nothing will answer HTTP requests
      hint: Add a start script to package.json, such as `"start": "node server.js"`, or write a Procfile with a line such as `web: node server.js`.
    "#);
    insta::assert_snapshot!(warning(&[("package.json", r#"{"devDependencies": {"vite": "7"}, "scripts": {"build": "vite build"}}"#)]), @r"
    warning[no-web-process]: found no web process, so nothing will answer HTTP requests
      hint: If the build makes files for browsers, let a server serve them: `npm install serve`, and the start script `serve dist`, where `dist` is the build's folder. If it makes a server, add a start script that runs it.
    ");
    insta::assert_snapshot!(warning(&[("package.json", r#"{"dependencies": {"a": "1"}}"#), ("src/index.ts", "")]), @r"
    warning[no-web-process]: found no web process, so nothing will answer HTTP requests
      hint: Node.js 24.21.0 runs TypeScript: add the start script `node src/index.ts`, or one that runs what your build makes of it.
    ");
    insta::assert_snapshot!(warning(&[("package.json", r#"{"dependencies": {"a": "1"}, "engines": {"node": "22.17.x"}}"#), ("server.ts", "")]), @r#"
    warning[no-web-process]: found no web process, so nothing will answer HTTP requests
      hint: `server.ts` is TypeScript: add a build script that compiles it (`"build": "tsc"`), and a start script that runs the result.
    "#);
    insta::assert_snapshot!(warning(&[
        ("package.json", r#"{"workspaces": ["packages/*"]}"#),
        ("packages/api/package.json", r#"{"scripts": {"start": "node ."}}"#),
        ("packages/lib/package.json", r#"{"name": "lib"}"#),
        ("packages/web/package.json", r#"{"scripts": {"start": "next start"}}"#),
    ]), @r"
    warning[no-web-process]: found no web process, so nothing will answer HTTP requests
      hint: These packages of the workspace have a start script: build one of them with `--root packages/api` or `--root packages/web`.
    ");
}
