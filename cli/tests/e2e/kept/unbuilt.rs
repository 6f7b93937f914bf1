//! What fails before anything was built costs nothing of what the last build left.

use super::{KEPT, app, compile, compiling};
use crate::context::{Context, for_each_user};
use std::fs;

/// An app whose build succeeded, and that a file `refused` keeps from being built.
fn built(context: &Context) {
    app(context);
    context.write("app/.slugignore", "/slugbuilder.lock\n/left-out\n*.log\n");
    context.program(
        "pack/bin/detect",
        "#!/bin/bash\n[ ! -e refused ] || { echo refused; exit 3; }\n",
    );
    compile(context);
}

fn has_its_layers(context: &Context) {
    context.write("app/web.js", "something else");
    let ran = compile(context);
    assert!(ran.stderr.contains("a layer is there"), "{}", ran.stderr);
}

#[test]
fn what_fails_before_the_build_leaves_the_kept_app_and_its_layers() {
    for_each_user(|context| {
        built(context);
        let failed = compiling(context).argument("--locked").run().stderr;
        assert!(failed.contains("error[no-lock]: "), "{failed}");
        assert!(compile(context).stderr.contains(KEPT));

        context.write("app/refused", "");
        let failed = compiling(context).run().stderr;
        assert!(failed.contains("refused"), "{failed}");
        fs::remove_file(context.path("app/refused")).unwrap();
        let ran = compile(context).stderr;
        assert!(ran.contains(KEPT), "{ran}");

        context.write("app/refused", "");
        assert!(!compiling(context).run().stderr.contains(KEPT));
        fs::remove_file(context.path("app/refused")).unwrap();
        has_its_layers(context);
    });
}

#[test]
fn a_kept_app_hides_no_broken_lock() {
    for_each_user(|context| {
        built(context);
        let lock = context.write("app/slugbuilder.lock", "version = \n");
        for _ in 0..2 {
            let failed = compiling(context).run().stderr;
            assert!(
                failed.contains("error[") && failed.contains("slugbuilder.lock:1"),
                "{failed}"
            );
        }
        fs::remove_file(lock).unwrap();
        assert!(compile(context).stderr.contains(KEPT));
    });
}

#[test]
fn a_slug_that_is_refused_costs_no_layers() {
    for_each_user(|context| {
        built(context);
        context.write("app/web.js", "other");
        let failed = compiling(context).argument("--max-size=1").run().stderr;
        assert!(failed.contains("error[slug-too-large]"), "{failed}");
        has_its_layers(context);
    });
}
