//! Looks for secrets where they end up in slugs: the launch environment, commands, and files that the build wrote.
//!
//! To read all of a slug would take longer than to write it. What is read: of the app's own files (nothing in `node_modules`,
//! nothing in layers) those that the build made or changed, and those that commonly hold secrets ([`is_usual_place`])
//! whoever wrote them; of these, text of at most [`LARGEST`] bytes. Besides, the names of what the build made, and the targets of
//! its links.

use super::{Certainty, Secrets, finder_of};
use crate::archive::{ArchiveError, Layout, Placement, Siblings};
use crate::cnb::{LaunchEnvironment, OWN_FOLDER, Process};
use crate::layout::PROFILE_SCRIPT_PATH;
use crate::sandbox::SandboxError;
use crate::stage::Survey;
use crate::stop::Stop;
use crate::tree::{Failure, Kind, Stat, Tree, below, show};
use aho_corasick::AhoCorasick;
use serde::{Deserialize, Serialize};
use slugbuilder_report::{Explain, Fault, Warning};
use std::ffi::{OsStr, OsString};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Bytes of the largest file that is searched. Bundles of JavaScript have a few megabytes.
const LARGEST: u64 = 16 << 20;

/// Bytes at the start of a file in which a NUL says that it is no text, as git has it.
const PROBED: usize = 8000;

/// Places that an error names.
const NAMED: usize = 5;

/// Bytes of a line that is a secret by itself: that of a key in PEM, for example.
const LONG_LINE: usize = 32;

/// The slug would hold secrets of the build.
#[derive(Debug, thiserror::Error)]
#[error("a secret of the build would be in the slug: {first}")]
pub struct SecretsInSlug {
    /// A place and what is in it, without the value.
    first: String,
    /// The same of others.
    more: Vec<String>,
    /// How many there are in all.
    total: usize,
}

impl Explain for SecretsInSlug {
    fn code(&self) -> &'static str {
        "secret-in-slug"
    }

    fn fault(&self) -> Fault {
        Fault::App
    }

    fn explanation(&self) -> Option<String> {
        let shown = self.more.len() + 1;
        let mut lines = self.more.clone();
        if self.total > shown {
            lines.push(format!("and {} more", self.total - shown));
        }
        (!lines.is_empty()).then(|| format!("So do these:\n{}", lines.join("\n")))
    }

    fn hints(&self) -> Vec<String> {
        vec![
            "Let the file name the variable instead of its value, as in `//registry.example/:_authToken=${NPM_TOKEN}`, or remove it at the end of the build.".into(),
            "Leave the file out of the slug with `.slugignore-after-build`.".into(),
            "If the value may be known to whoever has the slug, give it with `--env` under a name that does not tell of a secret.".into(),
        ]
    }
}

/// Something that a slug holds and that is no file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Passage {
    /// What it is called in messages.
    place: String,
    text: OsString,
}

impl Passage {
    /// The commands of processes, and the variables that these start with.
    pub(crate) fn all_of(processes: &[Process], launch: &LaunchEnvironment) -> Vec<Self> {
        let commands = processes.iter().map(|process| {
            let words = process.command.iter().chain(&process.args);
            let words: Vec<&str> = words.map(String::as_str).collect();
            Self {
                place: format!("the command of the process `{}`", process.r#type),
                text: words.join(" ").into(),
            }
        });
        let variables = launch.operations.iter().map(|operation| {
            let modification = &operation.modification;
            Self {
                place: format!(
                    "the variable `{}`, which the layer `{}` of buildpack `{}` sets when the app starts,",
                    modification.variable.display(),
                    operation.layer,
                    operation.buildpack
                ),
                text: modification.value.clone(),
            }
        });
        commands.chain(variables).collect()
    }
}

/// A secret that was found, and where.
struct Finding {
    place: String,
    secret: usize,
}

/// A search for the secrets of a build.
pub(crate) struct Search<'a> {
    secrets: &'a Secrets,
    finder: AhoCorasick,
    /// The secret of each pattern of `finder`.
    found: Vec<usize>,
    findings: Vec<Finding>,
}

impl<'a> Search<'a> {
    /// Nothing if there is nothing to look for.
    pub(crate) fn new(secrets: &'a Secrets) -> Result<Option<Self>, SandboxError> {
        let forms = secrets.forms.iter().filter(|form| {
            let is_enough = form.is_whole || form.is_long_line(LONG_LINE);
            is_enough && secrets.all[form.secret].is_telltale
        });
        let forms: Vec<_> = forms.collect();
        if forms.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            secrets,
            finder: finder_of(forms.iter().map(|form| &form.bytes))?,
            found: forms.iter().map(|form| form.secret).collect(),
            findings: Vec::new(),
        }))
    }

    /// Looks into what is no file.
    pub(crate) fn in_passages(&mut self, passages: &[Passage]) {
        for Passage { place, text } in passages {
            let finding = self.found_in(text.as_bytes()).map(|secret| Finding {
                place: place.clone(),
                secret,
            });
            self.findings.extend(finding);
        }
    }

    /// Looks into files of `tree`, which was built of `survey` and is laid out by `layout`.
    pub(crate) fn in_files(
        &mut self,
        tree: &Tree,
        survey: &Survey,
        layout: &dyn Layout,
        stop: &Stop,
    ) -> Result<(), ArchiveError> {
        let of_root = |source| ArchiveError::of_entry(Path::new("."), Failure::Io(source));
        let before = survey.staged_files();
        let mut content = Vec::new();
        let mut folders = vec![(PathBuf::new(), tree.stat_root().map_err(of_root)?)];
        while let Some((folder, stat)) = folders.pop() {
            stop.check()?;
            let entries = tree
                .list(&folder, &stat)
                .map_err(|failure| ArchiveError::of_entry(&folder, failure))?;
            let names: Vec<&OsStr> = entries.iter().map(|(name, _)| name.as_os_str()).collect();
            let siblings = Siblings::of_sorted(&names);
            let is_folder_told = self.found_in(folder.as_os_str().as_bytes()).is_some();
            for (name, stat) in &entries {
                let path = below(&folder, name);
                let is_folder = stat.kind == Kind::Directory;
                // The script is made of the launch environment.
                let is_ours =
                    path == Path::new(OWN_FOLDER) || path == Path::new(PROFILE_SCRIPT_PATH);
                if is_ours
                    || name == "node_modules"
                    || !matches!(
                        layout.place_among(&path, is_folder, siblings),
                        Placement::In(_)
                    )
                {
                    continue;
                }
                if !is_folder_told && !before.contains_key(path.as_path()) {
                    self.in_name(&path);
                }
                if stat.kind == Kind::Link {
                    self.in_link(tree, survey, &path)?;
                } else if is_folder {
                    folders.push((path, *stat));
                } else if stat.kind == Kind::File && stat.size <= LARGEST {
                    let before = before.get(path.as_path()).copied();
                    let before = before.filter(|_| !is_usual_place(&path));
                    if is_as_before(before, stat) {
                        continue;
                    }
                    read(tree, &path, stat, &mut content)
                        .map_err(|failure| ArchiveError::of_entry(&path, failure))?;
                    if let Some(secret) = self.found_in(&content)
                        && !holds(survey, &path, before, &content)
                    {
                        let place = format!("`{}`", show(&path));
                        self.findings.push(Finding { place, secret });
                    }
                }
            }
        }
        Ok(())
    }

    /// Looks into the path of what the build made.
    fn in_name(&mut self, path: &Path) {
        if let Some(secret) = self.found_in(path.as_os_str().as_bytes()) {
            let shown = show(path);
            let place = format!("the name `{}`", self.secrets.redact_text(&shown));
            self.findings.push(Finding { place, secret });
        }
    }

    /// Looks into the target of a link, unless the source has the same.
    fn in_link(&mut self, tree: &Tree, survey: &Survey, path: &Path) -> Result<(), ArchiveError> {
        let target = tree
            .read_link(path)
            .map_err(|failure| ArchiveError::of_entry(path, failure))?;
        if let Some(secret) = self.found_in(target.as_os_str().as_bytes())
            && survey.link_target(path) != Some(&target)
        {
            let place = format!("the target of the link `{}`", show(path));
            self.findings.push(Finding { place, secret });
        }
        Ok(())
    }

    /// The error of what is certain to be a secret, and warnings of the rest; by place.
    pub(crate) fn findings(mut self) -> (Option<SecretsInSlug>, Vec<Warning>) {
        self.findings
            .sort_by(|one, other| one.place.cmp(&other.place));
        let (certain, likely): (Vec<_>, Vec<_>) =
            (self.findings.iter()).partition(|one| self.is_certain(one.secret));
        let words = |one: &Finding| {
            let secret = &self.secrets.all[one.secret];
            format!("{} holds the value of {}", one.place, secret.name)
        };
        let warning = |one: &&Finding| {
            Warning::new(
                "secret-in-slug",
                format!("{}: whoever has the slug can read it", words(one)),
            )
            .hint("If it is a secret, give it with `--secret`, which makes this an error.")
        };
        let warnings = likely.iter().map(warning).collect();
        let mut places = certain.iter().take(NAMED).map(|one| words(one));
        let error = places.next().map(|first| SecretsInSlug {
            first,
            more: places.collect(),
            total: certain.len(),
        });
        (error, warnings)
    }

    fn is_certain(&self, secret: usize) -> bool {
        self.secrets.all[secret].certainty > Certainty::Likely
    }

    /// One secret in `content`: one that is certain, if there is one.
    fn found_in(&self, content: &[u8]) -> Option<usize> {
        let mut likely = None;
        for found in self.finder.find_iter(content) {
            let secret = self.found[found.pattern().as_usize()];
            if self.is_certain(secret) {
                return Some(secret);
            }
            likely = likely.or(Some(secret));
        }
        likely
    }
}

/// Whether a file is one of those that commonly hold secrets, whoever wrote them.
fn is_usual_place(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let is_in = |folder: &str| path.parent().is_some_and(|parent| parent.ends_with(folder));
    matches!(name, b".npmrc" | b".netrc" | b".pypirc")
        || name.starts_with(b".env")
        || name.starts_with(b".yarnrc")
        || (name == b"config" && is_in(".bundle"))
        || is_in(".profile.d")
}

/// Whether a file is what it was in the source, as far as size and time tell: copies keep the time.
fn is_as_before(before: Option<&Stat>, now: &Stat) -> bool {
    before.is_some_and(|before| {
        (before.kind, before.size, before.modified) == (now.kind, now.size, now.modified)
    })
}

/// Whether the source has a file with the same content, whatever its time is: a kept app may be older than its source.
fn holds(survey: &Survey, path: &Path, before: Option<&Stat>, content: &[u8]) -> bool {
    let mut of_source = Vec::new();
    before.is_some_and(|stat| {
        // One that cannot be read is not known to be the same.
        stat.kind == Kind::File
            && stat.size == content.len() as u64
            && read(survey.source(), path, stat, &mut of_source).is_ok()
            && of_source == content
    })
}

/// Reads a file, or nothing of one that is no text.
fn read(tree: &Tree, path: &Path, stat: &Stat, content: &mut Vec<u8>) -> Result<(), Failure> {
    content.clear();
    let mut file = tree.open_file(path, stat)?;
    (&mut file)
        .take(PROBED as u64)
        .read_to_end(content)
        .map_err(Failure::Io)?;
    if content.contains(&0) {
        content.clear();
        return Ok(());
    }
    file.take(LARGEST)
        .read_to_end(content)
        .map_err(Failure::Io)?;
    Ok(())
}
