//! What all phases share: whom to run where, for what, with which variables.

use super::cleared::keep_our_folder;
use super::environment::{add_user_variables, check_variables};
use super::files::Files;
use super::report::REPORT_VARIABLE;
use super::{
    Buildpack, BuildpackApi, CnbError, EXECUTION_ENVIRONMENT, LAYERS_FOLDER, OWN_FOLDER, Target,
};
use crate::sandbox::{Environment, Executor};
use slugbuilder_report::Reporter;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The platform variable that has slugbuilder's own buildpack obtain everything and build nothing.
pub(crate) const RESOLVE_ONLY: &str = "SLUGBUILDER_RESOLVE_ONLY";

/// One build's platform. The phases are its methods: [`Platform::detect`], [`Platform::restore`], [`Platform::build`].
pub struct Platform<'a> {
    /// Runs the buildpacks' programs.
    pub executor: &'a dyn Executor,
    /// What is built for.
    pub target: Target,
    /// The user's variables: files in `<platform>/env`, and, but for buildpacks that clear their environment, variables.
    pub user_environment: Environment,
    /// Variables for every buildpack's programs that no user can change: `SLUGBUILDER_*`.
    pub platform_variables: Environment,
    /// Hears the buildpacks' output.
    pub reporter: &'a dyn Reporter,
}

impl<'a> Platform<'a> {
    /// Whether nothing is built.
    pub(super) fn resolves_only(&self) -> bool {
        self.platform_variables
            .contains_key(OsStr::new(RESOLVE_ONLY))
    }

    pub(super) fn files(&self) -> Files<'a> {
        Files::new(self.executor)
    }

    /// `<layers>`, as programs see it.
    pub(super) fn layers_dir(&self) -> PathBuf {
        self.executor.app_dir().join(LAYERS_FOLDER)
    }

    /// `<platform>`, as programs see it.
    pub(super) fn platform_dir(&self) -> PathBuf {
        self.executor.work_dir().join("platform")
    }

    /// Makes the layers folder, hides it from tools that scan the app, and writes the user's variables as files.
    pub(super) fn prepare(&self) -> Result<(), CnbError> {
        check_variables(&self.user_environment)?;
        check_variables(&self.platform_variables)?;
        self.make_layers_dir()?;
        let files = self.files();
        let folder = self.platform_dir().join("env");
        files.remove(&folder)?;
        files.make_directory(&folder)?;
        for (name, value) in &self.user_environment {
            // Who else may read these, the work directory's own mode says.
            files.write(&folder.join(name), value.as_encoded_bytes())?;
        }
        Ok(())
    }

    pub(super) fn make_layers_dir(&self) -> Result<(), CnbError> {
        let files = self.files();
        files.make_directory(&self.layers_dir())?;
        files.write(
            &self.executor.app_dir().join(OWN_FOLDER).join(".gitignore"),
            b"*\n",
        )
    }

    /// Writes a file of the platform's own for the buildpacks to read, outside of the app. Returns its path, as programs of
    /// the build see it.
    pub fn lend_file(&self, name: &str, content: &[u8]) -> Result<PathBuf, CnbError> {
        let path = self.executor.work_dir().join(name);
        self.files().write(&path, content)?;
        Ok(path)
    }

    /// Writes a file of the platform's own into the built app, replacing what has its name; folders are made. The app is
    /// hostile by now: a folder on the way that is a link is an error.
    pub fn write_into_app(&self, relative: &Path, content: &[u8]) -> Result<(), CnbError> {
        let path = self.executor.app_dir().join(relative);
        let files = self.files();
        if let Some(parent) = path.parent()
            && parent != self.executor.app_dir()
        {
            files.make_directory(parent)?;
        }
        files.write(&path, content)
    }

    /// A new, empty folder for what one program is given and leaves behind.
    pub(super) fn exchange_dir(
        &self,
        phase: &str,
        index: usize,
        buildpack: &Buildpack,
    ) -> Result<Exchange, CnbError> {
        let files = self.files();
        let folder = self
            .executor
            .work_dir()
            .join(phase)
            .join(format!("{index}-{}", buildpack.descriptor.escaped_id()));
        files.remove(&folder)?;
        files.make_directory(&folder)?;
        let exchange = Exchange {
            plan: folder.join("plan.toml"),
            report: folder.join("report.json"),
        };
        files.write(&exchange.plan, b"")?;
        Ok(exchange)
    }

    /// The environment of a program: `accumulated` (what programs start from and layers added), the user's variables
    /// unless the buildpack clears them, then those that are ours to set (section 2.5 of the reference).
    pub(super) fn environment(
        &self,
        buildpack: &Buildpack,
        accumulated: &Environment,
        exchange: &Exchange,
    ) -> Environment {
        let mut environment = accumulated.clone();
        if !buildpack.descriptor.clear_environment {
            add_user_variables(&mut environment, &self.user_environment);
        }
        keep_our_folder(buildpack, &mut environment);
        environment.extend(self.platform_variables.clone());
        self.target.export(&mut environment);
        for (name, path) in [
            ("CNB_BUILDPACK_DIR", buildpack.directory.as_path()),
            ("CNB_PLATFORM_DIR", &self.platform_dir()),
            (REPORT_VARIABLE, &exchange.report),
        ] {
            environment.insert(name.into(), path.into());
        }
        if buildpack.descriptor.api >= BuildpackApi::V0_12 {
            environment.insert("CNB_EXEC_ENV".into(), EXECUTION_ENVIRONMENT.into());
        }
        environment
    }
}

/// The files through which one program and the platform talk.
pub(super) struct Exchange {
    pub(super) plan: PathBuf,
    pub(super) report: PathBuf,
}
