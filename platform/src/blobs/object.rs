//! Blobs as objects of a bucket.
//!
//! `ab/ab12….` is the blob `ab12…`, below the folder that the settings name. Large blobs go there in parts
//! ("multipart upload" of S3), and the object appears when the last step completes it.

use super::received::Meter;
use super::{BlobError, BlobStream, Received};
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt};
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use uuid::Uuid;

/// Bytes of a part: the least that S3 takes. All but the last have the same size, which some stores insist on, and one is in
/// memory per upload.
const PART: usize = 5 << 20;

/// How to reach a bucket.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ObjectStoreSettings {
    /// `s3://BUCKET` or `s3://BUCKET/FOLDER`.
    pub url: String,
    /// Address of an S3-compatible store, for example `http://127.0.0.1:9000`; that of AWS in `region` where there is none.
    /// Without TLS only where it says `http://`.
    pub endpoint: Option<String>,
    /// Region of the bucket; `us-east-1` where there is none.
    pub region: Option<String>,
    /// Access key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// Session token of temporary credentials.
    pub session_token: Option<String>,
}

impl fmt::Debug for ObjectStoreSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ObjectStoreSettings")
            .field("url", &self.url)
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(super) struct Objects {
    store: Arc<dyn ObjectStore>,
}

impl Objects {
    pub(super) fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store }
    }

    pub(super) fn connect(settings: &ObjectStoreSettings) -> Result<Self, BlobError> {
        let failed = |source| BlobError::Settings {
            url: settings.url.clone(),
            source,
        };
        let (bucket, folder) = split(&settings.url).map_err(failed)?;
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_access_key_id(&settings.access_key_id)
            .with_secret_access_key(&settings.secret_access_key);
        if let Some(region) = &settings.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &settings.endpoint {
            builder = builder
                .with_endpoint(endpoint)
                .with_allow_http(endpoint.starts_with("http://"));
        }
        if let Some(token) = &settings.session_token {
            builder = builder.with_token(token);
        }
        let bucket = builder.build().map_err(failed)?;
        Ok(Self::new(if folder == Path::ROOT {
            Arc::new(bucket)
        } else {
            Arc::new(PrefixStore::new(bucket, folder))
        }))
    }

    pub(super) fn begin(&self, id: Uuid) -> ObjectUpload {
        ObjectUpload {
            target: Target {
                store: Arc::clone(&self.store),
                id,
            },
            parts: Parts(None),
            buffer: BytesMut::new(),
            meter: Meter::default(),
        }
    }

    pub(super) async fn size(&self, id: Uuid) -> Result<Option<u64>, BlobError> {
        match self.store.head(&path(id)).await {
            Ok(object) => Ok(Some(object.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(failure("read", id, source)),
        }
    }

    pub(super) async fn read(
        &self,
        id: Uuid,
        range: Range<u64>,
    ) -> Result<Option<BlobStream>, BlobError> {
        let failed = move |source| failure("read", id, source);
        let options = object_store::GetOptions::new().with_range(Some(range));
        match self.store.get_opts(&path(id), options).await {
            Ok(object) => Ok(Some(Box::pin(object.into_stream().map_err(failed)))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    pub(super) async fn remove(&self, id: Uuid) -> Result<bool, BlobError> {
        // S3 answers a removal of what is not there like any other.
        if self.size(id).await?.is_none() {
            return Ok(false);
        }
        match self.store.delete(&path(id)).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(failure("remove", id, source)),
        }
    }
}

impl Objects {
    /// How many blobs there are that are not among `recorded`.
    pub(super) async fn count_unrecorded(
        &self,
        recorded: &HashSet<Uuid>,
    ) -> Result<usize, BlobError> {
        let unrecorded = |object: object_store::ObjectMeta| {
            let id = object.location.filename().and_then(super::identifier);
            id.is_some_and(|id| !recorded.contains(&id))
        };
        self.store
            .list(None)
            .try_fold(0, |count, object| {
                std::future::ready(Ok(count + usize::from(unrecorded(object))))
            })
            .await
            .map_err(BlobError::List)
    }
}

/// The object that an upload becomes.
#[derive(Debug)]
struct Target {
    store: Arc<dyn ObjectStore>,
    id: Uuid,
}

impl Target {
    fn failed(&self) -> impl FnOnce(object_store::Error) -> BlobError + use<> {
        let id = self.id;
        move |source| failure("write", id, source)
    }
}

/// The parts that the store has so far, which it is told to forget when the upload is dropped.
#[derive(Debug)]
struct Parts(Option<Box<dyn MultipartUpload>>);

impl Drop for Parts {
    fn drop(&mut self) {
        if let (Some(mut parts), Ok(runtime)) =
            (self.0.take(), tokio::runtime::Handle::try_current())
        {
            // Nobody is left to tell if this fails; the bucket's lifecycle rule has the rest.
            runtime.spawn(async move { parts.abort().await });
        }
    }
}

/// An upload that is coming in.
#[derive(Debug)]
pub(super) struct ObjectUpload {
    target: Target,
    parts: Parts,
    buffer: BytesMut,
    meter: Meter,
}

impl ObjectUpload {
    pub(super) async fn write(mut self, mut bytes: Bytes) -> Result<Self, BlobError> {
        self.meter.take(&bytes);
        while !bytes.is_empty() {
            let fitting = bytes.len().min(PART - self.buffer.len());
            self.buffer.extend_from_slice(&bytes.split_to(fitting));
            if self.buffer.len() == PART {
                self.send_part().await?;
            }
        }
        Ok(self)
    }

    async fn send_part(&mut self) -> Result<(), BlobError> {
        let parts = match &mut self.parts.0 {
            Some(parts) => parts,
            none => {
                let begun = self.target.store.put_multipart(&path(self.target.id)).await;
                none.insert(begun.map_err(self.target.failed())?)
            }
        };
        let part = std::mem::take(&mut self.buffer).freeze();
        parts
            .put_part(part.into())
            .await
            .map_err(self.target.failed())
    }

    /// Brings the last part to the store. A blob of one part waits here, in memory, for the one call that writes it.
    pub(super) async fn finish(mut self) -> Result<(Received, StagedObject), BlobError> {
        if self.parts.0.is_some() && !self.buffer.is_empty() {
            self.send_part().await?;
        }
        let staged = StagedObject {
            target: self.target,
            parts: self.parts,
            only_part: self.buffer.freeze(),
        };
        Ok((self.meter.finish(), staged))
    }
}

/// A whole upload whose object is not yet there.
#[derive(Debug)]
pub(super) struct StagedObject {
    target: Target,
    parts: Parts,
    only_part: Bytes,
}

impl StagedObject {
    pub(super) async fn put_in_place(mut self) -> Result<(), BlobError> {
        let Target { store, id } = &self.target;
        let done = match &mut self.parts.0 {
            Some(parts) => parts.complete().await,
            None => store.put(&path(*id), self.only_part.into()).await,
        };
        done.map_err(self.target.failed())?;
        // Complete: nothing to abort.
        self.parts.0 = None;
        Ok(())
    }
}

fn path(id: Uuid) -> Path {
    Path::from_iter([super::shard(id), id.to_string()])
}

fn failure(what: &'static str, id: Uuid, source: object_store::Error) -> BlobError {
    BlobError::Store { what, id, source }
}

/// Bucket and folder of `s3://BUCKET/FOLDER`.
fn split(url: &str) -> Result<(&str, Path), object_store::Error> {
    let generic = |text: &str| object_store::Error::Generic {
        store: "S3",
        source: text.into(),
    };
    let rest = url
        .strip_prefix("s3://")
        .ok_or_else(|| generic("it does not begin with `s3://`"))?;
    let (bucket, folder) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        return Err(generic("it names no bucket"));
    }
    Ok((bucket, Path::parse(folder)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use slugbuilder_report::{Diagnosis, Style};

    #[test]
    fn a_bucket_and_its_folder_are_told_apart() {
        let parts =
            |url| split(url).map(|(bucket, folder)| (bucket.to_owned(), folder.to_string()));
        let is = |bucket: &str, folder: &str| (bucket.to_owned(), folder.to_owned());
        assert_eq!(parts("s3://slugs").unwrap(), is("slugs", ""));
        assert_eq!(parts("s3://slugs/").unwrap(), is("slugs", ""));
        assert_eq!(
            parts("s3://slugs/of/team/").unwrap(),
            is("slugs", "of/team")
        );
        for url in [
            "",
            "slugs",
            "s3:/slugs",
            "s3://",
            "s3:///of",
            "https://slugs",
            "s3://slugs/../x",
        ] {
            assert!(parts(url).is_err(), "{url}");
        }
    }

    #[test]
    fn another_address_is_refused() {
        let settings = ObjectStoreSettings {
            url: "https://slugs.example.com".into(),
            ..ObjectStoreSettings::default()
        };
        let error = Objects::connect(&settings).unwrap_err();
        insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @r"
        error[blobs-settings]: cannot use `https://slugs.example.com` as the store of the blobs
          caused by: Generic S3 error: it does not begin with `s3://`
          caused by: it does not begin with `s3://`

          hint: Write it as `s3://BUCKET` or `s3://BUCKET/FOLDER`.
        ");
    }

    #[test]
    fn secrets_are_not_shown() {
        let settings = ObjectStoreSettings {
            url: "s3://slugs".into(),
            access_key_id: "AKIA".into(),
            secret_access_key: "wJalrXUtnFEMI".into(),
            session_token: Some("FwoGZXIv".into()),
            ..ObjectStoreSettings::default()
        };
        assert_eq!(
            format!("{settings:?}"),
            "ObjectStoreSettings { url: \"s3://slugs\", endpoint: None, region: None, .. }"
        );
        let connected = Objects::connect(&settings).unwrap();
        let shown = format!("{connected:?}");
        assert!(
            !shown.contains("wJalrXUtnFEMI") && !shown.contains("FwoGZXIv"),
            "{shown}"
        );
    }
}
