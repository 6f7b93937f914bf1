use super::*;
use slugbuilder_report::{Diagnosis, Style};

/// A 64-bit ELF file for `machine` with these segments: type and content.
fn program(machine: u16, segments: &[(u32, &[u8])]) -> Vec<u8> {
    let count = u16::try_from(segments.len()).unwrap();
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend(2_u16.to_le_bytes());
    file.extend(machine.to_le_bytes());
    file.extend(1_u32.to_le_bytes());
    file.extend(0_u64.to_le_bytes());
    file.extend(64_u64.to_le_bytes());
    file.extend(0_u64.to_le_bytes());
    file.extend(0_u32.to_le_bytes());
    for half in [64_u16, 56, count, 0, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    let mut offset = 64 + 56 * u64::from(count);
    for (kind, content) in segments {
        let size = content.len() as u64;
        file.extend(kind.to_le_bytes());
        file.extend(4_u32.to_le_bytes());
        for number in [offset, 0, 0, size, size, 1] {
            file.extend(number.to_le_bytes());
        }
        offset += size;
    }
    for (_, content) in segments {
        file.extend(*content);
    }
    file
}

const AMD64: u16 = 62;
const ARM64: u16 = 183;
const LOAD: u32 = 1;
const DYNAMIC: u32 = 2;
const INTERPRETER: u32 = 3;
/// `DT_NEEDED` and `DT_NULL`.
const NEEDED: [u8; 32] = {
    let mut table = [0; 32];
    table[0] = 1;
    table
};

struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let fixture = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fixture.executable(&program(AMD64, &[(LOAD, b"code"), (DYNAMIC, &[0; 16])]));
        fixture
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn executable(&self, content: &[u8]) {
        fs::write(self.path("slugbuilder"), content).unwrap();
    }

    fn write(&self) -> Result<Package, PackageError> {
        write(&self.path("out"), &self.path("slugbuilder"), None)
    }

    fn refusal(&self) -> String {
        let error = self.write().unwrap_err();
        Diagnosis::of(&error)
            .render(Style::Plain)
            .replace(self.folder.path().to_str().unwrap(), "[FOLDER]")
    }
}

#[test]
fn the_folder_has_what_pack_needs_and_nothing_else() {
    let fixture = Fixture::new();
    let package = fixture.write().unwrap();
    let out = fs::canonicalize(fixture.path("out")).unwrap();
    assert_eq!(package.folder, out);
    let mut found: Vec<_> = walk(&out);
    found.sort();
    assert_eq!(found, ENTRIES);
    assert_eq!(
        fs::read_to_string(out.join("buildpack.toml")).unwrap(),
        BUILDPACK_TOML
    );
    assert_eq!(
        fs::read(out.join("bin/detect")).unwrap(),
        fs::read(fixture.path("slugbuilder")).unwrap()
    );
    assert_eq!(
        fs::read_link(out.join("bin/detect")).unwrap(),
        Path::new("build")
    );
    for (name, mode) in [
        ("", 0o755),
        ("bin", 0o755),
        ("bin/build", 0o755),
        ("package.toml", 0o644),
    ] {
        let metadata = fs::metadata(out.join(name)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o7777, mode, "{name}");
    }
    let beside: Vec<_> = fs::read_dir(fixture.folder.path()).unwrap().collect();
    assert_eq!(beside.len(), 2, "nothing temporary stays");
}

fn walk(root: &Path) -> Vec<String> {
    ["", "bin"]
        .iter()
        .flat_map(|place| {
            fs::read_dir(root.join(place)).unwrap().map(|entry| {
                let name = entry.unwrap().file_name().into_string().unwrap();
                Path::new(place).join(name).to_str().unwrap().to_owned()
            })
        })
        .collect()
}

#[test]
fn libcnb_reads_the_descriptor_with_a_homepage() {
    let text = descriptor(Some("https://example.org/\"quoted\"")).unwrap();
    let descriptor: libcnb::data::buildpack::ComponentBuildpackDescriptor =
        toml::from_str(&text).unwrap();
    assert_eq!(
        descriptor.buildpack.homepage.as_deref(),
        Some("https://example.org/\"quoted\"")
    );
    for bad in ["", "example.org", "https://", "file:///x", "https://a b"] {
        assert!(super::descriptor(Some(bad)).is_err(), "{bad}");
    }
}

#[test]
fn an_earlier_package_or_an_empty_folder_is_replaced() {
    let fixture = Fixture::new();
    fs::create_dir(fixture.path("out")).unwrap();
    fixture.write().unwrap();
    fs::write(fixture.path("out/bin/build"), "old").unwrap();
    fs::rename(fixture.path("out"), fixture.path("real")).unwrap();
    symlink("real", fixture.path("out")).unwrap();
    let package = fixture.write().unwrap();
    assert_eq!(
        package.folder,
        fs::canonicalize(fixture.path("real")).unwrap()
    );
    assert!(
        fs::read(fixture.path("real/bin/build"))
            .unwrap()
            .starts_with(b"\x7fELF")
    );
    assert!(
        fs::symlink_metadata(fixture.path("out"))
            .unwrap()
            .is_symlink()
    );
}

#[test]
fn parents_are_made() {
    let fixture = Fixture::new();
    write(&fixture.path("a/b"), &fixture.path("slugbuilder"), None).unwrap();
    assert!(fixture.path("a/b/bin/detect").exists());
}

#[test]
fn what_may_be_somebodys_work_stays() {
    let fixture = Fixture::new();
    fixture.write().unwrap();
    fs::write(fixture.path("out/bin/notes"), "mine").unwrap();
    insta::assert_snapshot!(fixture.refusal(), @r"
    error[not-a-package]: `[FOLDER]/out` is not an earlier package: it has `bin/notes`

      hint: Give a folder that is new or empty: slugbuilder's own buildpack is written there.
      hint: To package a buildpack crate of your own, use `cargo libcnb package` (crate `libcnb-cargo`); a buildpack in shell is a package as it is.
    ");
    assert!(fixture.path("out/bin/notes").exists());

    fs::remove_file(fixture.path("out/bin/notes")).unwrap();
    fs::write(
        fixture.path("out/buildpack.toml"),
        "[buildpack]\nid = \"other/buildpack\"\n",
    )
    .unwrap();
    assert!(fixture.refusal().contains("it has `buildpack.toml`"));

    fs::remove_dir_all(fixture.path("out")).unwrap();
    fs::write(fixture.path("out"), "mine").unwrap();
    assert!(fixture.refusal().contains("is not a folder"));
    fs::remove_file(fixture.path("out")).unwrap();
    symlink("nowhere", fixture.path("out")).unwrap();
    assert!(fixture.refusal().contains("is not a folder"));
}

#[test]
fn only_a_static_program_for_amd64_is_packaged() {
    let fixture = Fixture::new();
    fixture.executable(&program(
        AMD64,
        &[(INTERPRETER, b"/lib64/ld-linux-x86-64.so.2\0")],
    ));
    insta::assert_snapshot!(fixture.refusal(), @r"
    error[not-static]: this `slugbuilder` is not a static program: it needs `/lib64/ld-linux-x86-64.so.2`

      The package holds a copy of this executable, and the image that it runs in may have another C library, an older one or none.

      hint: Build a static one in slugbuilder's source, and let that write the package:
            RUSTFLAGS='-C target-feature=+crt-static' cargo build --release --target x86_64-unknown-linux-gnu
            target/x86_64-unknown-linux-gnu/release/slugbuilder buildpack package DIR
    ");
    fixture.executable(&program(AMD64, &[(DYNAMIC, &NEEDED)]));
    assert!(fixture.refusal().contains("it needs shared libraries"));
    fixture.executable(&program(ARM64, &[]));
    insta::assert_snapshot!(fixture.refusal(), @r"
    error[other-machine]: this `slugbuilder` is not for linux/amd64, as the package has to be

      hint: Use the `slugbuilder` for x86-64.
    ");
    for broken in [
        b"#!/bin/sh\n".to_vec(),
        b"\x7fELF".to_vec(),
        program(AMD64, &[(INTERPRETER, b"x")])[..100].to_vec(),
    ] {
        fixture.executable(&broken);
        assert!(fixture.refusal().contains("no ELF program"));
    }
    assert!(!fixture.path("out").exists());
}

#[test]
fn what_is_no_address_is_no_homepage() {
    let fixture = Fixture::new();
    let (out, program) = (fixture.path("out"), fixture.path("slugbuilder"));
    let error = write(&out, &program, Some("example.org/slugbuilder")).unwrap_err();
    insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @r"
    error[invalid-homepage]: `example.org/slugbuilder` is not the address of a homepage

      hint: Write it like `https://example.org/slugbuilder`.
    ");
    assert!(!out.exists());
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let fixture = Fixture::new();
    fs::write(fixture.path("file"), "").unwrap();
    // For root, too.
    let out = fixture.path("file/parent/out");
    let error = write(&out, &fixture.path("slugbuilder"), None).unwrap_err();
    let text = Diagnosis::of(&error).render(Style::Plain);
    let text = text.replace(fixture.folder.path().to_str().unwrap(), "[FOLDER]");
    insta::assert_snapshot!(text, @r"
    error[package-not-written]: cannot write the package
      caused by: failed to query resolved metadata `[FOLDER]/file/parent/out`: Not a directory (os error 20)
    ");
}
