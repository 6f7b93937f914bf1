//! `slugbuilder serve backup` and `slugbuilder serve restore`

use crate::arguments::{BackupArguments, RestoreArguments};
use crate::environment;
use crate::failure::{Failure, UsageError};
use crate::printer::{count, one_line, print_data, size};
use serde_json::json;
use slugbuilder_platform::ServerError;
use slugbuilder_platform::backup::{self, Contents};
use slugbuilder_platform::store::DATABASE;
use std::path::Path;
use std::process::ExitCode;

/// Version of the JSON that `--json` prints (docs/serve.md); fields are only added within one version.
const SCHEMA_VERSION: u32 = 1;

pub(super) fn back_up(arguments: &BackupArguments) -> Result<ExitCode, Failure> {
    let data = environment::data_dir(&arguments.data)?;
    // First: nothing is made in a folder that was only mistaken for one.
    if !data.join(DATABASE).is_file() {
        let path = data.display().to_string();
        return Err(UsageError::NotDataDir { path }.into());
    }
    let contents = runtime()?.block_on(async {
        let blobs = environment::blobs(&arguments.blobs).open(&data)?;
        Ok::<_, Failure>(backup::backup(&data, &blobs, &arguments.file).await?)
    })?;
    tell(&contents, &arguments.file, arguments.json)
}

pub(super) fn restore(arguments: &RestoreArguments) -> Result<ExitCode, Failure> {
    let data = environment::data_dir(&arguments.data)?;
    let blobs = environment::blobs(&arguments.blobs).elsewhere()?;
    let restored = backup::restore(&arguments.file, &data, blobs.as_ref());
    let contents = runtime()?.block_on(restored)?;
    tell(&contents, &data, arguments.json)
}

fn runtime() -> Result<tokio::runtime::Runtime, ServerError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ServerError::Serving)
}

fn tell(contents: &Contents, made: &Path, as_json: bool) -> Result<ExitCode, Failure> {
    let text = if as_json {
        let contents = json!({
            "schema_version": SCHEMA_VERSION,
            "path": made,
            "created_at": contents.created_at.to_string(),
            "apps": contents.apps,
            "releases": contents.releases,
            "slugs": contents.blobs,
            "bytes": contents.bytes,
        });
        contents.to_string()
    } else {
        format!(
            "{}: {}, {}, {} ({})",
            one_line(&made.display().to_string()),
            count(contents.apps, "app"),
            count(contents.releases, "release"),
            count(contents.blobs, "slug"),
            size(contents.bytes)
        )
    };
    print_data(&text)?;
    Ok(ExitCode::SUCCESS)
}
