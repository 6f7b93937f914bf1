//! What is asked for.

use super::BuildsError;
use crate::buildpack_name::BuildpackName;
use crate::signed_url::{BlobKind, BlobMethod, Signer};
use crate::store::NewBuildRow;
use jiff::Timestamp;
use slugbuilder::slug::Checksum;
use slugbuilder_fetch::Address;
use std::path::PathBuf;
use uuid::Uuid;

/// The most that an address may have, in bytes.
const MAXIMUM_URL: usize = 8 << 10;

/// A build that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBuild {
    /// What is to be built.
    pub source: BuildSource,
    /// Which version of the source it is, mostly a commit.
    pub version: Option<String>,
    /// What that version is, mostly the message of the commit.
    pub version_description: Option<String>,
    /// The buildpacks; those of the app where none are named.
    pub buildpacks: Option<Vec<String>>,
    /// The time that the app's own files get in the slug, in seconds since 1970.
    pub source_date_epoch: Option<i64>,
    /// Whether it fails when the server ends before it, where others begin anew: whoever asked for it waits, and asks again.
    pub ends_with_server: bool,
}

/// Where source code is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildSource {
    /// An archive: one that was uploaded here, or one that is fetched.
    Url {
        /// Its address.
        url: String,
        /// `SHA256:<hex>` that it has to have.
        checksum: Option<String>,
    },
    /// A folder on the file system of the data folder ([`super::Builds::new_folder`]), which the caller has filled. It is the
    /// build's from now on.
    Folder(PathBuf),
}

impl NewBuild {
    /// As it goes into the ledger, and the folder if it is one, if a build can be made of it.
    pub(super) fn check(
        self,
        id: Uuid,
        signer: &Signer,
        external_url: &str,
    ) -> Result<(NewBuildRow, Option<PathBuf>), BuildsError> {
        let (url, checksum, folder) = match self.source {
            BuildSource::Url { url, checksum } => (Some(url), checksum, None),
            BuildSource::Folder(folder) => (None, None, Some(folder)),
        };
        let source = match &url {
            Some(url) => check_url(url, signer, external_url)?,
            None => None,
        };
        let checksum = checksum
            .map(|checksum| checksum.parse::<Checksum>())
            .transpose()
            .map_err(|error| {
                BuildsError::Invalid(format!("The checksum of the source is wrong: {error}."))
            })?;
        let buildpacks = self.buildpacks.map(|buildpacks| {
            let names = buildpacks.iter().map(|buildpack| {
                let name = BuildpackName::parse(buildpack);
                name.map(|name| name.as_str().to_owned())
            });
            names.collect::<Result<Vec<_>, _>>()
        });
        let buildpacks = buildpacks
            .transpose()
            .map_err(|error| BuildsError::Invalid(error.to_string()))?;
        let row = NewBuildRow {
            id,
            url,
            source,
            checksum,
            version: self.version,
            version_description: self.version_description,
            buildpacks,
            source_date_epoch: self.source_date_epoch,
            ends_with_server: self.ends_with_server,
        };
        Ok((row, folder))
    }
}

/// Refuses what nothing can be fetched from. Of an address of this server, tells which source it is of.
fn check_url(url: &str, signer: &Signer, external_url: &str) -> Result<Option<Uuid>, BuildsError> {
    let wrong = |problem: &str| {
        BuildsError::Invalid(format!("The URL of the source cannot be used: {problem}."))
    };
    if url.len() > MAXIMUM_URL {
        return Err(wrong("it is too long"));
    }
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        return Err(wrong("it does not start with `https://` or `http://`"));
    }
    Address::of(url).map_err(wrong)?;
    let own = url
        .strip_prefix(external_url)
        .and_then(|rest| rest.strip_prefix("/sources/"));
    let Some(own) = own else {
        return Ok(None);
    };
    let (id, query) = own.split_once('?').unwrap_or((own, ""));
    let id = Uuid::try_parse(id).map_err(|_| wrong("this server has no such source"))?;
    signer
        .of(BlobKind::Source)
        .check(BlobMethod::Get, id, Some(query), Timestamp::now())
        .map_err(|error| BuildsError::Invalid(error.to_string()))?;
    Ok(Some(id))
}
