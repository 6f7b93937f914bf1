//! A mirror in the layout of nodejs.org, whose Node.js is a small program for the shell's perl.

use lzma_rust2::{XzOptions, XzWriter};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::Path;

/// The version that the mirror has.
pub(crate) const NODE: &str = "24.21.0";

/// `node FILE` answers HTTP requests on `PORT` with the content of `FILE`. Perl is what every machine has that has git;
/// like a program that sets no handler, it ends on SIGTERM.
const PROGRAM: &str = r#"#!/usr/bin/perl
use Socket;
open my $file, "<", $ARGV[0] or die "$ARGV[0]: $!";
my $body = join "", <$file>;
socket my $server, PF_INET, SOCK_STREAM, 0 or die $!;
setsockopt $server, SOL_SOCKET, SO_REUSEADDR, 1;
bind $server, sockaddr_in($ENV{PORT}, INADDR_LOOPBACK) or die $!;
listen $server, 5;
while (accept my $client, $server) {
  sysread $client, my $request, 4096;
  syswrite $client, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n$body";
  close $client;
}
"#;

/// Writes the mirror into the new folder `folder`.
pub(crate) fn write(folder: &Path) {
    write_version(folder, NODE);
}

/// Adds a version to the mirror in `folder`.
pub(crate) fn write_version(folder: &Path, version: &str) {
    let name = format!("node-v{version}-linux-x64");
    let archive = archive(&name);
    let release = folder.join(format!("v{version}"));
    fs::create_dir_all(&release).unwrap();
    let file = format!("{name}.tar.xz");
    let sum = hex::encode(Sha256::digest(&archive));
    fs::write(release.join(&file), archive).unwrap();
    fs::write(release.join("SHASUMS256.txt"), format!("{sum}  {file}\n")).unwrap();
}

/// What the npm in Node.js's archive says of itself.
const NPM: &str = r#"{"version":"11.6.2","bin":{"npm":"bin/npm-cli.js"}}"#;

/// Writes pnpm 9.99.0, which no catalogue knows, in the layout of a mirror of packages; it does not run.
pub(crate) fn write_pnpm(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let archive = gzipped(&[
        (
            "package/package.json",
            r#"{"version":"9.99.0","bin":{"pnpm":"bin/pnpm.cjs"}}"#,
        ),
        ("package/bin/pnpm.cjs", "no pnpm\n"),
    ]);
    let sum = hex::encode(Sha256::digest(&archive));
    fs::write(folder.join("pnpm-9.99.0.tgz"), archive).unwrap();
    fs::write(folder.join("pnpm-9.99.0.tgz.sha256"), sum).unwrap();
}

/// Writes `ruby-3.3.9` in the layout of Heroku's bucket, of which nothing runs.
pub(crate) fn write_ruby(folder: &Path) {
    let folder = folder.join("heroku-24/amd64");
    fs::create_dir_all(&folder).unwrap();
    let files = [("bin/ruby", "#!/bin/sh\necho no ruby\n")];
    fs::write(folder.join("ruby-3.3.9.tgz"), gzipped(&files)).unwrap();
}

/// Writes Go 1.27.4 in the layout of go.dev, which builds programs that do nothing.
pub(crate) fn write_go(folder: &Path) {
    const GO: &str = "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done\nmkdir -p \"$(dirname \"$2\")\"\n\
        printf '#!/bin/sh\\n' > \"$2\"\nchmod 755 \"$2\"\n";
    fs::create_dir_all(folder).unwrap();
    let archive = gzipped(&[("go/bin/go", GO)]);
    let sum = hex::encode(Sha256::digest(&archive));
    let name = "go1.27.4.linux-amd64.tar.gz";
    fs::write(folder.join(name), archive).unwrap();
    fs::write(folder.join(format!("{name}.sha256")), sum).unwrap();
}

fn gzipped(programs: &[(&str, &str)]) -> Vec<u8> {
    let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(encoder);
    for (path, content) in programs {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o755);
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, path, content.as_bytes())
            .unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

fn archive(name: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, mode, content) in [
        ("bin/node", 0o755, PROGRAM),
        ("LICENSE", 0o644, "a licence\n"),
        ("include/node/node.h", 0o644, "not for running\n"),
        ("lib/node_modules/npm/package.json", 0o644, NPM),
        ("lib/node_modules/npm/bin/npm-cli.js", 0o755, "no npm\n"),
        ("share/doc/node/gdbinit", 0o644, "not for running\n"),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        header.set_mtime(1_700_000_000);
        tar.append_data(&mut header, format!("{name}/{path}"), content.as_bytes())
            .unwrap();
    }
    let mut xz = XzWriter::new(Vec::new(), XzOptions::with_preset(1)).unwrap();
    std::io::Write::write_all(&mut xz, &tar.into_inner().unwrap()).unwrap();
    xz.finish().unwrap()
}
