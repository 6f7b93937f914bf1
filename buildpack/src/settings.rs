//! The settings of a run: CNB's user variables and what the process was started with.
//!
//! | variable | meaning |
//! |---|---|
//! | `SLUGBUILDER_CACHE` | folder that keeps archives between builds of all apps |
//! | `SLUGBUILDER_MIRROR_NODE`, `_GO`, `_RUBY` | the only place that runtime comes from: `https://` or `file://` |
//! | `SLUGBUILDER_MIRROR_NPM` | the only place that packages of the npm registry come from which the build itself needs: package managers, and Node.js where nodejs.org has it not; holds `<name>-<version>.tgz` as `npm pack` names it, each with `<file>.sha256` beside it |
//! | `SLUGBUILDER_OFFLINE` | `1`: open no socket |
//! | `SLUGBUILDER_REPORT` | file that each phase writes its report to, as JSON |
//! | `SLUGBUILDER_ROOT` | the app's folder inside the source, relative to it: `packages/api` |
//! | `SLUGBUILDER_STACK` | stack to build for, before what the distribution says |
//! | `SLUGBUILDER_VIEW_OF` | `plan` alone: the folder of the source that what detection sees are links into |
//!
//! Proxies (`http_proxy`, `https_proxy`, `no_proxy`, in lower or upper case) and `SSL_CERT_FILE` come from the process.

use crate::command::Environment;
use crate::node::NodeSettings;
use crate::runtime::Runtime;
use slugbuilder_fetch::Proxies;
use slugbuilder_report::{Explain, Fault};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// The settings of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// `SLUGBUILDER_CACHE`.
    pub cache: Option<PathBuf>,
    /// `SLUGBUILDER_OFFLINE`.
    pub offline: bool,
    /// `SLUGBUILDER_ROOT`: without slashes at its ends, `.` and `..`; empty for the whole source.
    pub root: String,
    /// Config vars that change how Node.js apps are built. Of the platform alone: what the process has of these names
    /// is about the machine that builds.
    pub node: NodeSettings,
    /// `SLUGBUILDER_VIEW_OF`, which is the platform's to say.
    pub view_of: Option<PathBuf>,
    /// `SLUGBUILDER_STACK`.
    pub stack: Option<String>,
    /// Proxies of the process.
    pub proxies: Proxies,
    /// `SSL_CERT_FILE` of the process.
    pub ca_file: Option<PathBuf>,
    /// What the user's clients run with: the process's own variables.
    pub environment: Environment,
    /// `SLUGBUILDER_MIRROR_*`.
    pub mirrors: Vec<(Runtime, Mirror)>,
    /// `SLUGBUILDER_MIRROR_NPM`.
    pub npm_mirror: Option<Mirror>,
}

/// The address of a mirror, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror(String);

impl Mirror {
    /// Checks an address.
    pub fn parse(variable: &str, text: &str) -> Result<Self, SettingsError> {
        let refused = |reason| SettingsError::Mirror {
            variable: variable.to_owned(),
            reason,
        };
        let address = text.trim().trim_end_matches('/');
        let Some((scheme, rest)) = address.split_once("://") else {
            return Err(refused("it has no scheme"));
        };
        match scheme {
            "https" if !rest.is_empty() => {}
            "file" if rest.starts_with('/') => {}
            "file" => return Err(refused("a `file://` address takes an absolute path")),
            "http" if is_loopback(rest) => {}
            "http" => {
                return Err(refused(
                    "`http://` is not secure, and only taken for this machine",
                ));
            }
            _ => return Err(refused("its scheme is none of `https` and `file`")),
        }
        if address.contains(['?', '#']) {
            return Err(refused("it has a query or fragment"));
        }
        Ok(Self(address.to_owned()))
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.0
    }
}

fn is_loopback(rest: &str) -> bool {
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// The variable that names the mirror of `runtime`.
#[must_use]
pub fn mirror_variable(runtime: Runtime) -> &'static str {
    match runtime {
        Runtime::Node => "SLUGBUILDER_MIRROR_NODE",
        Runtime::Ruby => "SLUGBUILDER_MIRROR_RUBY",
        Runtime::Go => "SLUGBUILDER_MIRROR_GO",
    }
}

/// The variable that names the mirror of packages.
const NPM_MIRROR: &str = "SLUGBUILDER_MIRROR_NPM";

impl Settings {
    /// Reads the settings from the process's variables, then from the platform's; an empty variable counts as none.
    pub fn read(
        process: &Environment,
        platform: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, SettingsError> {
        let of_process = |name: &str| {
            process
                .get(name)
                .filter(|value| !value.is_empty())
                .map(ToOwned::to_owned)
        };
        let any = |name: &str| {
            of_process(name).or_else(|| platform(name).filter(|value| !value.is_empty()))
        };
        let text = |name: &'static str| match any(name).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text)),
            Some(Err(_)) => Err(SettingsError::NotText(name)),
        };
        let offline = match text("SLUGBUILDER_OFFLINE")?.as_deref() {
            None | Some("0" | "false" | "no") => false,
            Some("1" | "true" | "yes") => true,
            Some(other) => return Err(SettingsError::Offline(other.to_owned())),
        };
        let mut mirrors = Vec::new();
        for runtime in Runtime::ALL {
            let variable = mirror_variable(runtime);
            if let Some(address) = text(variable)? {
                mirrors.push((runtime, Mirror::parse(variable, &address)?));
            }
        }
        let npm_mirror = text(NPM_MIRROR)?
            .map(|address| Mirror::parse(NPM_MIRROR, &address))
            .transpose()?;
        let proxy = |lower: &str, upper: &str| {
            of_process(lower)
                .or_else(|| of_process(upper))
                .and_then(|value| value.into_string().ok())
        };
        Ok(Self {
            cache: any("SLUGBUILDER_CACHE").map(PathBuf::from),
            offline,
            root: match text("SLUGBUILDER_ROOT")? {
                Some(root) => root_folder(&root)?,
                None => String::new(),
            },
            node: NodeSettings::read(|name| platform(name)?.into_string().ok()),
            view_of: of_process("SLUGBUILDER_VIEW_OF").map(PathBuf::from),
            stack: text("SLUGBUILDER_STACK")?,
            proxies: Proxies {
                // Upper-case HTTP_PROXY can be set by a request header under CGI, which is why curl ignores it. A
                // build is no CGI program, and CNB passes both (buildpack.md, "Provided by the Lifecycle").
                http: proxy("http_proxy", "HTTP_PROXY"),
                https: proxy("https_proxy", "HTTPS_PROXY"),
                no_proxy: proxy("no_proxy", "NO_PROXY"),
            },
            ca_file: of_process("SSL_CERT_FILE").map(PathBuf::from),
            environment: process.clone(),
            mirrors,
            npm_mirror,
        })
    }

    /// The mirror that the user has set for `runtime`: then nothing else is asked.
    #[must_use]
    pub fn mirror(&self, runtime: Runtime) -> Option<&Mirror> {
        self.mirrors
            .iter()
            .find(|(of, _)| *of == runtime)
            .map(|(_, mirror)| mirror)
    }

    /// The same settings with a mirror.
    #[must_use]
    pub fn with_mirror(mut self, runtime: Runtime, mirror: Mirror) -> Self {
        self.mirrors.push((runtime, mirror));
        self
    }
}

/// A folder inside the source: `./packages/api/` and `packages/api` are the same.
fn root_folder(text: &str) -> Result<String, SettingsError> {
    let mut parts = Vec::new();
    for part in Path::new(text.trim()).components() {
        match part {
            Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
            Component::CurDir => {}
            _ => return Err(SettingsError::Root(text.to_owned())),
        }
    }
    Ok(parts.join("/"))
}

/// The file that the report goes to. Read apart, so that errors of the other settings can be reported too.
#[must_use]
pub fn report_file(
    process: &Environment,
    platform: impl Fn(&str) -> Option<OsString>,
) -> Option<PathBuf> {
    const NAME: &str = "SLUGBUILDER_REPORT";
    let value = process
        .get(NAME)
        .map(ToOwned::to_owned)
        .or_else(|| platform(NAME))?;
    (!value.is_empty()).then(|| value.into())
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Not UTF-8.
    #[error("`{0}` is not UTF-8")]
    NotText(&'static str),
    /// A mirror's address. It is not shown, as it may hold a password.
    #[error("the address in `{variable}` cannot be used: {reason}")]
    Mirror {
        /// The variable.
        variable: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A folder that is not below the source.
    #[error("`SLUGBUILDER_ROOT` is `{0}`, which is no folder inside the source")]
    Root(String),
    /// Neither yes nor no.
    #[error("`SLUGBUILDER_OFFLINE` is `{0}`")]
    Offline(String),
}

impl Explain for SettingsError {
    fn code(&self) -> &'static str {
        "invalid-setting"
    }

    fn fault(&self) -> Fault {
        Fault::Usage
    }

    fn hints(&self) -> Vec<String> {
        vec![match self {
            Self::NotText(name) => format!("Set `{name}` to UTF-8 text."),
            Self::Mirror { .. } => {
                "Write an address such as `https://mirror.example/node` or `file:///srv/node`."
                    .into()
            }
            Self::Root(_) => {
                "Write it relative to the source and without `..`: `packages/api`.".into()
            }
            Self::Offline(_) => "Set it to `1` or `0`.".into(),
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slugbuilder_report::{Diagnosis, Style};

    fn none(_: &str) -> Option<OsString> {
        None
    }

    #[test]
    fn the_process_comes_before_the_platform() {
        let process = Environment::new([
            ("SLUGBUILDER_OFFLINE", "1"),
            ("https_proxy", "a"),
            ("HTTPS_PROXY", "b"),
        ]);
        let settings = Settings::read(&process, |name| match name {
            "SLUGBUILDER_OFFLINE" => Some("0".into()),
            "SLUGBUILDER_CACHE" => Some("/cache".into()),
            "SLUGBUILDER_MIRROR_GO" => Some("https://mirror.example/go/".into()),
            "https_proxy" => Some("not from the platform".into()),
            _ => None,
        })
        .unwrap();
        assert!(settings.offline);
        assert_eq!(settings.cache, Some("/cache".into()));
        assert_eq!(
            settings.mirror(Runtime::Go).unwrap().address(),
            "https://mirror.example/go"
        );
        assert_eq!(settings.mirror(Runtime::Node), None);
        assert_eq!(settings.proxies.https.as_deref(), Some("a"));
    }

    #[test]
    fn the_root_is_a_folder_inside_the_source() {
        for (text, root) in [
            ("packages/api", "packages/api"),
            ("./packages//api/", "packages/api"),
            (".", ""),
        ] {
            let settings =
                Settings::read(&Environment::new([("SLUGBUILDER_ROOT", text)]), none).unwrap();
            assert_eq!(settings.root, root, "{text}");
        }
    }

    #[test]
    fn mirrors_are_secure_or_local() {
        for address in [
            "https://mirror.example",
            "file:///srv/node",
            "http://127.0.0.1:8000/x",
            "http://localhost",
            "http://[::1]:80/",
            "http://user:password@127.0.0.1/",
        ] {
            assert!(Mirror::parse("X", address).is_ok(), "{address}");
        }
        for address in [
            "mirror.example",
            "http://mirror.example",
            "http://127.0.0.1@mirror.example",
            "http://localhost.example",
            "ftp://mirror.example",
            "file://relative",
            "https://",
            "https://mirror.example?token=1",
        ] {
            assert!(Mirror::parse("X", address).is_err(), "{address}");
        }
    }

    #[test]
    fn bad_settings_have_an_error_each() {
        let text = |name: &str, value: &str| {
            let error = Settings::read(&Environment::new([(name, value)]), none).unwrap_err();
            Diagnosis::of(&error).render(Style::Plain)
        };
        insta::assert_snapshot!(text("SLUGBUILDER_OFFLINE", "maybe"), @r"
        error[invalid-setting]: `SLUGBUILDER_OFFLINE` is `maybe`

          hint: Set it to `1` or `0`.
        ");
        insta::assert_snapshot!(text("SLUGBUILDER_ROOT", "../other"), @r"
        error[invalid-setting]: `SLUGBUILDER_ROOT` is `../other`, which is no folder inside the source

          hint: Write it relative to the source and without `..`: `packages/api`.
        ");
        insta::assert_snapshot!(text("SLUGBUILDER_ROOT", "/srv/app"), @r"
        error[invalid-setting]: `SLUGBUILDER_ROOT` is `/srv/app`, which is no folder inside the source

          hint: Write it relative to the source and without `..`: `packages/api`.
        ");
        insta::assert_snapshot!(text("SLUGBUILDER_MIRROR_NODE", "http://user:secret@mirror.example"), @r"
        error[invalid-setting]: the address in `SLUGBUILDER_MIRROR_NODE` cannot be used: `http://` is not secure, and only taken for this machine

          hint: Write an address such as `https://mirror.example/node` or `file:///srv/node`.
        ");
    }
}
