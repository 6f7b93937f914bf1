//! Everything that goes into a build.
//!
//! Not the day: what a build warns of because of it (a version's end of life) is told as it was when the app was built.
//! Nor what a registry or a mirror has: a lockfile says that.

use super::super::lock::SourceLock;
use super::super::{BuildpackSource, CompileOptions, host_view, stable_platform_variables};
use super::record::Record;
use super::what::{Change, What};
use crate::contents::{ContentError, Contents};
use crate::sandbox::Environment;
use crate::stage::Survey;
use crate::stop::Stop;
use crate::tree::Tree;
use blake3::Hash;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// What goes into a build.
pub(in super::super) struct Inputs {
    /// Short things, as they are: never to be written.
    values: Vec<(What, Vec<u8>)>,
    pub(super) groups: Vec<Group>,
}

/// Files that belong together.
pub(super) struct Group {
    pub(super) what: What,
    pub(super) contents: Contents,
    /// Where they are; nothing for the source.
    tree: Option<Tree>,
}

impl Group {
    fn tree<'a>(&'a self, survey: &'a Survey) -> &'a Tree {
        self.tree.as_ref().unwrap_or_else(|| survey.source())
    }
}

impl Inputs {
    pub(in super::super) fn of(
        options: &CompileOptions,
        survey: &Survey,
        lock: &SourceLock,
    ) -> Result<Self, ContentError> {
        let view = host_view(options);
        let mut inputs = Self {
            values: vec![
                (What::Slugbuilder, env!("CARGO_PKG_VERSION").into()),
                (What::Stack, options.stack.name.clone().into_bytes()),
                (What::Order, order(options).into_bytes()),
                (What::AllFiles, vec![options.all_files.into()]),
                (What::Network, vec![options.network.into()]),
                (What::Locked, vec![options.locking.locked.into()]),
                // It need not be among what is staged.
                (What::Lock, lock.text().unwrap_or_default().into()),
                (
                    What::Credentials,
                    format!("{:?}", options.credentials).into_bytes(),
                ),
                (What::Shown, view.shown()),
            ],
            groups: Vec::new(),
        };
        inputs.add_variables(&options.config_vars, What::ConfigVar);
        // Decides what is told of a build, and whether there may be a slug at all.
        let secrets = options.secrets.iter().map(|name| {
            let name = name.to_string_lossy().into_owned();
            (What::Secret(name), Vec::new())
        });
        inputs.values.extend(secrets);
        inputs.add_variables(&stable_platform_variables(options), What::PlatformVariable);
        let host = view.named().into_iter();
        let host = host.map(|(name, content)| (What::Host(name), content));
        inputs.values.extend(host);

        let executable = std::fs::read_link("/proc/self/exe");
        let executable = executable.map_err(|error| ContentError::Io {
            path: "/proc/self/exe".into(),
            error,
        })?;
        let folder = executable.parent().unwrap_or(Path::new("/"));
        if inputs.add_files(What::Slugbuilder, folder, std::slice::from_ref(&executable))? == 0 {
            return Err(ContentError::Changed { path: executable });
        }
        for buildpack in &options.buildpacks {
            inputs.add_buildpack(buildpack, &options.stop())?;
        }
        inputs.add_files(What::Machine, Path::new("/"), &view.telling_files())?;
        inputs.groups.push(Group {
            what: What::Source,
            contents: survey.contents(),
            tree: None,
        });
        Ok(inputs)
    }

    fn add_variables(&mut self, variables: &Environment, what: fn(String) -> What) {
        for (name, value) in variables {
            let name = name.to_string_lossy().into_owned();
            self.values.push((what(name), value.as_bytes().to_vec()));
        }
    }

    /// Adds files below `folder` by their absolute paths, as far as they are there, and gives their number.
    fn add_files(
        &mut self,
        what: What,
        folder: &Path,
        paths: &[PathBuf],
    ) -> Result<usize, ContentError> {
        let tree = open(folder)?;
        let below = |path: &PathBuf| Some(path.strip_prefix(folder).ok()?.to_owned());
        let paths: Vec<PathBuf> = paths.iter().filter_map(below).collect();
        let contents = Contents::of_files(&tree, &paths)?;
        let count = contents.len();
        self.groups.push(Group {
            what,
            contents,
            tree: Some(tree),
        });
        Ok(count)
    }

    fn add_buildpack(
        &mut self,
        buildpack: &BuildpackSource,
        stop: &Stop,
    ) -> Result<(), ContentError> {
        let (name, directory) = match buildpack {
            BuildpackSource::Embedded(toml) => {
                let what = What::Buildpack("slugbuilder".to_owned());
                self.values.push((what, toml.as_bytes().to_vec()));
                return Ok(());
            }
            BuildpackSource::Directory(path) => (path, path),
            BuildpackSource::Unpacked {
                archive, directory, ..
            } => (archive, directory),
        };
        let tree = open(directory)?;
        self.groups.push(Group {
            what: What::Buildpack(name.display().to_string()),
            contents: Contents::of_tree(&tree, stop)?,
            tree: Some(tree),
        });
        Ok(())
    }

    /// What stands for the values: digests that say nothing without `key`, and nothing of short values with it alone.
    pub(super) fn digests(&self, key: &[u8; 32]) -> Vec<(What, Hash)> {
        let values = self.values.iter();
        values
            .map(|(what, value)| (what.clone(), blake3::keyed_hash(key, value)))
            .collect()
    }

    /// The first thing that is not as it was, as a clause.
    pub(super) fn difference(
        &mut self,
        last: &Record,
        survey: &Survey,
        stop: &Stop,
    ) -> Result<Option<String>, ContentError> {
        let digests = self.digests(&last.key);
        for (what, digest) in &digests {
            let change = match last.digests.iter().find(|(known, _)| known == what) {
                Some((_, known)) if known == digest => continue,
                Some(_) => Change::Other,
                None => Change::New,
            };
            return Ok(Some(what.clause(change)));
        }
        let is_gone = |what: &What| !digests.iter().any(|(now, _)| now == what);
        if let Some((what, _)) = last.digests.iter().find(|(what, _)| is_gone(what)) {
            return Ok(Some(what.clause(Change::Gone)));
        }
        if self.groups.len() != last.groups.len() {
            return Ok(Some(What::Order.clause(Change::Other)));
        }
        for (group, (what, known)) in self.groups.iter_mut().zip(&last.groups) {
            if group.what != *what {
                return Ok(Some(What::Order.clause(Change::Other)));
            }
            group.contents.recognize(known);
            let tree = group.tree.as_ref().unwrap_or_else(|| survey.source());
            if let Some(difference) = group.contents.difference(known, tree, stop)? {
                return Ok(Some(what.clause_of_file(&difference.to_string())));
            }
        }
        Ok(None)
    }

    /// Reads what is not known yet. Fails if the source or a buildpack is not any more what it was before the build.
    pub(super) fn read(
        &mut self,
        last: Option<&Record>,
        survey: &Survey,
        stop: &Stop,
    ) -> Result<(), ContentError> {
        for group in &mut self.groups {
            let known = last.into_iter().flat_map(|last| &last.groups);
            for (_, known) in known.filter(|(what, _)| *what == group.what) {
                group.contents.recognize(known);
            }
            let tree = group.tree.as_ref().unwrap_or_else(|| survey.source());
            group.contents.read(tree, stop)?;
        }
        for group in &self.groups {
            group.contents.check_unchanged(group.tree(survey))?;
        }
        Ok(())
    }

    /// Whether the next look will know all of it by metadata.
    pub(super) fn are_known_by(&self, last: &Record) -> bool {
        let mut pairs = self.groups.iter().zip(&last.groups);
        pairs.all(|(group, (_, known))| group.contents.is_known_by(known))
    }
}

fn open(folder: &Path) -> Result<Tree, ContentError> {
    Tree::open(folder).map_err(|error| ContentError::Io {
        path: folder.to_owned(),
        error,
    })
}

/// Which buildpacks are tried in which order.
fn order(options: &CompileOptions) -> String {
    let sources = options.buildpacks.iter().map(|source| match source {
        BuildpackSource::Embedded(_) => Path::new("slugbuilder"),
        BuildpackSource::Directory(path) | BuildpackSource::Unpacked { archive: path, .. } => path,
    });
    format!("{:?} {:?}", options.order, sources.collect::<Vec<_>>())
}
