//! Random trees, random edits of them, and what a slug of a tree has to hold.
//!
//! Property tests and the fuzz targets share this file: both have random bytes, and [`Unstructured`] makes decisions of
//! them.

use arbitrary::{Result, Unstructured};
use flate2::bufread::GzDecoder;
use slugbuilder::archive::{FIXED_TIME, Layout, Part, Placement};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

/// A layout like the real one: runtimes and dependencies are known by where they are.
pub(crate) struct Parts;

impl Layout for Parts {
    fn place(&self, path: &Path, _: bool) -> Placement {
        if path.starts_with("skipped") {
            Placement::Skip
        } else if path.starts_with("layers/runtime") {
            Placement::In(Part::Runtime)
        } else if path.starts_with("node_modules") || path.starts_with("vendor/bundle") {
            Placement::In(Part::Dependencies)
        } else {
            Placement::In(Part::App)
        }
    }
}

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Folder { mode: u32 },
    File { mode: u32, content: Vec<u8> },
    Link { target: Vec<u8> },
}

/// Bytes that a random tree has at most, more or less.
const MOST_BYTES: usize = 3 << 20;

/// Bytes of a path that is made, at most: below `PATH_MAX` with what a test puts before it.
const LONGEST_PATH: usize = 3000;

/// Sizes where the writer may do something else: blocks of tar, and the borders of chunks and pieces.
const SIZES: [usize; 9] = [
    0,
    512,
    1 << 15,
    1 << 16,
    1 << 18,
    (1 << 18) + 512,
    1 << 19,
    3 << 18,
    1 << 20,
];

/// A tree in memory. The root is not in it; a folder of each path is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) nodes: BTreeMap<PathBuf, Node>,
}

impl Model {
    /// A tree of up to `most` entries, and of the folders that they need.
    pub(crate) fn random(u: &mut Unstructured<'_>, most: usize) -> Result<Self> {
        let mut model = Self::default();
        for _ in 0..u.int_in_range(0..=most)? {
            model.add_random(u)?;
        }
        Ok(model)
    }

    /// Bytes of all files.
    fn bytes(&self) -> usize {
        let length = |node: &Node| match node {
            Node::File { content, .. } => content.len(),
            _ => 0,
        };
        self.nodes.values().map(length).sum()
    }

    /// Adds an entry where there is a place for it.
    fn add_random(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let path = self.random_path(u)?;
        let node = match u.int_in_range(0..=9)? {
            0 => Node::Folder {
                mode: random_mode(u)?,
            },
            1 => Node::Link {
                target: random_target(u)?,
            },
            _ => Node::File {
                mode: random_mode(u)?,
                content: random_content(u, MOST_BYTES.saturating_sub(self.bytes()))?,
            },
        };
        self.put(&path, node);
        Ok(())
    }

    /// Puts `node` at `path`, unless something that is no folder is above it, or it is a folder.
    pub(crate) fn put(&mut self, path: &Path, node: Node) {
        let above: Vec<&Path> = path.ancestors().skip(1).collect();
        let is_below_a_file = above
            .iter()
            .any(|folder| matches!(self.nodes.get(*folder), Some(node) if !is_folder(node)));
        if is_below_a_file || matches!(self.nodes.get(path), Some(node) if is_folder(node)) {
            return;
        }
        for folder in above {
            if !folder.as_os_str().is_empty() {
                let made = Node::Folder { mode: 0o755 };
                self.nodes.entry(folder.to_owned()).or_insert(made);
            }
        }
        self.nodes.insert(path.to_owned(), node);
    }

    fn random_path(&self, u: &mut Unstructured<'_>) -> Result<PathBuf> {
        let folders: Vec<&PathBuf> = self
            .nodes
            .iter()
            .filter(|(_, node)| is_folder(node))
            .map(|(path, _)| path)
            .collect();
        let mut path = match u.int_in_range(0..=6)? {
            0 => PathBuf::from("layers/runtime"),
            1 => PathBuf::from("node_modules"),
            2 => PathBuf::from("vendor/bundle"),
            3 if u.ratio(1, 4)? => PathBuf::from("skipped"),
            4 | 5 if !folders.is_empty() => PathBuf::from(*u.choose(&folders)?),
            _ => PathBuf::new(),
        };
        for _ in 0..u.int_in_range(1..=3)? {
            let name = random_name(u)?;
            if path.as_os_str().len() + name.len() < LONGEST_PATH {
                path.push(OsStr::from_bytes(&name));
            }
        }
        Ok(path)
    }

    fn choose(&self, u: &mut Unstructured<'_>) -> Result<Option<PathBuf>> {
        if self.nodes.is_empty() {
            return Ok(None);
        }
        let number = u.int_in_range(0..=self.nodes.len() - 1)?;
        Ok(self.nodes.keys().nth(number).cloned())
    }

    /// Changes one thing.
    pub(crate) fn edit(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let Some(path) = self.choose(u)? else {
            return self.add_random(u);
        };
        match u.int_in_range(0..=9)? {
            0 | 1 => self.add_random(u)?,
            2 => self.nodes.retain(|other, _| !other.starts_with(&path)),
            3 => self.rename(&path, u)?,
            _ => match self.nodes.get_mut(&path) {
                Some(Node::Folder { mode }) => *mode = random_mode(u)?,
                Some(Node::Link { target }) => *target = random_target(u)?,
                Some(Node::File { mode, .. }) if u.ratio(1, 5)? => *mode = random_mode(u)?,
                Some(Node::File { content, .. }) => edit_content(content, u)?,
                None => {}
            },
        }
        Ok(())
    }

    fn rename(&mut self, from: &Path, u: &mut Unstructured<'_>) -> Result<()> {
        let to = from.with_file_name(OsStr::from_bytes(&random_name(u)?));
        if self.nodes.contains_key(&to) {
            return Ok(());
        }
        let (moved, kept) = std::mem::take(&mut self.nodes)
            .into_iter()
            .partition(|(path, _)| path.starts_with(from));
        self.nodes = kept;
        let moved: BTreeMap<PathBuf, Node> = moved;
        for (path, node) in moved {
            let below = path.strip_prefix(from).unwrap();
            let path = if below.as_os_str().is_empty() {
                to.clone()
            } else {
                to.join(below)
            };
            self.nodes.insert(path, node);
        }
        Ok(())
    }

    /// Writes to `root`, which holds `before`, what is different.
    pub(crate) fn write(&self, before: &Self, root: &Path) {
        // Nothing may be in the way while we write: folders get their modes at the end.
        let writable = Permissions::from_mode(0o700);
        for (path, node) in before.nodes.iter().filter(|(_, node)| is_folder(node)) {
            if self.nodes.get(path) != Some(node) || self.differs_below(before, path) {
                fs::set_permissions(root.join(path), writable.clone()).unwrap();
            }
        }
        for (path, node) in before.nodes.iter().rev() {
            let is_same_kind = self.nodes.get(path).is_some_and(|now| same_kind(now, node));
            match node {
                _ if is_same_kind => {}
                Node::Folder { .. } => fs::remove_dir(root.join(path)).unwrap(),
                Node::File { .. } | Node::Link { .. } => fs::remove_file(root.join(path)).unwrap(),
            }
        }
        for (path, node) in &self.nodes {
            let old = before.nodes.get(path).filter(|old| same_kind(old, node));
            let path = root.join(path);
            match (node, old) {
                _ if old == Some(node) => {}
                (Node::Folder { .. }, Some(_)) => {}
                (Node::Folder { .. }, None) => fs::create_dir(&path).unwrap(),
                (Node::Link { target }, old) => {
                    if old.is_some() {
                        fs::remove_file(&path).unwrap();
                    }
                    symlink(OsStr::from_bytes(target), &path).unwrap();
                }
                (Node::File { mode, content }, old) => {
                    if old.is_some() {
                        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
                    }
                    fs::write(&path, content).unwrap();
                    fs::set_permissions(&path, Permissions::from_mode(*mode)).unwrap();
                }
            }
        }
        for (path, node) in self.nodes.iter().rev() {
            if let Node::Folder { mode } = node {
                let path = root.join(path);
                if fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o777 != *mode {
                    fs::set_permissions(&path, Permissions::from_mode(*mode)).unwrap();
                }
            }
        }
    }

    fn differs_below(&self, before: &Self, folder: &Path) -> bool {
        let below = |model: &Self| -> Vec<(PathBuf, Node)> {
            let range = model.nodes.range(folder.to_owned()..);
            range
                .take_while(|(path, _)| path.starts_with(folder))
                .map(|(path, node)| (path.clone(), node.clone()))
                .collect()
        };
        below(self) != below(before)
    }

    /// What a slug of the tree holds, with [`Parts`] as its layout.
    fn entries(&self, app_time: i64) -> BTreeMap<Vec<u8>, Entry> {
        let placed = |path: &Path, node: &Node| match Parts.place(path, is_folder(node)) {
            Placement::Skip | Placement::LeaveOut(_) => None,
            Placement::In(part) => Some(part),
        };
        let mut entries = BTreeMap::new();
        for (path, node) in &self.nodes {
            if placed(path, node).is_none() {
                continue;
            }
            let range = self.nodes.range(path.clone()..);
            let part = range
                .take_while(|(below, _)| below.starts_with(path))
                .filter_map(|(below, node)| placed(below, node))
                .min();
            let time = if part == Some(Part::App) {
                app_time
            } else {
                FIXED_TIME
            };
            let mut name = [b"./app/", path.as_os_str().as_bytes()].concat();
            if is_folder(node) {
                name.push(b'/');
            }
            let node = match node {
                Node::Folder { mode } => Node::Folder { mode: mode | 0o700 },
                other => other.clone(),
            };
            entries.insert(name, (time, node));
        }
        entries.insert(
            b"./app/".to_vec(),
            (FIXED_TIME, Node::Folder { mode: 0o755 }),
        );
        entries
    }

    /// Checks that `slug` is one gzip member with a tar of exactly this tree.
    pub(crate) fn check(&self, slug: &[u8], app_time: i64) {
        let mut decoder = GzDecoder::new(slug);
        let mut tar = Vec::new();
        decoder.read_to_end(&mut tar).unwrap();
        assert_eq!(decoder.into_inner().len(), 0, "something after the member");
        assert_eq!(tar.len() % 10_240, 0);
        let found = read(&tar);
        let expected = self.entries(app_time);
        assert!(
            found.keys().eq(expected.keys()),
            "{:?} instead of {:?}",
            names(&found),
            names(&expected)
        );
        for (name, entry) in &found {
            let name_shown = String::from_utf8_lossy(name);
            // Not `assert_eq`: it would print megabytes.
            assert!(*entry == expected[name], "another `{name_shown}`");
        }
    }
}

/// Modification time, and what it is.
type Entry = (i64, Node);

fn names(entries: &BTreeMap<Vec<u8>, Entry>) -> Vec<String> {
    let names = entries.keys();
    names
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect()
}

/// What is in a tar, in which no name may be twice and parents come before their children.
fn read(tar: &[u8]) -> BTreeMap<Vec<u8>, Entry> {
    let mut found = BTreeMap::new();
    for entry in tar::Archive::new(tar).entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header();
        let (kind, mode) = (header.entry_type(), header.mode().unwrap());
        let time = i64::try_from(header.mtime().unwrap()).unwrap();
        let name = entry.path_bytes().into_owned();
        let inner = name.strip_suffix(b"/").unwrap_or(&name);
        let parent = inner.iter().rposition(|&byte| byte == b'/').unwrap() + 1;
        assert!(
            name == b"./app/" || found.contains_key(&name[..parent]),
            "no folder before `{}`",
            String::from_utf8_lossy(&name)
        );
        let node = match kind {
            tar::EntryType::Directory => Node::Folder { mode },
            tar::EntryType::Symlink => Node::Link {
                target: entry.link_name_bytes().unwrap().into_owned(),
            },
            tar::EntryType::Regular => {
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                Node::File { mode, content }
            }
            other => panic!("a {other:?}"),
        };
        let twice = found.insert(name, (time, node));
        assert!(twice.is_none());
    }
    found
}

fn is_folder(node: &Node) -> bool {
    matches!(node, Node::Folder { .. })
}

fn same_kind(one: &Node, other: &Node) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// One that its owner can use, since tests may run as an ordinary user.
fn random_mode(u: &mut Unstructured<'_>) -> Result<u32> {
    Ok(match u.int_in_range(0..=3)? {
        0 => 0o644 | 0o100,
        1 => 0o755,
        2 => 0o500,
        _ => u.int_in_range(0..=0o777)? | 0o500,
    })
}

/// Any bytes that a file system takes, often a name that others have.
fn random_name(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    const USUAL: [&[u8]; 8] = [
        b"index.js",
        b"package.json",
        b"LICENSE",
        b"lib",
        b"web.js",
        b"a",
        b"a-b",
        b"\xff\n ",
    ];
    if u.ratio(2, 3)? {
        return Ok(u.choose(&USUAL)?.to_vec());
    }
    let mut name = if u.ratio(1, 3)? {
        vec![u.arbitrary()?; u.int_in_range(1..=255)?]
    } else {
        let length = u.int_in_range(1..=40)?.min(u.len());
        u.bytes(length)?.to_vec()
    };
    for byte in &mut name {
        if matches!(*byte, 0 | b'/') {
            *byte = b'_';
        }
    }
    if matches!(&name[..], b"" | b"." | b"..") {
        name.push(b'x');
    }
    Ok(name)
}

fn random_target(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let name = random_name(u)?;
    let times = u.int_in_range(1..=12)?;
    Ok(name.repeat(times))
}

fn random_content(u: &mut Unstructured<'_>, most: usize) -> Result<Vec<u8>> {
    let size = if u.ratio(1, 4)? {
        let around = u.choose(&SIZES)? + u.int_in_range(0..=2)?;
        around.saturating_sub(1)
    } else {
        u.int_in_range(0..=20_000)?
    };
    let kind = u.int_in_range(0..=2)?;
    Ok(content(u.arbitrary()?, kind, size.min(most)))
}

/// Bytes that compress well, somewhat or not at all.
pub(crate) fn content(seed: u16, kind: u8, size: usize) -> Vec<u8> {
    let mut state = u64::from(seed) << 8 | 1;
    let mut next = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut bytes = Vec::with_capacity(size + 32);
    while bytes.len() < size {
        match kind {
            0 => bytes.resize(size, seed.to_le_bytes()[0]),
            1 => bytes.extend_from_slice(
                format!("let {:x} = {};\n", next() % 5000, next() % 300).as_bytes(),
            ),
            _ => bytes.extend_from_slice(&next().to_le_bytes()[..3]),
        }
    }
    bytes.truncate(size);
    bytes
}

fn edit_content(content: &mut Vec<u8>, u: &mut Unstructured<'_>) -> Result<()> {
    let at = u.int_in_range(0..=content.len())?;
    match u.int_in_range(0..=4)? {
        // The same size.
        0 | 1 => {
            if let Some(byte) = content.get_mut(at) {
                *byte ^= u.int_in_range(1..=255)?;
            }
        }
        2 => content.truncate(at),
        3 => drop(content.splice(at..at, random_content(u, 70_000)?)),
        _ => content.extend(random_content(u, MOST_BYTES / 4)?),
    }
    Ok(())
}
