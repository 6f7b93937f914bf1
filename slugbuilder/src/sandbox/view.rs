//! What programs see of the machine that they run on: a list, everything else is absent.
//!
//! | what | how |
//! |---|---|
//! | `/usr` and the folders merged into it, `/nix/store` | read-only |
//! | `/etc` | only the entries of [`ETC`]; `passwd` and `group` are made up; private keys and apt's credentials are left out |
//! | the package lists of apt | read-only |
//! | toolchains on `PATH` outside of `/usr` (a Node.js with npm, a Go) | read-only, only their own files, below `/opt/toolchains` |
//! | the files that the CA variables name | read-only |
//! | the folders of `file://` mirrors | read-only, at their own paths |
//! | proxy and CA variables | passed on |
//! | `~/.npmrc`, Go's `env` file, `npm_config_*`, `GOPROXY`, … | only the settings that say where registries are, without credentials |
//! | `~/.npmrc` whole, `~/.netrc`, `~/.bundle/config` | only with `--with-credentials` |

use super::APP_DIRECTORY;
use super::client_configuration;
use super::executor::Environment;
use super::toolchain::{TOOLCHAINS, Toolchain};
use super::wire::Mount;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Entries of `/etc` that programs need: name resolution, certificates, the dynamic loader, locales, alternatives and
/// the fonts and MIME tables that builds read. What is secret in them is in [`SECRETS`].
const ETC: &[&str] = &[
    "alternatives",
    "apt",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "debian_version",
    "fonts",
    "gai.conf",
    "host.conf",
    "hosts",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "locale.alias",
    "locale.conf",
    "magic",
    "magic.mime",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "pki",
    "profile.d",
    "protocols",
    "resolv.conf",
    "services",
    "ssl",
    "static",
    "terminfo",
    "timezone",
];

/// Folders of private keys inside of those, which members of some groups can read.
const SECRETS: &[&str] = &[
    "/etc/ssl/private",
    "/etc/pki/tls/private",
    "/etc/pki/entitlement",
];

/// Folders whose contents are the operating system's.
const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
];

const SYSTEM_PATH: &[&str] = &[
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// Variables that say how to reach the network.
const PROXIES: &[&str] = &[
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
];

/// Variables that name files with the certificates of authorities.
const CERTIFICATES: &[&str] = &[
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "GIT_SSL_CAINFO",
];

/// Which of the user's credentials programs get.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Credentials {
    /// `~/.npmrc` as it is, and every `npm_config_*` variable.
    pub npm: bool,
    /// `~/.netrc`.
    pub netrc: bool,
    /// `~/.bundle/config` and every `BUNDLE_*` variable.
    pub bundle: bool,
}

/// What programs see of the host.
#[derive(Debug, Clone)]
pub struct HostView {
    pub(super) mounts: Vec<Mount>,
    pub(super) environment: Environment,
    /// Files of the home directory, as paths relative to it.
    pub(super) home_files: Vec<(PathBuf, Vec<u8>)>,
    /// Bound last: they may lie below what is the build's own, such as `/tmp`.
    pub(super) folders: Vec<Mount>,
}

impl HostView {
    /// What of this machine shows, given the environment of the user.
    #[must_use]
    pub fn of(host: &Environment, credentials: Credentials) -> Self {
        let mut view = Self {
            mounts: Vec::new(),
            environment: Environment::new(),
            home_files: Vec::new(),
            folders: Vec::new(),
        };
        view.add_system();
        view.add_etc();
        view.add_path(host);
        view.add_variables(host);
        view.add_client_configuration(host, credentials);
        for (name, value) in [("LANG", "C.UTF-8"), ("CI", "1")] {
            view.environment.insert(name.into(), value.into());
        }
        view
    }

    /// What an app sees when it runs: the system and nothing of the user.
    #[must_use]
    pub fn for_running() -> Self {
        let mut view = Self {
            mounts: Vec::new(),
            environment: Environment::new(),
            home_files: Vec::new(),
            folders: Vec::new(),
        };
        view.add_system();
        view.add_etc();
        view.environment
            .insert("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into());
        view
    }

    /// The variables of the user and of this machine that programs get.
    pub(crate) fn variables(&self) -> &Environment {
        &self.environment
    }

    /// The content of a file in the home of programs.
    pub(crate) fn home_file(&self, path: &str) -> Option<&[u8]> {
        let mut files = self.home_files.iter();
        let (_, content) = files.find(|(name, _)| name == Path::new(path))?;
        Some(content)
    }

    /// Shows a folder that the user has named, read-only and at its own path. What is shown anyway, is not there or is
    /// where the app goes stays as it is.
    #[must_use]
    pub fn with_folder(mut self, folder: &Path) -> Self {
        let taken = [APP_DIRECTORY, "/proc", "/dev"]
            .iter()
            .any(|taken| folder.starts_with(taken) || Path::new(taken).starts_with(folder));
        if folder.is_absolute() && folder.is_dir() && !taken && !is_system(folder) {
            self.folders.push(Mount::Bind {
                from: folder.into(),
                to: folder.into(),
                writable: false,
            });
        }
        self
    }

    /// Shows a file or folder of this machine at `inside`, writable for whoever its permissions allow it. `inside` has to
    /// be absolute and without `..`. Links in it are followed as a program in the sandbox follows them; one that leads
    /// nowhere there is an error when the sandbox is set up.
    #[must_use]
    pub fn with_mount(mut self, outside: &Path, inside: &Path) -> Self {
        self.folders.push(Mount::Bind {
            from: outside.into(),
            to: inside.into(),
            writable: true,
        });
        self
    }

    /// Shows a symbolic link at `inside`, which has to be absolute and not below anything that is shown.
    #[must_use]
    pub fn with_link(mut self, inside: &Path, target: &Path) -> Self {
        self.mounts.push(Mount::Link {
            to: inside.into(),
            target: target.into(),
        });
        self
    }

    fn bind(&mut self, path: &Path) {
        self.mounts.push(Mount::Bind {
            from: path.into(),
            to: path.into(),
            writable: false,
        });
    }

    fn add_system(&mut self) {
        for folder in SYSTEM {
            let path = Path::new(folder);
            let Ok(metadata) = path.symlink_metadata() else {
                continue;
            };
            if let (true, Ok(target)) = (metadata.is_symlink(), path.read_link()) {
                self.mounts.push(Mount::Link {
                    to: folder.into(),
                    target: target.into(),
                });
            } else if metadata.is_dir() {
                self.bind(path);
            }
        }
        self.bind_if_there(Path::new("/var/lib/apt/lists"));
        for directory in ["/run", "/var/tmp"] {
            self.mounts.push(Mount::Directory {
                to: directory.into(),
            });
        }
        self.mounts.push(Mount::Link {
            to: "/var/run".into(),
            target: "/run".into(),
        });
    }

    fn bind_if_there(&mut self, path: &Path) {
        if path.exists() {
            self.bind(path);
        }
    }

    fn add_etc(&mut self) {
        for name in ETC {
            let path = Path::new("/etc").join(name);
            if *name == "apt" {
                self.add_apt(&path);
            } else if path.is_symlink()
                && let Ok(contents) = std::fs::read(&path)
            {
                // A copy, because links such as resolv.conf's may lead to places that programs do not see.
                self.add_file(&path, contents);
            } else {
                self.bind_if_there(&path);
            }
        }
        for secret in SECRETS {
            if Path::new(secret).is_dir() {
                self.mounts.push(Mount::Hide { to: secret.into() });
            }
        }
        self.add_file(
            Path::new("/etc/passwd"),
            b"root:x:0:0:root:/:/usr/sbin/nologin\napp:x:1000:1000:app:/app:/bin/bash\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n".to_vec(),
        );
        self.add_file(
            Path::new("/etc/group"),
            b"root:x:0:\napp:x:1000:\nnogroup:x:65534:\n".to_vec(),
        );
    }

    fn add_file(&mut self, path: &Path, contents: Vec<u8>) {
        self.mounts.push(Mount::File {
            to: path.into(),
            contents,
        });
    }

    /// apt's configuration without its credentials: those that are in files of their own stay out, and those in
    /// addresses are taken out of copies.
    fn add_apt(&mut self, apt: &Path) {
        let Ok(entries) = apt.read_dir() else { return };
        for entry in entries.flatten() {
            let (name, path) = (entry.file_name(), entry.path());
            let name = name.as_bytes();
            let may_hold_addresses = name.starts_with(b"sources.list")
                || name.starts_with(b"apt.conf")
                || name.starts_with(b"mirrors");
            if name.starts_with(b"auth.conf") {
                continue;
            }
            if !may_hold_addresses {
                self.bind_if_there(&path);
            } else if path.is_dir() {
                for file in path.read_dir().into_iter().flatten().flatten() {
                    self.add_without_userinfo(&file.path());
                }
            } else {
                self.add_without_userinfo(&path);
            }
        }
    }

    fn add_without_userinfo(&mut self, path: &Path) {
        if path.is_file()
            && let Ok(text) = std::fs::read(path)
        {
            let clean = client_configuration::without_userinfo(&text);
            self.add_file(path, clean.as_bytes().to_vec());
        }
    }

    fn add_path(&mut self, host: &Environment) {
        let mut path: Vec<PathBuf> = Vec::new();
        let own = host.get(OsStr::new("PATH")).cloned().unwrap_or_default();
        for folder in std::env::split_paths(&own) {
            if is_system(&folder) {
                path.push(folder);
            } else if folder.is_absolute() {
                for toolchain in Toolchain::in_folder(&folder) {
                    path.push(self.add_toolchain(&toolchain));
                }
            }
        }
        path.extend(SYSTEM_PATH.iter().map(PathBuf::from));
        let mut seen = std::collections::BTreeSet::new();
        path.retain(|folder| seen.insert(folder.clone()));
        // No folder of it holds a colon: PATH was split at colons.
        let path = std::env::join_paths(&path).unwrap_or_default();
        self.environment.insert("PATH".into(), path);
    }

    /// Shows a toolchain at a place of its own, because its own may be one that the build has for itself, and gives the
    /// folder of its programs there.
    fn add_toolchain(&mut self, toolchain: &Toolchain) -> PathBuf {
        let name = match toolchain {
            Toolchain::Go(_) => "go",
            Toolchain::Node(_) => "node",
            Toolchain::Npm(_) => "npm",
        };
        let place = Path::new(TOOLCHAINS).join(name);
        let programs = place.join("bin");
        let shown = |mount: &Mount| matches!(mount, Mount::Bind { to, .. } if Path::new(to).starts_with(&place));
        if self.mounts.iter().any(shown) {
            // The first one on PATH is the one that the user gets, too.
            return programs;
        }
        let mut bind = |from: &Path, to: PathBuf| {
            self.mounts.push(Mount::Bind {
                from: from.into(),
                to: to.into(),
                writable: false,
            });
        };
        match toolchain {
            Toolchain::Go(root) => bind(root, place),
            Toolchain::Node(program) => bind(program, programs.join("node")),
            Toolchain::Npm(package) => {
                bind(package, place.join("lib/node_modules/npm"));
                for program in ["npm", "npx"] {
                    self.mounts.push(Mount::Link {
                        to: programs.join(program).into(),
                        target: format!("../lib/node_modules/npm/bin/{program}-cli.js").into(),
                    });
                }
            }
        }
        programs
    }

    fn bind_once(&mut self, path: &Path) {
        let there = self
            .mounts
            .iter()
            .any(|mount| matches!(mount, Mount::Bind { to, .. } if to == path.as_os_str()));
        if !there {
            self.bind(path);
        }
    }

    fn add_variables(&mut self, host: &Environment) {
        for name in PROXIES {
            if let Some(value) = host.get(OsStr::new(name)) {
                self.environment.insert(name.into(), value.clone());
            }
        }
        for name in CERTIFICATES {
            let Some(value) = host.get(OsStr::new(name)) else {
                continue;
            };
            let path = Path::new(value);
            if path.is_absolute() && path.exists() {
                let shown = is_system(path)
                    || ETC
                        .iter()
                        .any(|entry| path.starts_with(Path::new("/etc").join(entry)));
                if !shown {
                    self.bind_once(path);
                }
                self.environment.insert(name.into(), value.clone());
            }
        }
    }

    fn add_client_configuration(&mut self, host: &Environment, credentials: Credentials) {
        let home = host.get(OsStr::new("HOME")).map(PathBuf::from);
        let read = |path: PathBuf| std::fs::read(path).ok();
        let in_home = |relative: &str| home.as_ref().and_then(|home| read(home.join(relative)));

        let npmrc = host
            .get(OsStr::new("NPM_CONFIG_USERCONFIG"))
            .or_else(|| host.get(OsStr::new("npm_config_userconfig")))
            .map(PathBuf::from)
            .and_then(read)
            .or_else(|| in_home(".npmrc"));
        if let Some(text) = npmrc {
            let text = if credentials.npm {
                text
            } else {
                client_configuration::npmrc_without_credentials(&text)
            };
            self.home_files.push((".npmrc".into(), text));
        }
        if let Some(text) = in_home(".config/go/env") {
            let text = client_configuration::go_environment_without_credentials(&text);
            self.home_files.push((".config/go/env".into(), text));
        }
        if credentials.netrc
            && let Some(text) = in_home(".netrc")
        {
            self.home_files.push((".netrc".into(), text));
        }
        if credentials.bundle
            && let Some(text) = in_home(".bundle/config")
        {
            self.home_files.push((".bundle/config".into(), text));
        }
        for (name, value) in host {
            if let Some(value) = passes(name, value, credentials) {
                self.environment.insert(name.clone(), value);
            }
        }
    }
}

fn passes(name: &OsStr, value: &OsStr, credentials: Credentials) -> Option<OsString> {
    let name = name.to_str()?;
    let lower = name.to_ascii_lowercase();
    if let Some(key) = lower.strip_prefix("npm_config_") {
        if key == "userconfig" {
            return None;
        }
        if credentials.npm {
            return Some(value.to_owned());
        }
        let key = key.replace('_', "-");
        return client_configuration::is_harmless_npm_setting(&key)
            .then(|| client_configuration::without_userinfo(value.as_bytes()));
    }
    if client_configuration::GO_SETTINGS.contains(&name) {
        return Some(client_configuration::without_userinfo(value.as_bytes()));
    }
    (credentials.bundle && name.starts_with("BUNDLE_")).then(|| value.to_owned())
}

pub(super) fn is_system(path: &Path) -> bool {
    SYSTEM.iter().any(|folder| path.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    #[test]
    fn only_what_is_listed_passes() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(
            home.path().join(".npmrc"),
            "registry=https://u:p@r.example/\n//r.example/:_authToken=s3cret\n",
        )
        .unwrap();
        std::fs::write(
            home.path().join(".netrc"),
            "machine r.example password s3cret\n",
        )
        .unwrap();
        let host = environment(&[
            ("HOME", home.path().to_str().unwrap()),
            ("HTTPS_PROXY", "http://proxy.example:3128"),
            ("AWS_SECRET_ACCESS_KEY", "s3cret"),
            ("NPM_CONFIG_REGISTRY", "https://u:s3cret@r.example/"),
            ("npm_config__authToken", "s3cret"),
            ("GOPROXY", "https://u:s3cret@g.example"),
            ("BUNDLE_GEMS__EXAMPLE", "s3cret"),
            ("SSH_AUTH_SOCK", "/s3cret"),
        ]);
        let view = HostView::of(&host, Credentials::default());
        assert!(!format!("{view:?}").contains("s3cret"));
        let get = |name: &str| {
            view.environment
                .get(OsStr::new(name))
                .and_then(|value| value.to_str())
        };
        assert_eq!(get("HTTPS_PROXY"), Some("http://proxy.example:3128"));
        assert_eq!(get("NPM_CONFIG_REGISTRY"), Some("https://r.example/"));
        assert_eq!(get("GOPROXY"), Some("https://g.example"));
        assert_eq!(get("HOME"), None);
        assert_eq!(
            view.home_files,
            [(".npmrc".into(), b"registry=https://r.example/\n".to_vec())]
        );
    }

    #[test]
    fn credentials_pass_when_they_are_asked_for() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(
            home.path().join(".npmrc"),
            "//r.example/:_authToken=s3cret\n",
        )
        .unwrap();
        std::fs::write(
            home.path().join(".netrc"),
            "machine r.example password s3cret\n",
        )
        .unwrap();
        let host = environment(&[
            ("HOME", home.path().to_str().unwrap()),
            ("BUNDLE_GEMS__EXAMPLE", "s3cret"),
        ]);
        let view = HostView::of(
            &host,
            Credentials {
                npm: true,
                netrc: true,
                bundle: true,
            },
        );
        assert_eq!(view.home_files.len(), 2);
        assert!(
            view.environment
                .contains_key(OsStr::new("BUNDLE_GEMS__EXAMPLE"))
        );
    }

    #[test]
    fn toolchains_are_shown_and_their_neighbours_are_not() {
        let (_home, root) = crate::sandbox::toolchain::tests::home_with_toolchains();
        let host = environment(&[(
            "PATH",
            &format!("{0}/bin:{0}/secrets:/usr/bin", root.display()),
        )]);
        let view = HostView::of(&host, Credentials::default());
        let path = view
            .environment
            .get(OsStr::new("PATH"))
            .unwrap()
            .to_str()
            .unwrap();
        assert!(
            path.starts_with(
                "/opt/toolchains/go/bin:/opt/toolchains/node/bin:/opt/toolchains/npm/bin:/usr/bin:"
            ),
            "{path}"
        );
        let shown: Vec<&Path> = view
            .mounts
            .iter()
            .filter_map(|mount| match mount {
                Mount::Bind { from, .. } => Path::new(from).strip_prefix(&root).ok(),
                _ => None,
            })
            .collect();
        assert_eq!(
            shown,
            [
                Path::new("sdk/go1.99"),
                Path::new("bin/node"),
                Path::new("lib/node_modules/npm")
            ]
        );
    }
}
