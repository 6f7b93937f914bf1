//! The launch environment as a script for `.profile.d` (section 2.10 of the reference).
//!
//! Heroku sources `.profile.d/*.sh` in byte order when the config vars are set already, just as a CNB launcher applies
//! its launch environment, so that `000_` puts this script before the app's own. It is written for bash, which sources
//! it, and is valid for every POSIX shell. It leaves no names of its own behind.

use super::shell::{is_assignable, quote_bytes};
use super::{EXEC_D_HELPER_PATH, ProcessTypes};
use crate::cnb::{Action, ExecD, LaunchEnvironment, Modification, Operation};
use slugbuilder_report::Warning;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Where the script stands, relative to the app directory.
pub const PROFILE_SCRIPT_PATH: &str = ".profile.d/000_slugbuilder.sh";

/// The app directory, in the words of the script.
const HOME: &[u8] = b"\"$HOME\"";

/// Has the app directory where a layer, one of its programs or one of its scripts may change `HOME`.
const SAVED_HOME: &[u8] = b"__slugbuilder_home";

const HEADER: &[u8] = b"# The launch environment of the buildpacks, written by slugbuilder.\n";

/// The script and what it could not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileText {
    /// The script; nothing if there is nothing to do. The same launch environment gives the same bytes.
    pub content: Option<Vec<u8>>,
    /// What was left out.
    pub warnings: Vec<Warning>,
}

/// Writes the script.
///
/// Values are quoted as bytes. One that begins with `app_dir`, or an element of a `:` list that does, is written
/// relative to `$HOME`, which is where the app is when it runs. What is for one process type is guarded by the dyno's
/// name, which `process_types` knows.
#[must_use]
pub fn profile_script(
    launch: &LaunchEnvironment,
    process_types: &ProcessTypes,
    app_dir: &Path,
) -> ProfileText {
    let mut script = Script {
        app_dir,
        process_types,
        text: HEADER.to_vec(),
        home: HOME.to_vec(),
        guard: None,
        warnings: super::secrets::in_variables(launch),
    };
    let changes_home = |operation: &Operation| operation.modification.variable == "HOME";
    // What programs and scripts will set, nobody knows yet.
    if launch.operations.iter().any(changes_home)
        || !launch.exec_d.is_empty()
        || !launch.profile_scripts.is_empty()
    {
        script.write(&[SAVED_HOME, b"=$HOME"]);
        script.home = [b"\"$", SAVED_HOME, b"\""].concat();
    }
    for operation in &launch.operations {
        script.guard(operation.process.as_deref());
        script.modify(
            &operation.modification,
            &operation.buildpack,
            &operation.layer,
        );
    }
    for programs in launch
        .exec_d
        .chunk_by(|one, next| one.process == next.process)
    {
        script.run(programs);
    }
    for profile in &launch.profile_scripts {
        script.guard(profile.process.as_deref());
        script.text.extend(b". ");
        let path = script.value(profile.path.as_os_str().as_bytes());
        script.text.extend(path);
        script.text.push(b'\n');
    }
    script.guard(None);
    if script.home != HOME {
        script.write(&[b"unset ", SAVED_HOME]);
    }
    ProfileText {
        content: (script.text != HEADER).then_some(script.text),
        warnings: script.warnings,
    }
}

struct Script<'a> {
    app_dir: &'a Path,
    process_types: &'a ProcessTypes,
    text: Vec<u8>,
    home: Vec<u8>,
    guard: Option<String>,
    warnings: Vec<Warning>,
}

impl Script<'_> {
    /// What follows is for dynos of this process type, or all.
    fn guard(&mut self, process: Option<&str>) {
        if self.guard.as_deref() == process {
            return;
        }
        if self.guard.take().is_some() {
            self.text.extend(b";;\nesac\n");
        }
        if let Some(process) = process {
            self.guard = Some(process.to_owned());
            let mut names: Vec<&str> = self.process_types.names_of(process).collect();
            if names.is_empty() {
                // No process of this type: what a dyno of that name would be called all the same, unless another
                // process serves under it. Dynos always have a name, so that nothing matches an empty one.
                let is_taken = self
                    .process_types
                    .types
                    .iter()
                    .any(|other| other.name == process);
                names.push(if is_taken { "" } else { process });
            }
            self.text.extend(b"case \"${DYNO%%.*}\" in\n");
            let names: Vec<Vec<u8>> = names
                .iter()
                .map(|name| quote_bytes(name.as_bytes()))
                .collect();
            self.text.extend(names.join(&b'|'));
            self.text.extend(b")\n");
        }
    }

    fn modify(&mut self, modification: &Modification, buildpack: &str, layer: &str) {
        let name = modification.variable.as_bytes();
        if !is_assignable(name) {
            self.warnings.push(
                Warning::new(
                    "variable-unsupported",
                    format!(
                        "the variable `{}` of layer `{layer}` of buildpack `{buildpack}` is left out: no shell can set it",
                        modification.variable.display()
                    ),
                )
                .hint("Set it as a config var if the app needs it."),
            );
            return;
        }
        let value = self.value(modification.value.as_bytes());
        // An assignment of its own: in some shells the words of `export` are split, those of an assignment never.
        match &modification.action {
            Action::Override => self.write(&[name, b"=", &value]),
            Action::Default => self.write(&[b"[ -n \"${", name, b"-}\" ] || ", name, b"=", &value]),
            Action::Append { delimiter } => {
                let delimiter = quote_bytes(delimiter.as_bytes());
                self.write(&[
                    name, b"=${", name, b":+\"$", name, b"\"", &delimiter, b"}", &value,
                ]);
            }
            Action::Prepend { delimiter } => {
                let delimiter = quote_bytes(delimiter.as_bytes());
                self.write(&[
                    name, b"=", &value, b"${", name, b":+", &delimiter, b"\"$", name, b"\"}",
                ]);
            }
        }
        self.write(&[b"export ", name]);
    }

    /// Runs programs of `exec.d` that are all for the same processes, and takes over what they set. If one of them
    /// fails, so does the start of the process (section 2.7 of the reference).
    fn run(&mut self, programs: &[ExecD]) {
        self.guard(programs.first().and_then(|one| one.process.as_deref()));
        let helper = self.app_dir.join(EXEC_D_HELPER_PATH);
        let mut line = b"{ __slugbuilder_exec_d=$(/bin/bash -p ".to_vec();
        line.extend(self.value(helper.as_os_str().as_bytes()));
        line.push(b' ');
        line.extend(&self.home);
        for program in programs {
            line.push(b' ');
            line.extend(self.value(program.path.as_os_str().as_bytes()));
        }
        line.extend(b") || exit 1; } 4>&1");
        self.write(&[&line]);
        self.write(&[b"eval \"$__slugbuilder_exec_d\""]);
        self.write(&[b"unset __slugbuilder_exec_d"]);
    }

    fn write(&mut self, parts: &[&[u8]]) {
        for part in parts {
            self.text.extend_from_slice(part);
        }
        self.text.push(b'\n');
    }

    /// A value in quotes, paths of the app relative to `$HOME`.
    fn value(&self, value: &[u8]) -> Vec<u8> {
        let app_dir = self.app_dir.as_os_str().as_bytes();
        let mut written = Vec::new();
        let mut literal = Vec::new();
        for (index, element) in value.split(|byte| *byte == b':').enumerate() {
            if index > 0 {
                literal.push(b':');
            }
            match element.strip_prefix(app_dir) {
                Some(rest) if rest.is_empty() || rest.starts_with(b"/") => {
                    if !literal.is_empty() {
                        written.extend(quote_bytes(&literal));
                        literal.clear();
                    }
                    written.extend(&self.home);
                    literal.extend_from_slice(rest);
                }
                _ => literal.extend_from_slice(element),
            }
        }
        if !literal.is_empty() || written.is_empty() {
            written.extend(quote_bytes(&literal));
        }
        written
    }
}

#[cfg(test)]
mod tests;
