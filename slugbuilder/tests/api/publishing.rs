//! The slug's record and its bytes.

use crate::support::{Platform, SIGNATURE, TIME, created, ok, refused, release, s3, with};
use serde_json::{Value, json};
use slugbuilder::api::{
    FlowError, Origin, Publication, Published, ReleaseOrder, publish, release as make_release,
    unreleased_uploads,
};
use slugbuilder::sandbox::Interrupt;
use slugbuilder::slug::Slug;
use slugbuilder::stop::Stop;
use slugbuilder_fetch::test_server::Answer;
use slugbuilder_report::Explain as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A slug to publish on a platform whose new records are the slugs 50, 51, 52 and 53.
struct Scene {
    platform: Platform,
    path: PathBuf,
    record: Slug,
    bytes: Vec<u8>,
    state: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let platform = Platform::new();
        let content: Vec<u8> = (0..500_000_u32).flat_map(u32::to_le_bytes).collect();
        let (path, record) = platform.slug_file(&content);
        let checksum = record.checksum.to_string();
        let records =
            (50..54).map(|number| created(&platform.slug(number, &checksum, None, "put")));
        platform.answers("POST /apps/shop/slugs", records);
        let scene = Self {
            bytes: fs_err::read(&path).unwrap(),
            state: platform.folder.path().join("uploads"),
            platform,
            path,
            record,
        };
        scene.store(50, [Answer::ok("")]);
        scene
    }

    /// What the blob store answers to the upload of this slug.
    fn store(&self, number: u128, answers: impl IntoIterator<Item = Answer>) {
        let target = format!("PUT /blob{number}?{SIGNATURE}");
        self.platform.blobs.answer(&target, answers);
    }

    /// The slug, as the platform has it when it is uploaded.
    fn there(&self, number: u128) -> Value {
        let size = Some(self.bytes.len() as u64);
        self.platform
            .slug(number, &self.record.checksum.to_string(), size, "get")
    }

    fn publish_with(&self, force_upload: bool) -> Result<Published, FlowError> {
        let publication = Publication {
            app: "shop",
            slug: &self.path,
            record: &self.record,
            force_upload,
            state: Some(&self.state),
        };
        publish(&self.platform.api, &publication, &self.platform.heard)
    }

    fn publish(&self) -> Result<Published, FlowError> {
        self.publish_with(false)
    }

    fn states(&self) -> usize {
        let api = self.platform.api.url();
        unreleased_uploads(&self.state, api, "shop").unwrap().len()
    }
}

#[test]
fn a_slug_is_recorded_and_uploaded() {
    let scene = Scene::new();
    let published = scene.publish().unwrap();
    assert_eq!(published.origin, Origin::Uploaded);
    assert_eq!(published.bytes, scene.bytes.len() as u64);
    let request = &scene.platform.server.requests_for("POST /apps/shop/slugs")[0];
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(
        body,
        json!({
            "process_types": {"web": "node web.js"}, "stack": "heroku-24", "checksum": scene.record.checksum.to_string(),
            "commit": "c0ffee", "commit_description": "Fix", "buildpack_provided_description": "Node.js",
        })
    );
    let upload = &scene.platform.uploads(50)[0];
    assert!(upload.body == scene.bytes);
    for header in ["authorization", "content-type", "transfer-encoding"] {
        assert_eq!(upload.header(header), None);
    }
    assert_eq!(
        upload.header("content-length"),
        Some(scene.bytes.len().to_string().as_str())
    );
    insta::assert_snapshot!(scene.platform.told(), @"started slug: Some(2000002)");

    // What is kept for the next call holds no address, and goes with the release.
    let uploads = unreleased_uploads(&scene.state, scene.platform.api.url(), "shop").unwrap();
    assert_eq!(
        (uploads[0].slug, uploads[0].uploaded_at.is_some()),
        (published.slug.id, true)
    );
    let file = fs_err::read_dir(&scene.state)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    crate::support::assert_no_secret(&fs_err::read_to_string(file).unwrap());
    scene
        .platform
        .answers("POST /apps/shop/releases", [created(&release(3, Some(50)))]);
    let order = ReleaseOrder {
        app: "shop",
        slug: published.slug.id,
        description: Some("Deploy c0ffee"),
        state: Some(&scene.state),
    };
    let released = make_release(&scene.platform.api, &order, &scene.platform.heard).unwrap();
    assert_eq!((released.release.version, released.found), (3, false));
    assert_eq!(scene.states(), 0);
}

#[test]
fn an_address_that_has_expired_gets_a_fresh_record() {
    let scene = Scene::new();
    let expired = s3(403, "AccessDenied", "Request has expired");
    scene.store(50, [expired.clone()]);
    // In the middle of the body, too.
    scene.store(51, [expired.clone().after_upload_of(300_000)]);
    scene.store(52, [Answer::ok("")]);
    assert_eq!(scene.publish().unwrap().slug.id, crate::support::id(52));
    insta::assert_snapshot!(scene.platform.told(), @r"
    started slug: Some(2000002)
    note: the upload was refused (Request has expired); making a fresh record of the slug
    started slug: Some(2000002)
    note: the upload was refused (Request has expired); making a fresh record of the slug
    started slug: Some(2000002)
    ");
    scene.store(53, [expired]);
    let error = scene.publish_with(true).unwrap_err();
    insta::assert_snapshot!(scene.platform.message(&error), @r"
    error[blob-refused]: cannot upload the slug: Request has expired

      `http://<blobs>/blob53` answered 403 (`AccessDenied`). Request id: S3REQUEST.

      hint: Check the clock of this machine: such an address holds for an hour or less.
      hint: A proxy on the way may have refused it: see `HTTPS_PROXY` and `NO_PROXY`.
    ");
    assert_eq!(scene.platform.count("POST /apps/shop/slugs"), 6);
}

#[test]
fn a_store_that_fails_for_a_while_is_asked_again() {
    let scene = Scene::new();
    scene.store(
        50,
        [
            Answer::reset_upload_at(100_000),
            s3(503, "SlowDown", "Please reduce your request rate."),
            Answer::ok(""),
        ],
    );
    scene.publish().unwrap();
    assert_eq!(scene.platform.uploads(50).len(), 3);
    assert!(scene.platform.uploads(50)[2].body == scene.bytes);
    insta::assert_snapshot!(scene.platform.told(), @r"
    started slug: Some(2000002)
    note: cannot upload the slug: the connection for `http://<blobs>/blob50` broke: Connection reset by peer (os error 104); trying again in <wait> s (2 of 3)
    started slug: Some(2000002)
    note: cannot upload the slug: Please reduce your request rate; trying again in <wait> s (3 of 3)
    started slug: Some(2000002)
    ");
    assert_eq!(scene.platform.count("POST /apps/shop/slugs"), 1);
}

#[test]
fn what_the_store_says_is_shown() {
    let message = |answer: Answer| {
        let scene = Scene::new();
        scene.store(50, [answer]);
        scene.platform.message(&scene.publish().unwrap_err())
    };
    insta::assert_snapshot!(message(s3(400, "BadDigest", "The Content-MD5 &amp; you &lt;specified&gt; did not match.")), @r"
    error[blob-refused]: cannot upload the slug: The Content-MD5 & you <specified> did not match

      `http://<blobs>/blob50` answered 400 (`BadDigest`). Request id: S3REQUEST.

      hint: Compile again: the file may have been changed or damaged.
    ");
    insta::assert_snapshot!(message(refused(422, "invalid_params", "The checksum does not match.")), @r"
    error[blob-refused]: cannot upload the slug: The checksum does not match

      `http://<blobs>/blob50` answered 422 (`invalid_params`). Request id: request-7.

      hint: Compile again: the file may have been changed or damaged.
    ");
    insta::assert_snapshot!(message(s3(503, "SlowDown", "Please reduce your request rate.")), @r"
    error[blob-refused]: cannot upload the slug: Please reduce your request rate

      `http://<blobs>/blob50` answered 503 (`SlowDown`). Request id: S3REQUEST. It was tried 3 times.

      hint: Try again later.
    ");
    insta::assert_snapshot!(message(s3(503, "SlowDown", "Later.").header("Retry-After", "100")), @r"
    error[blob-refused]: cannot upload the slug: Later

      `http://<blobs>/blob50` answered 503 (`SlowDown`). Request id: S3REQUEST. It asks to wait 100 s.

      hint: Try again later.
    ");
    insta::assert_snapshot!(message(Answer::ok("<html>\n  <b>Too large</b>").with_status(413)), @r"
    error[blob-refused]: cannot upload the slug: the blob store answered 413

      `http://<blobs>/blob50` answered 413.

      hint: The slug is larger than the platform takes: leave out what the app does not need with `.slugignore-after-build`.
    ");
    insta::assert_snapshot!(message(Answer::ok("").with_status(302).header("Location", "http://127.0.0.1:1/?hidden-signature")), @r"
    error[blob-refused]: cannot upload the slug: the blob store answered 302

      `http://<blobs>/blob50` answered 302.

      hint: A proxy on the way may have answered: see `HTTPS_PROXY` and `NO_PROXY`.
    ");
    insta::assert_snapshot!(message(Answer::reset_upload_at(1000)), @r"
    error[fetch-interrupted]: cannot upload the slug
      caused by: the connection for `http://<blobs>/blob50` broke
      caused by: Connection reset by peer (os error 104)

      It was tried 3 times.

      hint: Try again later.
    ");
}

#[test]
fn a_slug_that_a_release_has_is_not_uploaded() {
    let scene = Scene::new();
    let other = with(
        scene.there(41),
        "stack",
        crate::support::stack_named("heroku-22"),
    );
    let differs = with(
        scene.there(42),
        "process_types",
        json!({"web": "node other.js"}),
    );
    let empty = with(scene.there(43), "size", Value::Null);
    for (number, slug) in [
        (40, scene.there(40)),
        (41, other),
        (42, differs),
        (43, empty),
    ] {
        let id = crate::support::id(number);
        scene
            .platform
            .answers(&format!("GET /apps/shop/slugs/{id}"), [ok(&slug)]);
    }
    let releases: Vec<Value> = [
        (9, 41),
        (8, 41),
        (7, 42),
        (6, 43),
        (5, 44),
        (4, 40),
        (3, 40),
    ]
    .map(|(version, slug)| release(version, Some(slug)))
    .into();
    scene.platform.releases("shop", &releases);
    let published = scene.publish().unwrap();
    assert_eq!(published.origin, Origin::Released { version: 4 });
    assert_eq!(published.slug.id, crate::support::id(40));
    assert_eq!(scene.platform.count("POST /apps/shop/slugs"), 0);
    insta::assert_snapshot!(scene.platform.told(), @"note: v4 of `shop` has this slug: nothing is uploaded");
    assert_eq!(scene.publish_with(true).unwrap().origin, Origin::Uploaded);
    // Too old to be looked for.
    let many: Vec<Value> = (0..11)
        .map(|older| release(20 - older, Some(u128::from(60 + older))))
        .chain(releases)
        .collect();
    scene.platform.releases("shop", &many);
    scene.store(51, [Answer::ok("")]);
    fs_err::remove_dir_all(&scene.state).unwrap();
    assert_eq!(scene.publish().unwrap().origin, Origin::Uploaded);
}

#[test]
fn an_upload_that_was_not_released_is_gone_on_with() {
    let scene = Scene::new();
    scene.publish().unwrap();
    // The next run, before a release.
    let slug = format!("GET /apps/shop/slugs/{}", crate::support::id(50));
    scene
        .platform
        .answers(&slug, [ok(&with(scene.there(50), "size", Value::Null))]);
    let again = scene.publish().unwrap();
    assert!(
        matches!(again.origin, Origin::UploadedEarlier { .. }),
        "{:?}",
        again.origin
    );
    assert_eq!(again.slug.id, crate::support::id(50));
    assert_eq!(scene.platform.uploads(50).len(), 1);
    // The platform has lost it.
    scene.platform.answers(
        &slug,
        [refused(404, "not_found", "Couldn't find that slug.")],
    );
    scene.store(51, [Answer::ok("")]);
    assert_eq!(scene.publish().unwrap().slug.id, crate::support::id(51));
}

#[test]
fn an_upload_that_broke_off_is_told_and_made_anew() {
    let scene = Scene::new();
    scene.store(50, [Answer::reset_upload_at(1000)]);
    scene.publish().unwrap_err();
    assert_eq!(scene.states(), 1);
    let slug = format!("GET /apps/shop/slugs/{}", crate::support::id(50));
    scene
        .platform
        .answers(&slug, [ok(&with(scene.there(50), "size", Value::Null))]);
    scene.platform.heard.0.lock().unwrap().clear();
    scene.store(51, [Answer::ok("")]);
    assert_eq!(scene.publish().unwrap().origin, Origin::Uploaded);
    let told = scene.platform.told();
    assert!(
        told.contains("note: an upload of this slug that began at 2")
            && told.contains("did not come to its end; uploading it anew"),
        "{told}"
    );
    // The answer to it was lost, and the platform has it: our own state says less than the platform.
    let state = fs_err::read_dir(&scene.state)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut content: Value = serde_json::from_slice(&fs_err::read(&state).unwrap()).unwrap();
    content["uploaded_at"] = Value::Null;
    fs_err::write(&state, content.to_string()).unwrap();
    let slug = format!("GET /apps/shop/slugs/{}", crate::support::id(51));
    scene.platform.answers(&slug, [ok(&scene.there(51))]);
    assert!(matches!(
        scene.publish().unwrap().origin,
        Origin::UploadedEarlier { .. }
    ));
    // A state that makes no sense is told of.
    fs_err::write(&state, "{").unwrap();
    scene.store(52, [Answer::ok("")]);
    scene.publish().unwrap();
    assert!(
        scene
            .platform
            .told()
            .contains("warning[upload-state-unreadable]")
    );
}

#[test]
fn a_place_for_the_state_that_cannot_be_does_not_keep_from_uploading() {
    let scene = Scene::new();
    fs_err::write(&scene.state, "a file where the folder should be").unwrap();
    scene.publish().unwrap();
    let told = scene.platform.told();
    assert_eq!(
        told.matches("warning[upload-state-not-written]").count(),
        2,
        "{told}"
    );
    assert!(
        told.starts_with("warning[upload-state-unreadable]"),
        "{told}"
    );
}

#[test]
fn a_slug_that_is_not_its_manifests_goes_nowhere() {
    let scene = Scene::new();
    fs_err::write(&scene.path, b"\x1f\x8bother").unwrap();
    insta::assert_snapshot!(scene.platform.message(&scene.publish().unwrap_err()), @r"
    error[slug-changed]: `<folder>/slug.tgz` is not the slug that its manifest speaks of

      expected SHA256:8ca4dd71d22383704f1ffa947094b0e2265aeccb83ca3c64f63f5f1106825dc9
           got SHA256:3cba15b23a0ac411068d8015708401aea23a57094ead7271217717b07efc39ed

      hint: Compile again, or give the slug and the manifest that belong together.
    ");
    fs_err::write(&scene.path, b"PK").unwrap();
    assert!(matches!(scene.publish().unwrap_err(), FlowError::Slug(_)));
    fs_err::remove_file(&scene.path).unwrap();
    insta::assert_snapshot!(scene.platform.message(&scene.publish().unwrap_err()), @r"
    error[slug-unreadable]: cannot read `<folder>/slug.tgz`
      caused by: No such file or directory (os error 2)

      hint: Give the path of a slug; `slugbuilder compile` writes `slug.tgz`.
    ");
    assert!(scene.platform.server.requests().is_empty());
}

#[test]
fn an_address_for_something_else_is_not_used() {
    let scene = Scene::new();
    let slug = scene.platform.slug(50, "SHA256:00", None, "get");
    scene
        .platform
        .answers("POST /apps/shop/slugs", [created(&slug)]);
    insta::assert_snapshot!(scene.platform.message(&scene.publish().unwrap_err()), @r"
    error[api-nonsense]: cannot upload the slug: the answer makes no sense: the address of the slug's bytes is for `get`, not for `put`

      It came from `http://<api>`.

      hint: Check the address of the API, `--api-url`: something else may answer there.
    ");
}

#[test]
fn a_slug_for_another_stack_is_told() {
    let scene = Scene::new();
    scene.platform.app("shop", 1, "heroku-22");
    scene.publish().unwrap();
    let told = scene.platform.told();
    insta::assert_snapshot!(told.lines().take(2).collect::<Vec<_>>().join("\n"), @r"
    warning[slug-for-another-stack]: the slug is for `heroku-24`, and builds for `shop` are for `heroku-22`
      hint: Compile for the app's stack, if its programs do not start.
    ");
}

#[test]
fn an_interrupt_ends_an_upload() {
    let mut scene = Scene::new();
    let interrupt = Interrupt::new().unwrap();
    let api = slugbuilder::api::Api::new(
        crate::support::settings(),
        scene.platform.api.url(),
        slugbuilder::api::Token::new(crate::support::TOKEN).unwrap(),
    );
    scene.platform.api = api.unwrap().stopping(Stop::new(&interrupt, None));
    // An upload that lasts: it is tried again and again, with waits.
    scene.store(
        50,
        [s3(503, "SlowDown", "Later.").header("Retry-After", "4")],
    );
    let begun = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(500));
            interrupt.raise();
        });
        insta::assert_snapshot!(scene.platform.message(&scene.publish().unwrap_err()), @r"
        error[interrupted]: cannot upload the slug: it was interrupted

          hint: Run the same command again: a slug that is uploaded whole is not uploaded twice.
        ");
    });
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert_eq!(scene.states(), 1);
}

#[test]
fn the_stack_that_an_app_is_to_have_is_the_one_that_counts() {
    let scene = Scene::new();
    let app = json!({
        "id": crate::support::id(1), "name": "shop", "stack": crate::support::stack_named("heroku-22"),
        "build_stack": crate::support::stack_named("heroku-24"), "created_at": TIME, "updated_at": TIME,
        "owner": {"id": crate::support::id(9), "email": "me@example.com"},
        "region": {"id": crate::support::id(8), "name": "us"},
    });
    scene.platform.answers("GET /apps/shop", [ok(&app)]);
    scene.publish().unwrap();
    let told = scene.platform.told();
    assert!(!told.contains("slug-for-another-stack"), "{told}");
}

#[test]
fn releases_whose_slug_is_gone_or_hidden_do_not_keep_from_a_deployment() {
    for hidden in [
        refused(422, "invalid_params", "Gone."),
        refused(403, "forbidden", "No."),
        refused(404, "not_found", "No."),
    ] {
        let scene = Scene::new();
        let slug = |number| format!("GET /apps/shop/slugs/{}", crate::support::id(number));
        scene.platform.answers(&slug(41), [hidden]);
        scene.platform.answers(&slug(40), [ok(&scene.there(40))]);
        let expired = with(release(5, Some(40)), "status", "expired");
        scene
            .platform
            .releases("shop", &[expired, release(4, Some(41))]);
        assert_eq!(scene.publish().unwrap().origin, Origin::Uploaded);
        assert_eq!(scene.platform.count(&slug(40)), 0);
    }
    let scene = Scene::new();
    let slug = format!("GET /apps/shop/slugs/{}", crate::support::id(41));
    let refusal = refused(401, "unauthorized", "No.");
    scene.platform.answers(&slug, [refusal]);
    scene.platform.releases("shop", &[release(4, Some(41))]);
    assert!(scene.publish().is_err());
}

#[test]
fn a_slug_that_the_platform_does_not_release_is_uploaded_anew() {
    let scene = Scene::new();
    let published = scene.publish().unwrap();
    let order = ReleaseOrder {
        app: "shop",
        slug: published.slug.id,
        description: Some("Deploy"),
        state: Some(&scene.state),
    };
    let refusal = refused(422, "invalid_params", "The slug has not been uploaded.");
    scene
        .platform
        .answers("POST /apps/shop/releases", [refusal]);
    let error = make_release(&scene.platform.api, &order, &scene.platform.heard).unwrap_err();
    assert!(matches!(error, FlowError::Unreleasable(_)), "{error}");
    assert_eq!(scene.states(), 0);
    scene.store(51, [Answer::ok("")]);
    assert_eq!(scene.publish().unwrap().origin, Origin::Uploaded);
    // What is said of something else says nothing of the slug.
    let refusal = ok(&json!({"id": "not_found", "message": "No.", "resource": "app"}));
    scene
        .platform
        .answers("POST /apps/shop/releases", [refusal.with_status(404)]);
    let order = ReleaseOrder {
        slug: crate::support::id(51),
        ..order
    };
    let error = make_release(&scene.platform.api, &order, &scene.platform.heard).unwrap_err();
    assert!(matches!(error, FlowError::Api(_)), "{error}");
    assert_eq!(scene.states(), 1);
}

#[test]
fn an_upload_that_someone_released_is_told_so() {
    let scene = Scene::new();
    scene.publish().unwrap();
    let slug = format!("GET /apps/shop/slugs/{}", crate::support::id(50));
    scene.platform.answers(&slug, [ok(&scene.there(50))]);
    scene.platform.releases("shop", &[release(7, Some(50))]);
    assert_eq!(
        scene.publish().unwrap().origin,
        Origin::Released { version: 7 }
    );
    let told = scene.platform.told();
    assert!(!told.contains("did not release it"), "{told}");
}

#[test]
fn what_was_uploaded_a_week_ago_is_forgotten() {
    let scene = Scene::new();
    scene.publish().unwrap();
    // By name or id, it is the same app.
    let id = crate::support::id(1).to_string();
    let api = scene.platform.api.url();
    assert_eq!(unreleased_uploads(&scene.state, api, &id).unwrap().len(), 1);
    let state = fs_err::read_dir(&scene.state).unwrap().next().unwrap();
    let state = state.unwrap().path();
    let mut content: Value = serde_json::from_slice(&fs_err::read(&state).unwrap()).unwrap();
    content["begun_at"] = "2020-01-02T03:04:05Z".into();
    fs_err::write(&state, content.to_string()).unwrap();
    assert_eq!(scene.states(), 0);
    scene.store(51, [Answer::ok("")]);
    assert_eq!(scene.publish().unwrap().origin, Origin::Uploaded);
    // Another slug's upload drops it.
    fs_err::write(&state, content.to_string()).unwrap();
    let (path, record) = scene.platform.slug_file(b"other");
    scene.store(52, [Answer::ok("")]);
    let publication = Publication {
        app: "shop",
        slug: &path,
        record: &record,
        force_upload: true,
        state: Some(&scene.state),
    };
    publish(&scene.platform.api, &publication, &scene.platform.heard).unwrap();
    assert!(!state.exists());
}

#[test]
fn an_upload_whose_answer_is_lost_is_looked_for_before_it_is_sent_again() {
    let scene = Scene::new();
    scene.store(50, [Answer::none()]);
    let slug = format!("GET /apps/shop/slugs/{}", crate::support::id(50));
    scene.platform.answers(&slug, [ok(&scene.there(50))]);
    scene.publish().unwrap();
    assert_eq!(scene.platform.uploads(50).len(), 1);
    assert!(scene.platform.told().contains("the slug has arrived"));
}

#[test]
fn a_store_that_takes_its_time_is_waited_for() {
    let scene = Scene::new();
    // Longer than a silence may be otherwise.
    scene.store(50, [Answer::ok("").delayed(Duration::from_millis(3500))]);
    scene.publish().unwrap();
    assert_eq!(scene.platform.uploads(50).len(), 1);
}

#[test]
fn a_store_that_is_not_there_is_worth_another_try_later() {
    let scene = Scene::new();
    let mut slug = scene
        .platform
        .slug(50, &scene.record.checksum.to_string(), None, "put");
    slug["blob"]["url"] = "http://127.0.0.1:1/blob".into();
    scene
        .platform
        .answers("POST /apps/shop/slugs", [created(&slug)]);
    let error = scene.publish().unwrap_err();
    assert_eq!(error.fault().exit_code(), 75);
    insta::assert_snapshot!(scene.platform.message(&error), @r"
    error[fetch-connect]: cannot upload the slug
      caused by: `http://127.0.0.1:1/blob` cannot be reached
      caused by: Connection refused (os error 111)

      It was tried 3 times.

      hint: Run the same command again later: nothing was released.
      hint: Uploads go to another host than the API's: behind a proxy see `HTTPS_PROXY` and `NO_PROXY`.
    ");
}
