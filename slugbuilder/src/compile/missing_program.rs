//! Files that a process would start, and that leave the slug after the build.

use crate::layout::after_build::AfterBuild;
use crate::sandbox::Executor;
use crate::slug::ProcessType;
use crate::tree::show;
use slugbuilder_report::Warning;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// Endings that a program of Node.js may be named without, and the file that stands for a folder.
const NODE_ENDINGS: [&str; 5] = [".js", ".cjs", ".mjs", ".json", "/index.js"];

/// A warning for each process type whose command names a file that is there and will not be in the slug. A command is
/// shell, and any program may name files in its own way: what is found are plain words.
pub(super) fn warnings(
    process_types: &BTreeMap<ProcessType, String>,
    after_build: &AfterBuild,
    executor: &dyn Executor,
) -> Vec<Warning> {
    let app = executor.outside(executor.app_dir());
    let mut warnings = Vec::new();
    for (name, command) in process_types {
        let missing = files_of(command).into_iter().find_map(|path| {
            let is_folder = app.join(&path).symlink_metadata().ok()?.is_dir();
            let by = after_build.file_that_selects(&path, is_folder)?;
            Some((by, path))
        });
        if let Some((by, path)) = missing {
            warnings.push(
                Warning::new(
                    "process-file-left-out",
                    format!(
                        "the command of the process `{name}` names `{}`, which `{}` leaves out of the slug",
                        show(&path),
                        show(by)
                    ),
                )
                .hint("Let the pattern pass it by, or start what is in the slug."),
            );
        }
    }
    warnings
}

/// Files of the app that a command may name, as paths in it.
fn files_of(command: &str) -> Vec<PathBuf> {
    let words: Vec<&str> = command
        .split(|c: char| c.is_whitespace() || ";&|()<>".contains(c))
        .map(|word| word.trim_matches(['"', '\'']))
        .filter(|word| !word.is_empty())
        .collect();
    let mut folder = PathBuf::new();
    let mut files = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let previous = index.checked_sub(1).and_then(|before| words.get(before));
        if previous == Some(&"cd") {
            if let Some(entered) = in_app(&folder, word) {
                folder = entered;
            }
            continue;
        }
        // The value of `--require=./x` and the like counts, too.
        let word = word.rsplit('=').next().unwrap_or(word);
        if word.starts_with(['-', '$']) && !word.starts_with("$HOME/") {
            continue;
        }
        let endings = [""].into_iter().chain(NODE_ENDINGS);
        files.extend(endings.filter_map(|ending| in_app(&folder, &format!("{word}{ending}"))));
    }
    files
}

/// A word of a command as a path in the app, seen from one of its folders.
fn in_app(folder: &Path, word: &str) -> Option<PathBuf> {
    let word = word.replace("\"$HOME\"", "$HOME").replace(['"', '\''], "");
    let from_root = ["/app/", "$HOME/", "${HOME}/", "~/"]
        .iter()
        .find_map(|start| word.strip_prefix(start));
    let mut path = match from_root {
        Some(_) => PathBuf::new(),
        None => folder.to_owned(),
    };
    for component in Path::new(from_root.unwrap_or(&word)).components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                path.pop().then_some(())?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!path.as_os_str().is_empty()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_command_are_files_of_the_app() {
        for (command, file) in [
            ("node server.ts", "server.ts"),
            ("node dist/server", "dist/server.js"),
            ("node dist", "dist/index.js"),
            (
                "cd packages/api && node src/main.js",
                "packages/api/src/main.js",
            ),
            (
                "cd '/app/packages/api' && node ../web/x.js",
                "packages/web/x.js",
            ),
            ("cd \"$HOME\"/api && node x.js", "api/x.js"),
            ("bash -c \"exec ./bin/web --port=$PORT\"", "bin/web"),
            ("node --require=./trace.js x.js", "trace.js"),
            ("A=1 exec /app/bin/web; true", "bin/web"),
        ] {
            let files = files_of(command);
            assert!(files.contains(&file.into()), "{command}: {files:?}");
        }
        for command in ["node $FILE", "node --test", "/usr/bin/env", "cat ../../x"] {
            let files = files_of(command);
            let other = ["node", "env", "cat", "bin"];
            assert!(
                files.iter().all(|file| other
                    .iter()
                    .any(|it| file.starts_with(it) || file.to_string_lossy().starts_with(it))),
                "{command}: {files:?}"
            );
        }
    }
}
