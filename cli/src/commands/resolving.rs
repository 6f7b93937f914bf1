//! What `lock` and `vendor` share: the options of a build that is not made.

use crate::arguments::ResolvingArguments;
use crate::environment;
use crate::failure::Failure;
use slugbuilder::app_root::AppRoot;
use slugbuilder::archive::Compression;
use slugbuilder::buildpacks::select;
use slugbuilder::cache::MAX_SIZE;
use slugbuilder::compile::{CompileOptions, Reuse};
use slugbuilder::lock::Locking;
use slugbuilder::sandbox::{Credentials, Interrupt};
use slugbuilder::stack::Stack;
use slugbuilder::stop::Stop;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The app and what it is for.
pub(super) struct Subject<'a> {
    pub(super) source: &'a Path,
    pub(super) root: Option<AppRoot>,
    pub(super) stack: &'a str,
    pub(super) all_files: bool,
}

pub(super) fn options(
    subject: &Subject<'_>,
    arguments: &ResolvingArguments,
    locking: Locking,
    interrupt: &Interrupt,
) -> Result<CompileOptions, Failure> {
    let host = environment::host();
    let cache_dir = environment::cache_dir(&arguments.cache)?;
    let deadline = Instant::now() + arguments.timeout;
    let selection = select(
        &arguments.buildpacks.request(),
        &cache_dir,
        &Stop::new(interrupt, Some(deadline)),
    )?;
    Ok(CompileOptions {
        source: subject.source.to_owned(),
        root: subject.root.clone(),
        // No slug is written.
        output: PathBuf::new(),
        manifest: PathBuf::new(),
        stack: Stack::named(subject.stack)?,
        buildpacks: selection.sources,
        order: Some(selection.order),
        cache_dir,
        cache_max_size: MAX_SIZE,
        reuse: Reuse::default(),
        all_files: subject.all_files,
        keep_package_files: false,
        untrusted: false,
        secrets: BTreeSet::new(),
        config_vars: environment::config_vars(&arguments.variables, &host)?,
        platform_variables: environment::platform_variables(&host, &arguments.mirror)?,
        host_environment: host,
        credentials: Credentials::default(),
        locking,
        network: !arguments.offline,
        deadline,
        interrupt: interrupt.clone(),
        source_date_epoch: None,
        compression: Compression::default(),
        max_size: 0,
        warn_size: 0,
    })
}
