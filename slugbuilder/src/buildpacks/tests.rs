use super::*;
use slugbuilder_report::{Diagnosis, Style};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

const CARRIED: &str = "api = '0.10'\nbuildpack = {id = 'slugbuilder/slugbuilder', version = '9'}\n";

struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }

    fn buildpack(&self, folder: &str, id: &str) {
        self.write(
            &format!("{folder}/buildpack.toml"),
            &format!("api='0.10'\nbuildpack={{id='{id}',version='1'}}\n"),
        );
        for program in ["detect", "build"] {
            self.write(&format!("{folder}/bin/{program}"), "#!/bin/sh\n");
        }
    }

    fn composite(&self, folder: &str, id: &str, components: &[&str]) {
        let group: Vec<String> = components
            .iter()
            .map(|id| format!("{{id='{id}',version='1'}}"))
            .collect();
        self.write(
            &format!("{folder}/buildpack.toml"),
            &format!(
                "api='0.10'\nbuildpack={{id='{id}',version='1'}}\n[[order]]\ngroup=[{}]\n",
                group.join(",")
            ),
        );
    }

    fn tar(&self, arguments: &[&str]) {
        let done = Command::new("tar")
            .current_dir(self.0.path())
            .args(arguments)
            .status()
            .unwrap();
        assert!(done.success());
    }

    fn select(
        &self,
        references: &[&str],
        order: Option<&str>,
    ) -> Result<Selection, SelectionError> {
        let carried = |name: &&str| name.starts_with("slugbuilder/") || name.contains(':');
        select(
            &BuildpackRequest {
                references: references
                    .iter()
                    .map(|name| {
                        if carried(name) {
                            name.into()
                        } else {
                            self.path(name).into_os_string()
                        }
                    })
                    .collect(),
                order: order.map(|name| self.path(name)),
                carried: Some(CARRIED),
            },
            &self.path("cache"),
            &Stop::default(),
        )
    }

    /// The groups, and all that was found.
    fn found(&self, references: &[&str], order: Option<&str>) -> (Vec<String>, usize) {
        let selection = self
            .select(references, order)
            .unwrap_or_else(|error| panic!("{error}"));
        let groups = selection.order.groups.iter().map(|group| {
            let ids: Vec<&str> = group.iter().map(|element| element.id.as_str()).collect();
            ids.join(" ")
        });
        (groups.collect(), selection.sources.len())
    }

    fn refused(&self, references: &[&str], order: Option<&str>) -> String {
        let error = self.select(references, order).unwrap_err();
        Diagnosis::of(&error)
            .render(Style::Plain)
            .replace(self.path("").to_str().unwrap(), "/")
    }
}

#[test]
fn without_references_it_is_the_one_that_is_carried() {
    let machine = Machine::new();
    assert_eq!(
        machine.found(&[], None),
        (vec!["slugbuilder/slugbuilder".into()], 1)
    );
}

#[test]
fn what_is_named_forms_one_group_in_that_order() {
    let machine = Machine::new();
    machine.buildpack("x", "acme/x");
    machine.buildpack("y", "acme/y");
    assert_eq!(
        machine.found(&["y", "slugbuilder/slugbuilder@9", "x"], None),
        (vec!["acme/y slugbuilder/slugbuilder acme/x".into()], 3)
    );
}

#[test]
fn a_composite_with_its_components_is_just_the_composite() {
    let machine = Machine::new();
    machine.buildpack("all/x", "acme/x");
    machine.buildpack("all/y/1", "acme/y");
    machine.composite("all/z", "acme/all", &["acme/x", "acme/y"]);
    let composite = (vec!["acme/all".to_owned()], 3);
    assert_eq!(machine.found(&["all"], None), composite);
    assert_eq!(machine.found(&["all/x", "all/z", "all/y"], None), composite);
}

#[test]
fn package_toml_says_where_components_are() {
    let machine = Machine::new();
    machine.buildpack("packaged/acme_x", "acme/x");
    machine.composite("packaged/acme_inner", "acme/inner", &["acme/x"]);
    machine.composite("packaged/acme_all", "acme/all", &["acme/inner", "acme/y"]);
    machine.write(
        "packaged/acme_inner/package.toml",
        &format!(
            "[buildpack]\nuri='.'\n[[dependencies]]\nuri='{}'\n",
            machine.path("packaged/acme_x").display()
        ),
    );
    machine.buildpack("y/inside", "acme/y");
    machine.tar(&["-czf", "y.tgz", "-C", "y", "inside"]);
    machine.write(
        "packaged/acme_all/package.toml",
        "[buildpack]\nuri='.'\n[[dependencies]]\nuri='../acme_inner'\n[[dependencies]]\nuri='../../y.tgz'\n[[dependencies]]\nuri='../acme_x'\n",
    );
    assert_eq!(
        machine.found(&["packaged/acme_all"], None),
        (vec!["acme/all".into()], 4)
    );
    // A folder with nothing but a package.toml is what that says.
    machine.write(
        "meta/package.toml",
        "[buildpack]\nuri='../packaged/acme_all'\n",
    );
    assert_eq!(machine.found(&["meta"], None), (vec!["acme/all".into()], 4));
}

#[test]
fn an_archive_is_unpacked_once_for_its_content() {
    let machine = Machine::new();
    machine.buildpack("x", "acme/x");
    for (name, flags) in [("x.tgz", "-czf"), ("x.tar", "-cf")] {
        machine.tar(&[flags, name, "x"]);
        let selection = machine.select(&[name], None).unwrap();
        let [
            BuildpackSource::Unpacked {
                archive, directory, ..
            },
        ] = &selection.sources[..]
        else {
            panic!("{selection:?}");
        };
        assert_eq!(*archive, machine.path(name));
        assert!(directory.starts_with(machine.path("cache/buildpacks-v1")));
        let again = machine.select(&[name], None).unwrap();
        assert!(
            matches!(&again.sources[..], [BuildpackSource::Unpacked { directory: same, .. }] if same == directory)
        );
    }
    assert_eq!(
        std::fs::read_dir(machine.path("cache/buildpacks-v1"))
            .unwrap()
            .count(),
        2
    );
}

#[test]
fn what_was_not_used_for_long_is_forgotten() {
    let machine = Machine::new();
    machine.buildpack("x", "acme/x");
    machine.tar(&["-czf", "x.tgz", "x"]);
    std::fs::create_dir_all(machine.path("cache/buildpacks-v1/old")).unwrap();
    std::fs::create_dir_all(machine.path("cache/buildpacks-v1/new")).unwrap();
    let old = std::fs::File::open(machine.path("cache/buildpacks-v1/old")).unwrap();
    old.set_modified(std::time::SystemTime::now() - std::time::Duration::from_hours(31 * 24))
        .unwrap();
    machine.select(&["x.tgz"], None).unwrap();
    assert!(!machine.path("cache/buildpacks-v1/old").exists());
    assert!(machine.path("cache/buildpacks-v1/new").exists());
}

#[test]
fn what_a_build_uses_is_not_pruned() {
    let machine = Machine::new();
    machine.buildpack("x", "acme/x");
    machine.tar(&["-czf", "x.tgz", "x"]);
    let selection = machine.select(&["x.tgz"], None).unwrap();
    let [BuildpackSource::Unpacked { directory, .. }] = &selection.sources[..] else {
        panic!("{selection:?}");
    };
    let directory = directory.clone();
    forget_archives(&machine.path("cache")).unwrap();
    assert!(directory.join("bin/build").exists());
    drop(selection);
    forget_archives(&machine.path("cache")).unwrap();
    assert!(!directory.exists());
    machine.select(&["x.tgz"], None).unwrap();
    assert!(directory.join("bin/build").exists());
}

#[test]
fn an_order_may_name_only_what_is_there() {
    let machine = Machine::new();
    machine.buildpack("x", "acme/x");
    machine.composite("all", "acme/all", &["acme/x", "acme/gone"]);
    machine.write(
        "order.toml",
        "[[order]]\ngroup=[{id='acme/x'}]\n[[order]]\ngroup=[{id='slugbuilder/slugbuilder'}]\n",
    );
    assert_eq!(
        machine
            .found(&["x", "slugbuilder/slugbuilder"], Some("order.toml"))
            .0,
        ["acme/x", "slugbuilder/slugbuilder"]
    );
    insta::assert_snapshot!(machine.refused(&["x"], Some("order.toml")), @r"
    error[unknown-buildpack]: the order asks for buildpack `slugbuilder/slugbuilder`, which is not there

      hint: The buildpacks that are there: acme/x@1.
    ");
    insta::assert_snapshot!(machine.refused(&["x", "all"], None), @r"
    error[unknown-buildpack]: the order asks for buildpack `acme/gone@1`, which is not there

      hint: The buildpacks that are there: acme/x@1, acme/all@1.
    ");
    insta::assert_snapshot!(machine.refused(&["x"], Some("gone.toml")), @r"
    error[order-not-there]: there is no order `/gone.toml`

      hint: Give the path of an order.toml: `[[order]]` tables, each with a `group` of buildpacks by id.
    ");
}

#[test]
fn what_cannot_be_taken_is_explained() {
    let machine = Machine::new();
    machine.buildpack("x", "acme/x");
    machine.buildpack("many/a", "acme/a");
    machine.buildpack("many/b", "acme/b");
    std::fs::create_dir(machine.path("empty")).unwrap();
    machine.write("extension/extension.toml", "api='0.10'\n");
    machine.write("no.tgz", "hello");
    machine.composite("all", "acme/all", &["acme/x"]);
    machine.write(
        "all/package.toml",
        "[[dependencies]]\nuri='docker://docker.io/acme/x'\n",
    );
    machine.write("image/oci-layout", "{}");
    machine.tar(&["-cf", "x.cnb", "-C", "image", "oci-layout"]);
    insta::assert_snapshot!(machine.refused(&["gone"], None), @r"
    error[buildpack-not-there]: there is no buildpack `/gone`

      hint: Give a folder with a `buildpack.toml`, an archive of one, or `slugbuilder/slugbuilder`, which slugbuilder carries.
    ");
    insta::assert_snapshot!(machine.refused(&["empty"], None), @r"
    error[no-buildpack]: there is no `buildpack.toml` in `/empty`

      hint: Give the folder that holds `buildpack.toml` and `bin`, or one that holds several such folders.
    ");
    insta::assert_snapshot!(machine.refused(&["extension"], None), @r"
    error[extension-unsupported]: `/extension/extension.toml` asks for image extensions, which a slug cannot have

      Extensions install operating system packages into an image. The stack of a slug is Heroku's and cannot be changed.

      hint: Use an order without extensions.
    ");
    insta::assert_snapshot!(machine.refused(&["no.tgz"], None), @r"
    error[unpack-truncated]: cannot unpack `/no.tgz`
      caused by: the archive is cut off

      hint: Get or make the archive anew.
    ");
    insta::assert_snapshot!(machine.refused(&["x.cnb"], None), @r"
    error[buildpack-image]: `/x.cnb` is a container image

      hint: Give the folder that it was packaged from, or a `.tgz` of that folder: what `pack buildpack package` reads, not what it writes.
    ");
    insta::assert_snapshot!(machine.refused(&["all"], None), @r"
    error[buildpack-elsewhere]: `docker://docker.io/acme/x` of `/all/package.toml` is not on this machine

      It is a container image, which needs a registry and Docker to get.

      hint: Download the release archive of the buildpack and give its path, as a `.tgz` or unpacked.
    ");
    insta::assert_snapshot!(machine.refused(&["docker://acme/x"], None), @r"
    error[buildpack-elsewhere]: `docker://acme/x` is not on this machine

      It is a container image, which needs a registry and Docker to get.

      hint: Download the release archive of the buildpack and give its path, as a `.tgz` or unpacked.
    ");
    insta::assert_snapshot!(machine.refused(&["urn:cnb:registry:acme/x"], None), @r"
    error[buildpack-elsewhere]: `urn:cnb:registry:acme/x` is not on this machine

      It is an entry of a buildpack registry.

      hint: Download the release archive of the buildpack and give its path, as a `.tgz` or unpacked.
    ");
    insta::assert_snapshot!(machine.refused(&["x", "x"], None), @r"
    error[buildpack-twice]: the buildpack `/x` is given twice

      hint: Name it once.
    ");
    insta::assert_snapshot!(machine.refused(&["many"], None), @r"
    error[order-needed]: `/many` holds several buildpacks, and nothing says in which order they build

      It holds acme/a@1, acme/b@1.

      hint: Say it with `--order order.toml`, or name the folders one by one.
    ");
}

#[test]
fn links_of_the_user_are_followed() {
    let machine = Machine::new();
    let link = |target: &str, path: &str| {
        std::os::unix::fs::symlink(target, machine.path(path)).unwrap();
    };
    machine.buildpack("x", "acme/x");
    machine.write("orders/real.toml", "[[order]]\ngroup=[{id='acme/x'}]\n");
    link("orders/real.toml", "order.toml");
    assert_eq!(machine.found(&["x"], Some("order.toml")).0, ["acme/x"]);
    // What a shell makes of `--order <(…)`.
    let (reading, writing) = nix::unistd::pipe().unwrap();
    let mut writing = std::fs::File::from(writing);
    std::io::Write::write_all(&mut writing, b"[[order]]\ngroup=[{id='acme/x'}]\n").unwrap();
    drop(writing);
    let pipe = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reading));
    assert_eq!(machine.found(&["x"], Some(&pipe)).0, ["acme/x"]);

    std::fs::rename(
        machine.path("x/buildpack.toml"),
        machine.path("x/bin/b.toml"),
    )
    .unwrap();
    link("bin/b.toml", "x/buildpack.toml");
    assert_eq!(machine.found(&["x"], None).1, 1);

    std::fs::rename(machine.path("x/bin/b.toml"), machine.path("b.toml")).unwrap();
    link("../../b.toml", "x/bin/b.toml");
    insta::assert_snapshot!(machine.refused(&["x"], None), @r"
    error[link-leaves-buildpack]: `/x/buildpack.toml` is a link that leads out of `/x`

      hint: Put the file itself there: programs of the build see nothing but the folder.
    ");
    machine.buildpack("y", "acme/y");
    std::fs::create_dir(machine.path("folder.toml")).unwrap();
    insta::assert_snapshot!(machine.refused(&["y"], Some("folder.toml")), @r"
    error[cnb-file]: cannot read `/folder.toml`
      caused by: failed to read from file `/folder.toml`: Is a directory (os error 21)
    ");
}

#[test]
fn what_is_too_much_or_cannot_be_read_is_explained() {
    let machine = Machine::new();
    for index in 0..=1000 {
        machine.composite(
            &format!("many/{index}"),
            &format!("acme/b{index}"),
            &["acme/x"],
        );
    }
    insta::assert_snapshot!(machine.refused(&["many"], None), @r"
    error[too-many-buildpacks]: there are more than 1000 buildpacks

      hint: Name a folder with fewer.
    ");
    nix::unistd::mkfifo(&machine.path("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    insta::assert_snapshot!(machine.refused(&["fifo"], None), @r"
    error[unreadable-buildpack]: cannot read `/fifo`
      caused by: it is no file

      hint: Give a folder or an archive that you may read.
    ");
    machine.buildpack("x", "acme/x");
    machine.buildpack("newer", "acme/x");
    machine.write(
        "newer/buildpack.toml",
        "api='0.10'\nbuildpack={id='acme/x',version='2'}\n",
    );
    insta::assert_snapshot!(machine.refused(&["x", "newer"], None), @r"
    error[buildpack-versions]: there are several versions of the buildpack `acme/x`, of which one group can hold only one

      hint: Say with `--order order.toml` which version is meant where.
    ");
}

#[test]
fn circles_end() {
    let machine = Machine::new();
    machine.composite("a", "acme/a", &["acme/b"]);
    machine.composite("b", "acme/b", &["acme/a"]);
    for (folder, other) in [("a", "b"), ("b", "a")] {
        machine.write(
            &format!("{folder}/package.toml"),
            &format!("[[dependencies]]\nuri='../{other}'\n"),
        );
    }
    insta::assert_snapshot!(machine.refused(&["a"], None), @r"
    error[cyclic-order]: the order of composite buildpack `acme/a@1` leads back to itself

      The circle is acme/a@1 → acme/b@1 → acme/a@1.
    ");
}

#[test]
fn a_package_toml_of_an_archive_names_only_what_is_in_the_archive() {
    let machine = Machine::new();
    machine.buildpack("outside/x", "acme/x");
    machine.buildpack("in/x", "acme/x");
    machine.composite("in/all", "acme/all", &["acme/x"]);
    let archived = |uri: &str, top: &str| {
        machine.write(
            "in/all/package.toml",
            &format!("[[dependencies]]\nuri='{uri}'\n"),
        );
        machine.write(
            "in/meta/package.toml",
            &format!("[buildpack]\nuri='{uri}'\n"),
        );
        machine.tar(&["-czf", "in.tgz", "-C", "in", top]);
    };
    // In the folder that a user named, anything goes.
    let outside = machine.path("outside/x");
    let outside = outside.to_str().unwrap();
    machine.write(
        "in/all/package.toml",
        &format!("[[dependencies]]\nuri='{outside}'\n"),
    );
    assert_eq!(machine.found(&["in/all"], None).1, 2);

    let composite = (vec!["acme/all".to_owned()], 2);
    archived("../x", ".");
    std::fs::remove_dir_all(machine.path("in/meta")).unwrap();
    machine.tar(&["-czf", "in.tgz", "-C", "in", "."]);
    assert_eq!(machine.found(&["in.tgz"], None), composite);

    archived(outside, "all");
    insta::assert_snapshot!(machine.refused(&["in.tgz"], None), @r"
    error[buildpack-outside-archive]: `/outside/x` leads out of the archive `/in.tgz`, whose `all/package.toml` names it

      What a build uses of an archive has to be in it: anything else would be shown to programs of people whom you do not know.

      hint: Give an archive that holds all of its buildpacks, with relative paths. If you trust this one, unpack it and give the folder.
    ");
    archived(&format!("file://{outside}"), "all");
    insta::assert_snapshot!(machine.refused(&["in.tgz"], None), @r"
    error[buildpack-outside-archive]: `file:///outside/x` leads out of the archive `/in.tgz`, whose `all/package.toml` names it

      What a build uses of an archive has to be in it: anything else would be shown to programs of people whom you do not know.

      hint: Give an archive that holds all of its buildpacks, with relative paths. If you trust this one, unpack it and give the folder.
    ");
    archived("../../../../outside/x", "all");
    insta::assert_snapshot!(machine.refused(&["in.tgz"], None), @r"
    error[buildpack-outside-archive]: `../../../../outside/x` leads out of the archive `/in.tgz`, whose `all/package.toml` names it

      What a build uses of an archive has to be in it: anything else would be shown to programs of people whom you do not know.

      hint: Give an archive that holds all of its buildpacks, with relative paths. If you trust this one, unpack it and give the folder.
    ");
    // Neither as the buildpack itself, nor as what an archive of an archive has beside it.
    machine.write("in/package.toml", "[buildpack]\nuri='../../../outside/x'\n");
    machine.tar(&["-czf", "in.tgz", "-C", "in", "package.toml"]);
    insta::assert_snapshot!(machine.refused(&["in.tgz"], None), @r"
    error[buildpack-outside-archive]: `../../../outside/x` leads out of the archive `/in.tgz`, whose `package.toml` names it

      What a build uses of an archive has to be in it: anything else would be shown to programs of people whom you do not know.

      hint: Give an archive that holds all of its buildpacks, with relative paths. If you trust this one, unpack it and give the folder.
    ");
    archived("../../in.tgz", "all");
    machine.write("wrapped/package.toml", "[buildpack]\nuri='in.tgz'\n");
    std::fs::rename(machine.path("in.tgz"), machine.path("wrapped/in.tgz")).unwrap();
    machine.tar(&["-czf", "wrapped.tgz", "-C", "wrapped", "."]);
    let refused = machine.refused(&["wrapped.tgz"], None);
    assert!(
        refused.starts_with("error[buildpack-not-there]"),
        "{refused}"
    );
}

#[test]
fn a_chain_of_packages_ends() {
    let machine = Machine::new();
    machine.buildpack("x", "acme/x");
    let chain = |length: usize| {
        for index in 0..length {
            let next = match index + 1 {
                next if next == length => "x".to_owned(),
                next => format!("p{next}"),
            };
            let content = format!("[buildpack]\nuri='../{next}'\n");
            machine.write(&format!("p{index}/package.toml"), &content);
        }
    };
    chain(32);
    assert_eq!(machine.found(&["p0"], None).1, 1);
    chain(33);
    insta::assert_snapshot!(machine.refused(&["p0"], None), @r"
    error[package-too-deep]: `/p32/package.toml` is the last of more than 32 `package.toml` files, each named by the one before

      hint: Name the folders of the buildpacks themselves.
    ");
}

#[test]
fn a_hostile_archive_writes_nothing() {
    let machine = Machine::new();
    machine.write("x/buildpack.toml", "");
    std::os::unix::fs::symlink("/etc", machine.path("x/bin")).unwrap();
    machine.tar(&["-czf", "x.tgz", "x"]);
    let refused = machine.refused(&["x.tgz"], None);
    insta::assert_snapshot!(refused, @r"
    error[unpack-refused]: cannot unpack `/x.tgz`
      caused by: the archive holds `x/bin`, a symbolic link to `/etc`, out of the archive

      hint: Nothing of it was kept. If you made the archive, leave that entry out; if not, do not trust it.
    ");
    assert_eq!(
        std::fs::read_dir(machine.path("cache/buildpacks-v1"))
            .unwrap()
            .count(),
        0
    );
}
