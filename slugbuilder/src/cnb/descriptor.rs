//! `buildpack.toml`: what a buildpack says of itself.

use super::documents::{DOCUMENT_LIMIT, parse_toml, read_in_folder};
use super::{CnbError, OrderElement, Target, TargetPattern};
use crate::sandbox::Program;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The versions of the Buildpack API that are understood. 0.11 differs from 0.10 in nothing that a buildpack sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BuildpackApi {
    /// 0.10: targets instead of stacks.
    V0_10,
    /// 0.11.
    V0_11,
    /// 0.12: execution environments.
    V0_12,
}

impl BuildpackApi {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "0.10" => Some(Self::V0_10),
            "0.11" => Some(Self::V0_11),
            "0.12" => Some(Self::V0_12),
            _ => None,
        }
    }
}

/// The formats of a software bill of materials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SbomFormat {
    /// `application/vnd.cyclonedx+json`.
    CycloneDx,
    /// `application/spdx+json`.
    Spdx,
    /// `application/vnd.syft+json`.
    Syft,
}

impl SbomFormat {
    /// Every format with its file name's ending.
    pub(super) const ENDINGS: [(Self, &'static str); 3] = [
        (Self::CycloneDx, ".sbom.cdx.json"),
        (Self::Spdx, ".sbom.spdx.json"),
        (Self::Syft, ".sbom.syft.json"),
    ];

    /// Its media type, as `sbom-formats` has it.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::CycloneDx => "application/vnd.cyclonedx+json",
            Self::Spdx => "application/spdx+json",
            Self::Syft => "application/vnd.syft+json",
        }
    }

    fn of_media_type(media_type: &str) -> Option<Self> {
        // Parameters such as `;version=1.4` do not matter.
        let media_type = media_type.split(';').next()?.trim();
        Self::ENDINGS
            .into_iter()
            .map(|(format, _)| format)
            .find(|format| format.media_type() == media_type)
    }
}

/// What `buildpack.toml` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildpackDescriptor {
    /// Version of the contract it speaks.
    pub api: BuildpackApi,
    /// Its id, for example `heroku/nodejs`.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Its name for people.
    pub name: Option<String>,
    /// Whether the user's variables stay out of its programs' environment.
    pub clear_environment: bool,
    /// The bill-of-material formats that it may write.
    pub sbom_formats: Vec<SbomFormat>,
    /// The execution environments that it is for (API 0.12); all if there are none.
    pub execution_environments: Vec<String>,
    /// What it can build for.
    pub targets: Vec<TargetPattern>,
    /// Ids of the stacks that it was made for, before there were targets.
    pub stacks: Vec<String>,
    /// The groups that a composite buildpack stands for; empty if it builds itself.
    pub order: Vec<Vec<OrderElement>>,
}

#[derive(Deserialize)]
struct Document {
    api: Option<String>,
    buildpack: Option<About>,
    extension: Option<toml::Value>,
    #[serde(default)]
    order: Vec<super::order::GroupDocument>,
    #[serde(default)]
    stacks: Vec<StackReference>,
    #[serde(default)]
    targets: Vec<TargetPattern>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct About {
    id: String,
    version: String,
    name: Option<String>,
    #[serde(default)]
    clear_env: bool,
    #[serde(default)]
    sbom_formats: Vec<String>,
    #[serde(default)]
    exec_env: Vec<String>,
}

#[derive(Deserialize)]
struct StackReference {
    id: String,
}

impl BuildpackDescriptor {
    /// Reads the content of a `buildpack.toml`; `path` is for errors.
    pub fn parse(path: &Path, content: &[u8]) -> Result<Self, CnbError> {
        let invalid = |reason: String| CnbError::InvalidDocument {
            path: path.to_owned(),
            line: None,
            reason,
        };
        let document: Document = parse_toml(path, content)?;
        if document.extension.is_some() {
            return Err(CnbError::Extension {
                path: path.to_owned(),
            });
        }
        let about = document
            .buildpack
            .ok_or_else(|| invalid("there is no `[buildpack]` table".into()))?;
        if !is_buildpack_id(&about.id) {
            return Err(invalid(format!("`{}` is not a buildpack id", about.id)));
        }
        let stated = document
            .api
            .ok_or_else(|| invalid("there is no `api`".into()))?;
        let api = BuildpackApi::parse(&stated).ok_or_else(|| CnbError::UnsupportedApi {
            path: path.to_owned(),
            buildpack: about.id.clone(),
            api: stated,
        })?;
        Ok(Self {
            api,
            id: about.id,
            version: about.version,
            name: about.name,
            clear_environment: about.clear_env,
            sbom_formats: about
                .sbom_formats
                .iter()
                .filter_map(|media_type| SbomFormat::of_media_type(media_type))
                .collect(),
            execution_environments: about.exec_env,
            targets: document.targets,
            stacks: document.stacks.into_iter().map(|stack| stack.id).collect(),
            order: document
                .order
                .into_iter()
                .map(|group| group.group)
                .collect(),
        })
    }

    /// `id@version`.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("{}@{}", self.id, self.version)
    }

    /// The folder name that stands for the id: `/` becomes `_`.
    #[must_use]
    pub fn escaped_id(&self) -> String {
        escape(&self.id)
    }

    /// Whether the buildpack can build for `target`. One without targets is taken for Linux on any machine, whatever the
    /// ids of the stacks that it lists (rule 2 of section 2.3 of the reference): `heroku-22` does not keep it from
    /// `heroku-24`. Only the stack that is nothing but Ubuntu 18.04 is that, as in the reference implementation.
    #[must_use]
    pub fn supports(&self, target: &Target) -> bool {
        if self.targets.is_empty() {
            let lists = |id: &str| self.stacks.iter().any(|stack| stack == id);
            target.os == "linux" && (lists("*") || !lists("io.buildpacks.stacks.bionic"))
        } else {
            self.targets.iter().any(|pattern| pattern.matches(target))
        }
    }
}

/// The folder name that stands for a buildpack's id: `/` becomes `_`, which no id holds.
#[must_use]
pub fn escape(id: &str) -> String {
    id.replace('/', "_")
}

fn is_buildpack_id(id: &str) -> bool {
    // The specification's characters and reserved words; `.` and `..` would be folders.
    !matches!(id, "" | "." | ".." | "app" | "config" | "sbom")
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'-'))
}

/// Where a buildpack's programs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildpackPrograms {
    /// `bin/detect` and `bin/build` are files in its folder.
    Files,
    /// The running executable is both, told by the name that it is started under.
    Itself,
}

/// A buildpack that can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buildpack {
    /// What it says of itself.
    pub descriptor: BuildpackDescriptor,
    /// Its folder, as programs of the build see it.
    pub directory: PathBuf,
    /// Where its programs are.
    pub programs: BuildpackPrograms,
}

impl Buildpack {
    /// Reads the buildpack in the folder `outside`, which programs see at `directory`.
    pub fn read(outside: &Path, directory: impl Into<PathBuf>) -> Result<Self, CnbError> {
        let extension = outside.join("extension.toml");
        if extension.exists() {
            return Err(CnbError::Extension { path: extension });
        }
        let path = outside.join("buildpack.toml");
        let content =
            read_in_folder(outside, "buildpack.toml", DOCUMENT_LIMIT)?.ok_or_else(|| {
                CnbError::UnusableFile {
                    path: path.clone(),
                    reason: "is missing: the folder is no buildpack".into(),
                }
            })?;
        let descriptor = BuildpackDescriptor::parse(&path, &content)?;
        if descriptor.order.is_empty() {
            for program in ["bin/detect", "bin/build"].map(|name| outside.join(name)) {
                if !program.is_file() {
                    return Err(CnbError::UnusableFile {
                        path: program,
                        reason: "is missing: a buildpack without an order needs it".into(),
                    });
                }
            }
        }
        Ok(Self {
            descriptor,
            directory: directory.into(),
            programs: BuildpackPrograms::Files,
        })
    }

    /// The buildpack that the running executable carries, with the content of its `buildpack.toml`. Programs see that
    /// file in `directory`.
    pub fn embedded(content: &str, directory: impl Into<PathBuf>) -> Result<Self, CnbError> {
        let directory = directory.into();
        Ok(Self {
            descriptor: BuildpackDescriptor::parse(
                &directory.join("buildpack.toml"),
                content.as_bytes(),
            )?,
            directory,
            programs: BuildpackPrograms::Itself,
        })
    }

    /// Its program `name`: `detect` or `build`.
    pub(super) fn program(&self, name: &str) -> Program {
        let path = self.directory.join("bin").join(name);
        match self.programs {
            BuildpackPrograms::Files => Program::File(path),
            BuildpackPrograms::Itself => Program::Itself { argv0: path },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slugbuilder_report::{Diagnosis, Style};

    fn parse(text: &str) -> Result<BuildpackDescriptor, CnbError> {
        BuildpackDescriptor::parse(Path::new("buildpack.toml"), text.as_bytes())
    }

    fn refused(text: &str) -> String {
        Diagnosis::of(&parse(text).unwrap_err()).render(Style::Plain)
    }

    #[test]
    fn every_field_is_read() {
        let descriptor = parse(
            r#"
            api = "0.12"
            [buildpack]
            id = "acme/node"
            version = "1.2.3"
            name = "Acme"
            homepage = "ignored"
            clear-env = true
            sbom-formats = ["application/spdx+json", "application/vnd.cyclonedx+json;version=1.4", "text/plain"]
            exec-env = ["production"]
            [[targets]]
            os = "linux"
            [metadata]
            anything = 1
            "#,
        )
        .unwrap();
        assert_eq!(descriptor.api, BuildpackApi::V0_12);
        assert_eq!(descriptor.reference(), "acme/node@1.2.3");
        assert_eq!(descriptor.escaped_id(), "acme_node");
        assert!(descriptor.clear_environment);
        assert_eq!(
            descriptor.sbom_formats,
            [SbomFormat::Spdx, SbomFormat::CycloneDx]
        );
        assert_eq!(descriptor.execution_environments, ["production"]);
        assert_eq!(descriptor.targets.len(), 1);
    }

    #[test]
    fn stacks_do_not_keep_a_buildpack_from_linux() {
        let noble = Target {
            os: "linux".into(),
            arch: "amd64".into(),
            distro_name: "ubuntu".into(),
            distro_version: "24.04".into(),
        };
        for (more, expected) in [
            ("", true),
            ("stacks=[{id='heroku-22'}]", true),
            ("stacks=[{id='*'}]", true),
            ("stacks=[{id='io.buildpacks.stacks.bionic'}]", false),
            ("stacks=[{id='io.buildpacks.stacks.bionic'},{id='*'}]", true),
            ("targets=[{os='windows'}]", false),
        ] {
            let text = format!("api='0.10'\nbuildpack={{id='a',version='1'}}\n{more}");
            assert_eq!(parse(&text).unwrap().supports(&noble), expected, "{more}");
        }
    }

    #[test]
    fn a_composite_has_an_order() {
        let descriptor = parse(
            "api='0.10'\nbuildpack={id='a',version='1'}\n[[order]]\ngroup=[{id='b',version='1'},{id='c',version='2',optional=true}]\n",
        )
        .unwrap();
        assert_eq!(descriptor.order.len(), 1);
        assert!(descriptor.order[0][1].optional);
    }

    #[test]
    fn errors_name_file_line_and_api() {
        insta::assert_snapshot!(refused("api = '0.9'\nbuildpack = {id = 'a', version = '1'}"), @r"
        error[unsupported-buildpack-api]: buildpack.toml: buildpack `a` uses Buildpack API 0.9, which is not supported

          hint: Use a release of the buildpack for Buildpack API 0.10, 0.11 or 0.12.
        ");
        insta::assert_snapshot!(refused("api = '0.10'\n[buildpack]\nid = 3\n"), @"error[invalid-buildpack-file]: buildpack.toml:3: invalid type: integer `3`, expected a string");
        insta::assert_snapshot!(refused("api = '0.10'\n[extension]\nid = 'x'\n"), @r"
        error[extension-unsupported]: `buildpack.toml` asks for image extensions, which a slug cannot have

          Extensions install operating system packages into an image. The stack of a slug is Heroku's and cannot be changed.

          hint: Use an order without extensions.
        ");
        insta::assert_snapshot!(refused("api = '0.10'\n[buildpack]\nid = '..'\nversion = '1'\n"), @"error[invalid-buildpack-file]: buildpack.toml: `..` is not a buildpack id");
    }
}
