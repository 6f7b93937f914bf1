//! Processes as a slug has them: a name and a line for `bash -c` (section 2.10 of the reference).

use super::shell::{quote_command, quote_word};
use crate::cnb::Process;
use slugbuilder_report::Warning;
use std::path::Path;

/// The longest name of a process type that the Platform API takes (`^[-\w]{1,128}$`).
const NAME_LIMIT: usize = 128;

/// One process type of a slug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessType {
    /// Its name: `^[-\w]{1,128}$`.
    pub name: String,
    /// What `bash -c` is given.
    pub command: String,
    /// The type that the buildpack calls it by.
    pub r#type: String,
    /// Id of the buildpack.
    pub buildpack: String,
}

/// The process types of a slug.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessTypes {
    /// By name, each once.
    pub types: Vec<ProcessType>,
    /// What changed on the way.
    pub warnings: Vec<Warning>,
}

impl ProcessTypes {
    /// Turns what buildpacks define into what a slug has. `app_dir` is where the app was built: its path is kept in
    /// commands if it is `/app`, where the app will run, and made relative otherwise.
    #[must_use]
    pub fn of(processes: &[Process], app_dir: &Path) -> Self {
        let mut result = Self {
            types: Vec::new(),
            warnings: super::secrets::in_processes(processes),
        };
        // Exact names first: a name that had to be changed never takes the place of one that is as it was written.
        let (exact, changed): (Vec<_>, Vec<_>) = processes
            .iter()
            .map(|process| (process, slug_name(&process.r#type)))
            .partition(|(process, name)| process.r#type == *name);
        for (process, name) in exact.into_iter().chain(changed) {
            result.add(process, name, app_dir);
        }
        if let Some(default) = processes.iter().find(|process| process.default)
            && !result
                .types
                .iter()
                .any(|process_type| process_type.name == "web")
        {
            result.warnings.push(
                Warning::new(
                    "default-process-as-web",
                    format!(
                        "there is no `web` process: the default process `{}` serves as `web`",
                        default.r#type
                    ),
                )
                .hint("Write a Procfile with a `web` line to choose another."),
            );
            result.add(default, "web".into(), app_dir);
        }
        result
            .types
            .sort_by(|left, right| left.name.cmp(&right.name));
        result
    }

    /// The names under which the slug runs what a buildpack calls `type`: its own, and `web` for a default process.
    pub fn names_of<'a>(&'a self, r#type: &'a str) -> impl Iterator<Item = &'a str> {
        self.types
            .iter()
            .filter(move |process_type| process_type.r#type == r#type)
            .map(|process_type| process_type.name.as_str())
    }

    fn add(&mut self, process: &Process, name: String, app_dir: &Path) {
        if let Some(other) = self
            .types
            .iter()
            .find(|process_type| process_type.name == name)
        {
            self.warnings.push(
                Warning::new(
                    "process-name-taken",
                    format!(
                        "the process `{}` is left out: its name in a slug would be `{name}`, as that of `{}`",
                        process.r#type, other.r#type
                    ),
                )
                .hint("Rename one of the two."),
            );
            return;
        }
        if name != process.r#type && name != "web" {
            self.warnings.push(Warning::new(
                "process-renamed",
                format!(
                    "the process `{}` is called `{name}` in the slug, where names hold letters, digits, `_` and `-` only",
                    process.r#type
                ),
            ));
        }
        self.types.push(ProcessType {
            name,
            command: command_line(process, app_dir, &mut self.warnings),
            r#type: process.r#type.clone(),
            buildpack: process.buildpack.clone(),
        });
    }
}

/// CNB also allows dots and any length.
fn slug_name(r#type: &str) -> String {
    r#type.replace('.', "-").chars().take(NAME_LIMIT).collect()
}

fn command_line(process: &Process, app_dir: &Path, warnings: &mut Vec<Warning>) -> String {
    let words: Vec<&str> = process
        .command
        .iter()
        .chain(&process.args)
        .map(String::as_str)
        .collect();
    let moves = app_dir != Path::new("/app");
    let directory = process
        .working_directory
        .as_deref()
        // A relative one is relative to the app directory.
        .map(|directory| app_dir.join(directory))
        .filter(|directory| directory != app_dir);
    let line = match (words.as_slice(), &directory) {
        // The slug's own shell runs the script: it need not start another one.
        (["bash", "-c", script], None) => (*script).to_owned(),
        (["bash", "-c", script], Some(directory)) => {
            format!("{} && {}", change_to(directory, app_dir), grouped(script))
        }
        (words, _) => {
            let word = |(index, word): (usize, &&str)| {
                let inside = Path::new(word).strip_prefix(app_dir).ok().filter(|_| moves);
                match inside {
                    Some(path) if directory.is_some() => {
                        format!("\"$HOME\"/{}", quote_word(&path.to_string_lossy()))
                    }
                    Some(path) => relative_word(path, index == 0),
                    None if index == 0 => quote_command(word),
                    None => quote_word(word),
                }
            };
            let command = words
                .iter()
                .enumerate()
                .map(word)
                .collect::<Vec<_>>()
                .join(" ");
            match &directory {
                None => command,
                Some(directory) => format!("{} && {command}", change_to(directory, app_dir)),
            }
        }
    };
    if moves && line.contains(&*app_dir.to_string_lossy()) {
        warnings.push(
            Warning::new(
                "process-not-relocatable",
                format!(
                    "the command of the process `{}` holds the path of the build, `{}`, which will not exist when it runs",
                    process.r#type,
                    app_dir.display()
                ),
            )
            .hint("Let the command use `$HOME`, or build where user namespaces can be had."),
        );
    }
    line
}

/// A script as one command for the shell that runs it, so that what stands before it is before all of it.
fn grouped(script: &str) -> String {
    // Without operators, comments and escapes it is a simple command.
    let simple = |c: char| c.is_ascii_alphanumeric() || " _@%+=:,./-$\"'{}".contains(c);
    if script.chars().all(simple) {
        script.to_owned()
    } else {
        format!("eval {}", quote_word(script))
    }
}

/// How a process comes from the app directory, where it starts, to its own. Below the app directory the way is relative,
/// wherever the app was built.
fn change_to(directory: &Path, app_dir: &Path) -> String {
    match directory.strip_prefix(app_dir) {
        Ok(below) => format!("cd {}", relative_word(below, false)),
        Err(_) => format!("cd {}", quote_word(&directory.to_string_lossy())),
    }
}

/// A path below the app directory, where the process starts.
fn relative_word(path: &Path, is_command: bool) -> String {
    let text = path.to_string_lossy();
    if text.is_empty() {
        ".".into()
    } else if text.starts_with('-') || (is_command && !text.contains('/')) {
        quote_word(&format!("./{text}"))
    } else {
        quote_word(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn process(r#type: &str, words: &[&str]) -> Process {
        Process {
            r#type: r#type.into(),
            command: words.iter().map(|word| (*word).to_owned()).collect(),
            args: Vec::new(),
            default: false,
            working_directory: None,
            buildpack: "b".into(),
        }
    }

    fn in_app(processes: &[Process]) -> ProcessTypes {
        ProcessTypes::of(processes, Path::new("/app"))
    }

    fn line(words: &[&str], app_dir: &str, directory: Option<&str>) -> String {
        let process = Process {
            working_directory: directory.map(Into::into),
            ..process("web", words)
        };
        ProcessTypes::of(&[process], Path::new(app_dir))
            .types
            .remove(0)
            .command
    }

    fn codes(types: &ProcessTypes) -> Vec<&str> {
        types
            .warnings
            .iter()
            .map(|warning| warning.code.as_str())
            .collect()
    }

    #[test]
    fn plain_words_stay_as_they_are() {
        assert_eq!(line(&["node", "web.js"], "/app", None), "node web.js");
        assert_eq!(
            line(&["/app/bin/x", "a b"], "/app", None),
            "/app/bin/x 'a b'"
        );
    }

    #[test]
    fn a_bash_script_is_unwrapped_unless_it_has_more_arguments_or_another_directory() {
        assert_eq!(line(&["bash", "-c", "a | b"], "/app", None), "a | b");
        assert_eq!(
            line(&["bash", "-c", "a", "$0"], "/app", None),
            "bash -c a '$0'"
        );
        assert_eq!(
            line(&["bash", "-c", "a; b"], "/app", Some("/app/x y")),
            "cd 'x y' && eval 'a; b'"
        );
        assert_eq!(
            line(&["bash", "-c", "A=1 node \"$X\" ${Y}"], "/app", Some("sub")),
            "cd sub && A=1 node \"$X\" ${Y}"
        );
    }

    #[test]
    fn args_follow_the_command() {
        let mut web = process("web", &["bash", "-c"]);
        web.args = vec!["echo $PORT".into()];
        assert_eq!(in_app(&[web]).types[0].command, "echo $PORT");
    }

    #[test]
    fn directories_other_than_the_app_are_changed_to() {
        assert_eq!(line(&["x"], "/app", Some("/app")), "x");
        assert_eq!(line(&["x"], "/app", Some("sub")), "cd sub && x");
        assert_eq!(line(&["x"], "/app", Some("/app/-")), "cd ./- && x");
        assert_eq!(
            line(&["node", "web.js"], "/app", Some("packages/api")),
            "cd packages/api && node web.js"
        );
        assert_eq!(line(&["x"], "/app", Some("/srv")), "cd /srv && x");
    }

    #[test]
    fn a_build_elsewhere_leaves_no_trace_of_its_path() {
        assert_eq!(
            line(&["/b/app/run", "/b/app/x/y", "/b/app"], "/b/app", None),
            "./run x/y ."
        );
        assert_eq!(line(&["/b/app/bin/run"], "/b/app", None), "bin/run");
        assert_eq!(
            line(&["/b/app/run", "/b/apple"], "/b/app", Some("/b/app/sub")),
            "cd sub && \"$HOME\"/run /b/apple"
        );
    }

    #[test]
    fn a_path_of_the_build_that_stays_is_reported() {
        let types = ProcessTypes::of(
            &[process("web", &["x", "--config=/b/app/c"])],
            Path::new("/b/app"),
        );
        assert_eq!(codes(&types), ["process-not-relocatable"]);
    }

    #[test]
    fn names_are_mapped_and_collisions_reported() {
        let types = in_app(&[
            process("a.b", &["dot"]),
            process("a-b", &["dash"]),
            process("c.d", &["x"]),
        ]);
        let names: Vec<(&str, &str)> = types
            .types
            .iter()
            .map(|process_type| (process_type.name.as_str(), process_type.command.as_str()))
            .collect();
        assert_eq!(names, [("a-b", "dash"), ("c-d", "x")]);
        assert_eq!(codes(&types), ["process-name-taken", "process-renamed"]);
        assert_eq!(types.names_of("c.d").collect::<Vec<_>>(), ["c-d"]);
        let long = in_app(&[process(&"x".repeat(200), &["x"])]);
        assert_eq!(long.types[0].name.len(), 128);
    }

    #[test]
    fn the_default_serves_as_web_where_there_is_none() {
        let default = Process {
            default: true,
            ..process("server", &["x"])
        };
        let types = in_app(&[default.clone(), process("worker", &["w"])]);
        assert_eq!(
            types.names_of("server").collect::<Vec<_>>(),
            ["server", "web"]
        );
        assert_eq!(codes(&types), ["default-process-as-web"]);
        let types = in_app(&[default, process("web", &["w"])]);
        assert_eq!((types.types.len(), codes(&types).len()), (2, 0));
    }

    #[test]
    fn all_of_a_script_runs_in_its_directory() {
        let app = tempfile::tempdir().unwrap();
        std::fs::create_dir(app.path().join("sub")).unwrap();
        let script = "pwd & wait; pwd # here\npwd | cat || pwd; echo $SAID 'it\\'";
        let command = line(&["bash", "-c", script], "/app", Some("sub"));
        let output = Command::new("bash")
            .arg("-c")
            .arg(format!("SAID=this; {command}"))
            .current_dir(app.path())
            .output()
            .unwrap();
        let sub = app.path().join("sub");
        let expected = format!("{0}\n{0}\n{0}\nthis it\\\n", sub.display());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }

    #[test]
    fn bash_gets_every_word_as_it_was() {
        let words = [
            "printf", "[%s]", "", "a b", "it's", "$HOME", "`x`", "*", "\\", "\"", "a\nb", "~",
            "!x", "#", "-",
        ];
        let output = Command::new("bash")
            .arg("-c")
            .arg(line(&words, "/app", None))
            .output()
            .unwrap();
        let expected = format!("[{}]", words[2..].join("]["));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }
}
