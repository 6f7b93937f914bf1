//! What an ELF file asks of the system that loads it.
//!
//! Only what the dynamic loader itself looks at is read, through program headers: sections may be stripped or lie. Every
//! table is bounded and read in pieces, so that a hostile file costs neither memory nor time.

use super::Machine;
use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use object::elf;
use object::read::elf::{FileHeader as _, ProgramHeader as _};
use object::read::{ReadCache, ReadRef as _};
use object::{LittleEndian, Pod};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

type Data<'a> = &'a ReadCache<std::fs::File>;

/// The most entries that are read of any table; the largest known library has a few hundred.
const ENTRY_LIMIT: u64 = 16_384;
/// The longest name that is read, in bytes.
const NAME_LIMIT: u64 = 4096;

/// What kind of file it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Elf {
    /// Not for the loader: an object file, a core dump.
    Inert,
    /// For another machine or operating system.
    Foreign(String),
    /// For Linux on the machine that was asked about.
    Native(Native),
    /// It begins like an ELF file and makes no sense.
    Malformed(String),
}

/// What a program or library needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Native {
    /// The program that loads it; libraries and static programs have none.
    pub(super) interpreter: Option<String>,
    /// The sonames of the libraries that it is linked to.
    pub(super) needed: Vec<String>,
    /// Its own soname.
    pub(super) soname: Option<String>,
    /// Symbol versions that must be there: soname and version.
    pub(super) versions: Vec<(String, String)>,
}

/// Reads a regular file; nothing if it is no ELF file.
pub(super) fn read(path: &Path, machine: Machine) -> std::io::Result<Option<Elf>> {
    let mut file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK)
        .open(path)?;
    let mut start = Vec::with_capacity(20);
    file.by_ref().take(20).read_to_end(&mut start)?;
    if !start.starts_with(&elf::ELFMAG) {
        return Ok(None);
    }
    let Ok(start) = <[u8; 20]>::try_from(start) else {
        return Ok(Some(Elf::Malformed("it ends within its header".into())));
    };
    if let Some(elf) = foreign_or_inert(start, machine) {
        return Ok(Some(elf));
    }
    file.seek(SeekFrom::Start(0))?;
    let data = ReadCache::new(file.into_parts().0);
    Ok(Some(match read_native(&data) {
        Some(native) => Elf::Native(native),
        None => Elf::Malformed("its tables point outside of it or are too large".into()),
    }))
}

/// Decides by the first bytes, which are alike for every class and byte order.
fn foreign_or_inert(start: [u8; 20], machine: Machine) -> Option<Elf> {
    let [
        _,
        _,
        _,
        _,
        class,
        encoding,
        _,
        os_abi,
        ..,
        type_a,
        type_b,
        machine_a,
        machine_b,
    ] = start;
    let is_little = encoding == elf::ELFDATA2LSB.0;
    let number = |pair: [u8; 2]| {
        if is_little {
            u16::from_le_bytes(pair)
        } else {
            u16::from_be_bytes(pair)
        }
    };
    let kind = elf::FileType(number([type_a, type_b]));
    if kind != elf::ET_EXEC && kind != elf::ET_DYN {
        return Some(Elf::Inert);
    }
    let found = elf::Machine(number([machine_a, machine_b]));
    if found != machine.elf_number() || class != elf::ELFCLASS64.0 || !is_little {
        return Some(Elf::Foreign(format!("machine {}", machine_name(found))));
    }
    match elf::OsAbi(os_abi) {
        elf::ELFOSABI_NONE | elf::ELFOSABI_GNU => None,
        elf::ELFOSABI_FREEBSD => Some(Elf::Foreign("FreeBSD".into())),
        elf::OsAbi(other) => Some(Elf::Foreign(format!("operating system {other}"))),
    }
}

fn machine_name(machine: elf::Machine) -> String {
    match machine {
        elf::EM_X86_64 => "x86-64".into(),
        elf::EM_AARCH64 => "64-bit Arm".into(),
        elf::EM_386 => "32-bit x86".into(),
        elf::EM_ARM => "32-bit Arm".into(),
        elf::EM_RISCV => "RISC-V".into(),
        elf::EM_PPC64 => "64-bit PowerPC".into(),
        elf::EM_S390 => "S/390".into(),
        elf::Machine(other) => format!("number {other}"),
    }
}

fn read_native(data: Data<'_>) -> Option<Native> {
    let endian = LittleEndian;
    let header = elf::FileHeader64::<LittleEndian>::parse(data).ok()?;
    let programs = header.program_headers(endian, data).ok()?;
    let mut native = Native::default();
    for program in programs {
        if program.p_type(endian) == elf::PT_INTERP {
            let size = program.p_filesz(endian).min(NAME_LIMIT);
            let bytes = data.read_bytes_at(program.p_offset(endian), size).ok()?;
            let end = bytes
                .iter()
                .position(|byte| *byte == 0)
                .unwrap_or(bytes.len());
            native.interpreter = Some(String::from_utf8_lossy(bytes.get(..end)?).into_owned());
        }
    }
    let Some(dynamic) = programs
        .iter()
        .find(|program| program.p_type(endian) == elf::PT_DYNAMIC)
    else {
        return Some(native);
    };
    let offset_of = |address: u64| {
        programs.iter().find_map(|program| {
            let inside = address.checked_sub(program.p_vaddr(endian))?;
            (program.p_type(endian) == elf::PT_LOAD && inside < program.p_filesz(endian))
                .then(|| program.p_offset(endian).checked_add(inside))?
        })
    };
    let mut tables = Tables::default();
    let mut needed = Vec::new();
    let mut soname = None;
    let entry_size = size_of::<elf::Dyn64<LittleEndian>>() as u64;
    let count = (dynamic.p_filesz(endian) / entry_size).min(ENTRY_LIMIT);
    for index in 0..count {
        let entry: &elf::Dyn64<LittleEndian> =
            at(data, dynamic.p_offset(endian), index * entry_size)?;
        let value = entry.d_val.get(endian);
        match entry.d_tag.get(endian) {
            elf::DT_NULL => break,
            elf::DT_STRTAB => tables.strings = offset_of(value),
            elf::DT_VERNEED => tables.versions = offset_of(value),
            elf::DT_NEEDED => needed.push(value),
            elf::DT_SONAME => soname = Some(value),
            _ => {}
        }
    }
    for name in needed {
        native.needed.push(tables.name(data, name)?);
    }
    native.soname = match soname {
        Some(name) => Some(tables.name(data, name)?),
        None => None,
    };
    native.versions = tables.needed_versions(data)?;
    Some(native)
}

/// Offsets of the tables in the file.
#[derive(Default)]
struct Tables {
    strings: Option<u64>,
    versions: Option<u64>,
}

impl Tables {
    fn name(&self, data: Data<'_>, index: u64) -> Option<String> {
        let start = self.strings?.checked_add(index)?;
        let end = start.checked_add(NAME_LIMIT)?.min(data.len().ok()?);
        let bytes = data.read_bytes_at_until(start..end, 0).ok()?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    /// The versions without which the file is not loaded: weak ones are only wished for.
    fn needed_versions(&self, data: Data<'_>) -> Option<Vec<(String, String)>> {
        let endian = LittleEndian;
        let mut versions = Vec::new();
        let Some(mut library_at) = self.versions else {
            return Some(versions);
        };
        let mut budget = ENTRY_LIMIT;
        loop {
            budget = budget.checked_sub(1)?;
            let library: &elf::Verneed<LittleEndian> = at(data, library_at, 0)?;
            let soname = self.name(data, library.vn_file.get(endian).into())?;
            let mut version_at = library_at.checked_add(library.vn_aux.get(endian).into())?;
            for _ in 0..library.vn_cnt.get(endian) {
                budget = budget.checked_sub(1)?;
                let version: &elf::Vernaux<LittleEndian> = at(data, version_at, 0)?;
                if version.vna_flags.get(endian).0 & elf::VER_FLG_WEAK.0 == 0 {
                    versions.push((
                        soname.clone(),
                        self.name(data, version.vna_name.get(endian).into())?,
                    ));
                }
                match version.vna_next.get(endian) {
                    0 => break,
                    next => version_at = version_at.checked_add(next.into())?,
                }
            }
            match library.vn_next.get(endian) {
                0 => return Some(versions),
                next => library_at = library_at.checked_add(next.into())?,
            }
        }
    }
}

fn at<T: Pod>(data: Data<'_>, base: u64, offset: u64) -> Option<&T> {
    data.read_at(base.checked_add(offset)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_bytes(bytes: &[u8]) -> Option<Elf> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        read(&path, Machine::X86_64).unwrap()
    }

    fn header(class: u8, encoding: u8, os_abi: u8, kind: u8, machine: u8) -> Vec<u8> {
        let mut bytes = vec![
            0x7f, b'E', b'L', b'F', class, encoding, 1, os_abi, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        let pair = |value: u8| {
            if encoding == 1 {
                [value, 0]
            } else {
                [0, value]
            }
        };
        bytes.extend(pair(kind));
        bytes.extend(pair(machine));
        bytes.resize(64, 0);
        bytes
    }

    #[test]
    fn other_files_are_none() {
        assert_eq!(read_bytes(b""), None);
        assert_eq!(read_bytes(b"#!/bin/sh\n"), None);
    }

    #[test]
    fn foreign_files_are_told_by_their_header() {
        let foreign = |text: &str| Some(Elf::Foreign(text.into()));
        assert_eq!(
            read_bytes(&header(2, 1, 0, 3, 183)),
            foreign("machine 64-bit Arm")
        );
        assert_eq!(
            read_bytes(&header(1, 1, 0, 2, 3)),
            foreign("machine 32-bit x86")
        );
        assert_eq!(
            read_bytes(&header(2, 2, 0, 3, 22)),
            foreign("machine S/390")
        );
        assert_eq!(read_bytes(&header(2, 1, 9, 3, 62)), foreign("FreeBSD"));
        // x32 is x86-64 with 32-bit pointers.
        assert_eq!(
            read_bytes(&header(1, 1, 0, 3, 62)),
            foreign("machine x86-64")
        );
        assert_eq!(read_bytes(&header(2, 1, 0, 1, 62)), Some(Elf::Inert));
    }

    #[test]
    fn nonsense_is_malformed_and_cheap() {
        assert!(matches!(
            read_bytes(b"\x7fELF\x02"),
            Some(Elf::Malformed(_))
        ));
        // A program header table that would be at the end of the address space.
        let mut bytes = header(2, 1, 0, 3, 62);
        bytes[20] = 1;
        bytes[32..40].copy_from_slice(&u64::MAX.to_le_bytes());
        bytes[52] = 64;
        bytes[54] = 56;
        bytes[56] = 1;
        assert!(matches!(read_bytes(&bytes), Some(Elf::Malformed(_))));
    }

    #[test]
    fn every_truncation_and_bit_flip_ends() {
        let original = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let head: Vec<u8> = original.into_iter().take(4096).collect();
        for length in (0..head.len()).step_by(37) {
            read_bytes(&head[..length]);
        }
        for index in (0..1024).step_by(3) {
            let mut flipped = head.clone();
            flipped[index] ^= 0xff;
            read_bytes(&flipped);
        }
    }
}
