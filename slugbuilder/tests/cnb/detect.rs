//! Section 2.3: detection.

use crate::host::{Host, environment, ids};
use slugbuilder::cnb::CnbError;
use slugbuilder::sandbox::Outcome;

const PROVIDES: &str = "printf '[[provides]]\\nname=\"x\"\\n' > \"$2\"";
const REQUIRES: &str = "printf '[[requires]]\\nname=\"x\"\\n[requires.metadata]\\nv=1\\n' > \"$2\"";

#[test]
fn the_first_group_that_passes_wins() {
    let host = Host::new()
        .buildpack("no", "exit 100", "")
        .buildpack("a", "exit 0", "")
        .buildpack("b", "exit 0", "");
    let order = "[[order]]\ngroup=[{id='no'},{id='a'}]\n[[order]]\ngroup=[{id='b'}]\n[[order]]\ngroup=[{id='a'}]\n";
    assert_eq!(ids(&host.detect_order(order).unwrap()), ["b"]);
}

#[test]
fn optional_buildpacks_that_fail_or_err_are_left_out() {
    let host = Host::new()
        .buildpack("fails", "exit 100", "")
        .buildpack("errs", "exit 1", "")
        .buildpack("a", "exit 0", "");
    assert_eq!(ids(&host.detect("fails? errs? a").unwrap()), ["a"]);
}

#[test]
fn at_least_one_buildpack_must_pass() {
    let host = Host::new().buildpack("fails", "echo looked for x; exit 100", "");
    let error = host.detect("fails?").unwrap_err();
    insta::assert_snapshot!(host.rendered(&error), @r"
    error[no-buildpack-group]: no buildpack can build this app

      What each buildpack said:
      fails@1 says that the app is not for it (exit status 100)
          looked for x
    ");
}

#[test]
fn no_group_says_for_each_buildpack_why() {
    let host = Host::new()
        .buildpack("fails", "echo no such file; exit 100", "")
        .buildpack("errs", "echo oops; exit 3", "")
        .buildpack("dies", "kill -9 $$", "")
        .buildpack("writes", "echo 'not toml' > \"$2\"", "")
        .buildpack("provides", PROVIDES, "")
        .buildpack_with(
            "foreign",
            "0.10",
            "[[targets]]\nos='windows'\n",
            "exit 0",
            "",
        );
    let order = "[[order]]\ngroup=[{id='fails'},{id='errs'}]\n[[order]]\ngroup=[{id='dies'}]\n[[order]]\ngroup=[{id='writes'}]\n\
        [[order]]\ngroup=[{id='provides'}]\n[[order]]\ngroup=[{id='foreign'}]\n";
    let error = host.detect_order(order).unwrap_err();
    insta::assert_snapshot!(host.rendered(&error), @r"
    error[no-buildpack-group]: no buildpack can build this app

      The groups that were tried (`?` is optional):
      1. fails@1, errs@1
      2. dies@1
      3. writes@1
      4. provides@1
      5. foreign@1
      What each buildpack said:
      fails@1 says that the app is not for it (exit status 100)
          no such file
      errs@1 failed: its detect exited with status 3
          oops
      dies@1 failed: its detect was killed by signal 9
      writes@1 passed, but wrote an invalid build plan: /exchange/detect/4-writes/plan.toml:1: key with no value, expected `=`
      provides@1 passed (exit status 0), but provides `x`, which nothing requires
      foreign@1 was not run: it cannot build for linux/amd64 ubuntu 24.04

      hint: A buildpack that provides something takes part only if one in its group requires it, so that it cannot build alone: add that one, or give the composite buildpack that its authors made of both.
    ");
}

#[test]
fn each_buildpack_runs_once_whatever_groups_it_is_in() {
    let host = Host::new()
        .buildpack("a", "echo ran >> a-ran", "")
        .buildpack("no", "exit 100", "");
    let order = "[[order]]\ngroup=[{id='a'},{id='no'}]\n[[order]]\ngroup=[{id='a'}]\n";
    host.detect_order(order).unwrap();
    assert_eq!(host.read("a-ran"), "ran\n");
}

#[test]
fn a_group_runs_at_the_same_time() {
    // Each waits for the other's file.
    let meet = |mine: &str, other: &str| {
        format!(
            "touch {mine}; i=0; while [ ! -e {other} ]; do i=$((i+1)); [ $i -lt 500 ] || exit 1; sleep 0.02; done"
        )
    };
    let host = Host::new()
        .buildpack("a", &meet("one", "two"), "")
        .buildpack("b", &meet("two", "one"), "");
    assert_eq!(ids(&host.detect("a b").unwrap()), ["a", "b"]);
}

#[test]
fn composites_are_expanded() {
    let host = Host::new()
        .buildpack("no", "exit 100", "")
        .buildpack("a", "exit 0", "")
        .buildpack("b", "exit 0", "")
        .composite(
            "all",
            "[[order]]\ngroup=[{id='no'}]\n[[order]]\ngroup=[{id='a'}]\n",
        )
        .composite("none", "[[order]]\ngroup=[{id='no'}]\n");
    assert_eq!(ids(&host.detect("none? all b").unwrap()), ["a", "b"]);
    assert!(host.detect("none b").is_err());
}

#[test]
fn the_plan_connects_and_optional_buildpacks_in_the_way_are_dropped() {
    let host = Host::new()
        .buildpack("provides", PROVIDES, "")
        .buildpack("requires", REQUIRES, "")
        .buildpack("a", "exit 0", "");
    let detection = host.detect("a provides requires").unwrap();
    assert_eq!(detection.plan[0].name, "x");
    assert_eq!(detection.plan[0].providers, ["provides"]);
    assert_eq!(
        detection.plan[0].requires[0].metadata["v"].as_integer(),
        Some(1)
    );

    let detection = host.detect("a provides?").unwrap();
    assert_eq!(ids(&detection), ["a"]);
    assert_eq!(detection.dropped[0].0, "provides@1");
    assert_eq!(
        detection.dropped[0].1[0].to_string(),
        "provides `x`, which nothing requires"
    );
}

#[test]
fn the_programs_get_arguments_variables_and_directory() {
    let print = "{ pwd; echo \"$#\"; echo \"$1\"; echo \"$2\"; wc -c < \"$2\"; env | grep -v '^_=\\|^PWD\\|^SHLVL\\|^OLDPWD' | sort; \
        echo; cat \"$1/env/FOO\"; } > seen; exit 0";
    let mut host = Host::new().buildpack_with("a", "0.12", "", print, "");
    host.user = environment(&[("FOO", "user"), ("PATH", "/user"), ("CPATH", "/include")]);
    host.platform_variables = environment(&[("SLUGBUILDER_CACHE", "/cache"), ("FOO2", "ours")]);
    host.detect("a").unwrap();
    insta::assert_snapshot!(host.read("seen"), @r"
    /app
    2
    /exchange/platform
    /exchange/detect/1-a/plan.toml
    0
    CNB_BUILDPACK_DIR=/buildpacks/a
    CNB_BUILD_PLAN_PATH=/exchange/detect/1-a/plan.toml
    CNB_EXEC_ENV=production
    CNB_PLATFORM_DIR=/exchange/platform
    CNB_TARGET_ARCH=amd64
    CNB_TARGET_DISTRO_NAME=ubuntu
    CNB_TARGET_DISTRO_VERSION=24.04
    CNB_TARGET_OS=linux
    CPATH=/include
    FOO2=ours
    FOO=user
    HOME=/home/build
    PATH=/user:/usr/bin:/bin
    SLUGBUILDER_CACHE=/cache
    SLUGBUILDER_REPORT=/exchange/detect/1-a/report.json

    user
    ");
}

#[test]
fn clear_env_hides_the_users_variables_but_not_their_files() {
    let print =
        "echo \"${FOO-none} $SLUGBUILDER_CACHE\" > seen; cat \"$CNB_PLATFORM_DIR/env/FOO\" >> seen";
    let mut host = Host::new().buildpack_with("a", "0.10", "clear-env = true\n", print, "");
    host.user = environment(&[("FOO", "user")]);
    host.platform_variables = environment(&[("SLUGBUILDER_CACHE", "/cache")]);
    host.detect("a").unwrap();
    assert_eq!(host.read("seen"), "none /cache\nuser");
}

#[test]
fn the_embedded_buildpack_runs_under_the_phases_name() {
    let host = Host::new().embedded("own");
    let error = host.detect("own").unwrap_err();
    let CnbError::NoGroup(no_group) = error else {
        panic!("{error}")
    };
    assert_eq!(
        no_group.tried[0].output,
        ["/slugbuilder/buildpack/bin/detect"]
    );
}

#[test]
fn a_program_that_is_stopped_ends_the_phase() {
    let mut host = Host::new().buildpack("a", "exit 0", "");
    host.outcome = Some(Outcome::TimedOut);
    insta::assert_snapshot!(host.rendered(&host.detect("a?").unwrap_err()), @r"
    error[timed-out]: detect of buildpack `a` ran out of time

      hint: Allow more time with `--timeout`, if the build is not stuck.
    ");
    host.outcome = Some(Outcome::Interrupted);
    insta::assert_snapshot!(host.rendered(&host.detect("a").unwrap_err()), @r"
    error[interrupted]: detect of buildpack `a` was interrupted

      hint: Run the same command again; it starts afresh.
    ");
}

#[test]
fn a_report_speaks_for_the_buildpack() {
    let report = "cat > \"$SLUGBUILDER_REPORT\" <<'E'\n\
        {\"error\":{\"code\":\"no-language\",\"headline\":\"no language found\",\"fault\":\"app\",\"retryable\":false,\"hints\":[\"Add a file.\"]}}\nE\nexit 100";
    let host = Host::new().buildpack("a", report, "");
    insta::assert_snapshot!(host.rendered(&host.detect("a").unwrap_err()), @r"
    error[no-language]: no language found

      hint: Add a file.
    ");
}

#[test]
fn a_report_that_cannot_be_read_is_a_warning() {
    let host = Host::new()
        .buildpack("a", "echo '{' > \"$SLUGBUILDER_REPORT\"", "")
        .buildpack("b", "ln -s /etc/passwd \"$SLUGBUILDER_REPORT\"", "");
    let detection = host.detect("a b").unwrap();
    let codes: Vec<&str> = detection
        .warnings
        .iter()
        .map(|warning| warning.code.as_str())
        .collect();
    assert_eq!(codes, ["unreadable-report", "unreadable-report"]);
}

#[test]
fn a_variable_that_cannot_be_a_file_is_refused() {
    let mut host = Host::new().buildpack("a", "exit 0", "");
    host.user = environment(&[("A/../../B", "x")]);
    insta::assert_snapshot!(host.rendered(&host.detect("a").unwrap_err()), @"error[invalid-variable]: the variable `A/../../B` cannot be passed to buildpacks: its name is empty or holds `=` or `/`");
}
