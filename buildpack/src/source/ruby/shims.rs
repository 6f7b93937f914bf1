//! Small scripts that run Debian's Ruby from wherever it was unpacked.
//!
//! Debian's Ruby is built for `/usr`. It finds its libraries, its standard library and its gems elsewhere if the
//! environment says where; the scripts say it, relative to their own place, so that the layer can be moved.

use crate::target::Machine;
use crate::version::Version;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The script for `ruby`; `@TRIPLE@`, `@API@` and `@PROGRAM@` are filled in.
pub const SHIM_TEMPLATE: &str = r#"#!/bin/sh
self=$(readlink -f -- "$0") || exit 127
root=${self%/bin/*}
lib=$root/usr/lib
arch=$lib/@TRIPLE@
case :$LD_LIBRARY_PATH: in
*:"$arch":*) ;;
*)
	export LD_LIBRARY_PATH="$arch${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
	export RUBYLIB="${RUBYLIB:+$RUBYLIB:}$lib/ruby/vendor_ruby/@API@:$arch/ruby/vendor_ruby/@API@:$lib/ruby/vendor_ruby:$lib/ruby/@API@:$arch/ruby/@API@"
	gems=$root/usr/share/rubygems-integration
	export GEM_PATH="${GEM_PATH:+$GEM_PATH:}$gems/@API@:$gems/all:$arch/rubygems-integration/@API@:$lib/ruby/gems/@API@"
	export DEBIAN_DISABLE_RUBYGEMS_INTEGRATION=1
	;;
esac
exec "$root/usr/bin/@PROGRAM@" "$@"
"#;

/// The script for a program that is itself written in Ruby.
const SCRIPT_TEMPLATE: &str = r#"#!/bin/sh
self=$(readlink -f -- "$0") || exit 127
root=${self%/bin/*}
exec "$root/bin/ruby" "$root/usr/bin/@PROGRAM@" "$@"
"#;

/// Writes `bin/` for the tree that Debian's packages were unpacked to.
pub(super) fn write(tree: &Path, version: Version, machine: Machine) -> std::io::Result<()> {
    let line = format!("{}.{}", version.major, version.minor);
    let triple = match machine {
        Machine::Amd64 => "x86_64-linux-gnu",
        Machine::Arm64 => "aarch64-linux-gnu",
    };
    let bin = tree.join("bin");
    fs_err::create_dir_all(&bin)?;
    for entry in fs_err::read_dir(tree.join("usr/bin"))? {
        let name = entry?.file_name();
        let Some(program) = name.to_str() else {
            continue;
        };
        let short = program.strip_suffix(&line).unwrap_or(program);
        let template = if short == "ruby" {
            SHIM_TEMPLATE
        } else {
            SCRIPT_TEMPLATE
        };
        // A package may have both `gem` and `gem3.1`.
        let path = bin.join(short);
        if program == short && path.exists() {
            continue;
        }
        let script = template
            .replace("@TRIPLE@", triple)
            .replace("@API@", &format!("{line}.0"))
            .replace("@PROGRAM@", program);
        fs_err::write(&path, script)?;
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}
