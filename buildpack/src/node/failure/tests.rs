//! The outputs are what the managers really wrote, with another registry's name.

use super::*;
use crate::node::commands::testing;
use slugbuilder_report::{Diagnosis, Style};

/// What `file` of the outputs says, as an error of `step`.
fn failure(manager: Manager, step: Step, code: i32, output: &str) -> NodeBuildError {
    let command = match &step {
        Step::Script { name, .. } => format!("{} run {name}", manager.program()),
        _ => format!("{} install", manager.program()),
    };
    let mut app = testing::app(manager, true);
    if let Some(lockfile) = &mut app.lockfile {
        lockfile.path = match manager {
            Manager::Npm => "package-lock.json",
            Manager::YarnClassic | Manager::YarnBerry => "yarn.lock",
            Manager::Pnpm => "pnpm-lock.yaml",
        }
        .into();
    }
    let ended = Streamed {
        program: manager.program().into(),
        status: ExitStatus::from_raw(code << 8),
        transcript: output.lines().collect(),
    };
    NodeBuildError::Failed(Box::new(Failure::of(step, command, &app, &ended)))
}

fn build() -> Step {
    Step::Script {
        name: "build".into(),
        origin: Origin::line("package.json", 7),
    }
}

fn render(error: &NodeBuildError) -> String {
    Diagnosis::of(error).render(Style::Plain)
}

macro_rules! output {
    ($name:literal) => {
        include_str!(concat!("output/", $name, ".txt"))
    };
}

#[test]
fn every_output_has_its_cause() {
    use Manager::{Npm, Pnpm, YarnBerry, YarnClassic};
    let installs = [
        (Npm, output!("npm-sync"), "lockfile-out-of-sync"),
        (YarnClassic, output!("yarn-sync"), "lockfile-out-of-sync"),
        (YarnBerry, output!("berry-sync"), "lockfile-out-of-sync"),
        (Pnpm, output!("pnpm-sync"), "lockfile-out-of-sync"),
        (Npm, output!("npm-eresolve"), "peer-dependency-conflict"),
        (
            Npm,
            output!("npm-badplatform"),
            "package-for-another-platform",
        ),
        (Npm, output!("npm-engine"), "package-for-another-node"),
        (Npm, output!("npm-404"), "package-not-found"),
        (YarnClassic, output!("yarn-404"), "package-not-found"),
        (YarnBerry, output!("berry-404"), "package-not-found"),
        (Pnpm, output!("pnpm-404"), "package-not-found"),
        (Npm, output!("npm-etarget"), "package-version-not-found"),
        (Npm, output!("npm-401"), "registry-unauthorized"),
        (YarnClassic, output!("yarn-401"), "registry-unauthorized"),
        (YarnBerry, output!("berry-401"), "registry-unauthorized"),
        (Pnpm, output!("pnpm-401"), "registry-unauthorized"),
        (Npm, output!("npm-enotfound"), "registry-unreachable"),
        (Npm, output!("npm-econnrefused"), "registry-unreachable"),
        (
            YarnClassic,
            output!("yarn-enotfound"),
            "registry-unreachable",
        ),
        (
            YarnBerry,
            output!("berry-enotfound"),
            "registry-unreachable",
        ),
        (Pnpm, output!("pnpm-enotfound"), "registry-unreachable"),
        (Npm, output!("npm-offline"), "package-not-cached"),
        (YarnBerry, output!("berry-offline"), "package-not-cached"),
        (Pnpm, output!("pnpm-offline"), "package-not-cached"),
        (Npm, output!("npm-git-missing"), "git-missing"),
        (YarnClassic, output!("yarn-git-missing"), "git-missing"),
        (Pnpm, output!("pnpm-git-missing"), "git-missing"),
        (Npm, output!("npm-git-auth"), "registry-unreachable"),
        (Npm, output!("npm-git-host"), "registry-unreachable"),
        (Npm, output!("gyp-python"), "python-missing"),
        (Npm, output!("gyp-make"), "compiler-missing"),
        (Npm, output!("gyp-cc"), "compiler-missing"),
    ];
    for (manager, output, code) in installs {
        let error = failure(manager, Step::Install, 1, output);
        assert_eq!(error.code(), code, "{output}");
        assert!(!error.hints().is_empty(), "{code}");
        assert!(error.explanation().is_some(), "{code}");
    }
    let scripts = [
        (Npm, output!("npm-build-exit"), 7, "script-failed"),
        (YarnClassic, output!("yarn-build"), 7, "script-failed"),
        (Pnpm, output!("pnpm-build"), 7, "script-failed"),
        (
            Npm,
            output!("npm-build-missing"),
            127,
            "script-program-missing",
        ),
        (Npm, output!("npm-module"), 1, "script-module-missing"),
        (Npm, output!("npm-oom"), 134, "out-of-memory"),
    ];
    for (manager, output, status, code) in scripts {
        assert_eq!(failure(manager, build(), status, output).code(), code);
    }
}

#[test]
fn only_what_may_pass_is_to_be_tried_again() {
    let fault = |output| failure(Manager::Npm, Step::Install, 1, output).fault();
    assert_eq!(fault(output!("npm-enotfound")), Fault::TryLater);
    assert_eq!(fault(output!("npm-sync")), Fault::App);
    assert_eq!(fault(output!("npm-401")), Fault::App);
    assert_eq!(fault(output!("gyp-python")), Fault::Unavailable);
    assert_eq!(fault("npm error code ENOSPC"), Fault::Io);
}

#[test]
fn the_managers_own_words_say_what_to_do() {
    let of = |manager, output| render(&failure(manager, Step::Install, 1, output));
    insta::assert_snapshot!(of(Manager::Npm, output!("npm-sync")), @r"
    error[lockfile-out-of-sync]: `npm install` failed: `package-lock.json` and `package.json` do not fit

      code EUSAGE
      `npm ci` can only install packages when your package.json and package-lock.json or npm-shrinkwrap.json are in sync. Please update your lock file with `npm install` before continuing.
      Invalid: lock file's is-number@6.0.0 does not satisfy is-number@7.0.0
      Missing: is-number@6.0.0 from lock file

      hint: Run `npm install` in the app's folder and commit `package-lock.json`.
    ");
    insta::assert_snapshot!(of(Manager::YarnClassic, output!("yarn-sync")), @r"
    error[lockfile-out-of-sync]: `yarn install` failed: `yarn.lock` and `package.json` do not fit

      Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`.

      hint: Run `yarn install` in the app's folder and commit `yarn.lock`.
    ");
    insta::assert_snapshot!(of(Manager::YarnBerry, output!("berry-sync")), @r#"
    error[lockfile-out-of-sync]: `yarn install` failed: `yarn.lock` and `package.json` do not fit

      YN0085: │ + is-number@npm:7.0.0
      YN0028: │ +"is-number@npm:7.0.0":
      YN0028: │ +  version: 7.0.0
      YN0028: │ +  resolution: "is-number@npm:7.0.0"
      YN0028: │ +  languageName: node
      YN0028: │ +  linkType: hard
      YN0028: │ +
      YN0028: │ +    is-number: "npm:7.0.0"
      YN0028: │ The lockfile would have been modified by this install, which is explicitly forbidden.

      hint: Run `yarn install` in the app's folder and commit `yarn.lock`.
    "#);
    insta::assert_snapshot!(of(Manager::Pnpm, output!("pnpm-sync")), @r#"
    error[lockfile-out-of-sync]: `pnpm install` failed: `pnpm-lock.yaml` and `package.json` do not fit

      ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with "frozen-lockfile" because pnpm-lock.yaml is not up to date with <ROOT>/package.json

      hint: Run `pnpm install` in the app's folder and commit `pnpm-lock.yaml`.
    "#);
}

#[test]
fn npms_own_words_say_what_is_wrong() {
    let of = |manager, output| render(&failure(manager, Step::Install, 1, output));
    insta::assert_snapshot!(of(Manager::Npm, output!("npm-eresolve")), @r#"
    error[peer-dependency-conflict]: `npm install` failed: packages ask for versions of the same peer that exclude each other

      code ERESOLVE
      ERESOLVE unable to resolve dependency tree
      While resolving: undefined@undefined
      Found: react@17.0.2
      node_modules/react
      react@"17.0.2" from the root project
      Could not resolve dependency:
      peer react@"^18.2.0" from react-dom@18.2.0
      node_modules/react-dom
      react-dom@"18.2.0" from the root project
      Fix the upstream dependency conflict, or retry
      this command with --force or --legacy-peer-deps

      hint: Run `npm install` in the app's folder and choose versions that fit.
      hint: `legacy-peer-deps=true` in `.npmrc` makes npm take them as they are.
    "#);
    insta::assert_snapshot!(of(Manager::Npm, output!("npm-badplatform")), @r#"
    error[package-for-another-platform]: `npm install` failed: a package is for another kind of machine

      code EBADPLATFORM
      notsup Unsupported platform for fsevents@2.3.3: wanted {"os":"darwin"} (current: {"os":"linux"})
      notsup Valid os:  darwin
      notsup Actual os: linux

      hint: Move the package to `optionalDependencies`, which are left out where they do not fit.
    "#);
    insta::assert_snapshot!(of(Manager::Npm, output!("npm-engine")), @r#"
    error[package-for-another-node]: `npm install` failed: a package asks for another version

      code EBADENGINE
      engine Unsupported engine
      engine Not compatible with your version of node/npm: undefined
      notsup Not compatible with your version of node/npm: undefined
      notsup Required: {"node":"99"}
      notsup Actual:   {"npm":"10.9.9","node":"v20.20.2"}

      hint: Ask for a version of Node.js that fits in `engines.node` of `package.json`.
    "#);
    insta::assert_snapshot!(of(Manager::Npm, output!("npm-404")), @r"
    error[package-not-found]: `npm install` failed: a package is not in the registry, or may not be seen

      code E404
      404 Not Found - GET https://registry.example/no-such-package-slugbuilder-xyz
      404
      404  'no-such-package-slugbuilder-xyz@1.0.0' is not in this registry.
      404
      404 Note that you can also install from a
      404 tarball, folder, http url, or git url.

      hint: Check the package's name in `package.json`.
      hint: For a private registry write `//HOST/:_authToken=${NPM_TOKEN}` into `.npmrc` and give the build `NPM_TOKEN` (`--secret NPM_TOKEN`), or pass your own with `--with-credentials npm`.
    ");
    insta::assert_snapshot!(of(Manager::Npm, output!("npm-etarget")), @r"
    error[package-version-not-found]: `npm install` failed: a version of a package does not exist

      code ETARGET
      notarget No matching version found for is-odd@99.0.0.
      notarget In most cases you or one of your dependencies are requesting
      notarget a package version that doesn't exist.

      hint: Choose an existing version in `package.json` and run `npm install` in the app's folder.
    ");
    insta::assert_snapshot!(of(Manager::Npm, output!("npm-401")), @r"
    error[registry-unauthorized]: `npm install` failed: the registry asks for credentials

      code E401
      Unable to authenticate, your authentication token seems to be invalid.
      To correct this please try logging in again with:
      npm login

      hint: For a private registry write `//HOST/:_authToken=${NPM_TOKEN}` into `.npmrc` and give the build `NPM_TOKEN` (`--secret NPM_TOKEN`), or pass your own with `--with-credentials npm`.
    ");
    insta::assert_snapshot!(of(Manager::Npm, output!("npm-enotfound")), @r"
    error[registry-unreachable]: `npm install` failed: a place that packages come from cannot be reached

      code ENOTFOUND
      syscall getaddrinfo
      errno ENOTFOUND
      network request to https://no-such-host.invalid/is-odd failed, reason: getaddrinfo ENOTFOUND no-such-host.invalid
      network This is a problem related to network connectivity.
      network In most cases you are behind a proxy or have bad network settings.
      network
      network If you are behind a proxy, please make sure that the
      network 'proxy' config is set properly.  See: 'npm help config'

      hint: Run the same again.
      hint: Behind a proxy, set `HTTPS_PROXY`; another registry is set by `registry=` in `.npmrc`.
    ");
    insta::assert_snapshot!(of(Manager::Pnpm, output!("pnpm-offline")), @r"
    error[package-not-cached]: `pnpm install` failed: a package is not in the cache, and the build is without network

      ERR_PNPM_NO_OFFLINE_META  Failed to resolve is-odd@3.0.1 in package mirror /app/c/metadata-v1.3/registry.example/is-odd.json

      hint: Build once with network: what is downloaded is kept for the next builds.
    ");
}

#[test]
fn native_addons_and_git_say_what_is_missing() {
    let of = |output| render(&failure(Manager::Npm, Step::Install, 1, output));
    insta::assert_snapshot!(of(output!("gyp-python")), @r#"
    error[python-missing]: `npm install` failed: a native addon needs Python to be built

      code 1
      path /app/node_modules/segfault-handler
      command failed
      command sh -c node-gyp rebuild
      gyp ERR! find Python
      gyp ERR! find Python Python is not set from command line or npm configuration
      gyp ERR! find Python Python is not set from environment variable PYTHON
      gyp ERR! find Python checking if "python3" can be used
      gyp ERR! find Python - executable path is ""
      gyp ERR! find Python - "" could not be run
      gyp ERR! find Python checking if "python" can be used
      gyp ERR! find Python - executable path is ""

      hint: Install Python 3, make and g++ on this machine (`apt install python3 make g++`).
    "#);
    insta::assert_snapshot!(of(output!("gyp-cc")), @r"
    error[compiler-missing]: `npm install` failed: a native addon needs `make` and `g++` to be built

      code 1
      path /app/node_modules/segfault-handler
      command failed
      command sh -c node-gyp rebuild
      make: Entering directory '/app/node_modules/segfault-handler/build'
      CXX(target) Release/obj.target/segfault-handler/src/segfault-handler.o
      make: Leaving directory '/app/node_modules/segfault-handler/build'
      make: g++: No such file or directory
      make: *** [segfault-handler.target.mk:112: Release/obj.target/segfault-handler/src/segfault-handler.o] Error 127
      gyp ERR! build error
      gyp ERR! stack Error: `make` failed with exit code: 2
      gyp ERR! stack at ChildProcess.<anonymous> (/layers/npm/node_modules/node-gyp/lib/build.js:219:23)

      hint: Install Python 3, make and g++ on this machine (`apt install python3 make g++`).
    ");
    insta::assert_snapshot!(of("gyp ERR! build error\ngyp ERR! not ok"), @r"
    error[addon-failed]: `npm install` failed: a native addon does not compile

      gyp ERR! build error
      gyp ERR! not ok

      hint: A newer version of the package may support this version of Node.js.
    ");
    insta::assert_snapshot!(of(output!("npm-git-missing")), @r"
    error[git-missing]: `npm install` failed: a dependency comes through git, which is not installed

      code ENOENT
      syscall spawn git
      path git
      errno -2
      enoent An unknown git error occurred
      enoent This is related to npm not being able to find a file.
      enoent

      hint: Install git on this machine, or depend on a published version.
    ");
    insta::assert_snapshot!(of("npm error git@github.example: Permission denied (publickey).\nnpm error fatal: Could not read from remote repository."), @r"
    error[git-dependency-refused]: `npm install` failed: the repository of a git dependency cannot be read

      git@github.example: Permission denied (publickey).
      fatal: Could not read from remote repository.

      hint: Write the dependency as `git+https://…`, or publish it: the build has no SSH keys.
    ");
    insta::assert_snapshot!(of("npm error code EINTEGRITY"), @r"
    error[package-integrity]: `npm install` failed: a package does not have the hash that the lockfile has

      code EINTEGRITY

      hint: If the registry is to be trusted, run `npm install` in the app's folder and look at what changes in the lockfile.
    ");
    insta::assert_snapshot!(of("npm error code ENOSPC"), @r"
    error[disk-full]: `npm install` failed: the disk is full

      code ENOSPC

      hint: Free some space: `slugbuilder cache` shows what is kept.
    ");
    insta::assert_snapshot!(of("./x: /lib/libc.so.6: version `GLIBC_2.99' not found (required by ./x)"), @r"
    error[glibc-too-old]: `npm install` failed: a program was made for a newer glibc than this machine's

      ./x: /lib/libc.so.6: version `GLIBC_2.99' not found (required by ./x)

      hint: Build for a newer stack, or choose an older version of that program.
    ");
    insta::assert_snapshot!(of("something else"), @r"
    error[install-failed]: `npm install` failed with exit code 1

      something else
    ");
}

#[test]
fn scripts_are_named_with_their_line() {
    let of = |output, code| render(&failure(Manager::Npm, build(), code, output));
    insta::assert_snapshot!(of(output!("npm-build-exit"), 7), @r"
    error[script-failed]: the script `build` (package.json:7) failed with exit code 7

      > build
      > exit 7

      hint: Run `npm run build` in a fresh checkout to see the same.
    ");
    insta::assert_snapshot!(of(output!("npm-build-missing"), 127), @r"
    error[script-program-missing]: the script `build` (package.json:7) failed: there is no program `tsc`

      > build
      > tsc -p .
      sh: 1: tsc: not found

      hint: Add the package that brings it with `npm install`, as a development dependency where only the build needs it.
    ");
    insta::assert_snapshot!(of(output!("npm-module"), 1), @r#"
    error[script-module-missing]: the script `build` (package.json:7) failed: there is no module `webpack`

      > build
      > node -e "require(\"webpack\")"
      node:internal/modules/cjs/loader:1210
        throw err;
        ^
      Error: Cannot find module 'webpack'
      Require stack:
      - /app/[eval]
        code: 'MODULE_NOT_FOUND',
        requireStack: [ '/app/[eval]' ]
      }
      Node.js v20.20.2

      hint: Check the path, and that the package is in `dependencies` or `devDependencies`.
    "#);
    insta::assert_snapshot!(of("Error: error:0308010C:digital envelope routines::unsupported", 1), @r"
    error[openssl-unsupported-algorithm]: the script `build` (package.json:7) failed: it uses a hash function that OpenSSL 3 does not have

      Error: error:0308010C:digital envelope routines::unsupported

      hint: Update the tool that fails, for example webpack to version 5.
      hint: Until then, the config var `NODE_OPTIONS=--openssl-legacy-provider` lets it pass.
    ");
    let oom = failure(Manager::Npm, build(), 134, output!("npm-oom"));
    insta::assert_snapshot!(oom.to_string(), @"the script `build` (package.json:7) failed: it ran out of memory");
    insta::assert_snapshot!(oom.hints().join("\n"), @"Set the config var `NODE_OPTIONS=--max-old-space-size=4096` (megabytes), or build on a machine with more memory.");
    assert_eq!(
        failure(
            Manager::YarnClassic,
            build(),
            1,
            "/bin/sh: 1: next: not found\nerror Command failed with exit code 127."
        )
        .code(),
        "script-program-missing"
    );
}

#[test]
fn a_manager_that_does_not_start_is_named() {
    let error = NodeBuildError::Run {
        command: "npm ci".into(),
        error: CommandError::Missing("npm".into()),
    };
    insta::assert_snapshot!(render(&error), @r"
    error[package-manager-missing]: cannot run `npm ci`
      caused by: `npm` is not installed
    ");
    let full = std::io::Error::other("No space left on device");
    insta::assert_snapshot!(render(&NodeBuildError::Disk(full)), @r"
    error[packages-disk]: cannot write the installed packages
      caused by: No space left on device
    ");
}
