//! The stack check of the runtimes that a build installed.

use crate::host::Host;
use slugbuilder::stack::{Machine, Stack, StackError, check_runtimes};
use slugbuilder_report::{Diagnosis, Style};

const MACHINE: Machine = if cfg!(target_arch = "aarch64") {
    Machine::Aarch64
} else {
    Machine::X86_64
};

/// Makes a program that needs a version of OpenSSL's symbols, without OpenSSL.
const COMPILE: &str = "mkdir -p \"$1/ruby/bin\"; cd \"$1/ruby\"; printf 'OPENSSL_3.4.0 { global: f; };' > map; echo 'void f(void) {}' > f.c\n\
    echo 'void f(void); void _start(void) { f(); }' > main.c\n\
    cc -shared -nostdlib -Wl,-soname,libcrypto.so.3 -Wl,--version-script,map -o f.so f.c; cc -nostdlib -o bin/ruby main.c f.so; rm -f map f.c main.c f.so\n";

fn check(types: &str, metadata: &str, stack: &str) -> Result<(), StackError> {
    let build = format!(
        "{COMPILE}printf '[types]\\n{types}\\n[metadata]\\n{metadata}\\n' > \"$1/ruby.toml\""
    );
    let host = Host::new().builds("a", &build);
    let build = host.build().unwrap();
    check_runtimes(&build, &host, &Stack::named(stack).unwrap(), MACHINE)
}

const RUNTIME: &str = "runtime.name=\"ruby\"\\nruntime.version=\"3.3.8\"";

#[test]
fn a_runtime_that_cannot_run_is_refused_by_name() {
    let error = check("launch=true", RUNTIME, "heroku-24").unwrap_err();
    insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @r"
    error[runtime-unfit]: ruby 3.3.8 cannot run on heroku-24

      Its files ask for more than heroku-24 offers:
      `bin/ruby` needs `OPENSSL_3.4.0` of `libcrypto.so.3`; the newest there is `OPENSSL_3.0.9`

      hint: It can run on heroku-26: build with `--stack heroku-26`.
      hint: Get the runtime from a source that builds it for heroku-24, or choose another version.
    ");
}

#[test]
fn a_runtime_that_can_run_and_layers_that_are_none_pass() {
    check("launch=true", RUNTIME, "heroku-26").unwrap();
    check("launch=true", "name=\"ruby\"", "heroku-24").unwrap();
    check("build=true", RUNTIME, "heroku-24").unwrap();
}
