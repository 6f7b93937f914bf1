//! Finding a cause in what a program wrote.

use super::{Cause, Step};
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

/// What package managers write when they install, the first one that occurs wins.
const OF_INSTALLATIONS: [(Cause, &[&str]); 14] = [
    (
        Cause::LockfileOutOfSync,
        &[
            "can only install packages when your package.json and package-lock.json",
            "can only install with an existing package-lock.json",
            "Your lockfile needs to be updated",
            "YN0028",
            "ERR_PNPM_OUTDATED_LOCKFILE",
            "ERR_PNPM_LOCKFILE_CONFIG_MISMATCH",
        ],
    ),
    (
        Cause::PeerConflict,
        &["code ERESOLVE", "ERR_PNPM_PEER_DEP_ISSUES"],
    ),
    (
        Cause::Platform,
        &[
            "EBADPLATFORM",
            "ERR_PNPM_UNSUPPORTED_PLATFORM",
            "is incompatible with this module",
        ],
    ),
    (
        Cause::Engine,
        &["EBADENGINE", "ERR_PNPM_UNSUPPORTED_ENGINE"],
    ),
    (
        Cause::NotCached,
        &[
            "ENOTCACHED",
            "YN0080",
            "ERR_PNPM_NO_OFFLINE",
            "in our offline mirror",
            "in your offline mirror",
        ],
    ),
    (
        Cause::Integrity,
        &[
            "EINTEGRITY",
            "YN0018",
            "ERR_PNPM_TARBALL_INTEGRITY",
            "Integrity check failed",
        ],
    ),
    (
        Cause::Unauthorized,
        &[
            "code E401",
            "code E403",
            "code ENEEDAUTH",
            ": unauthenticated",
            "YN0041",
            "YN0033",
            "ERR_PNPM_FETCH_401",
            "ERR_PNPM_FETCH_403",
            "Request failed \"401",
            "Request failed \"403",
            "Response Code: 401",
            "Response Code: 403",
        ],
    ),
    (
        Cause::NoGit,
        &[
            "spawn git ENOENT",
            "syscall spawn git",
            "Couldn't find the binary git",
        ],
    ),
    (Cause::Unreachable, &["Could not resolve host"]),
    (
        Cause::GitRefused,
        &[
            "Could not read from remote repository",
            "could not read Username",
            "Permission denied (publickey)",
            "Authentication failed for",
        ],
    ),
    (
        Cause::NoVersion,
        &[
            "code ETARGET",
            "ERR_PNPM_NO_MATCHING_VERSION",
            "Couldn't find any versions for",
            "YN0082",
        ],
    ),
    (
        Cause::NoPackage,
        &[
            "code E404",
            "ERR_PNPM_FETCH_404",
            "Couldn't find package",
            "Package not found",
            "Request failed \"404",
        ],
    ),
    (
        Cause::Unreachable,
        &[
            "ENOTFOUND",
            "ECONNRESET",
            "ECONNREFUSED",
            "ETIMEDOUT",
            "ESOCKETTIMEDOUT",
            "EAI_AGAIN",
            "ENETUNREACH",
            "EHOSTUNREACH",
            "ERR_SOCKET_TIMEOUT",
            "socket hang up",
            "ERR_PNPM_META_FETCH_FAIL",
            "code E500",
            "code E502",
            "code E503",
            "code E504",
            "code E429",
            "Response Code: 5",
        ],
    ),
    (Cause::AddonFailed, &["gyp ERR!"]),
];

impl Cause {
    /// Finds the cause of `step`'s failure in the last lines of its output.
    pub(in super::super) fn find(step: &Step, status: ExitStatus, lines: &[&str]) -> Self {
        if let Some(cause) = of_any_program(status, lines) {
            return cause;
        }
        if matches!(step, Step::Script { .. }) {
            return missing(status, lines);
        }
        OF_INSTALLATIONS
            .into_iter()
            .find(|(_, needles)| say(lines, needles))
            .map_or_else(|| missing(status, lines), |(cause, _)| cause)
    }
}

fn say(lines: &[&str], needles: &[&str]) -> bool {
    lines
        .iter()
        .any(|line| needles.iter().any(|needle| line.contains(needle)))
}

/// What may come in any program, the more exact before the more general.
fn of_any_program(status: ExitStatus, lines: &[&str]) -> Option<Cause> {
    let says = |needles: &[&str]| say(lines, needles);
    if says(&["ENOSPC", "No space left on device"]) {
        return Some(Cause::DiskFull);
    }
    let is_killed = status.signal() == Some(9) || status.code() == Some(137);
    if is_killed || says(&["JavaScript heap out of memory", "Cannot allocate memory"]) {
        return Some(Cause::OutOfMemory);
    }
    if says(&["ERR_OSSL_EVP_UNSUPPORTED", "error:0308010C"]) {
        return Some(Cause::OpenSsl);
    }
    let asks_for_glibc =
        |line: &&str| line.contains("version `GLIBC_") && line.contains("not found");
    if lines.iter().any(asks_for_glibc) {
        return Some(Cause::Glibc);
    }
    if !says(&["gyp ERR! not ok", "gyp ERR! stack"]) {
        return None;
    }
    let no_compiler = [
        "not found: make",
        "g++: not found",
        "g++: No such file",
        "g++: Command not found",
        "cc: not found",
    ];
    Some(if says(&["find Python", "Could not find any Python"]) {
        Cause::NoPython
    } else if says(&no_compiler) {
        Cause::NoCompiler
    } else {
        Cause::AddonFailed
    })
}

/// The program or module that is not there.
fn missing(status: ExitStatus, lines: &[&str]) -> Cause {
    let quoted = |line: &str, before: &str, after: char| {
        let (_, rest) = line.split_once(before)?;
        let name = rest.split(after).next()?.trim();
        (!name.is_empty()).then(|| name.to_owned())
    };
    for line in lines.iter().rev() {
        // dash: `sh: 1: tsc: not found`, bash: `sh: line 1: tsc: command not found`, Yarn: `command not found: tsc`.
        if status.code().is_some_and(|code| code == 127 || code == 1) {
            if let Some(program) = quoted(line, "command not found: ", ' ') {
                return Cause::NoProgram(program);
            }
            let name = line
                .strip_suffix(": not found")
                .or_else(|| line.strip_suffix(": command not found"))
                .filter(|rest| rest.contains("sh: "))
                .and_then(|rest| rest.rsplit(": ").next());
            if let Some(program) = name {
                return Cause::NoProgram(program.to_owned());
            }
        }
        if let Some(module) = quoted(line, "Error: Cannot find module '", '\'') {
            return Cause::NoModule(module);
        }
        if let Some(module) = quoted(
            line,
            "Error [ERR_MODULE_NOT_FOUND]: Cannot find package '",
            '\'',
        ) {
            return Cause::NoModule(module);
        }
    }
    Cause::Unknown
}
