//! The programs of a Go app.
//!
//! - Every file at the root that has a `func main` is a program of its own, named like the file and built together with
//!   the root's files of `package main` that have none.
//! - In a module whose root has one `func main` the root is built as a package, named like the module.
//! - In a module every folder `cmd/NAME` with a `func main` is a program.
//!
//! A program is written to `bin/NAME`; where a process asks for `./NAME` and none for `bin/NAME`, to `NAME`, which is
//! what "Creating slugs from scratch" has.

use super::commands;
use super::error::DetectError;
use super::go_source;
use crate::app::App;
use crate::manifest::GoMod;
use crate::target::Machine;

/// A program to build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoProgram {
    /// Its name.
    pub name: String,
    /// What `go build` is given: file names, or one package path.
    pub sources: Vec<String>,
    /// Where the program goes, relative to the app.
    pub output: String,
}

/// What the app has of Go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GoApp {
    /// Names of the root's files of `package main`, those with `func main` first.
    pub main_files: Vec<String>,
    /// Whether there is a `go.mod` with a module in it.
    pub is_module: bool,
    /// The programs, sorted by name.
    pub programs: Vec<GoProgram>,
}

/// Looks at the Go files of the app. `commands` are those of the processes, which choose where programs go.
pub(super) fn scan(app: &App, machine: Machine, commands: &[&str]) -> Result<GoApp, DetectError> {
    let (with_main, without_main) = files(app, "", app.files_ending_in(".go"), machine)?;
    let module = GoMod::read(app)?.filter(|module| !module.module.is_empty());

    let mut programs = Vec::new();
    match (&module, with_main.as_slice()) {
        (Some(module), [_]) => {
            programs.push(program(module.program_name(), vec![".".into()], commands));
        }
        _ => {
            for file in &with_main {
                let mut sources = vec![file.clone()];
                sources.extend(without_main.iter().cloned());
                programs.push(program(stem(file).to_owned(), sources, commands));
            }
        }
    }
    if module.is_some() {
        for name in command_folders(app)? {
            let folder = format!("cmd/{name}");
            let inside = App::open(&app.root().join(&folder))?;
            let (with_main, _) = files(
                app,
                &format!("{folder}/"),
                inside.files_ending_in(".go"),
                machine,
            )?;
            if !with_main.is_empty() {
                programs.push(program(name, vec![format!("./{folder}")], commands));
            }
        }
    }
    programs.sort_by(|one, other| one.name.cmp(&other.name));
    if let Some(twice) = programs
        .windows(2)
        .find(|pair| pair[0].name == pair[1].name)
    {
        return Err(DetectError::ProgramTwice {
            name: twice[0].name.clone(),
            first: twice[0].sources[0].clone(),
            second: twice[1].sources[0].clone(),
        });
    }
    let mut main_files = with_main;
    main_files.extend(without_main);
    Ok(GoApp {
        main_files,
        is_module: module.is_some(),
        programs,
    })
}

/// The files of `package main` among `names`: those with `func main`, and the others.
fn files<'a>(
    app: &App,
    folder: &str,
    names: impl Iterator<Item = &'a str>,
    machine: Machine,
) -> Result<(Vec<String>, Vec<String>), DetectError> {
    let (mut with_main, mut without_main) = (Vec::new(), Vec::new());
    for name in names {
        let Some(text) = app.text(&format!("{folder}{name}"))? else {
            continue;
        };
        match go_source::read(name, &text, machine) {
            Some(source) if source.package != "main" => {}
            Some(source) if source.has_main => with_main.push(name.to_owned()),
            Some(_) => without_main.push(name.to_owned()),
            None => {}
        }
    }
    Ok((with_main, without_main))
}

fn command_folders(app: &App) -> Result<Vec<String>, DetectError> {
    if !app.is_folder("cmd") {
        return Ok(Vec::new());
    }
    let inside = App::open(&app.root().join("cmd"))?;
    Ok(inside
        .names()
        .iter()
        .filter_map(|name| name.to_str())
        .filter(|name| {
            inside.is_folder(name) && !name.starts_with(['.', '_']) && *name != "testdata"
        })
        .map(str::to_owned)
        .collect())
}

fn stem(file: &str) -> &str {
    file.strip_suffix(".go").unwrap_or(file)
}

fn program(name: String, sources: Vec<String>, commands: &[&str]) -> GoProgram {
    let asks_for = |path: &str| {
        commands
            .iter()
            .any(|command| commands::programs(command).contains(&path))
    };
    let in_bin = format!("bin/{name}");
    let at_root =
        asks_for(&format!("./{name}")) && !asks_for(&in_bin) && !asks_for(&format!("./{in_bin}"));
    let output = if at_root { name.clone() } else { in_bin };
    GoProgram {
        name,
        sources,
        output,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: &str = "package main\nfunc main() {}\n";

    fn scan_files(files: &[(&str, &str)], commands: &[&str]) -> Result<GoApp, DetectError> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }
        scan(&App::open(folder.path()).unwrap(), Machine::Amd64, commands)
    }

    fn programs(files: &[(&str, &str)], commands: &[&str]) -> Vec<String> {
        let app = scan_files(files, commands).unwrap();
        app.programs
            .iter()
            .map(|program| format!("{} = {}", program.output, program.sources.join(" ")))
            .collect()
    }

    #[test]
    fn every_main_is_a_program_with_the_shared_files() {
        let files = [
            ("web.go", MAIN),
            ("worker.go", MAIN),
            ("shared.go", "package main\n"),
            (
                "gen.go",
                "//go:build ignore\npackage main\nfunc main() {}\n",
            ),
            ("web_test.go", MAIN),
            ("other.go", "package other\n"),
        ];
        assert_eq!(
            programs(&files, &[]),
            [
                "bin/web = web.go shared.go",
                "bin/worker = worker.go shared.go"
            ]
        );
    }

    #[test]
    fn a_module_builds_its_root_and_its_commands() {
        let files = [
            ("go.mod", "module shop\n"),
            ("main.go", MAIN),
            ("cmd/worker/main.go", MAIN),
            ("cmd/library/library.go", "package library\n"),
        ];
        assert_eq!(
            programs(&files, &[]),
            ["bin/shop = .", "bin/worker = ./cmd/worker"]
        );
    }

    #[test]
    fn a_module_with_two_mains_at_its_root_builds_them_by_file() {
        let files = [
            ("go.mod", "module example.org/shop\n"),
            ("web.go", MAIN),
            ("worker.go", MAIN),
        ];
        assert_eq!(
            programs(&files, &[]),
            ["bin/web = web.go", "bin/worker = worker.go"]
        );
    }

    #[test]
    fn an_empty_go_mod_is_no_module() {
        assert_eq!(
            programs(&[("go.mod", ""), ("web.go", MAIN)], &[]),
            ["bin/web = web.go"]
        );
    }

    #[test]
    fn processes_choose_between_bin_and_the_root() {
        let files = [("web.go", MAIN)];
        assert_eq!(programs(&files, &["./web"]), ["web = web.go"]);
        assert_eq!(
            programs(&files, &["./web", "bin/web"]),
            ["bin/web = web.go"]
        );
        assert_eq!(
            programs(&files, &["PORT=1 exec ./web -v"]),
            ["web = web.go"]
        );
    }

    #[test]
    fn two_programs_of_one_name_are_an_error() {
        let files = [
            ("go.mod", "module web\n"),
            ("main.go", MAIN),
            ("cmd/web/main.go", MAIN),
        ];
        assert!(matches!(
            scan_files(&files, &[]),
            Err(DetectError::ProgramTwice { .. })
        ));
    }
}
