//! Section 2.6: what the next build gets back.

use crate::host::Host;

const LAYERS: &str = ".slugbuilder/layers";

fn put_layer(host: &Host, buildpack: &str, name: &str, types: &str) {
    host.write(&format!("{LAYERS}/{buildpack}/{name}/file"), name);
    host.write(
        &format!("{LAYERS}/{buildpack}/{name}.toml"),
        &format!("[types]\n{types}\n[metadata]\nkey = \"{name}\"\n"),
    );
}

#[test]
fn the_table_of_types() {
    let host = Host::new().builds("a", "");
    for (name, types) in [
        ("c", "cache=true"),
        ("bc", "build=true\ncache=true"),
        ("lc", "launch=true\ncache=true"),
        ("l", "launch=true"),
        ("b", "build=true"),
        ("bl", "build=true\nlaunch=true"),
        ("none", ""),
    ] {
        put_layer(&host, "a", name, types);
    }
    let restored = host.restore(&host.detect("a").unwrap()).unwrap();
    let names: Vec<&str> = restored
        .layers
        .iter()
        .map(|layer| layer.name.as_str())
        .collect();
    assert_eq!(names, ["bc", "c", "lc"]);
    assert_eq!(
        host.tree(&format!("{LAYERS}/a")),
        [
            "bc", "bc.toml", "bc/file", "c", "c.toml", "c/file", "lc", "lc.toml", "lc/file"
        ]
    );
    assert_eq!(
        host.read(&format!("{LAYERS}/a/lc.toml")),
        "[metadata]\nkey = \"lc\"\n"
    );
}

#[test]
fn the_store_stays_and_everything_else_goes() {
    let host = Host::new().builds("a", "");
    put_layer(&host, "a", "c", "cache=true");
    put_layer(&host, "gone", "c", "cache=true");
    for file in [
        "a/store.toml",
        "a/launch.toml",
        "a/build.toml",
        "a/x.ignore/f",
        "a/stray/f",
        "a/alone",
        "loose",
        "a/c.sbom.cdx.json",
        "a/launch.sbom.cdx.json",
        "gone/store.toml",
    ] {
        host.write(&format!("{LAYERS}/{file}"), "");
    }
    host.write(&format!("{LAYERS}/a/nobody.toml"), "[types]\ncache=true\n");
    host.restore(&host.detect("a").unwrap()).unwrap();
    assert_eq!(
        host.tree(LAYERS),
        [
            "a",
            "a/c",
            "a/c.sbom.cdx.json",
            "a/c.toml",
            "a/c/file",
            "a/store.toml"
        ]
    );
}

#[test]
fn a_cached_layer_that_cannot_be_read_is_thrown_away_with_a_warning() {
    let host = Host::new().builds("a", "");
    host.write(&format!("{LAYERS}/a/c/file"), "");
    host.write(&format!("{LAYERS}/a/c.toml"), "no toml");
    let restored = host.restore(&host.detect("a").unwrap()).unwrap();
    assert_eq!(restored.warnings[0].code, "cache-unreadable");
    assert!(host.tree(&format!("{LAYERS}/a")).is_empty());
}

#[test]
fn folders_without_write_permission_are_removed_too() {
    use std::os::unix::fs::PermissionsExt;
    let host = Host::new().builds("a", "");
    put_layer(&host, "a", "l", "launch=true");
    let folder = host.app(&format!("{LAYERS}/a/l"));
    std::fs::set_permissions(folder, PermissionsExt::from_mode(0o555)).unwrap();
    host.restore(&host.detect("a").unwrap()).unwrap();
    assert!(host.tree(&format!("{LAYERS}/a")).is_empty());
}

#[test]
fn a_restored_layer_that_is_not_declared_again_is_dropped_and_one_that_is_keeps_its_contents() {
    let build = "for n in kept lost; do if [ -d \"$1/$n\" ]; then echo $n restored >> seen; else mkdir \"$1/$n\"; \
        printf '[types]\\ncache=true\\n' > \"$1/$n.toml\"; fi; done; printf '[types]\\ncache=true\\n' > \"$1/kept.toml\"";
    let host = Host::new().builds("a", build);
    host.build().unwrap();
    let names = |host: &Host| -> Vec<String> {
        host.build()
            .unwrap()
            .layers
            .into_iter()
            .map(|layer| layer.name)
            .collect()
    };
    assert_eq!(names(&host), ["kept"]);
    assert_eq!(host.read("seen"), "kept restored\nlost restored\n");
    // In the third build only `kept` is there; `lost` is built anew.
    assert_eq!(names(&host), ["kept", "lost"]);
}
