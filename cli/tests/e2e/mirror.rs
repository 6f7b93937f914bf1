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
    let name = format!("node-v{NODE}-linux-x64");
    let archive = archive(&name);
    let release = folder.join(format!("v{NODE}"));
    fs::create_dir_all(&release).unwrap();
    let file = format!("{name}.tar.xz");
    let sum = hex::encode(Sha256::digest(&archive));
    fs::write(release.join(&file), archive).unwrap();
    fs::write(release.join("SHASUMS256.txt"), format!("{sum}  {file}\n")).unwrap();
}

fn archive(name: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, mode, content) in [
        ("bin/node", 0o755, PROGRAM),
        ("LICENSE", 0o644, "a licence\n"),
        ("include/node/node.h", 0o644, "not for running\n"),
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
