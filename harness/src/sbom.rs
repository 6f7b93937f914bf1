//! Bills of materials.

use libcnb_data::buildpack::BuildpackId;
use libcnb_data::layer::LayerName;
use libcnb_data::sbom::SbomFormat;
use std::borrow::Borrow;
use std::path::PathBuf;

/// The bills of materials of an app.
pub struct SbomFiles {
    pub(crate) folder: PathBuf,
}

/// What a bill of materials is of.
pub enum SbomType {
    /// The app with all that it needs to run.
    Launch,
    /// One layer.
    Layer(LayerName),
}

impl SbomFiles {
    /// Where a bill of materials is, if there is one.
    pub fn path_for<I: Borrow<BuildpackId>, T: Borrow<SbomType>, F: Borrow<SbomFormat>>(
        &self,
        buildpack_id: I,
        sbom_type: T,
        format: F,
    ) -> PathBuf {
        let layer = match sbom_type.borrow() {
            SbomType::Launch => String::new(),
            SbomType::Layer(name) => name.to_string(),
        };
        let format = match format.borrow() {
            SbomFormat::CycloneDxJson => "cdx",
            SbomFormat::SpdxJson => "spdx",
            SbomFormat::SyftJson => "syft",
        };
        path(&self.folder, buildpack_id.borrow(), &layer, format)
    }
}

/// Where the bill of materials of a buildpack's layer lies in `folder`, of the whole launch for no layer: as `pack sbom
/// download` puts it.
pub(crate) fn path(
    folder: &std::path::Path,
    buildpack: &str,
    layer: &str,
    format: &str,
) -> PathBuf {
    folder
        .join("layers/sbom/launch")
        .join(buildpack.replace('/', "_"))
        .join(layer)
        .join(format!("sbom.{format}.json"))
}
