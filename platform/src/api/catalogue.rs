//! What apps can be made of: stacks, regions and sizes of dynos.
//!
//! The same for every user and every server, so that identifiers may be written into scripts: each is the UUID of version 5
//! of `stack/heroku-24` and so on, in the namespace `107fa169-d89a-543f-97fc-669a566ac761`. They are ours and not Heroku's.

use jiff::Timestamp;
use serde::Serialize;
use slugbuilder::api::types::Named;
use uuid::{Uuid, uuid};

/// The stack of new apps: what `slugbuilder compile` builds for unless it is told otherwise.
pub const DEFAULT_STACK: &str = "heroku-24";

/// The region of new apps.
pub const DEFAULT_REGION: &str = "us";

/// Something that has an identifier and a name, by either of which requests call it.
pub trait Known: 'static {
    /// What it is called in messages: `stack`.
    const RESOURCE: &'static str;

    /// What clients ask for that is no more, and what they get for it.
    const FORMER: &'static [(&'static str, &'static str)] = &[];

    /// All there are.
    fn all() -> &'static [Self]
    where
        Self: Sized;

    /// Its identifier.
    fn id(&self) -> Uuid;

    /// Its name.
    fn name(&self) -> &'static str;

    /// The one with this identifier or name. Case does not matter: clients send `standard-1x` for `Standard-1X`.
    #[must_use]
    fn find(identity: &str) -> Option<&'static Self>
    where
        Self: Sized,
    {
        let id = Uuid::try_parse(identity).ok();
        Self::all()
            .iter()
            .find(|known| Some(known.id()) == id || known.name().eq_ignore_ascii_case(identity))
    }

    /// The one that a request means, in a body as in a path: as [`Known::find`], and by what else old clients call it.
    #[must_use]
    fn requested(identity: &str) -> Option<&'static Self>
    where
        Self: Sized,
    {
        let former = Self::FORMER
            .iter()
            .find(|(former, _)| former.eq_ignore_ascii_case(identity));
        Self::find(former.map_or(identity, |(_, name)| name))
    }

    /// Identifier and name, as other resources mention it.
    #[must_use]
    fn named(&self) -> Named {
        Named {
            id: self.id(),
            name: self.name().to_owned(),
        }
    }
}

/// Answers for a kind of thing with an `id` and a `name`.
macro_rules! known {
    ($kind:ty, $resource:literal, $all:expr $(, $former:expr)?) => {
        impl Known for $kind {
            const RESOURCE: &'static str = $resource;
            $(const FORMER: &'static [(&'static str, &'static str)] = $former;)?

            fn all() -> &'static [Self] {
                $all
            }

            fn id(&self) -> Uuid {
                self.id
            }

            fn name(&self) -> &'static str {
                self.name
            }
        }
    };
}

/// `stack`: the system that apps run on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stack {
    /// When it was introduced: the day of the release of Ubuntu that it is.
    pub created_at: Timestamp,
    /// Whether new apps get it.
    pub default: bool,
    /// Its identifier.
    pub id: Uuid,
    /// Its name.
    pub name: &'static str,
    /// `public`, or `deprecated` where its end is near.
    pub state: &'static str,
    /// When this entry last changed.
    pub updated_at: Timestamp,
}

// heroku3 asks for `cedar` unless it is told otherwise (`platform-api.md`, section 2.1).
known!(Stack, "stack", STACKS, &[("cedar", DEFAULT_STACK)]);

const STACKS: &[Stack] = &[
    Stack {
        // 2022-04-21, Ubuntu 22.04.
        created_at: Timestamp::constant(1_650_499_200, 0),
        default: false,
        id: uuid!("460791ba-5aab-5353-bc76-484591c02a51"),
        name: "heroku-22",
        state: "deprecated",
        updated_at: Timestamp::constant(1_650_499_200, 0),
    },
    Stack {
        // 2024-04-25, Ubuntu 24.04.
        created_at: Timestamp::constant(1_714_003_200, 0),
        default: true,
        id: uuid!("d592d1ab-fb97-5e54-9973-ce545fdb3fbf"),
        name: DEFAULT_STACK,
        state: "public",
        updated_at: Timestamp::constant(1_714_003_200, 0),
    },
    Stack {
        // 2026-04-23, Ubuntu 26.04.
        created_at: Timestamp::constant(1_776_902_400, 0),
        default: false,
        id: uuid!("8039df74-6d34-57bd-8bfa-f0037ec33335"),
        name: "heroku-26",
        state: "public",
        updated_at: Timestamp::constant(1_776_902_400, 0),
    },
];

/// `region`: where apps run. All of them are the machine of this server; two names are there because scripts ask for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Region {
    /// The country.
    pub country: &'static str,
    /// When it was introduced.
    pub created_at: Timestamp,
    /// What it is.
    pub description: &'static str,
    /// Its identifier.
    pub id: Uuid,
    /// The part of the country.
    pub locale: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Whether there can be private spaces.
    pub private_capable: bool,
    /// Who the machines are rented from.
    pub provider: Provider,
    /// When this entry last changed.
    pub updated_at: Timestamp,
}

known!(Region, "region", REGIONS);

/// Who the machines of a region are rented from. The schema knows only Amazon's regions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provider {
    /// Their name.
    pub name: &'static str,
    /// Their name of the region.
    pub region: &'static str,
}

const REGIONS: &[Region] = &[
    Region {
        country: "United States",
        created_at: INTRODUCED,
        description: "United States",
        id: uuid!("3421e851-15af-5580-841d-dc504e4ae5c4"),
        locale: "Virginia",
        name: DEFAULT_REGION,
        private_capable: false,
        provider: Provider {
            name: "amazon-web-services",
            region: "us-east-1",
        },
        updated_at: INTRODUCED,
    },
    Region {
        country: "Ireland",
        created_at: INTRODUCED,
        description: "Europe",
        id: uuid!("bcc13f37-d358-59d7-b67e-10fa55218d48"),
        locale: "Dublin",
        name: "eu",
        private_capable: false,
        provider: Provider {
            name: "amazon-web-services",
            region: "eu-west-1",
        },
        updated_at: INTRODUCED,
    },
];

/// The generation of the platform that every app is of. With another name the `heroku` client expects other ways of
/// running commands and reading logs (`platform-api.md`, section 4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Generation {
    /// Its identifier.
    pub id: Uuid,
    /// Its name.
    pub name: &'static str,
}

known!(Generation, "generation", &[CEDAR]);

/// The generation of every app.
pub const CEDAR: Generation = Generation {
    id: uuid!("ac61bfd3-0ef8-5236-b6e3-f7bfbafb5c51"),
    name: "cedar",
};

/// `dyno-size`: what a dyno may use.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DynoSize {
    /// The machines that it exists for, in Go's words.
    pub architecture: &'static str,
    /// Processors.
    pub compute: u32,
    /// What it costs: nothing, which is `null` in JSON.
    pub cost: (),
    /// Whether its machine is for one user only, at Heroku.
    pub dedicated: bool,
    /// Heroku's unit of consumption.
    pub precise_dyno_units: f64,
    /// The generation that has it.
    pub generation: Generation,
    /// Its identifier.
    pub id: Uuid,
    /// Memory, in GB.
    pub memory: f64,
    /// Its name.
    pub name: &'static str,
    /// Whether only private spaces have it.
    pub private_space_only: bool,
}

known!(DynoSize, "dyno_size", DYNO_SIZES);

/// One row for each size: name, identifier, processors, memory, units of consumption, whether it is dedicated.
macro_rules! dyno_sizes {
    ($($name:literal $id:literal $compute:literal $memory:literal $units:literal $dedicated:literal;)*) => {
        const DYNO_SIZES: &[DynoSize] = &[$(DynoSize {
            architecture: "amd64",
            compute: $compute,
            cost: (),
            dedicated: $dedicated,
            precise_dyno_units: $units,
            generation: CEDAR,
            id: uuid!($id),
            memory: $memory,
            name: $name,
            private_space_only: false,
        }),*];
    };
}

dyno_sizes! {
    "Eco"               "c0c7921b-7074-50b6-ae68-8c4e76b0644f"  1   0.5  0.2 false;
    "Basic"             "8bee81bc-74f0-5764-aa8f-201ee754b2a8"  1   0.5 0.28 false;
    "Standard-1X"       "7ef74b9c-3637-52a2-aa08-677a26a170e6"  1   0.5  1.0 false;
    "Standard-2X"       "d760e0a3-77aa-5cff-9f31-0dc11248a4ac"  2   1.0  2.0 false;
    "Performance-M"     "f62d00a5-288c-5bbe-82b0-5faed85585a5"  2   2.5 10.0 true;
    "Performance-L"     "267b316a-6afe-5838-bb69-92d60270e10f"  8  14.0 20.0 true;
    "Performance-L-RAM" "caa099c3-92ca-5e6c-b2a2-4d10b5d1e2cd"  4  30.0 20.0 true;
    "Performance-XL"    "d2ee40e0-a55c-57b4-b313-bcb96c57cbc7"  8  62.0 30.0 true;
    "Performance-2XL"   "c265aae1-cf33-524c-8a36-4314666e6f52" 16 126.0 60.0 true;
}

/// When regions were introduced: the first day of 2012, as in the examples of the schema.
const INTRODUCED: Timestamp = Timestamp::constant(1_325_376_000, 0);

#[cfg(test)]
mod tests {
    use super::*;
    use slugbuilder::stack;
    use std::collections::BTreeSet;

    #[test]
    fn stacks_are_those_that_slugs_are_built_for() {
        let built_for = stack::Stack::all().unwrap();
        let offered: Vec<_> = STACKS
            .iter()
            .map(|stack| (stack.name, stack.state))
            .collect();
        let expected: Vec<_> = built_for
            .iter()
            .map(|stack| {
                let state = match stack.status {
                    stack::Status::Deprecated => "deprecated",
                    stack::Status::Supported | stack::Status::Recommended => "public",
                };
                (stack.name.as_str(), state)
            })
            .collect();
        assert_eq!(offered, expected);
        for (offered, built_for) in STACKS.iter().zip(&built_for) {
            let (year, month) = built_for.ubuntu.split_once('.').unwrap();
            let introduced = offered.created_at.to_string();
            assert!(
                introduced.starts_with(&format!("20{year}-{month}-")),
                "{introduced}"
            );
            assert!(introduced.ends_with("T00:00:00Z"), "{introduced}");
        }
    }

    #[test]
    fn exactly_one_stack_is_the_default() {
        let defaults: Vec<_> = STACKS
            .iter()
            .filter(|stack| stack.default)
            .map(|stack| stack.name)
            .collect();
        assert_eq!(defaults, [DEFAULT_STACK]);
    }

    #[test]
    fn things_are_found_by_identifier_and_by_name_in_any_case() {
        for size in DYNO_SIZES {
            assert_eq!(DynoSize::find(size.name), Some(size));
            assert_eq!(DynoSize::find(&size.name.to_lowercase()), Some(size));
            assert_eq!(DynoSize::find(&size.id.to_string()), Some(size));
        }
        assert_eq!(DynoSize::find("Standard-9X"), None);
        assert_eq!(Region::find("eu").map(Known::name), Some("eu"));
        assert_eq!(Stack::find("cedar"), None);
        assert_eq!(
            Stack::requested("cedar").map(Known::name),
            Some(DEFAULT_STACK)
        );
        assert!(DynoSize::find(crate::store::DEFAULT_DYNO_SIZE).is_some());
        assert!(Region::find(DEFAULT_REGION).is_some());
    }

    #[test]
    fn no_identifier_is_given_twice() {
        let ids: Vec<Uuid> = STACKS
            .iter()
            .map(Known::id)
            .chain(REGIONS.iter().map(Known::id))
            .chain(DYNO_SIZES.iter().map(Known::id))
            .chain([CEDAR.id])
            .collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    }
}
