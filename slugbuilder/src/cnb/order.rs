//! Which groups of buildpacks to try, in which order.

use super::files::{DOCUMENT_LIMIT, parse_toml, read_untrusted};
use super::{Buildpack, BuildpackDescriptor, CnbError};
use serde::Deserialize;
use std::path::Path;

/// The most groups that are tried. Each optional composite doubles their number, so that a small file can ask for any.
const GROUP_LIMIT: usize = 10_000;

/// A buildpack in a group.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OrderElement {
    /// Its id.
    pub id: String,
    /// The version that is meant; any if there is none.
    pub version: Option<String>,
    /// Whether the group can do without it.
    #[serde(default)]
    pub optional: bool,
    /// The execution environments in which it takes part (API 0.12); all if there are none.
    #[serde(default, rename = "exec-env")]
    pub execution_environments: Vec<String>,
}

impl OrderElement {
    /// Whether it asks for this buildpack.
    #[must_use]
    pub fn means(&self, descriptor: &BuildpackDescriptor) -> bool {
        let version = self.version.as_ref();
        descriptor.id == self.id && version.is_none_or(|version| *version == descriptor.version)
    }
}

#[derive(Deserialize)]
pub(super) struct GroupDocument {
    #[serde(default)]
    pub(super) group: Vec<OrderElement>,
}

/// Groups of buildpacks; the first that fits the app builds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The groups, best first.
    pub groups: Vec<Vec<OrderElement>>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    order: Vec<GroupDocument>,
    #[serde(default, rename = "order-extensions")]
    order_extensions: Vec<toml::Value>,
}

impl Order {
    /// One group of these buildpacks, none optional, without those that others of them are composed of.
    #[must_use]
    pub fn of(buildpacks: &[Buildpack]) -> Self {
        let is_part = |buildpack: &&Buildpack| {
            let composites = buildpacks.iter().map(|other| &other.descriptor.order);
            let mut elements = composites.flatten().flatten();
            elements.any(|element| element.means(&buildpack.descriptor))
        };
        let element = |buildpack: &Buildpack| OrderElement {
            id: buildpack.descriptor.id.clone(),
            version: Some(buildpack.descriptor.version.clone()),
            optional: false,
            execution_environments: Vec::new(),
        };
        let outermost = buildpacks.iter().filter(|one| !is_part(one));
        Self {
            groups: vec![outermost.map(element).collect()],
        }
    }

    /// Reads an `order.toml` (or the `[[order]]` of a builder's configuration).
    pub fn read(path: &Path) -> Result<Self, CnbError> {
        let content =
            read_untrusted(path, path, DOCUMENT_LIMIT)?.ok_or_else(|| CnbError::UnusableFile {
                path: path.to_owned(),
                reason: "does not exist".into(),
            })?;
        Self::parse(path, &content)
    }

    /// Reads the content of an `order.toml`; `path` is for errors.
    pub fn parse(path: &Path, content: &[u8]) -> Result<Self, CnbError> {
        let document: Document = parse_toml(path, content)?;
        if !document.order_extensions.is_empty() {
            return Err(CnbError::Extension {
                path: path.to_owned(),
            });
        }
        if document.order.iter().all(|group| group.group.is_empty()) {
            return Err(CnbError::InvalidDocument {
                path: path.to_owned(),
                line: None,
                reason: "there is no `[[order]]` with a group of buildpacks".into(),
            });
        }
        Ok(Self {
            groups: document
                .order
                .into_iter()
                .map(|group| group.group)
                .collect(),
        })
    }

    /// Makes sure that every buildpack that it names, itself or through composites, is there, and that no composite
    /// leads back to itself.
    pub fn check(&self, buildpacks: &[Buildpack]) -> Result<(), CnbError> {
        let store = Store(buildpacks);
        self.groups
            .iter()
            .try_for_each(|group| store.refuse_circles(group, &mut Vec::new()))
    }

    /// Calls `attempt` with each group of plain buildpacks that the order stands for until it returns something.
    ///
    /// A composite buildpack is replaced in place by each of its groups in turn, depth first and left to right; if it is
    /// optional and none of them will do, the rest of the group is tried without it. A second occurrence of an id in a
    /// group is ignored (rule 1 of section 2.3 of the reference).
    pub(super) fn first<'a, T>(
        &'a self,
        buildpacks: &'a [Buildpack],
        attempt: Attempt<'_, 'a, T>,
    ) -> Result<Option<T>, CnbError> {
        self.check(buildpacks)?;
        let store = Store(buildpacks);
        let mut attempts = 0;
        let mut counted = |members: &[Member<'a>]| {
            attempts += 1;
            if attempts > GROUP_LIMIT {
                return Err(CnbError::TooMany {
                    what: "groups of buildpacks",
                    limit: GROUP_LIMIT,
                });
            }
            attempt(members)
        };
        store.first_of(&self.groups, &[], false, &[], &mut counted)
    }
}

/// A plain buildpack in a group that is tried.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member<'a> {
    pub(super) buildpack: &'a Buildpack,
    pub(super) optional: bool,
}

struct Store<'a>(&'a [Buildpack]);

/// Tries one group; what it returns ends the search.
type Attempt<'f, 'a, T> = &'f mut dyn FnMut(&[Member<'a>]) -> Result<Option<T>, CnbError>;

impl<'a> Store<'a> {
    fn find(&self, element: &OrderElement) -> Result<&'a Buildpack, CnbError> {
        self.0
            .iter()
            .find(|buildpack| element.means(&buildpack.descriptor))
            .ok_or_else(|| CnbError::UnknownBuildpack {
                wanted: match &element.version {
                    Some(version) => format!("{}@{version}", element.id),
                    None => element.id.clone(),
                },
                known: self
                    .0
                    .iter()
                    .map(|buildpack| buildpack.descriptor.reference())
                    .collect(),
            })
    }

    /// The reference implementation runs for ever on a circle.
    fn refuse_circles(
        &self,
        group: &[OrderElement],
        above: &mut Vec<String>,
    ) -> Result<(), CnbError> {
        for element in group {
            let descriptor = &self.find(element)?.descriptor;
            if descriptor.order.is_empty() {
                continue;
            }
            let reference = descriptor.reference();
            if let Some(start) = above.iter().position(|other| *other == reference) {
                let mut path = above.split_off(start);
                path.push(reference);
                return Err(CnbError::CyclicOrder { path });
            }
            above.push(reference);
            for inner in &descriptor.order {
                self.refuse_circles(inner, above)?;
            }
            above.pop();
        }
        Ok(())
    }

    fn first_of<T>(
        &self,
        alternatives: &[Vec<OrderElement>],
        done: &[Member<'a>],
        optional: bool,
        rest: &[OrderElement],
        attempt: Attempt<'_, 'a, T>,
    ) -> Result<Option<T>, CnbError> {
        for group in alternatives {
            let group: Vec<OrderElement> = group.iter().chain(rest).cloned().collect();
            if let Some(found) = self.first_from(&group, done, attempt)? {
                return Ok(Some(found));
            }
        }
        if optional {
            return self.first_from(rest, done, attempt);
        }
        Ok(None)
    }

    fn first_from<T>(
        &self,
        group: &[OrderElement],
        done: &[Member<'a>],
        attempt: Attempt<'_, 'a, T>,
    ) -> Result<Option<T>, CnbError> {
        let mut done = done.to_vec();
        for (index, element) in group.iter().enumerate() {
            let buildpack = self.find(element)?;
            if done
                .iter()
                .any(|member| member.buildpack.descriptor.id == element.id)
                || !is_for_production(&element.execution_environments)
                || !is_for_production(&buildpack.descriptor.execution_environments)
            {
                continue;
            }
            if !buildpack.descriptor.order.is_empty() {
                let rest = group.get(index + 1..).unwrap_or_default();
                return self.first_of(
                    &buildpack.descriptor.order,
                    &done,
                    element.optional,
                    rest,
                    attempt,
                );
            }
            done.push(Member {
                buildpack,
                optional: element.optional,
            });
        }
        attempt(&done)
    }
}

/// Whether a list of execution environments (API 0.12) takes in `production`, the only one that slugs are built for.
pub(super) fn is_for_production(environments: &[String]) -> bool {
    environments.is_empty()
        || environments
            .iter()
            .any(|name| name == super::EXECUTION_ENVIRONMENT || name == "*")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cnb::{BuildpackDescriptor, BuildpackPrograms};
    use slugbuilder_report::{Diagnosis, Style};

    fn buildpack(id: &str, order: &str) -> Buildpack {
        let text = format!("api='0.10'\nbuildpack={{id='{id}',version='1'}}\n{order}");
        Buildpack {
            descriptor: BuildpackDescriptor::parse(Path::new("buildpack.toml"), text.as_bytes())
                .unwrap(),
            directory: "/buildpack".into(),
            programs: BuildpackPrograms::Files,
        }
    }

    fn order(groups: &str) -> Order {
        Order::parse(Path::new("order.toml"), groups.as_bytes()).unwrap()
    }

    fn tried(order: &Order, buildpacks: &[Buildpack]) -> Result<Vec<String>, CnbError> {
        let mut tried = Vec::new();
        order.first::<()>(buildpacks, &mut |members| {
            let name = |member: &Member<'_>| {
                format!(
                    "{}{}",
                    member.buildpack.descriptor.id,
                    if member.optional { "?" } else { "" }
                )
            };
            tried.push(members.iter().map(name).collect::<Vec<_>>().join(" "));
            Ok(None)
        })?;
        Ok(tried)
    }

    #[test]
    fn composites_are_replaced_in_place_depth_first_and_left_to_right() {
        let buildpacks = [
            buildpack("a", ""),
            buildpack("b", ""),
            buildpack("c", ""),
            buildpack(
                "inner",
                "[[order]]\ngroup=[{id='b'}]\n[[order]]\ngroup=[{id='c',optional=true}]\n",
            ),
            buildpack(
                "outer",
                "[[order]]\ngroup=[{id='inner'},{id='a'}]\n[[order]]\ngroup=[{id='c'}]\n",
            ),
        ];
        let order = order(
            "[[order]]\ngroup=[{id='outer'},{id='b'}]\n[[order]]\ngroup=[{id='a',version='1'}]\n",
        );
        assert_eq!(
            tried(&order, &buildpacks).unwrap(),
            ["b a", "c? a b", "c b", "a"]
        );
    }

    #[test]
    fn an_optional_composite_falls_through_to_the_rest() {
        let buildpacks = [
            buildpack("a", ""),
            buildpack("b", ""),
            buildpack("outer", "[[order]]\ngroup=[{id='a'}]\n"),
        ];
        let order = order("[[order]]\ngroup=[{id='outer',optional=true},{id='b'}]\n");
        assert_eq!(tried(&order, &buildpacks).unwrap(), ["a b", "b"]);
    }

    #[test]
    fn a_second_occurrence_of_an_id_is_ignored() {
        let buildpacks = [buildpack("a", ""), buildpack("b", "")];
        let order = order("[[order]]\ngroup=[{id='a'},{id='b'},{id='a',optional=true}]\n");
        assert_eq!(tried(&order, &buildpacks).unwrap(), ["a b"]);
    }

    #[test]
    fn elements_for_other_execution_environments_take_no_part() {
        let buildpacks = [buildpack("a", ""), buildpack("b", "")];
        let order = order(
            "[[order]]\ngroup=[{id='a',exec-env=['test']},{id='b',exec-env=['production']}]\n",
        );
        assert_eq!(tried(&order, &buildpacks).unwrap(), ["b"]);
    }

    #[test]
    fn circles_unknown_buildpacks_and_explosions_are_refused() {
        let circle = [
            buildpack("a", "[[order]]\ngroup=[{id='b'}]\n"),
            buildpack("b", "[[order]]\ngroup=[{id='a'}]\n"),
        ];
        let render = |error: CnbError| Diagnosis::of(&error).render(Style::Plain);
        let one = order("[[order]]\ngroup=[{id='a'}]\n");
        insta::assert_snapshot!(render(tried(&one, &circle).unwrap_err()), @r"
        error[cyclic-order]: the order of composite buildpack `a@1` leads back to itself

          The circle is a@1 → b@1 → a@1.
        ");
        let other = [buildpack("b", "")];
        insta::assert_snapshot!(render(tried(&one, &other).unwrap_err()), @r"
        error[unknown-buildpack]: the order asks for buildpack `a`, which is not there

          hint: The buildpacks that are there: b@1.
        ");

        let mut many: Vec<Buildpack> = (0..20)
            .map(|index| buildpack(&format!("c{index}"), "[[order]]\ngroup=[{id='b'}]\n"))
            .collect();
        many.push(buildpack("b", ""));
        let elements: Vec<String> = (0..20)
            .map(|index| format!("{{id='c{index}',optional=true}}"))
            .collect();
        let error = tried(
            &order(&format!("[[order]]\ngroup=[{}]\n", elements.join(","))),
            &many,
        )
        .unwrap_err();
        insta::assert_snapshot!(render(error), @"error[too-many-alternatives]: there are more than 10000 groups of buildpacks to try");
    }

    #[test]
    fn extensions_and_empty_orders_are_refused() {
        let refuse = |text: &str| {
            let error = Order::parse(Path::new("order.toml"), text.as_bytes()).unwrap_err();
            Diagnosis::of(&error).render(Style::Plain)
        };
        insta::assert_snapshot!(refuse("[[order-extensions]]\n[[order-extensions.group]]\nid='x'\n"), @r"
        error[extension-unsupported]: `order.toml` asks for image extensions, which a slug cannot have

          Extensions install operating system packages into an image. The stack of a slug is Heroku's and cannot be changed.

          hint: Use an order without extensions.
        ");
        insta::assert_snapshot!(refuse("\n[[order]]\ngroup = 3\n"), @"error[invalid-buildpack-file]: order.toml:3: invalid type: integer `3`, expected a sequence");
        insta::assert_snapshot!(refuse(""), @"error[invalid-buildpack-file]: order.toml: there is no `[[order]]` with a group of buildpacks");
    }
}
