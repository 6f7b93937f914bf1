//! Unpacks an archive and says how long it took: `cargo run --release --example unpack -- ARCHIVE DESTINATION`.

use slugbuilder_fetch::{Format, UnpackOptions, unpack};
use std::error::Error;
use std::path::Path;
use std::time::Instant;

#[expect(clippy::print_stdout, reason = "a program of its own")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (archive, destination) = arguments
        .next()
        .zip(arguments.next())
        .ok_or("which ARCHIVE, which DESTINATION?")?;
    let format = Format::of_name(&archive).ok_or("not the name of an archive")?;
    let start = Instant::now();
    let unpacked = unpack(
        fs_err::File::open(&archive)?,
        format,
        Path::new(&destination),
        &UnpackOptions::default(),
    )?;
    println!("{unpacked:?} in {:.2} s", start.elapsed().as_secs_f64());
    Ok(())
}
