//! What the user's npm knows of registries and how to reach them, told to the package managers of the build: those read
//! neither the global configuration of another npm nor, with Yarn 2 and later, any `.npmrc`.

use super::failure::NodeBuildError;
use super::plan::Manager;
use crate::command::{Client, CommandError, Environment};
use fs_err as fs;
use slugbuilder_report::{Event, Reporter};
use std::ffi::OsString;
use std::path::Path;
use std::thread::JoinHandle;

/// Settings that npm, Yarn classic and pnpm all read from `npm_config_…`.
const SHARED: [&str; 6] = [
    "registry",
    "cafile",
    "https-proxy",
    "proxy",
    "noproxy",
    "strict-ssl",
];

/// Settings of the user's npm that differ from its defaults, as it prints them in `folder`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct ClientSettings(Vec<(String, String)>);

/// An answer that is waited for.
pub(crate) struct Asked(Option<JoinHandle<Result<ClientSettings, CommandError>>>);

impl Asked {
    /// The answer; no settings where nobody was asked, and none with a note to `reporter` where npm failed.
    pub(crate) fn answer(self, reporter: &dyn Reporter) -> ClientSettings {
        let Some(thread) = self.0 else {
            return ClientSettings::default();
        };
        let why = match thread.join() {
            Ok(Ok(settings)) => return settings,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it was not waited for".to_owned(),
        };
        reporter.report(Event::Note(&format!(
            "`npm config list` failed, so that package managers are not told of registries and proxies: {why}"
        )));
        ClientSettings::default()
    }
}

impl ClientSettings {
    /// Begins to ask the npm of the user's `environment` what holds in `folder`: that takes a third of a second, in which
    /// Node.js can be unpacked. Nobody is asked where `offline`, as no registry is.
    pub(crate) fn begin(environment: &Environment, folder: &Path, offline: bool) -> Asked {
        if offline {
            return Asked(None);
        }
        let (environment, folder) = (environment.clone(), folder.to_owned());
        Asked(Some(std::thread::spawn(move || {
            Self::ask(&environment, &folder)
        })))
    }

    /// Asks the npm of `environment`; where there is none there are no settings.
    fn ask(environment: &Environment, folder: &Path) -> Result<Self, CommandError> {
        let listed = Client::new("npm", environment)
            .args(["config", "list"])
            .folder(folder)
            .output();
        match listed {
            Ok(text) => Ok(Self::parse(&String::from_utf8_lossy(&text))),
            Err(CommandError::Missing(_)) => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// `npm config list` prints `key = value`, values as JSON, in sections by precedence; what is overridden is a comment.
    fn parse(text: &str) -> Self {
        let settings = text.lines().filter_map(|line| {
            let (key, value) = line.split_once(" = ")?;
            let key = key.trim();
            if key.starts_with(';') || !SHARED.contains(&key) {
                return None;
            }
            let value = match serde_json::from_str(value.trim()) {
                Ok(serde_json::Value::String(text)) => text,
                Ok(serde_json::Value::Bool(flag)) => flag.to_string(),
                _ => return None,
            };
            Some((key.to_owned(), value))
        });
        let mut found: Vec<(String, String)> = Vec::new();
        for (key, value) in settings {
            if !found.iter().any(|(known, _)| *known == key) {
                found.push((key, value));
            }
        }
        Self(found)
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == key)
            .map(|(_, value)| value.as_str())
    }

    /// The variables that tell `manager`, where the project at `root` does not say otherwise. A CA file of the process
    /// stands in for one of npm's.
    pub(crate) fn variables(
        &self,
        manager: Manager,
        root: &Path,
        user: &Environment,
        ca_file: Option<&Path>,
    ) -> Result<Vec<(String, OsString)>, NodeBuildError> {
        let mut variables: Vec<(String, OsString)> = Vec::new();
        let mut set = |name: &str, value: OsString| {
            let is_users = user.get(name).is_some_and(|value| !value.is_empty());
            if !is_users {
                variables.push((name.to_owned(), value));
            }
        };
        let ca_file = self
            .get("cafile")
            .map(OsString::from)
            .or_else(|| ca_file.map(|file| file.as_os_str().to_owned()));
        if let Some(file) = &ca_file {
            // For what scripts of packages download.
            set("NODE_EXTRA_CA_CERTS", file.clone());
        }
        if manager != Manager::YarnBerry {
            for (key, value) in &self.0 {
                set(
                    &format!("npm_config_{}", key.replace('-', "_")),
                    value.into(),
                );
            }
            return Ok(variables);
        }
        let configuration = match fs::read_to_string(root.join(".yarnrc.yml")) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(NodeBuildError::Unreadable(".yarnrc.yml".into(), error)),
        };
        let says = |key: &str| {
            configuration
                .lines()
                .any(|line| line.trim_start().starts_with(&format!("{key}:")))
        };
        if let Some(registry) = self.get("registry").filter(|_| !says("npmRegistryServer")) {
            set(
                "YARN_NPM_REGISTRY_SERVER",
                registry.trim_end_matches('/').into(),
            );
            if let Some(rest) = registry.strip_prefix("http://")
                && !says("unsafeHttpWhitelist")
            {
                let host = rest.split(['/', ':']).next().unwrap_or_default();
                set("YARN_UNSAFE_HTTP_WHITELIST", host.into());
            }
        }
        if let Some(file) = ca_file.filter(|_| !says("httpsCaFilePath") && !says("caFilePath")) {
            set("YARN_HTTPS_CA_FILE_PATH", file);
        }
        if self.get("strict-ssl") == Some("false") && !says("enableStrictSsl") {
            set("YARN_ENABLE_STRICT_SSL", "false".into());
        }
        for (name, variable, key, of_process) in [
            ("httpProxy", "YARN_HTTP_PROXY", "proxy", "http_proxy"),
            (
                "httpsProxy",
                "YARN_HTTPS_PROXY",
                "https-proxy",
                "https_proxy",
            ),
        ] {
            let of_process = user
                .get(of_process)
                .or_else(|| user.get(&of_process.to_uppercase()))
                .map(ToOwned::to_owned);
            let value = self.get(key).map(OsString::from).or(of_process);
            if let Some(value) = value.filter(|value| !value.is_empty() && !says(name)) {
                set(variable, value);
            }
        }
        Ok(variables)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> ClientSettings {
        ClientSettings::parse(
            "; \"global\" config from /usr/etc/npmrc\n\ncafile = \"/etc/ca.pem\"\n; registry = \"https://old.example/\" ; overridden by user\n\n\
             ; \"user\" config from /home/user/.npmrc\n\n//npm.example/:_authToken = (protected)\naudit = false\n\
             registry = \"http://npm.example:8080/npm/\"\nstrict-ssl = false\n\n; node version = v24.0.0\n",
        )
    }

    #[test]
    fn settings_are_read_as_npm_prints_them() {
        let settings = settings();
        assert_eq!(
            settings.get("registry"),
            Some("http://npm.example:8080/npm/")
        );
        assert_eq!(settings.get("cafile"), Some("/etc/ca.pem"));
        assert_eq!(settings.get("strict-ssl"), Some("false"));
        assert_eq!(settings.0.len(), 3);
    }

    fn variables(manager: Manager, root: &Path, user: &Environment) -> String {
        let variables = settings().variables(manager, root, user, None).unwrap();
        let lines: Vec<String> = variables
            .into_iter()
            .map(|(name, value)| format!("{name}={}", value.to_string_lossy()))
            .collect();
        lines.join("\n")
    }

    #[test]
    fn every_manager_is_told_in_its_own_words() {
        let nowhere = Path::new("/nowhere");
        let user = Environment::new([("https_proxy", "http://proxy.example")]);
        insta::assert_snapshot!(variables(Manager::Pnpm, nowhere, &user), @r"
        NODE_EXTRA_CA_CERTS=/etc/ca.pem
        npm_config_cafile=/etc/ca.pem
        npm_config_registry=http://npm.example:8080/npm/
        npm_config_strict_ssl=false
        ");
        insta::assert_snapshot!(variables(Manager::YarnBerry, nowhere, &user), @r"
        NODE_EXTRA_CA_CERTS=/etc/ca.pem
        YARN_NPM_REGISTRY_SERVER=http://npm.example:8080/npm
        YARN_UNSAFE_HTTP_WHITELIST=npm.example
        YARN_HTTPS_CA_FILE_PATH=/etc/ca.pem
        YARN_ENABLE_STRICT_SSL=false
        YARN_HTTPS_PROXY=http://proxy.example
        ");
    }

    #[test]
    fn the_project_and_the_users_variables_come_first() {
        let project = tempfile::tempdir().unwrap();
        let text = "npmRegistryServer: https://project.example\nenableStrictSsl: true\n";
        fs::write(project.path().join(".yarnrc.yml"), text).unwrap();
        let user = Environment::new([
            ("YARN_HTTPS_CA_FILE_PATH", "/mine.pem"),
            ("NODE_EXTRA_CA_CERTS", "/mine.pem"),
        ]);
        assert_eq!(variables(Manager::YarnBerry, project.path(), &user), "");
    }

    #[test]
    fn npm_that_fails_is_told_of_and_npm_that_is_missing_is_not() {
        use std::os::unix::fs::PermissionsExt as _;
        let bin = tempfile::tempdir().unwrap();
        let npm = bin.path().join("npm");
        let told = || {
            let log = Log::default();
            let user = Environment::new([("PATH", bin.path())]);
            let settings = ClientSettings::begin(&user, bin.path(), false).answer(&log);
            assert_eq!(settings, ClientSettings::default());
            log.0.into_inner().unwrap()
        };
        assert_eq!(told(), "");
        fs::write(&npm, "#!/bin/sh\necho broken >&2\nexit 3\n").unwrap();
        fs::set_permissions(&npm, std::fs::Permissions::from_mode(0o755)).unwrap();
        insta::assert_snapshot!(told(), @r"
        `npm config list` failed, so that package managers are not told of registries and proxies: `npm` failed (exit status: 3):
        broken
        ");
    }

    #[derive(Default)]
    struct Log(std::sync::Mutex<String>);

    impl Reporter for Log {
        fn report(&self, event: Event<'_>) {
            if let Event::Note(text) = event {
                self.0.lock().unwrap().push_str(text);
            }
        }
    }

    #[test]
    fn settings_of_yarn_that_cannot_be_read_are_an_error() {
        let project = tempfile::tempdir().unwrap();
        fs::create_dir(project.path().join(".yarnrc.yml")).unwrap();
        let user = Environment::default();
        let error = settings()
            .variables(Manager::YarnBerry, project.path(), &user, None)
            .unwrap_err();
        assert_eq!(error.to_string(), "cannot read .yarnrc.yml");
    }
}
