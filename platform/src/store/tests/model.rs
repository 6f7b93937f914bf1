//! Random operations on the ledger, against a plain model in memory.

use super::*;
use proptest::prelude::*;
use slugbuilder::api::types::ReleaseStatus;
use std::collections::BTreeMap;

const APPS: [&str; 2] = ["first", "second"];

/// What a client or the server may do; numbers choose among what there is.
#[derive(Debug, Clone)]
enum Operation {
    CreateSlug {
        app: usize,
        types: u8,
        upload: bool,
    },
    Release {
        app: usize,
        slug: usize,
        pending: bool,
    },
    Finish {
        app: usize,
        succeeded: bool,
    },
    Rollback {
        app: usize,
        version: usize,
    },
    Config {
        app: usize,
        changes: Vec<(u8, Option<u8>)>,
    },
    Scale {
        app: usize,
        process_type: u8,
        quantity: i64,
    },
    Reopen,
}

fn operation() -> impl Strategy<Value = Operation> {
    let app = 0..APPS.len();
    prop_oneof![
        3 => (app.clone(), 0..8_u8, prop::bool::weighted(0.8))
            .prop_map(|(app, types, upload)| Operation::CreateSlug { app, types, upload }),
        5 => (app.clone(), 0..10_usize, prop::bool::weighted(0.3))
            .prop_map(|(app, slug, pending)| Operation::Release { app, slug, pending }),
        3 => (app.clone(), any::<bool>()).prop_map(|(app, succeeded)| Operation::Finish { app, succeeded }),
        3 => (app.clone(), 0..20_usize).prop_map(|(app, version)| Operation::Rollback { app, version }),
        4 => (app.clone(), prop::collection::vec((0..3_u8, prop::option::of(0..2_u8)), 0..3))
            .prop_map(|(app, changes)| Operation::Config { app, changes }),
        2 => (app, 0..3_u8, -3..5_i64)
            .prop_map(|(app, process_type, quantity)| Operation::Scale { app, process_type, quantity }),
        1 => Just(Operation::Reopen),
    ]
}

#[derive(Debug, Default)]
struct Model {
    slugs: Vec<(Uuid, ProcessTypes, bool)>,
    apps: [ModelApp; 2],
}

#[derive(Debug, Default)]
struct ModelApp {
    releases: Vec<ModelRelease>,
    formation: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ModelRelease {
    slug: Option<usize>,
    vars: ConfigVars,
    status: ReleaseStatus,
    description: String,
}

impl ModelApp {
    fn new() -> Self {
        let first = |description: &str| ModelRelease {
            slug: None,
            vars: ConfigVars::new(),
            status: ReleaseStatus::Succeeded,
            description: description.into(),
        };
        Self {
            releases: vec![first("Initial release"), first("Enable Logplex")],
            formation: BTreeMap::new(),
        }
    }

    fn newest(&self) -> &ModelRelease {
        self.releases.last().unwrap()
    }

    fn current(&self) -> Option<usize> {
        self.releases
            .iter()
            .rposition(|one| one.status == ReleaseStatus::Succeeded)
    }

    /// Whether a release may follow.
    fn push(&mut self, release: ModelRelease, slugs: &[(Uuid, ProcessTypes, bool)]) -> bool {
        if self.newest().status == ReleaseStatus::Pending {
            return false;
        }
        self.releases.push(release);
        self.settle(slugs);
        true
    }

    /// The formation follows the newest release if that succeeded.
    fn settle(&mut self, slugs: &[(Uuid, ProcessTypes, bool)]) {
        if self.newest().status != ReleaseStatus::Succeeded {
            return;
        }
        if let Some(slug) = self.newest().slug {
            let process_types = &slugs[slug].1;
            self.formation = process_types
                .keys()
                .map(|name| {
                    let quantity = self.formation.get(name).copied();
                    (name.clone(), quantity.unwrap_or(u64::from(name == "web")))
                })
                .collect();
        }
    }
}

fn process_types(bits: u8) -> ProcessTypes {
    ["web", "worker", "release"]
        .iter()
        .enumerate()
        .filter(|(bit, _)| bits & (1 << bit) != 0)
        .map(|(_, name)| ((*name).to_owned(), format!("run {bits}")))
        .collect()
}

struct Run {
    ledger: Ledger,
    model: Model,
    ids: Vec<Uuid>,
}

impl Run {
    async fn new() -> Self {
        let ledger = Ledger::new().await;
        let mut ids = Vec::new();
        for name in APPS {
            ids.push(ledger.app(name).await.id);
        }
        let model = Model {
            slugs: Vec::new(),
            apps: [ModelApp::new(), ModelApp::new()],
        };
        Self { ledger, model, ids }
    }

    async fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::CreateSlug { app, types, upload } => {
                self.create_slug(app, types, upload).await;
            }
            Operation::Release { app, slug, pending } => self.release(app, slug, pending).await,
            Operation::Finish { app, succeeded } => self.finish(app, succeeded).await,
            Operation::Rollback { app, version } => self.rollback(app, version).await,
            Operation::Config { app, changes } => self.config(app, changes).await,
            Operation::Scale {
                app,
                process_type,
                quantity,
            } => self.scale(app, process_type, quantity).await,
            Operation::Reopen => self.reopen(),
        }
    }

    async fn create_slug(&mut self, app: usize, types: u8, upload: bool) {
        let create = SlugCreate {
            process_types: process_types(types),
            ..SlugCreate::default()
        };
        let types = create.process_types.clone();
        let slug = if upload {
            self.ledger.uploaded(APPS[app], create).await
        } else {
            let store = &self.ledger.store;
            store
                .create_slug(&self.ledger.user, APPS[app], create)
                .await
                .unwrap()
        };
        self.model.slugs.push((slug.id, types, upload));
    }

    async fn release(&mut self, app: usize, slug: usize, pending: bool) {
        let Some((id, _, uploaded)) = self.model.slugs.get(slug) else {
            return;
        };
        let (store, user) = (&self.ledger.store, &self.ledger.user);
        let result = if pending {
            store.begin_release(user, APPS[app], of_slug(*id)).await
        } else {
            store.create_release(user, APPS[app], of_slug(*id)).await
        };
        let release = ModelRelease {
            slug: Some(slug),
            vars: self.model.apps[app].newest().vars.clone(),
            status: if pending {
                ReleaseStatus::Pending
            } else {
                ReleaseStatus::Succeeded
            },
            description: "Deployed by owner@example.com".into(),
        };
        let expected = *uploaded && self.model.apps[app].push(release, &self.model.slugs);
        assert_eq!(result.is_ok(), expected, "{result:?}");
    }

    async fn finish(&mut self, app: usize, succeeded: bool) {
        let version = self.model.apps[app].releases.len() as u64;
        let store = &self.ledger.store;
        let result = store
            .finish_release(self.ids[app], version, succeeded)
            .await;
        let model = &mut self.model.apps[app];
        let newest = model.releases.last_mut().unwrap();
        let expected = newest.status == ReleaseStatus::Pending;
        if expected {
            newest.status = if succeeded {
                ReleaseStatus::Succeeded
            } else {
                ReleaseStatus::Failed
            };
            model.settle(&self.model.slugs);
        }
        assert_eq!(result.is_ok(), expected, "{result:?}");
    }

    async fn rollback(&mut self, app: usize, version: usize) {
        let model = &mut self.model.apps[app];
        let Some(earlier) = model.releases.get(version).cloned() else {
            return;
        };
        let (store, user) = (&self.ledger.store, &self.ledger.user);
        let id = store
            .release(user, APPS[app], &format!("v{}", version + 1))
            .await
            .unwrap()
            .id;
        let result = store
            .create_release(user, APPS[app], ReleaseCreate::Rollback { release: id })
            .await;
        let eligible = earlier.slug.is_some() && earlier.status == ReleaseStatus::Succeeded;
        let again = ModelRelease {
            description: format!("Rollback to v{}", version + 1),
            ..earlier
        };
        let expected = eligible && model.push(again, &self.model.slugs);
        assert_eq!(result.is_ok(), expected, "{result:?}");
    }

    async fn config(&mut self, app: usize, changes: Vec<(u8, Option<u8>)>) {
        let update: BTreeMap<String, Option<String>> = changes
            .into_iter()
            .map(|(name, value)| (format!("V{name}"), value.map(|value| value.to_string())))
            .collect();
        let (store, user) = (&self.ledger.store, &self.ledger.user);
        let result = store
            .update_config_vars(user, APPS[app], update.clone())
            .await;
        let model = &mut self.model.apps[app];
        let before = model.newest().vars.clone();
        let mut vars = before.clone();
        for (name, value) in &update {
            match value {
                Some(value) => vars.insert(name.clone(), value.clone()),
                None => vars.remove(name),
            };
        }
        if vars == before {
            assert_eq!(result.unwrap(), vars);
            return;
        }
        let names_of = |set: bool| {
            let names: Vec<_> = update
                .iter()
                .filter(|(name, value)| {
                    value.is_some() == set && vars.get(*name) != before.get(*name)
                })
                .map(|(name, _)| name.as_str())
                .collect();
            names.join(", ")
        };
        let release = ModelRelease {
            slug: model
                .current()
                .and_then(|current| model.releases[current].slug),
            vars: vars.clone(),
            status: ReleaseStatus::Succeeded,
            description: match (names_of(true), names_of(false)) {
                (set, none) if none.is_empty() => format!("Set {set} config vars"),
                (none, removed) if none.is_empty() => format!("Remove {removed} config vars"),
                (set, removed) => format!("Set {set} and remove {removed} config vars"),
            },
        };
        if model.push(release, &self.model.slugs) {
            assert_eq!(result.unwrap(), vars);
        } else {
            assert!(matches!(result, Err(StoreError::Conflict(_))), "{result:?}");
        }
    }

    async fn scale(&mut self, app: usize, process_type: u8, quantity: i64) {
        let name = ["web", "worker", "release"][usize::from(process_type)];
        let change = FormationChange {
            process_type: name.into(),
            quantity: Some(Quantity::Relative(quantity)),
            size: None,
        };
        let (store, user) = (&self.ledger.store, &self.ledger.user);
        let result = store.update_formation(user, APPS[app], vec![change]).await;
        let there = self.model.apps[app].formation.get_mut(name);
        let expected = there
            .and_then(|there| {
                let wanted = there.checked_add_signed(quantity)?;
                (wanted <= MAXIMUM_QUANTITY).then(|| *there = wanted)
            })
            .is_some();
        assert_eq!(result.is_ok(), expected, "{result:?}");
    }

    fn reopen(&mut self) {
        // The old one has to be closed first.
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = Store::open(folder.path()).unwrap();
        drop(std::mem::replace(&mut self.ledger.store, elsewhere));
        self.ledger.store = Store::open(self.ledger.folder.path()).unwrap();
    }

    async fn compare(&self) {
        for (app, name) in self.model.apps.iter().zip(APPS) {
            let releases = self.ledger.releases(name).await;
            let mut told = Vec::new();
            for (number, one) in releases.iter().enumerate() {
                assert_eq!(one.version, number as u64 + 1);
                assert_eq!(one.current, app.current() == Some(number));
                assert_eq!(
                    one.eligible_for_rollback,
                    one.slug.is_some() && one.status == ReleaseStatus::Succeeded
                );
                let slug = one.slug.map(|id| {
                    self.model
                        .slugs
                        .iter()
                        .position(|slug| slug.0 == id)
                        .unwrap()
                });
                let phase =
                    slug.is_some_and(|slug| self.model.slugs[slug].1.contains_key("release"));
                assert_eq!(one.has_release_phase, phase);
                let store = &self.ledger.store;
                let vars = store
                    .release_config_vars(&self.ledger.user, name, &one.id.to_string())
                    .await
                    .unwrap();
                told.push(ModelRelease {
                    slug,
                    vars,
                    status: one.status,
                    description: one.description.clone(),
                });
            }
            assert_eq!(told, app.releases);
            let formation: BTreeMap<_, _> = self
                .ledger
                .formation(name)
                .await
                .into_iter()
                .map(|(name, quantity, _)| (name, quantity))
                .collect();
            assert_eq!(formation, app.formation);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_does_what_its_model_does(operations in prop::collection::vec(operation(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut run = Run::new().await;
            for operation in operations {
                run.apply(operation).await;
            }
            run.compare().await;
        });
    }
}
