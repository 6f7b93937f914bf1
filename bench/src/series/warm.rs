//! Archives after a small change, with the cache of the archive before.

use super::FEW;
use super::Recorder;
use super::ours::Write;
use super::peers::Peer;
use crate::benchmark::Bench;
use crate::check;
use crate::error::BenchError;
use crate::pipeline::Pipeline;
use crate::results::Series;
use crate::runner::Runner;
use crate::trees::{DEPENDENCY, Kind, PACKAGE, SOURCE, Trees};
use crate::work::{copy, remove};
use fs_err as fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How old files are when the cache that knows them by stat is written: older than any time stamp's tick, so that the
/// engine need not take them for racy.
const SETTLE: Duration = Duration::from_millis(2500);

/// How the last line of an edited file begins.
const EDIT: &str = "// Edited by slugbuilder-bench: ";

/// What happens between two archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Nothing,
    Line,
    Commit,
    Dependency,
    Package,
    Checkout,
}

impl Change {
    /// All of them, in the order in which each round makes them. The last one makes every file new.
    pub(super) const ALL: [Self; 6] = [
        Self::Nothing,
        Self::Line,
        Self::Commit,
        Self::Dependency,
        Self::Package,
        Self::Checkout,
    ];

    /// Its name in bars.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Line => "line",
            Self::Commit => "commit",
            Self::Dependency => "dependency",
            Self::Package => "package",
            Self::Checkout => "checkout",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Nothing => "slugbuilder, nothing changed",
            Self::Line => "**slugbuilder, one line changed**",
            Self::Commit => "slugbuilder, one line changed and committed",
            Self::Dependency => "slugbuilder, a dependency's file changed",
            Self::Package => "slugbuilder, a package added",
            Self::Checkout => {
                "**slugbuilder, one line changed, fresh checkout and restored cache**"
            }
        }
    }
}

/// The tree that changes, its cache and its slug.
struct State<'a> {
    runner: &'a Runner,
    folder: PathBuf,
    write: Write,
    /// No two edits are the same.
    edits: u32,
}

pub(super) fn measure(bench: &Bench, trees: &Trees<'_>) -> Result<Series, BenchError> {
    let big = trees.get(Kind::Big)?;
    let folder = bench.work.series("warm")?;
    let tree = folder.join("tree");
    copy(&bench.runner, &big.path, &tree)?;
    // What is added in each round; a sibling of the tree, so that nothing crosses a file system.
    fs::rename(tree.join(PACKAGE), folder.join("package"))?;
    let mut write = Write::new(&tree, &folder.join("slug.tgz"));
    write.cache = Some(folder.join("cache"));
    let mut state = State {
        runner: &bench.runner,
        folder,
        write,
        edits: 0,
    };
    let mut recorder = bench.recorder(
        "warm",
        "Warm, big tree, two threads",
        big.about.clone(),
        &["sha256sum", "tar"],
    );
    for round in 0..=bench.runs {
        recorder.begin(round);
        if round > 0 && round <= FEW {
            state.run_tar(&mut recorder)?;
        }
        state.settle(bench)?;
        for change in Change::ALL {
            state.run(change, bench, &mut recorder)?;
        }
        let sum = Pipeline::new("sha256sum").argument(&state.write.output);
        recorder.run("sha256sum", "coreutils' `sha256sum slug.tgz`", &sum, None)?;
    }
    Ok(recorder.finish())
}

impl State<'_> {
    fn run_tar(&self, recorder: &mut Recorder<'_>) -> Result<(), BenchError> {
        let output = self.folder.join("tar.tgz");
        remove(&output)?;
        let peer = Peer::Tar;
        let pipeline = peer.pipeline(&self.write.tree, &output, Path::new(""));
        recorder.run(peer.key(), peer.label(), &pipeline, Some(&output))?;
        remove(&output)
    }

    /// Takes the package out again and writes an archive, whose cache then knows every file well.
    fn settle(&self, bench: &Bench) -> Result<(), BenchError> {
        remove(&self.write.tree.join(PACKAGE))?;
        if !bench.quick {
            std::thread::sleep(SETTLE);
        }
        self.runner
            .run(&self.write.pipeline(&self.runner.program))?;
        Ok(())
    }

    /// Makes a change, writes the archive, and, in the first round and the last, compares it with a cold one.
    fn run(
        &mut self,
        change: Change,
        bench: &Bench,
        recorder: &mut Recorder<'_>,
    ) -> Result<(), BenchError> {
        self.make(change)?;
        remove(&self.write.output)?;
        let pipeline = self.write.pipeline(&self.runner.program);
        let output = &self.write.output;
        recorder.run(change.key(), change.label(), &pipeline, Some(output))?;
        if recorder.round == 0 {
            check::whole(self.runner, change.key(), output, &self.write.claimed())?;
        }
        if recorder.round == 0 || recorder.round == bench.runs {
            let cold = Write {
                output: self.folder.join("cold.tgz"),
                cache: None,
                ..self.write.clone()
            };
            self.runner.run(&cold.pipeline(&self.runner.program))?;
            check::identical(change.key(), output, &cold.output)?;
            remove(&cold.output)?;
        }
        Ok(())
    }

    fn make(&mut self, change: Change) -> Result<(), BenchError> {
        match change {
            Change::Nothing => {}
            Change::Line => self.edit(SOURCE)?,
            Change::Commit => {
                self.edit(SOURCE)?;
                self.write.app_time += 60;
            }
            Change::Dependency => self.edit(DEPENDENCY)?,
            Change::Package => {
                let package = self.write.tree.join(PACKAGE);
                copy(self.runner, &self.folder.join("package"), &package)?;
            }
            Change::Checkout => {
                self.edit(SOURCE)?;
                self.replace_by_copy(&self.write.tree)?;
                if let Some(cache) = &self.write.cache {
                    self.replace_by_copy(cache)?;
                }
            }
        }
        Ok(())
    }

    /// Changes the last line of a file of the tree, in place, as editors do.
    fn edit(&mut self, file: &str) -> Result<(), BenchError> {
        self.edits += 1;
        let path = self.write.tree.join(file);
        let text = fs::read_to_string(&path)?;
        fs::write(&path, edited(&text, self.edits))?;
        Ok(())
    }

    /// The same folder with new inodes and change times; files keep their modification times.
    fn replace_by_copy(&self, folder: &Path) -> Result<(), BenchError> {
        if !folder.exists() {
            // An engine without a cache has made none.
            return Ok(());
        }
        let fresh = self.folder.join("fresh");
        copy(self.runner, folder, &fresh)?;
        remove(folder)?;
        fs::rename(&fresh, folder)?;
        Ok(())
    }
}

/// `text` with a last line of this number, instead of that of an earlier edit.
fn edited(text: &str, number: u32) -> String {
    let before = text.find(EDIT).map_or(text, |start| &text[..start]);
    let break_before = if before.ends_with('\n') { "" } else { "\n" };
    format!("{before}{break_before}{EDIT}{number}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_changes_one_line() {
        let first = edited("one\ntwo", 1);
        assert_eq!(first, format!("one\ntwo\n{EDIT}1\n"));
        assert_eq!(edited(&first, 2), format!("one\ntwo\n{EDIT}2\n"));
    }

    #[test]
    fn each_change_differs_from_what_was_archived_before() {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("tree");
        for file in [SOURCE, DEPENDENCY] {
            let path = tree.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text\n").unwrap();
        }
        let runner = Runner::watch().unwrap();
        let mut state = State {
            runner: &runner,
            folder: folder.path().to_owned(),
            write: Write::new(&tree, &folder.path().join("slug.tgz")),
            edits: 0,
        };
        let read = |file: &str| fs::read_to_string(tree.join(file)).unwrap();
        let mut seen = vec![read(SOURCE)];
        for change in [Change::Line, Change::Commit, Change::Line] {
            let time = state.write.app_time;
            state.make(change).unwrap();
            assert_eq!(state.write.app_time > time, change == Change::Commit);
            assert!(!seen.contains(&read(SOURCE)));
            seen.push(read(SOURCE));
        }
        state.make(Change::Dependency).unwrap();
        assert_ne!(read(DEPENDENCY), "text\n");
        state.make(Change::Nothing).unwrap();
        assert_eq!(read(SOURCE), seen[3]);
    }
}
